#pragma once
// The values of a transcript's lines: Write() appends one, Read() takes one in,
// by the type of its field. transcript.h says how they look.

#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <deque>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include "diagnostics/observation.h"

namespace whichhop::diagnostics::transcript {

using Texts = std::deque<std::string>;  // that string_views refer to
// Why a value cannot be read; empty where it can.
using Reason = std::string;

// The names of choices, in the order of their enums.
template <typename Choice>
inline constexpr int kNames =
    0;  // to use it for an enum without does not compile

template <typename... Words>
constexpr auto Names(Words... words) {
  return std::array<std::string_view, sizeof...(words)>{words...};
}

template <>
inline constexpr auto kNames<Position> = Names("lb", "cdn");
template <>
inline constexpr auto kNames<Statuses> = Names("gateway", "edge");
template <>
inline constexpr auto kNames<Answers> = Names("unset", "lb", "server", "app");
template <>
inline constexpr auto kNames<Kind> = Names("relayed", "decision", "respond",
                                           "attempt");
template <>
inline constexpr auto kNames<AttemptPhase> = Names("resolve", "connect", "tls",
                                                   "request", "wait", "head",
                                                   "body");
template <>
inline constexpr auto kNames<AttemptEnd> = Names("fin", "reset", "errno",
                                                 "timeout", "deadline",
                                                 "malformed", "dns", "tls");
template <>
inline constexpr auto kNames<DnsAnswer> = Names("none", "nxdomain", "nodata",
                                                "servfail", "refused", "notimp",
                                                "formerr", "timeout",
                                                "tcp-failed", "private");
template <>
inline constexpr auto kNames<Malformed> = Names(
    "none", "not-http", "http09", "bad-version", "bad-status", "bad-field",
    "cl-invalid", "cl-te", "te-unsupported", "unsolicited-101",
    "unsolicited-partial", "before-request", "head-too-large",
    "field-too-large", "interim-flood", "chunk", "body-too-large", "trailers");
template <>
inline constexpr auto kNames<BodyFraming> = Names("length", "chunked", "close");
template <>
inline constexpr auto kNames<Offender> = Names("stranger", "target",
                                               "ourselves", "hop");
template <>
inline constexpr auto kNames<TlsFailure> = Names("none", "not-tls", "version",
                                                 "cipher", "policy", "broken",
                                                 "eof", "other");
template <>
inline constexpr auto kNames<Verification> = Names("not-reached", "off",
                                                   "passed", "failed");
template <>
inline constexpr auto kNames<Generator> = Names("none"
#define WHICHHOP_GENERATOR(enumerator, name, place, proof) , name
#include "diagnostics/fingerprint.inc"
);
template <>
inline constexpr auto kNames<SubCause> = Names("none"
#define WHICHHOP_SUB_CAUSE(enumerator, name, suspects, self, sentence) , name
#include "diagnostics/fingerprint.inc"
);
template <>
inline constexpr auto kNames<Hop> = [] {
  std::array<std::string_view, kHopCount> names;
  for (size_t i = 0; i < kHopCount; ++i) names[i] = kHopTexts[i].name;
  return names;
}();

template <auto last>
inline constexpr bool kNamedUpTo = kNames<decltype(last)>.size() ==
                                   static_cast<size_t>(last) + 1;
static_assert(kNamedUpTo<Position::kCdn> && kNamedUpTo<Statuses::kEdge> &&
              kNamedUpTo<Answers::kApp> && kNamedUpTo<Kind::kAttempt> &&
              kNamedUpTo<AttemptPhase::kBody> && kNamedUpTo<AttemptEnd::kTls> &&
              kNamedUpTo<DnsAnswer::kPrivate> &&
              kNamedUpTo<Malformed::kTrailers> &&
              kNamedUpTo<BodyFraming::kClose> && kNamedUpTo<Offender::kHop> &&
              kNamedUpTo<TlsFailure::kOther> &&
              kNamedUpTo<Verification::kFailed> &&
              kNamedUpTo<Generator::kDatabaseText> &&
              kNamedUpTo<SubCause::kDatabase>);

// A text in double quotes.
Reason ReadText(std::string_view text, std::string& out);

void Write(bool flag, std::string& out);
void Write(Micros duration, std::string& out);
void Write(Seconds duration, std::string& out);
void Write(std::string_view text, std::string& out);
void Write(Fault fault, std::string& out);

Reason Read(std::string_view text, bool& flag, Texts& texts);
Reason Read(std::string_view text, Micros& duration, Texts& texts);
Reason Read(std::string_view text, Seconds& duration, Texts& texts);
Reason Read(std::string_view text, std::string_view& field, Texts& texts);
Reason Read(std::string_view text, Fault& fault, Texts& texts);

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

// Facts that are seen together or not at all, each with lines of its own.
template <typename Facts>
concept Group = std::same_as<Facts, TcpFacts> ||
    std::same_as<Facts, IcmpFacts> || std::same_as<Facts, TlsFacts> ||
    std::same_as<Facts, ClientTlsFacts> || std::same_as<Facts, TestimonyFacts>;

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

}  // namespace whichhop::diagnostics::transcript
