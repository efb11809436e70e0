#include "diagnostics/transcript.h"

#include <algorithm>
#include <array>
#include <bitset>
#include <charconv>
#include <concepts>
#include <limits>
#include <type_traits>
#include <utility>

namespace whichhop::diagnostics {
namespace {

using Texts = std::deque<std::string>;
// Why a value cannot be read; empty where it can.
using Reason = std::string;

// --- The names of choices, in the order of their enums.

template <typename Choice>
constexpr int kNames = 0;  // to use it for an enum without does not compile

template <typename... Words>
constexpr auto Names(Words... words) {
  return std::array<std::string_view, sizeof...(words)>{words...};
}

template <>
constexpr auto kNames<Position> = Names("lb", "cdn");
template <>
constexpr auto kNames<Statuses> = Names("gateway", "edge");
template <>
constexpr auto kNames<Answers> = Names("unset", "lb", "server", "app");
template <>
constexpr auto kNames<Kind> = Names("relayed", "decision", "respond",
                                    "attempt");
template <>
constexpr auto kNames<AttemptPhase> = Names("resolve", "connect", "tls",
                                            "request", "wait", "head", "body");
template <>
constexpr auto kNames<AttemptEnd> = Names("fin", "reset", "errno", "timeout",
                                          "deadline", "malformed", "dns",
                                          "tls");
template <>
constexpr auto kNames<DnsAnswer> = Names("none", "nxdomain", "nodata",
                                         "servfail", "refused", "notimp",
                                         "formerr", "timeout", "tcp-failed",
                                         "private");
template <>
constexpr auto kNames<Malformed> = Names(
    "none", "not-http", "http09", "bad-version", "bad-status", "bad-field",
    "cl-invalid", "cl-te", "te-unsupported", "unsolicited-101",
    "unsolicited-partial", "before-request", "head-too-large",
    "field-too-large", "interim-flood", "chunk", "body-too-large", "trailers");
template <>
constexpr auto kNames<BodyFraming> = Names("length", "chunked", "close");
template <>
constexpr auto kNames<Offender> = Names("stranger", "target", "ourselves",
                                        "hop");
template <>
constexpr auto kNames<TlsFailure> = Names("none", "not-tls", "version",
                                          "cipher", "policy", "broken", "eof",
                                          "other");
template <>
constexpr auto kNames<Verification> = Names("not-reached", "off", "passed",
                                            "failed");
template <>
constexpr auto kNames<Hop> = [] {
  std::array<std::string_view, kHopCount> names;
  for (size_t i = 0; i < kHopCount; ++i) names[i] = kHopTexts[i].name;
  return names;
}();

template <auto last>
constexpr bool kNamedUpTo = kNames<decltype(last)>.size() ==
                            static_cast<size_t>(last) + 1;
static_assert(kNamedUpTo<Position::kCdn> && kNamedUpTo<Statuses::kEdge> &&
              kNamedUpTo<Answers::kApp> && kNamedUpTo<Kind::kAttempt> &&
              kNamedUpTo<AttemptPhase::kBody> && kNamedUpTo<AttemptEnd::kTls> &&
              kNamedUpTo<DnsAnswer::kPrivate> &&
              kNamedUpTo<Malformed::kTrailers> &&
              kNamedUpTo<BodyFraming::kClose> && kNamedUpTo<Offender::kHop> &&
              kNamedUpTo<TlsFailure::kOther> &&
              kNamedUpTo<Verification::kFailed>);

// Several faults may share an id: all but the first are counted.
std::string FaultName(Fault fault) {
  const std::string_view id = GetFault(fault).id;
  size_t count = 1;
  for (size_t i = 0; i < static_cast<size_t>(fault); ++i) {
    if (GetFault(static_cast<Fault>(i)).id == id) ++count;
  }
  std::string name(id);
  if (count > 1) name += "/" + std::to_string(count);
  return name;
}

// --- Values, by the type of their field: Write() and Read() of each.

bool IsPrintable(char c) { return c >= ' ' && c <= '~'; }

void Write(bool flag, std::string& out) { out += flag ? "yes" : "no"; }

Reason Read(std::string_view text, bool& flag, Texts&) {
  flag = text == "yes";
  return flag || text == "no" ? "" : "neither yes nor no";
}

template <std::integral Number>
void Write(Number number, std::string& out) {
  out += std::to_string(number);
}

template <std::integral Number>
Reason Read(std::string_view text, Number& number, Texts&) {
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  if (result.ec == std::errc() && result.ptr == end && text[0] != '-') {
    return "";
  }
  return "no number from 0 to " +
         std::to_string(std::numeric_limits<Number>::max());
}

struct Unit {
  int64_t micros;
  std::string_view name;
};
constexpr std::array<Unit, 3> kUnits = {
    {{1'000'000, "s"}, {1000, "ms"}, {1, "us"}}};

// Long enough for any exchange; short enough to calculate with.
constexpr Micros kLongest = std::chrono::hours(24 * 365 * 30);

// In the largest unit of which it is a whole number.
void Write(Micros duration, std::string& out) {
  const Unit& unit = *std::ranges::find_if(kUnits, [&](const Unit& each) {
    return duration.count() % each.micros == 0;
  });
  out += std::to_string(duration.count() / unit.micros);
  out += unit.name;
}

Reason Read(std::string_view text, Micros& duration, Texts&) {
  int64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, failed] = std::from_chars(text.data(), end, count);
  const std::string_view name(rest, static_cast<size_t>(end - rest));
  const auto* unit = std::ranges::find(kUnits, name, &Unit::name);
  if (failed != std::errc() || unit == kUnits.end()) {
    return "no whole number of us, ms or s";
  }
  const int64_t most = kLongest.count() / unit->micros;
  if (count < -most || count > most) return "longer than 30 years";
  duration = Micros(count * unit->micros);
  return "";
}

void Write(Seconds duration, std::string& out) {
  out += std::to_string(duration.count()) + "s";
}

Reason Read(std::string_view text, Seconds& duration, Texts& texts) {
  Micros exact{0};
  Reason reason = Read(text, exact, texts);
  duration = std::chrono::duration_cast<Seconds>(exact);
  if (reason.empty() && duration != exact) reason = "no whole seconds";
  return reason;
}

void Write(std::string_view text, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    if (!IsPrintable(c)) {
      const auto byte = static_cast<unsigned char>(c);
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

// Takes what stands for one byte off the front of a text.
bool TakeByte(std::string_view& text, std::string& out) {
  if (text[0] != '\\') {
    out += text[0];
    text.remove_prefix(1);
    return IsPrintable(out.back()) && out.back() != '"';
  }
  if (text.starts_with("\\\\") || text.starts_with("\\\"")) {
    out += text[1];
    text.remove_prefix(2);
    return true;
  }
  if (!text.starts_with("\\x") || text.size() < 4) return false;
  const char* const digits = text.data() + 2;
  unsigned char byte = 0;
  const auto result = std::from_chars(digits, digits + 2, byte, 16);
  out += static_cast<char>(byte);
  text.remove_prefix(4);
  return result.ec == std::errc() && result.ptr == digits + 2;
}

Reason ReadText(std::string_view text, std::string& out) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') {
    return "not in double quotes";
  }
  text = text.substr(1, text.size() - 2);
  while (!text.empty()) {
    if (!TakeByte(text, out)) return "a byte that wants \\\", \\\\ or \\xNN";
  }
  return "";
}

Reason Read(std::string_view text, std::string_view& field, Texts& texts) {
  texts.emplace_back();
  Reason reason = ReadText(text, texts.back());
  field = texts.back();
  return reason;
}

template <typename Choice>
requires std::is_enum_v<Choice>
void Write(Choice choice, std::string& out) {
  out += kNames<Choice>[static_cast<size_t>(choice)];
}

template <typename Choice>
requires std::is_enum_v<Choice> Reason Read(std::string_view text,
                                            Choice& choice, Texts&) {
  const auto& names = kNames<Choice>;
  const auto* const found = std::ranges::find(names, text);
  if (found != names.end()) {
    choice = static_cast<Choice>(found - names.begin());
    return "";
  }
  Reason reason = "none of";
  for (const std::string_view name : names) (reason += ' ') += name;
  return reason;
}

void Write(Fault fault, std::string& out) { out += FaultName(fault); }

Reason Read(std::string_view text, Fault& fault, Texts&) {
  for (size_t i = 0; i < kFaultCount; ++i) {
    fault = static_cast<Fault>(i);
    if (!text.starts_with(GetFault(fault).id)) continue;
    if (FaultName(fault) == text) return "";
  }
  return "no fault has this id";
}

// Facts that are seen together or not at all, each with lines of its own.
template <typename Facts>
concept Group =
    std::same_as<Facts, TcpFacts> || std::same_as<Facts, IcmpFacts> ||
    std::same_as<Facts, TlsFacts> || std::same_as<Facts, ClientTlsFacts>;

template <Group Facts>
void Write(const std::optional<Facts>&, std::string& out) {
  out += "seen";
}

template <Group Facts>
Reason Read(std::string_view text, std::optional<Facts>& group, Texts&) {
  if (!group.has_value()) group.emplace();
  return text == "seen" ? "" : "can only be `seen`";
}

template <typename Value>
void Write(const std::optional<Value>& fact, std::string& out) {
  Write(*fact, out);
}

template <typename Value>
Reason Read(std::string_view text, std::optional<Value>& fact, Texts& texts) {
  return Read(text, fact.emplace(), texts);
}

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
    DECISION(in_flight),
    DECISION(limit),
    DECISION(oldest_in_flight),
    DECISION(in_flight_acked),
    DECISION(in_flight_answered),
    Written(Always::kForAttempt, ATTEMPT(phase)),
    Written(Always::kForAttempt, ATTEMPT(end)),
    ATTEMPT(error),
    ATTEMPT(synchronous),
    ATTEMPT(malformed),
    ATTEMPT(dns),
    ATTEMPT(dns_extended),
    ATTEMPT(resolved_before),
    ATTEMPT(rule),
    ATTEMPT(rule_value),
    ATTEMPT(rule_bytes),
    ATTEMPT(address),
    ATTEMPT(unix_socket),
    ATTEMPT(by_address),
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
    CLOCK(origins),
    CLOCK(failed),
    CLOCK(dates),
    CLOCK(ahead),
    SIBLINGS(same_address),
    SIBLINGS(same_rack),
    SIBLINGS(other_rack),
    SIBLINGS(flows_acking),
    SIBLINGS(rack_servers),
    SIBLINGS(rack_silent),
    SIBLINGS(walk_last),
    SIBLINGS(walk_age),
};

#undef OF
#undef REQUEST
#undef DECISION
#undef ATTEMPT
#undef TCP
#undef ICMP
#undef CLIENT_TLS
#undef CLIENT_CERTIFICATE
#undef TLS
#undef CERTIFICATE
#undef CLOCK
#undef SIBLINGS

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
