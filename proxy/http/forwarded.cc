#include "proxy/http/forwarded.h"

#include <algorithm>

#include "proxy/base/text.h"
#include "proxy/http/octets.h"

namespace whichhop {

namespace {

bool IsOws(char c) { return c == ' ' || c == '\t'; }

void SkipOws(std::string_view& text) {
  while (!text.empty() && IsOws(text.front())) text.remove_prefix(1);
}

bool IsV4Text(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return Is(kDigitOctet, c) || c == '.';
  });
}

bool IsV6Text(std::string_view text) {
  return text.find(':') != std::string_view::npos &&
         std::ranges::all_of(text, [](char c) {
           return Is(kHexOctet, c) || c == ':' || c == '.';
         });
}

// obfport (RFC 7239, section 6.2), without its underscore.
bool IsObfuscated(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return c == '_' || (c != '~' && Is(kUnreservedOctet, c));
  });
}

// node-port: empty, or a colon and a number or an obfuscated one.
bool IsPort(std::string_view text) {
  if (text.empty()) return true;
  if (text.front() != ':') return false;
  text.remove_prefix(1);
  if (text.starts_with('_')) return IsObfuscated(text.substr(1));
  return text.size() <= 5 && ParseDecimal(text).has_value();
}

// `[2001:db8::1]:80`
std::string_view BracketedAddress(std::string_view node) {
  const size_t close = node.find(']');
  if (close == std::string_view::npos) return {};
  const std::string_view address = node.substr(1, close - 1);
  return IsV6Text(address) && IsPort(node.substr(close + 1))
             ? address
             : std::string_view();
}

// Parameters that an element has at most once.
constexpr std::string_view kKnown[] = {"for", "by", "host", "proto"};
constexpr unsigned kFor = 1;

// The bit of the parameter in `seen`; 0 for one that is not known.
unsigned BitOf(std::string_view name) {
  for (unsigned i = 0; i < std::size(kKnown); ++i) {
    if (EqualsIgnoreCase(name, kKnown[i])) return 1u << i;
  }
  return 0;
}

}  // namespace

std::string_view NodeAddress(std::string_view node) {
  if (node.starts_with('[')) return BracketedAddress(node);
  const size_t colon = std::min(node.find(':'), node.size());
  const std::string_view address = node.substr(0, colon);
  return IsV4Text(address) && IsPort(node.substr(colon)) ? address
                                                         : std::string_view();
}

std::string_view MemberAddress(std::string_view member) {
  const bool several = member.find(':') != member.rfind(':');
  const bool bare_v6 = several && !member.starts_with('[');
  if (!bare_v6) return NodeAddress(member);
  return IsV6Text(member) ? member : std::string_view();
}

bool ForwardedReader::Fail() {
  malformed_ = true;
  rest_ = {};
  address_ = {};
  return false;
}

// #forwarded-element: empty members of the list are skipped (RFC 9110, section
// 5.6.1.2).
bool ForwardedReader::Next() {
  address_ = {};
  SkipOws(rest_);
  while (rest_.starts_with(',')) {
    rest_.remove_prefix(1);
    SkipOws(rest_);
  }
  return !rest_.empty() && ReadElement();
}

// [ forwarded-pair ] *( ";" [ forwarded-pair ] ), up to the next comma
bool ForwardedReader::ReadElement() {
  unsigned seen = 0;
  for (;;) {
    const bool pair = !rest_.empty() && Is(kTokenOctet, rest_.front());
    if (pair && !ReadPair(&seen)) return Fail();
    if (!rest_.starts_with(';')) break;
    rest_.remove_prefix(1);
  }
  SkipOws(rest_);
  return rest_.empty() || rest_.front() == ',' || Fail();
}

// token "=" value
bool ForwardedReader::ReadPair(unsigned* seen) {
  const char* const begin = rest_.data();
  const char* const end = SkipToken(begin, begin + rest_.size());
  const std::string_view name(begin, static_cast<size_t>(end - begin));
  rest_.remove_prefix(name.size());
  if (!rest_.starts_with('=')) return false;
  rest_.remove_prefix(1);
  std::string_view value;
  if (!ReadValue(&value)) return false;
  const unsigned bit = BitOf(name);
  if ((*seen & bit) != 0) return false;
  *seen |= bit;
  if (bit == kFor) address_ = NodeAddress(Unquoted(value));
  return true;
}

bool ForwardedReader::ReadValue(std::string_view* value) {
  if (rest_.starts_with('"')) return ReadQuoted(value);
  const char* const begin = rest_.data();
  const char* const end = SkipToken(begin, begin + rest_.size());
  *value = {begin, static_cast<size_t>(end - begin)};
  rest_.remove_prefix(value->size());
  return !value->empty();
}

// quoted-string (RFC 9110, section 5.6.4), as it stands between its quotes.
bool ForwardedReader::ReadQuoted(std::string_view* value) {
  for (size_t at = 1; at < rest_.size(); ++at) {
    if (rest_[at] == '"') {
      *value = rest_.substr(1, at - 1);
      rest_.remove_prefix(at + 1);
      return true;
    }
    if (rest_[at] == '\\' && ++at == rest_.size()) return false;
    if (!Is(kValueOctet, rest_[at])) return false;
  }
  return false;
}

// Without the backslashes of its quoted pairs. What does not fit is no address.
std::string_view ForwardedReader::Unquoted(std::string_view value) {
  if (value.find('\\') == std::string_view::npos) return value;
  size_t size = 0;
  for (size_t at = 0; at < value.size(); ++at) {
    if (size == unquoted_.size()) return {};
    if (value[at] == '\\') ++at;
    unquoted_[size++] = value[at];
  }
  return {unquoted_.data(), size};
}

bool ForwardedForReader::Next() {
  address_ = {};
  const size_t begin = rest_.find_first_not_of(", \t");
  if (begin == std::string_view::npos) return false;
  rest_.remove_prefix(begin);
  const size_t comma = std::min(rest_.find(','), rest_.size());
  address_ = MemberAddress(TrimOws(rest_.substr(0, comma)));
  rest_.remove_prefix(comma);
  return true;
}

}  // namespace whichhop
