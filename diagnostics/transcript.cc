#include "diagnostics/transcript.h"

#include <algorithm>
#include <bitset>
#include <utility>

#include "diagnostics/transcript_values.h"

namespace whichhop::diagnostics {
namespace {

using transcript::Group;
using transcript::Read;
using transcript::ReadText;
using transcript::Reason;
using transcript::Texts;
using transcript::Write;

// --- The way to a field: members of members; an optional group is entered.

template <typename Facts>
const Facts* Enter(const Facts& facts) {
  return &facts;
}
template <typename Facts>
const Facts* Enter(const std::optional<Facts>& facts) {
  return facts.has_value() ? &*facts : nullptr;
}
template <typename Facts>
Facts& EnterOrMake(Facts& facts) {
  return facts;
}
template <typename Facts>
Facts& EnterOrMake(std::optional<Facts>& facts) {
  return facts.has_value() ? *facts : facts.emplace();
}

template <typename Value>
bool Differs(const Value& value, const Value& from) {
  return value != from;
}
template <Group Facts>
bool Differs(const std::optional<Facts>& group, const std::optional<Facts>&) {
  return group.has_value();
}

// Whether there is more to say of the field than a new value of its struct.
template <auto member, auto... rest, typename Facts>
bool IsTold(const Facts& facts) {
  if constexpr (sizeof...(rest) == 0) {
    return Differs(facts.*member, Facts().*member);
  } else {
    const auto* const inner = Enter(facts.*member);
    return inner != nullptr && IsTold<rest...>(*inner);
  }
}

// Requires: every group on the way was seen.
template <auto member, auto... rest, typename Facts>
void WriteField(const Facts& facts, std::string& out) {
  if constexpr (sizeof...(rest) == 0) {
    Write(facts.*member, out);
  } else {
    WriteField<rest...>(*Enter(facts.*member), out);
  }
}

template <auto member, auto... rest, typename Facts>
Reason ReadField(std::string_view text, Facts& facts, Texts& texts) {
  if constexpr (sizeof...(rest) == 0) {
    return Read(text, facts.*member, texts);
  } else {
    return ReadField<rest...>(text, EnterOrMake(facts.*member), texts);
  }
}

// --- The table.

// When a line is written though it says what a new Observation says.
enum class Always : uint8_t {
  kNo,
  kYes,
  kForAttempt,  // where the observation is one of an attempt
};

struct Line {
  std::string_view key;
  bool (*is_told)(const Observation&);
  void (*write)(const Observation&, std::string&);
  Reason (*read)(std::string_view, Observation&, Texts&);
  Always always;
};

template <auto... path>
constexpr Line Fact(std::string_view key) {
  return {key, IsTold<path...>, WriteField<path...>, ReadField<path...>,
          Always::kNo};
}

constexpr Line Written(Always always, Line line) {
  line.always = always;
  return line;
}

std::string_view FirstBytes(const Observation& seen) {
  return {seen.attempt.first_bytes.data(), seen.attempt.first_bytes_size};
}

bool HasFirstBytes(const Observation& seen) {
  return !FirstBytes(seen).empty();
}

void WriteFirstBytes(const Observation& seen, std::string& out) {
  Write(FirstBytes(seen), out);
}

Reason ReadFirstBytes(std::string_view text, Observation& seen, Texts&) {
  std::string bytes;
  AttemptFacts& a = seen.attempt;
  const Reason reason = ReadText(text, bytes);
  if (!reason.empty()) return reason;
  if (bytes.size() > a.first_bytes.size()) return "longer than 64 bytes";
  std::ranges::copy(bytes, a.first_bytes.begin());
  a.first_bytes_size = static_cast<uint8_t>(bytes.size());
  return "";
}

#define OF(name) Fact<&Observation::name>(#name)
#define REQUEST(name) \
  Fact<&Observation::request, &RequestFacts::name>("request." #name)
#define DECISION(name) \
  Fact<&Observation::decision, &DecisionFacts::name>("decision." #name)
#define WRITER(name) \
  Fact<&Observation::writer, &WriterFacts::name>("writer." #name)
#define ATTEMPT(name) \
  Fact<&Observation::attempt, &AttemptFacts::name>("attempt." #name)
#define TCP(name)                                                   \
  Fact<&Observation::attempt, &AttemptFacts::tcp, &TcpFacts::name>( \
      "attempt.tcp." #name)
#define ICMP(name)                                                    \
  Fact<&Observation::attempt, &AttemptFacts::icmp, &IcmpFacts::name>( \
      "attempt.icmp." #name)
#define CLIENT_TLS(name)                                                  \
  Fact<&Observation::request, &RequestFacts::tls, &ClientTlsFacts::name>( \
      "request.tls." #name)
#define CLIENT_CERTIFICATE(name)                               \
  Fact<&Observation::request, &RequestFacts::tls,              \
       &ClientTlsFacts::certificate, &CertificateFacts::name>( \
      "request.tls.certificate." #name)
#define TLS(name)                                                   \
  Fact<&Observation::attempt, &AttemptFacts::tls, &TlsFacts::name>( \
      "attempt.tls." #name)
#define CERTIFICATE(name)                                                 \
  Fact<&Observation::attempt, &AttemptFacts::tls, &TlsFacts::certificate, \
       &CertificateFacts::name>("attempt.tls.certificate." #name)
#define CLOCK(name)                                                 \
  Fact<&Observation::attempt, &AttemptFacts::tls, &TlsFacts::clock, \
       &ClockFacts::name>("attempt.tls.clock." #name)
#define SIBLINGS(name)                                                       \
  Fact<&Observation::attempt, &AttemptFacts::siblings, &SiblingFacts::name>( \
      "attempt.siblings." #name)
#define PROBE_ICMP(name)                                                      \
  Fact<&Observation::decision, &DecisionFacts::probe_icmp, &IcmpFacts::name>( \
      "decision.probe_icmp." #name)
#define PROBE_SIBLINGS(name)                                   \
  Fact<&Observation::decision, &DecisionFacts::probe_siblings, \
       &SiblingFacts::name>("decision.probe_siblings." #name)
#define TESTIMONY(name) \
  Fact<&Observation::testimony, &TestimonyFacts::name>("testimony." #name)

// A fact is one line here, in the order of observation.h. People's bug reports
// and the corpus depend on the keys: rename none.
constexpr Line kLines[] = {
    Written(Always::kYes, OF(position)),
    OF(statuses),
    OF(is),
    OF(believe),
    Written(Always::kYes, OF(kind)),
    OF(status),
    OF(fault),
    OF(address),
    OF(protocol),
    REQUEST(rule),
    REQUEST(offset),
    REQUEST(head_bytes),
    REQUEST(head_limit),
    REQUEST(biggest_field),
    REQUEST(biggest_field_bytes),
    REQUEST(body_received),
    REQUEST(body_expected),
    REQUEST(client_retransmits),
    REQUEST(client_probes),
    REQUEST(client_window_closed),
    REQUEST(elapsed),
    REQUEST(by_trusted_proxy),
    REQUEST(tls),
    CLIENT_TLS(complete),
    CLIENT_TLS(failure),
    CLIENT_TLS(reason),
    CLIENT_TLS(end),
    CLIENT_TLS(alert_received),
    CLIENT_TLS(alert_sent),
    CLIENT_TLS(max_version),
    CLIENT_TLS(min_version),
    CLIENT_TLS(ciphers),
    CLIENT_TLS(sni),
    CLIENT_TLS(host),
    CLIENT_TLS(verify_code),
    CLIENT_TLS(verify_depth),
    CLIENT_CERTIFICATE(chain),
    CLIENT_CERTIFICATE(subject),
    CLIENT_CERTIFICATE(issuer),
    CLIENT_CERTIFICATE(self_issued),
    CLIENT_CERTIFICATE(issuer_url),
    CLIENT_CERTIFICATE(not_before),
    CLIENT_CERTIFICATE(not_after),
    CLIENT_CERTIFICATE(names),
    CLIENT_CERTIFICATE(new_key),
    CLIENT_CERTIFICATE(usual_issuer),
    CLIENT_TLS(first_bytes),
    CLIENT_TLS(received),
    CLIENT_TLS(own_not_after),
    CLIENT_TLS(now),
    DECISION(status),
    DECISION(detail),
    DECISION(servers),
    DECISION(ejected),
    DECISION(by_address),
    DECISION(last_probe),
    DECISION(probe_connect),
    DECISION(probe_peer_rtt),
    DECISION(probe_got_through),
    DECISION(probe_icmp),
    PROBE_ICMP(type),
    PROBE_ICMP(code),
    PROBE_ICMP(v6),
    PROBE_ICMP(offender),
    PROBE_ICMP(hop),
    PROBE_ICMP(address),
    PROBE_SIBLINGS(same_address),
    PROBE_SIBLINGS(same_rack),
    PROBE_SIBLINGS(other_rack),
    PROBE_SIBLINGS(flows_acking),
    PROBE_SIBLINGS(flows_silent),
    PROBE_SIBLINGS(answered_between),
    PROBE_SIBLINGS(far_end_closed),
    PROBE_SIBLINGS(forgotten),
    PROBE_SIBLINGS(host_refuses),
    PROBE_SIBLINGS(unheard_before),
    PROBE_SIBLINGS(rack_servers),
    PROBE_SIBLINGS(rack_silent),
    PROBE_SIBLINGS(told_by),
    PROBE_SIBLINGS(told_age),
    PROBE_SIBLINGS(told_no_neighbour),
    PROBE_SIBLINGS(walk_last),
    PROBE_SIBLINGS(walk_age),
    PROBE_SIBLINGS(walk_refused),
    PROBE_SIBLINGS(walk_no_neighbour),
    PROBE_SIBLINGS(walk_passed_sender),
    PROBE_SIBLINGS(walk_mute),
    DECISION(in_flight),
    DECISION(limit),
    DECISION(oldest_in_flight),
    DECISION(in_flight_acked),
    DECISION(in_flight_answered),
    WRITER(generator),
    WRITER(score),
    WRITER(sub_cause),
    WRITER(relayed),
    WRITER(usual),
    WRITER(no_challenge),
    WRITER(realm),
    WRITER(varies_by_user),
    WRITER(unlike_sibling),
    WRITER(answered_before),
    WRITER(portal),
    Written(Always::kForAttempt, ATTEMPT(phase)),
    Written(Always::kForAttempt, ATTEMPT(end)),
    ATTEMPT(error),
    ATTEMPT(synchronous),
    ATTEMPT(malformed),
    ATTEMPT(dns),
    ATTEMPT(dns_extended),
    ATTEMPT(resolved_before),
    ATTEMPT(moved),
    ATTEMPT(rule),
    ATTEMPT(rule_value),
    ATTEMPT(rule_bytes),
    ATTEMPT(address),
    ATTEMPT(unix_socket),
    ATTEMPT(by_address),
    ATTEMPT(usual_server),
    ATTEMPT(connect),
    ATTEMPT(waited),
    ATTEMPT(quiet),
    ATTEMPT(limit),
    ATTEMPT(reused),
    ATTEMPT(idle),
    ATTEMPT(served),
    ATTEMPT(sent),
    ATTEMPT(received),
    ATTEMPT(acked),
    ATTEMPT(unsent),
    ATTEMPT(tcp),
    TCP(unacked),
    TCP(sacked),
    TCP(retransmits),
    TCP(total_retrans),
    TCP(snd_wnd),
    TCP(last_ack),
    TCP(rtt),
    TCP(min_rtt),
    TCP(rcv_ooopack),
    TCP(probes),
    ATTEMPT(icmp),
    ICMP(type),
    ICMP(code),
    ICMP(v6),
    ICMP(offender),
    ICMP(hop),
    ICMP(address),
    ATTEMPT(on_link),
    ATTEMPT(route_error),
    ATTEMPT(peer_min_rtt),
    ATTEMPT(syns),
    ATTEMPT(interim),
    ATTEMPT(head_bytes),
    ATTEMPT(status),
    ATTEMPT(head_forwarded),
    ATTEMPT(framing),
    ATTEMPT(body_received),
    ATTEMPT(body_expected),
    {"attempt.first_bytes", HasFirstBytes, WriteFirstBytes, ReadFirstBytes,
     Always::kNo},
    ATTEMPT(tls),
    TLS(complete),
    TLS(failure),
    TLS(reason),
    TLS(alert_received),
    TLS(alert_sent),
    TLS(version),
    TLS(min_version),
    TLS(max_version),
    TLS(certificate_requested),
    TLS(certificate_sent),
    TLS(sni),
    TLS(expected),
    TLS(alpn_offered),
    TLS(received),
    TLS(verification),
    TLS(verify_code),
    TLS(verify_depth),
    CERTIFICATE(chain),
    CERTIFICATE(subject),
    CERTIFICATE(issuer),
    CERTIFICATE(self_issued),
    CERTIFICATE(issuer_url),
    CERTIFICATE(not_before),
    CERTIFICATE(not_after),
    CERTIFICATE(names),
    CERTIFICATE(new_key),
    CERTIFICATE(usual_issuer),
    TLS(crl_next_update),
    TLS(now),
    TLS(policy_agreed),
    TLS(other_name_agreed),
    TLS(agreed_before),
    CLOCK(origins),
    CLOCK(failed),
    CLOCK(dates),
    CLOCK(ahead),
    TLS(untrusted),
    SIBLINGS(same_address),
    SIBLINGS(same_rack),
    SIBLINGS(other_rack),
    SIBLINGS(flows_acking),
    SIBLINGS(flows_silent),
    SIBLINGS(answered_between),
    SIBLINGS(far_end_closed),
    SIBLINGS(forgotten),
    SIBLINGS(host_refuses),
    SIBLINGS(unheard_before),
    SIBLINGS(rack_servers),
    SIBLINGS(rack_silent),
    SIBLINGS(told_by),
    SIBLINGS(told_age),
    SIBLINGS(told_no_neighbour),
    SIBLINGS(walk_last),
    SIBLINGS(walk_age),
    SIBLINGS(walk_refused),
    SIBLINGS(walk_no_neighbour),
    SIBLINGS(walk_passed_sender),
    SIBLINGS(walk_mute),
    OF(testimony),
    TESTIMONY(proxy_status),
    TESTIMONY(error_cause),
    TESTIMONY(error_reporter),
    TESTIMONY(error_cleared),
    TESTIMONY(error_fault),
    TESTIMONY(error_id),
    TESTIMONY(via),
    TESTIMONY(server_timing),
    TESTIMONY(vendor),
    TESTIMONY(elapsed),
};

#undef OF
#undef REQUEST
#undef DECISION
#undef WRITER
#undef ATTEMPT
#undef TCP
#undef ICMP
#undef CLIENT_TLS
#undef CLIENT_CERTIFICATE
#undef TLS
#undef CERTIFICATE
#undef CLOCK
#undef SIBLINGS
#undef PROBE_ICMP
#undef PROBE_SIBLINGS
#undef TESTIMONY

using Told = std::bitset<std::size(kLines)>;

bool IsWritten(const Line& line, const Observation& seen) {
  switch (line.always) {
    case Always::kNo:
      break;
    case Always::kYes:
      return true;
    case Always::kForAttempt:
      if (seen.kind == Kind::kAttempt) return true;
      break;
  }
  return line.is_told(seen);
}

// A key as it stood in the text, fit for a message.
std::string Quoted(std::string_view key) {
  std::string out;
  Write(key.substr(0, 40), out);
  return out;
}

Reason ReadLine(std::string_view line, Transcript& into, Told& told) {
  const size_t space = line.find(' ');
  const std::string_view key = line.substr(0, space);
  const Line* const known = std::ranges::find(kLines, key, &Line::key);
  if (known == std::end(kLines)) return "unknown key " + Quoted(key);
  if (space == line.npos) return std::string(key) + ": no value";
  const auto index = static_cast<size_t>(known - kLines);
  if (told[index]) return std::string(key) + ": told twice";
  told.set(index);
  const Reason reason =
      known->read(line.substr(space + 1), into.seen, into.texts);
  return reason.empty() ? "" : std::string(key) + ": " + reason;
}

std::string_view TakeLine(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return line;
}

}  // namespace

void AppendTranscript(const Observation& seen, std::string& out) {
  for (const Line& line : kLines) {
    if (!IsWritten(line, seen)) continue;
    out += line.key;
    out += ' ';
    line.write(seen, out);
    out += '\n';
  }
}

bool ParseTranscript(std::string_view text, Transcript* out,
                     std::string* error) {
  Transcript read;
  Told told;
  for (size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = TakeLine(text);
    if (line.empty() || line[0] == '#') continue;
    const Reason reason = ReadLine(line, read, told);
    if (reason.empty()) continue;
    *error = "line " + std::to_string(number) + ": " + reason;
    return false;
  }
  *out = std::move(read);
  return true;
}

}  // namespace whichhop::diagnostics
