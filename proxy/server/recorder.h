#pragma once
// The Recorder stands beside an exchange and writes down what happened, as
// fixed-size facts: a few stores on success. When the exchange comes to an
// error, it turns them into an Observation and asks for the verdict. It is the
// only one that speaks both of sockets and of diagnosis.

#include <array>
#include <optional>
#include <string>

#include "diagnostics/diagnose.h"
#include "proxy/http/request_parser.h"
#include "proxy/http/response_parser.h"
#include "proxy/net/socket.h"
#include "proxy/server/body.h"
#include "proxy/server/config.h"
#include "proxy/server/tls_neighbours.h"
#include "proxy/upstream/upstream.h"

namespace whichhop {

// One try to get an answer from one server.
struct AttemptRecord {
  const Endpoint* endpoint = nullptr;
  std::optional<Address> address;  // of a server that is known by name
  Time begun = kNoTime;
  Time resolved = kNoTime;    // if its name had to be waited for
  Time connected = kNoTime;   // kNoTime on a reused connection
  Time secured = kNoTime;     // the handshake of TLS; so too
  Time written = kNoTime;     // the whole request was handed to the kernel
  Time first_byte = kNoTime;  // of the answer
  Time last_byte = kNoTime;   // of the answer
  Time ended = kNoTime;
  bool reused = false;
  uint64_t sent = 0;      // bytes handed to the kernel
  uint64_t received = 0;  // bytes of the answer
  uint32_t interim = 0;   // 1xx heads
  uint16_t status = 0;    // of a final status line
  std::optional<diagnostics::Fault> fault;
  bool tls = false;  // under TLS: `agreed` is its
  TlsAgreement agreed;
  int verify_code = 0;      // of its certificate: it failed, or would have
  uint64_t raw_before = 0;  // bytes of TLS that were sent before the request's

  Time connect_begun() const { return resolved == kNoTime ? begun : resolved; }
  // From when on nothing came, if it ends now.
  Time silent_since() const;
  // Where it went, or would have gone: "10.0.0.5:8000", "app.internal:8000".
  std::string AddressText() const {
    return address ? address->ToString() : endpoint->text();
  }
};

// How an attempt failed, as the socket and the codecs said it.
struct AttemptFailure {
  diagnostics::AttemptPhase phase = diagnostics::AttemptPhase::kConnect;
  diagnostics::AttemptEnd end = diagnostics::AttemptEnd::kTimeout;
  int error = 0;             // errno, for kErrno and kReset
  bool synchronous = false;  // connect() itself said so
  Duration limit{};          // of the timer that fired
  diagnostics::DnsAnswer dns = diagnostics::DnsAnswer::kNone;  // for kDns
  std::optional<uint16_t> dns_extended;                        // for kDns
  diagnostics::Malformed malformed = diagnostics::Malformed::kNone;
  std::string_view rule;         // the sentence of the rule that was broken
  uint64_t rule_bytes = 0;       // a size that was over its limit
  std::string_view first_bytes;  // of the answer
  uint64_t head_bytes = 0;       // of a final head that is not complete
  bool head_forwarded = false;   // the client has the head already
  diagnostics::SiblingFacts siblings{};  // what others saw of the address
  const BodyReader* body = nullptr;      // while the body was being relayed
};

diagnostics::DnsAnswer AnswerOf(DnsOutcome outcome);

// Of the errno of a connection that stood.
diagnostics::AttemptEnd EndOf(int error);

// Nothing left this host: no server had a part in it.
bool IsOurs(diagnostics::Fault fault);

class Recorder {
 public:
  // `neighbours`: of the worker; they outlive it.
  Recorder(const Config& config, TlsNeighbours& neighbours)
      : config_(config), neighbours_(neighbours) {}

  void Begin(Time now);
  void TakeRoute(const RouteConfig* route);
  const RouteConfig* route() const { return route_; }
  Time begun() const { return begun_; }

  void BeginAttempt(const Endpoint& endpoint, Time now);
  // The attempt was not made after all.
  void ForgetAttempt() { --attempt_count_; }
  // The connection of the attempt, under TLS, is ready for its request.
  void NoteTls(const TlsLayer& tls);
  // Its handshake was completed just now.
  void NoteHandshake(const TlsLayer& tls, Time now);
  // The head of its answer is here: Date tells of clocks.
  void NoteDate(std::string_view date, Time now);
  // Requires: an attempt was begun.
  AttemptRecord& attempt() { return attempts_[attempt_count_ - 1]; }
  const AttemptRecord& attempt() const { return attempts_[attempt_count_ - 1]; }
  std::span<const AttemptRecord> attempts() const {
    return {attempts_.data(), attempt_count_};
  }
  bool tried() const { return attempt_count_ > 0; }
  bool failed() const { return unusual_ && failed_; }  // the last attempt

  // Classifies a failed attempt and notes its fault. `connection`: still open,
  // so that the kernel can be asked; null if there never was one.
  diagnostics::Fault Fail(const AttemptFailure& failure,
                          UpstreamConnection* connection, Time now);

  // The verdicts. Each is final for the exchange and kept.
  const diagnostics::Verdict& JudgeAttempt();  // the last one failed
  // `writer`: what its page tells; not kept. `testimony`: what the upstream
  // says of blame; null: nothing.
  const diagnostics::Verdict& JudgeRelayed(
      uint16_t status, const diagnostics::WriterFacts& writer,
      const diagnostics::TestimonyFacts* testimony);
  const diagnostics::Verdict& JudgeRespond(uint16_t status);
  const diagnostics::Verdict& JudgeDecision(
      diagnostics::Fault fault, const diagnostics::RequestFacts& request,
      std::string_view detail);

  // What is sent is `claimed`. Returns what the public is told of it.
  // Requires: a verdict; its status is masked, or is what masks another.
  std::unique_ptr<const diagnostics::Verdict> Mask(uint16_t claimed);

  // Of the failed attempt; until the next one.
  const diagnostics::AttemptFacts& facts() const { return *failed_; }

  // Of the failed attempt, for whoever knows more of its neighbours.
  diagnostics::SiblingFacts& siblings() { return failed_->siblings; }

  // Who sent the ICMP error of the failed attempt. Requires: facts().icmp.
  const Address& offender() const { return offender_; }

  // How the TLS of the failed attempt failed; null: it had none.
  const TlsFacts* tls() const { return tls_.get(); }

  // No server could be asked. `unix_sockets`: the way to all is such.
  const diagnostics::Verdict& JudgeCapacity(
      diagnostics::Fault fault, const diagnostics::DecisionFacts& facts,
      bool unix_sockets);

  // Of a relayed error: whose page it is, kNone where none is named, and what
  // is remarkable in it. Requires: verdict().
  diagnostics::Generator generator() const { return generator_; }
  std::string_view remarks() const { return remarks_.view(); }

  const diagnostics::Verdict* verdict() const {
    return unusual_ && verdict_ ? &*verdict_ : nullptr;
  }

 private:
  // A route has at most this many retries (checked with the configuration).
  static constexpr size_t kMaxAttempts = 13;

  void AddTls(const UpstreamConnection& connection,
              diagnostics::AttemptFacts* facts);
  void AddIcmp(UpstreamConnection& connection,
               diagnostics::AttemptFacts* facts);
  diagnostics::Observation Frame();
  void AddName(const AttemptRecord& record, diagnostics::AttemptFacts* facts);
  const diagnostics::Verdict& Judge(const diagnostics::Observation& seen);

  TlsNeighbours::Server NeighbourOf(const AttemptRecord& record) const;

  const Config& config_;
  TlsNeighbours& neighbours_;
  const RouteConfig* route_ = nullptr;
  Time begun_ = kNoTime;
  size_t attempt_count_ = 0;
  // Facts or a verdict were written. Else nobody looks at these: they are
  // large, and their memory is not in the processor's caches.
  bool unusual_ = false;
  std::array<AttemptRecord, kMaxAttempts> attempts_;
  std::optional<diagnostics::AttemptFacts> failed_;  // facts of the last one
  std::string address_text_;  // of the last attempt; observations refer to it
  Address offender_;
  std::string offender_text_;            // failed_ refers to it
  std::string usual_server_;             // and to it
  std::unique_ptr<const TlsFacts> tls_;  // of the failed attempt; so too
  std::optional<diagnostics::Verdict> verdict_;
  diagnostics::Generator generator_ = diagnostics::Generator::kNone;
  diagnostics::FixedText<64> remarks_;
};

}  // namespace whichhop
