#pragma once
// What the proxy saw of one exchange, as plain fixed-size values: no heap, no
// ownership. The recorder (proxy/server) fills it; Diagnose() reads it. Every
// string_view must stay valid until Diagnose() returns; a Verdict keeps none.
// A fact that was not seen is absent (nullopt, or the value that says so in
// its comment): an absent fact never narrows a verdict.

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "diagnostics/fault.h"
#include "diagnostics/hop.h"
#include "diagnostics/testimony_facts.h"
#include "diagnostics/tls_facts.h"
#include "diagnostics/writer_facts.h"

namespace whichhop::diagnostics {

using Micros = std::chrono::microseconds;
using Seconds = std::chrono::seconds;

// How the exchange came to its error.
enum class Kind : uint8_t {
  kRelayed,   // the upstream's own well-formed error: `status`
  kDecision,  // a fault of the client's side, or our own decision: `fault`
  kRespond,   // the route says `respond: status`
  kAttempt,   // an upstream attempt failed: classified from `attempt`
};

// Who writes a header field, as far as its name tells.
enum class FieldWriter : uint8_t {
  kUnknown,
  kClient,   // Cookie, Referer, Authorization, User-Agent
  kMiddles,  // appended by hops: Via, Forwarded, X-Forwarded-*, CF-*
};
// Knows the field names that are written by one kind of hop alone.
FieldWriter WriterOf(std::string_view field_name);

// The client's side of the exchange.
struct RequestFacts {
  std::string_view rule;           // which rule a malformed request broke
  std::optional<uint64_t> offset;  // of the byte that broke it
  uint64_t head_bytes = 0;         // received of the head
  uint64_t head_limit = 0;         // 0: no limit was hit
  std::string_view biggest_field;  // name of the head's largest field
  uint64_t biggest_field_bytes = 0;
  uint64_t body_received = 0;
  std::optional<uint64_t> body_expected;       // by Content-Length
  std::optional<uint32_t> client_retransmits;  // total on its connection
  std::optional<uint32_t> client_probes;  // keep-alive probes in a row without
                                          // an answer
  std::optional<bool> client_window_closed;  // it does not read (snd_wnd 0)
  Micros elapsed{0};                  // from the first byte until the fault
  bool by_trusted_proxy = false;      // whose connection it is
  std::optional<ClientTlsFacts> tls;  // absent: the client spoke none
};

enum class AttemptPhase : uint8_t {
  kResolve,  // the upstream's name
  kConnect,  // until the handshake of TCP is complete
  kTls,      // until the handshake of TLS is complete
  kRequest,  // request bytes are left to write
  kWait,     // the request is written whole; no byte of the final head
  kHead,     // some bytes of the final head
  kBody,     // the head is complete
};

enum class AttemptEnd : uint8_t {
  kFin,        // the upstream ended the connection in order, as TCP sees it:
               // whether TLS was closed first, `tls` says
  kReset,      // ECONNRESET or EPIPE on an established connection
  kErrno,      // any other errno: `error`, `synchronous`
  kTimeout,    // a timer of ours for this phase
  kDeadline,   // our timer for the whole exchange, though bytes flow
  kMalformed,  // bytes came that break a rule: `malformed`
  kDns,        // the resolver's answer: `dns`
  kTls,        // TLS broke, not the connection under it: `tls`
};

enum class DnsAnswer : uint8_t {
  kNone,
  kNxdomain,
  kNodata,
  kServfail,
  kRefused,
  kNotimp,   // the resolver does not answer such questions
  kFormerr,  // the resolver does not understand them
  kTimeout,
  kTcpFailed,  // truncated over UDP, and no TCP
  kPrivate,    // an address that may not be used
};

// What a codec found wrong with an answer.
enum class Malformed : uint8_t {
  kNone,
  kNotHttp,        // no status line: another protocol
  kHttp09,         // body-like bytes, then the end
  kBadVersion,     // HTTP/2.0 in an HTTP/1 status line
  kBadStatus,      // not three digits, or outside 100-599
  kBadField,       // no colon, bad name, NUL in a value
  kClInvalid,      // Content-Length not a number, or several
  kClTe,           // Content-Length beside Transfer-Encoding
  kTeUnsupported,  // a coding other than chunked
  kUnsolicited101,
  kUnsolicitedPartial,  // 206 or 304 that was not asked for
  kBeforeRequest,       // bytes before the first byte of the request
  kHeadTooLarge,
  kFieldTooLarge,
  kInterimFlood,  // more 1xx than allowed
  kChunk,         // size line, or CRLF after a chunk
  kBodyTooLarge,
  kTrailers,
};

enum class BodyFraming : uint8_t { kLength, kChunked, kClose };

// TCP_INFO of the upstream connection when the attempt ended, before close().
struct TcpFacts {
  uint32_t unacked = 0;  // segments without an ACK
  uint32_t sacked = 0;   // of them came, behind one that did not (tcpi_sacked)
  uint32_t retransmits = 0;         // of the oldest of them (tcpi_retransmits)
  uint32_t total_retrans = 0;       // over the connection
  std::optional<uint32_t> snd_wnd;  // peer's receive window, bytes
  std::optional<Micros> last_ack;   // since the last ACK came (last_ack_recv)
  std::optional<Micros> rtt;
  std::optional<Micros> min_rtt;
  uint32_t rcv_ooopack = 0;  // segments that came behind a hole that stays
  uint32_t probes = 0;       // keep-alive probes in a row without an answer
};

// Whose address an ICMP error came from.
enum class Offender : uint8_t {
  kStranger,   // a router that `topology` does not name
  kTarget,     // the address that we tried to reach
  kOurselves,  // an address of this host
  kHop,        // a hop by `topology`: `hop`
};

// An entry of the socket's error queue (MSG_ERRQUEUE).
struct IcmpFacts {
  uint8_t type = 3;
  uint8_t code = 0;
  bool v6 = false;
  Offender offender = Offender::kStranger;
  Hop hop = Hop::kTor;       // only with Offender::kHop
  std::string_view address;  // the offender's, as text
};

// What else is known of the neighbourhood. Absent: nothing is known. Ages are
// counted back from the end of the attempt.
struct SiblingFacts {
  std::optional<Seconds> same_address;  // this address answered another request
  std::optional<Seconds> same_rack;     // a server of the same rack answered
  std::optional<Seconds> other_rack;    // a server of another rack answered
  uint32_t flows_acking = 0;  // other connections to this address ACK now
  uint32_t flows_silent = 0;  // or let keep-alive probes pass, two or more
  // Answers of it broke off just now and before, and one came whole in between.
  bool answered_between = false;
  // Its kernel ended a connection in order (FIN) that nobody here wanted ended.
  std::optional<Seconds> far_end_closed;
  // One that stood idle was reset when it was used, and no port of the host
  // has answered since.
  std::optional<Seconds> forgotten;
  bool host_refuses = false;  // another of its ports that answered refuses too
  // Others had asked for this address, in vain, when the attempt began, or wait
  // for it still.
  bool unheard_before = false;
  uint32_t rack_servers = 0;  // in this server's rack
  uint32_t rack_silent = 0;   // of them silent in the last seconds
  // A router told another attempt of the last seconds that there is no way on;
  // perhaps only that who comes behind it does not answer.
  std::optional<Hop> told_by;
  Seconds told_age{0};
  bool told_no_neighbour = false;
  std::optional<Hop> walk_last;  // path walk: the last hop that answered
  Seconds walk_age{0};
  bool walk_refused = false;       // it said that its own way on is dead
  bool walk_no_neighbour = false;  // or that who comes behind it is not there
  // The sender of this attempt's own ICMP error let a packet of it pass.
  bool walk_passed_sender = false;
  // Who comes next, as another walk shows, and did not answer this one.
  std::optional<Hop> walk_mute;
};

// Our own decisions, and faults of routing, policy and capacity.
struct DecisionFacts {
  uint16_t status = 0;      // overrides the table's (auth: 401 or 403); 0: no
  std::string_view detail;  // "no route for Host x.example"; for operators
  uint32_t servers = 0;     // of the upstream
  uint32_t ejected = 0;     // of them
  bool by_address = false;  // loop-detected: no server has a name to look up
  // backend-all-down: what the last probe was, with its facts; none if it was
  // answered by a status.
  std::optional<Fault> last_probe;
  std::optional<Micros> probe_connect;   // how long its connect took
  std::optional<Micros> probe_peer_rtt;  // least RTT known of that server
  bool probe_got_through = false;  // its request was acknowledged or answered
  std::optional<IcmpFacts> probe_icmp;  // that failed its connect
  SiblingFacts probe_siblings;          // what others saw of its address
  // backend-conn-limit, -queue-timeout: the requests in flight.
  uint32_t in_flight = 0;
  uint32_t limit = 0;
  Micros oldest_in_flight{0};
  bool in_flight_acked = false;     // all of them ACKed, none answered yet
  bool in_flight_answered = false;  // the answers of all have begun
};

// One attempt to get an answer from an upstream.
struct AttemptFacts {
  AttemptPhase phase = AttemptPhase::kConnect;
  AttemptEnd end = AttemptEnd::kTimeout;
  int error = 0;             // errno of kErrno; 0: none
  bool synchronous = false;  // connect() itself returned it
  Malformed malformed = Malformed::kNone;
  DnsAnswer dns = DnsAnswer::kNone;
  std::optional<uint16_t> dns_extended;    // INFO-CODE of RFC 8914
  std::optional<Seconds> resolved_before;  // when this name last had an address
  // The name leads here for so long, nobody has answered here since, and
  // somebody did at an address that it led to before.
  std::optional<Seconds> moved;
  std::string_view rule;        // which rule a malformed answer broke
  std::string_view rule_value;  // offending token: coding, field name
  uint64_t rule_bytes = 0;      // size that was over a limit
  std::string_view address;     // of the upstream: "10.0.0.5:8000"
  bool unix_socket = false;
  bool by_address = false;  // configured so: nothing was looked up
  // The Server field of most good answers from there lately; empty: it is not
  // known, or they have none.
  std::string_view usual_server;

  Micros connect{0};    // from connect() to established, or to the end
  Micros waited{0};     // since the last request byte was written; in kTls
                        // since the ClientHello was
  Micros quiet{0};      // since the last byte came; from connect if none came
  Micros limit{0};      // of the timer that fired
  bool reused = false;  // the connection came from the pool
  Micros idle{0};       // how long it lay there
  uint32_t served = 0;  // exchanges that it served before this one

  // In kTls both are those of the handshake. Later what was sent is counted as
  // it is on the wire, what was received as it was inside its records.
  uint64_t sent = 0;               // request bytes handed to the kernel
  uint64_t received = 0;           // response bytes, interim ones too
  std::optional<uint64_t> acked;   // request bytes ACKed, without the SYN
  std::optional<uint64_t> unsent;  // SIOCOUTQ: bytes not ACKed yet
  std::optional<TcpFacts> tcp;
  std::optional<IcmpFacts> icmp;
  std::optional<bool> on_link;  // the address is on a network of ours; if not,
                                // the next hop is a router
  int route_error = 0;  // errno by which our own kernel refused a route there
                        // when it was asked after a silence; 0: it did not
  std::optional<Micros> peer_min_rtt;  // of earlier connections to the address
  uint32_t syns = 0;                   // sent; 0: not known
  uint32_t interim = 0;                // 1xx responses received
  uint64_t head_bytes = 0;             // of the final head, as far as it came
  uint16_t status = 0;          // of a status line that was parsed; 0: none
  bool head_forwarded = false;  // the client has the head: the status is spent
  BodyFraming framing = BodyFraming::kLength;
  uint64_t body_received = 0;
  std::optional<uint64_t> body_expected;
  std::array<char, 64> first_bytes{};  // of the answer; in kTls of what came
                                       // instead of TLS
  uint8_t first_bytes_size = 0;
  std::optional<TlsFacts> tls;  // absent: the connection speaks none
  SiblingFacts siblings;
};

struct Observation {
  Position position = Position::kLb;
  Statuses statuses = Statuses::kGateway;
  Answers is = Answers::kUnset;
  bool believe = false;  // what the upstream says of blame

  Kind kind = Kind::kRelayed;
  uint16_t status = 0;          // kRelayed: received; kRespond: configured
  Fault fault = Fault::kRelay;  // kDecision alone
  std::string_view address;     // of the upstream that relayed, as text
  std::string_view protocol;    // spoken with the upstream, as an ALPN id:
                                // "http/1.1"; empty: none yet, or not known
  RequestFacts request;
  DecisionFacts decision;
  WriterFacts writer;    // kRelayed
  AttemptFacts attempt;  // kRelayed: of its connection, `tls` alone
  std::optional<TestimonyFacts> testimony;  // kRelayed; absent: it says nothing
};

}  // namespace whichhop::diagnostics
