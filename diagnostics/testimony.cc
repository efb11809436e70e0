#include "diagnostics/testimony.h"

#include <algorithm>
#include <charconv>

#include "diagnostics/field_name.h"
#include "diagnostics/sf_list.h"
#include "diagnostics/text.h"

namespace whichhop::diagnostics {
namespace {

std::optional<uint64_t> NumberOf(std::string_view item) {
  uint64_t number = 0;
  const char* const end = item.data() + item.size();
  const auto result = std::from_chars(item.data(), end, number);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return number;
}

bool IsString(std::string_view item) { return !item.empty() && item[0] == '"'; }

// What is between the quotes of a String.
std::string_view Inside(std::string_view string) {
  return string.substr(1, string.size() - 2);
}

// --- Proxy-Status (RFC 9209)

// Which parameters an error type defines, and whether each is an Integer.
struct ExtraParameter {
  std::string_view key;
  bool integer;
};
constexpr ExtraParameter kExtraParameters[] = {
    {"rcode", false},
    {"info-code", true},
    {"alert-id", true},
    {"alert-message", false},
    {"status-code", true},
    {"status-phrase", false},
    {"header-section-size", true},
    {"header-name", false},
    {"header-size", true},
    {"body-size", true},
    {"trailer-section-size", true},
    {"trailer-name", false},
    {"trailer-size", true},
    {"coding", false},
};

void AddExtra(const MemberParameter& parameter, ProxyMember& member) {
  for (MemberParameter& place : member.parameters) {
    if (!place.key.empty() && place.key != parameter.key) continue;
    place = parameter;  // of several the last (RFC 9651, section 4.2.3.2)
    return;
  }
}

void ReadExtra(std::string_view key, std::string_view value,
               ProxyMember& member) {
  const auto* const known =
      std::ranges::find(kExtraParameters, key, &ExtraParameter::key);
  if (known == std::end(kExtraParameters)) return;
  const std::optional<uint64_t> number = NumberOf(value);
  if (known->integer ? !number : !IsSfTokenOrString(value)) return;
  AddExtra({key, value, known->integer ? number : std::nullopt}, member);
}

void ReadError(std::string_view value, ProxyMember& member) {
  if (!IsSfToken(value)) return;
  member.has_error = true;
  member.error_text = value;
  member.error = ParseErrorType(value).value_or(ErrorType::kNone);
}

void ReadParameter(std::string_view key, std::string_view value,
                   ProxyMember& member) {
  if (key == "error") return ReadError(value, member);
  if (key == "received-status") {
    const uint64_t status = NumberOf(value).value_or(0);
    const bool valid = status >= 100 && status <= 599;
    if (valid) member.received_status = static_cast<uint16_t>(status);
  } else if (key == "next-hop") {
    if (IsSfTokenOrString(value)) member.next_hop = value;
  } else if (key == "next-protocol") {
    const bool bytes = !value.empty() && value[0] == ':';
    if (bytes || IsSfToken(value)) member.next_protocol = value;
  } else if (key == "details") {
    if (IsString(value)) member.details = value;
  } else {
    ReadExtra(key, value, member);
  }
}

// Where a member goes: the last place is the last member's.
ProxyMember& PlaceFor(Testimony& into) {
  if (into.member_count < Testimony::kMaxMembers) {
    return into.members[into.member_count++];
  }
  ++into.members_left_out;
  return into.members.back() = {};
}

void ReadProxyStatus(std::string_view value, Testimony& into) {
  if (!IsSfList(value)) return;
  SfListReader reader(value);
  while (reader.NextMember()) {
    if (!IsSfTokenOrString(reader.item())) continue;
    ProxyMember& member = PlaceFor(into);
    member.name = reader.item();
    while (reader.NextParameter()) {
      ReadParameter(reader.key(), reader.value(), member);
    }
  }
}

// --- Error-*

// The hops of a list, in its order. Other names than a hop's name nobody.
HopList ReadHops(std::string_view value, Testimony& into) {
  HopList hops;
  if (!IsSfList(value)) return hops;
  SfListReader reader(value);
  while (reader.NextMember()) {
    const std::optional<Hop> hop = ParseHop(reader.item());
    if (hop) hops.Add(*hop);
    if (!hop && into.no_hop.empty()) into.no_hop = reader.item();
  }
  return hops;
}

RowSet ReadRows(std::string_view text) {
  RowSet rows;
  while (!text.empty()) {
    const size_t space = text.find(' ');
    rows.Add(ParseRow(text.substr(0, space)).value_or(RowId::kNone));
    text.remove_prefix(space == text.npos ? text.size() : space + 1);
  }
  return rows;
}

// An Item is a list of one member.
bool IsItem(std::string_view value) {
  SfListReader reader(value);
  const bool one = reader.NextMember() && !reader.NextMember();
  return one && !reader.failed();
}

void ReadFault(std::string_view value, Testimony& into) {
  if (!IsItem(value)) return;
  SfListReader reader(value);
  if (!reader.NextMember() || !IsSfToken(reader.item())) return;
  into.fault = reader.item();
  while (reader.NextParameter()) {
    const std::string_view given = reader.value();
    if (reader.key() == "row" && IsString(given)) {
      into.rows = ReadRows(Inside(given));
    } else if (reader.key() == "basis" && IsSfToken(given)) {
      into.basis = given;
    }
  }
}

// --- Via and Server-Timing: who passed it on, as text

std::string_view Trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string_view LastElement(std::string_view list) {
  const size_t comma = list.rfind(',');
  return Trimmed(comma == list.npos ? list : list.substr(comma + 1));
}

std::string_view FirstElement(std::string_view list) {
  return Trimmed(list.substr(0, list.find(',')));
}

// --- Vendors

// A value that begins so says what RFC 9209 has a type for.
struct VendorCode {
  std::string_view prefix;
  ErrorType type;
};
constexpr VendorCode kSquid[] = {
    {"ERR_CONNECT_FAIL 111", ErrorType::kConnectionRefused},  // the errno
    {"ERR_CONNECT_FAIL 110", ErrorType::kConnectionTimeout},
    {"ERR_CONNECT_FAIL 113", ErrorType::kDestinationIpUnroutable},
    {"ERR_CONNECT_FAIL", ErrorType::kDestinationUnavailable},
    {"ERR_CANNOT_FORWARD", ErrorType::kDestinationUnavailable},
    {"ERR_DNS_FAIL", ErrorType::kDnsError},
    {"ERR_ZERO_SIZE_OBJECT", ErrorType::kHttpResponseIncomplete},
    {"ERR_READ_ERROR", ErrorType::kConnectionTerminated},
    {"ERR_READ_TIMEOUT", ErrorType::kHttpResponseTimeout},
    {"ERR_WRITE_ERROR", ErrorType::kConnectionTerminated},
    {"ERR_SECURE_CONNECT_FAIL", ErrorType::kTlsProtocolError},
    {"ERR_INVALID_RESP", ErrorType::kHttpProtocolError},
    {"ERR_ACCESS_DENIED", ErrorType::kHttpRequestDenied},
    {"ERR_CACHE_ACCESS_DENIED", ErrorType::kHttpRequestDenied},
    {"ERR_INVALID_REQ", ErrorType::kHttpRequestError},
    {"ERR_INVALID_URL", ErrorType::kHttpRequestError},
};
constexpr VendorCode kVercel[] = {
    {"FUNCTION_INVOCATION_TIMEOUT", ErrorType::kHttpResponseTimeout},
    {"NO_RESPONSE_FROM_FUNCTION", ErrorType::kHttpResponseIncomplete},
    {"DNS_HOSTNAME_", ErrorType::kDnsError},
    {"INFINITE_LOOP_DETECTED", ErrorType::kProxyLoopDetected},
};
constexpr VendorCode kNgrok[] = {
    {"ERR_NGROK_8012", ErrorType::kConnectionRefused},
    {"ERR_NGROK_3004", ErrorType::kHttpProtocolError},
};

// Each of these is true where the value says something that moves a verdict.

template <size_t size>
bool ReadCode(const VendorCode (&codes)[size], std::string_view value,
              Testimony& into) {
  for (const VendorCode& code : codes) {
    if (!value.starts_with(code.prefix)) continue;
    into.vendor_error = code.type;
    return true;
  }
  return false;
}

bool ReadSquid(std::string_view value, Testimony& into) {
  return ReadCode(kSquid, value, into);
}
bool ReadVercel(std::string_view value, Testimony& into) {
  return ReadCode(kVercel, value, into);
}
bool ReadNgrok(std::string_view value, Testimony& into) {
  return ReadCode(kNgrok, value, into);
}

// Envoy adds it to what came from behind it, and to nothing that it says
// itself.
bool ReadEnvoyTime(std::string_view value, Testimony& into) {
  const std::optional<uint64_t> milliseconds = NumberOf(value);
  if (!milliseconds || *milliseconds > 1'000'000'000) return false;
  into.upstream_time = std::chrono::milliseconds(*milliseconds);
  return into.passed_on = true;
}

// Of Rack: the app ran, and wrote this.
bool ReadRuntime(std::string_view, Testimony& into) {
  return into.by_app = true;
}

// A claim for people.
bool ReadNothing(std::string_view, Testimony&) { return false; }

struct VendorField {
  std::string_view name;
  bool (*read)(std::string_view value, Testimony& into);
};
constexpr VendorField kVendorFields[] = {
    {"x-squid-error", ReadSquid},
    {"x-vercel-error", ReadVercel},
    {"ngrok-error-code", ReadNgrok},
    {"x-envoy-upstream-service-time", ReadEnvoyTime},
    {"x-runtime", ReadRuntime},
    {"x-amzn-errortype", ReadNothing},
    {"cf-error-type", ReadNothing},
    {"cf-error-origin", ReadNothing},
};

// The first that names an error is what counts, and what is cited.
void ReadVendorLine(std::string_view line, Testimony& into) {
  const size_t colon = line.find(':');
  if (colon == line.npos) return;
  for (const VendorField& field : kVendorFields) {
    if (!NameIs(line.substr(0, colon), field.name)) continue;
    const ErrorType heard = into.vendor_error;
    const bool says = field.read(Trimmed(line.substr(colon + 1)), into);
    if (heard != ErrorType::kNone) {
      into.vendor_error = heard;
    } else if (says) {
      into.vendor = line;
    }
    return;
  }
}

void ReadVendors(std::string_view lines, Testimony& into) {
  while (!lines.empty()) {
    const size_t end = lines.find('\n');
    ReadVendorLine(lines.substr(0, end), into);
    lines.remove_prefix(end == lines.npos ? lines.size() : end + 1);
  }
}

}  // namespace

std::optional<uint64_t> ProxyMember::Number(std::string_view key) const {
  for (const MemberParameter& parameter : parameters) {
    if (parameter.key == key) return parameter.number;
  }
  return std::nullopt;
}

Testimony ReadTestimony(const TestimonyFacts& facts) {
  Testimony heard;
  ReadProxyStatus(facts.proxy_status, heard);
  heard.cause = ReadHops(facts.error_cause, heard);
  heard.reporter = ReadHops(facts.error_reporter, heard);
  heard.cleared = ReadHops(facts.error_cleared, heard).set();
  ReadFault(facts.error_fault, heard);
  if (IsItem(facts.error_id)) heard.id = facts.error_id;
  heard.via = LastElement(facts.via);
  heard.timing = FirstElement(facts.server_timing);
  if (!heard.weighed()) ReadVendors(facts.vendor, heard);
  return heard;
}

bool IsVendorClaim(std::string_view field_name) {
  return std::ranges::any_of(kVendorFields, [&](const VendorField& field) {
    return NameIs(field_name, field.name);
  });
}

}  // namespace whichhop::diagnostics
