#include "proxy/http/framing.h"

#include <algorithm>
#include <limits>

#include "proxy/base/text.h"
#include "proxy/http/octets.h"

namespace whichhop {
namespace {

// 1*DIGIT below 2^63.
std::optional<uint64_t> ParseLength(std::string_view text) {
  constexpr size_t kAlwaysFit = std::numeric_limits<int64_t>::digits10;
  const bool bounded = text.size() <= kAlwaysFit;
  uint64_t length = 0;
  for (const char c : text) {
    if (!Is(kDigitOctet, c)) return std::nullopt;
    const uint64_t digit = static_cast<uint64_t>(c - '0');
    if (!bounded && length > (uint64_t{INT64_MAX} - digit) / 10) {
      return std::nullopt;
    }
    length = length * 10 + digit;
  }
  if (text.empty()) return std::nullopt;
  return length;
}

// Codings that are registered (RFC 9112, section 7), though none but chunked
// is implemented here.
bool IsKnownCoding(std::string_view coding) {
  for (const std::string_view known :
       {"chunked", "gzip", "x-gzip", "deflate", "compress", "x-compress"}) {
    if (EqualsIgnoreCase(coding, known)) return true;
  }
  return false;
}

// Why a Transfer-Encoding that is not "chunked" is refused.
ParseRule JudgeCodings(std::string_view list) {
  std::string_view last;
  int chunked = 0;
  int count = 0;
  for (auto member = NextListMember(list); !member.empty();
       member = NextListMember(list)) {
    const std::string_view coding = TrimOws(member.substr(0, member.find(';')));
    if (!IsKnownCoding(coding)) return ParseRule::kTransferCodingUnknown;
    if (EqualsIgnoreCase(coding, "chunked")) ++chunked;
    last = member;
    ++count;
  }
  const bool ends = chunked == 1 && EqualsIgnoreCase(last, "chunked");
  return ends && count > 1 ? ParseRule::kTransferCodingUnknown
                           : ParseRule::kTransferEncodingNotChunked;
}

std::optional<BrokenRule> ReadCoding(const char* data, const FieldTable& fields,
                                     uint8_t minor_version) {
  const Field& coding = *fields.First(FieldId::kTransferEncoding);
  const auto broken = [&](ParseRule rule, const Field& field) {
    return BrokenRule{rule, field.name_at};
  };
  if (fields.Repeated(FieldId::kTransferEncoding)) {
    return broken(ParseRule::kTransferEncodingRepeated, coding);
  }
  if (const Field* length = fields.First(FieldId::kContentLength)) {
    return broken(ParseRule::kContentLengthAndTransferEncoding, *length);
  }
  if (minor_version == 0) {
    return broken(ParseRule::kTransferEncodingInHttp10, coding);
  }
  const std::string_view value = ValueOf(data, coding);
  if (EqualsIgnoreCase(value, "chunked")) return std::nullopt;
  return BrokenRule{JudgeCodings(value), coding.value_at};
}

// One Content-Length field of a response; `length` is what others said.
std::optional<BrokenRule> ReadLengths(const char* data, const Field& field,
                                      std::optional<uint64_t>* length) {
  std::string_view list = ValueOf(data, field);
  do {
    const size_t comma = std::min(list.find(','), list.size());
    const auto number = ParseLength(TrimOws(list.substr(0, comma)));
    if (!number) {
      return BrokenRule{ParseRule::kContentLengthSyntax, field.value_at};
    }
    if (*length && **length != *number) {
      return BrokenRule{ParseRule::kContentLengthsDiffer, field.value_at};
    }
    *length = number;
    if (comma == list.size()) return std::nullopt;
    list.remove_prefix(comma + 1);
  } while (true);
}

}  // namespace

std::optional<BrokenRule> ReadRequestFraming(const char* data,
                                             const FieldTable& fields,
                                             uint8_t minor_version,
                                             BodyFraming* body) {
  *body = {};
  if (fields.Has(FieldId::kTransferEncoding)) {
    body->framing = Framing::kChunked;
    return ReadCoding(data, fields, minor_version);
  }
  const Field* const field = fields.First(FieldId::kContentLength);
  if (field == nullptr) return std::nullopt;
  if (fields.Repeated(FieldId::kContentLength)) {
    return BrokenRule{ParseRule::kContentLengthRepeated, field->name_at};
  }
  const auto length = ParseLength(ValueOf(data, *field));
  if (!length) {
    return BrokenRule{ParseRule::kContentLengthSyntax, field->value_at};
  }
  *body = {Framing::kLength, *length};
  return std::nullopt;
}

std::optional<BrokenRule> ReadResponseFraming(const char* data,
                                              FieldTable* fields,
                                              uint8_t minor_version,
                                              BodyFraming* body) {
  *body = {Framing::kUntilClose, 0};
  if (fields->Has(FieldId::kTransferEncoding)) {
    body->framing = Framing::kChunked;
    return ReadCoding(data, *fields, minor_version);
  }
  Field* const first = fields->First(FieldId::kContentLength);
  if (first == nullptr) return std::nullopt;
  std::optional<uint64_t> length;
  for (Field& field : fields->all().subspan(
           static_cast<size_t>(first - fields->all().data()))) {
    if (field.id != FieldId::kContentLength) continue;
    if (const auto broken = ReadLengths(data, field, &length)) return broken;
    field.hop_by_hop = &field != first;
    if (!fields->Repeated(FieldId::kContentLength)) break;
  }
  const std::string_view list = ValueOf(data, *first);
  const std::string_view number = TrimOws(list.substr(0, list.find(',')));
  first->value_size = static_cast<uint32_t>(number.size());
  *body = {Framing::kLength, *length};
  return std::nullopt;
}

}  // namespace whichhop
