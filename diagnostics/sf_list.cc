#include "diagnostics/sf_list.h"

#include <algorithm>

#include "diagnostics/text.h"

namespace whichhop::diagnostics {
namespace {

constexpr size_t kBad = static_cast<size_t>(-1);

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsAlpha(char c) { return IsLower(c) || (c >= 'A' && c <= 'Z'); }
bool IsPrintable(char c) { return c >= 0x20 && c < 0x7F; }

// Each of these says how long the item at the start of the text is, or kBad.

size_t StringLength(std::string_view text) {
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (!IsPrintable(text[i])) return kBad;
    if (text[i] != '\\') continue;
    ++i;
    if (i == text.size() || (text[i] != '"' && text[i] != '\\')) return kBad;
  }
  return kBad;
}

bool IsTokenChar(char c) {
  return IsAlpha(c) || IsDigit(c) ||
         std::string_view("!#$%&'*+-.^_`|~:/").find(c) !=
             std::string_view::npos;
}

size_t TokenLength(std::string_view text) {
  const auto* end = std::ranges::find_if_not(text, IsTokenChar);
  return static_cast<size_t>(end - text.begin());
}

size_t NumberLength(std::string_view text) {
  size_t i = text[0] == '-' ? 1 : 0;
  const size_t first = i;
  while (i < text.size() && IsDigit(text[i])) ++i;
  const size_t digits = i - first;
  if (digits == 0 || digits > 15) return kBad;
  if (i == text.size() || text[i] != '.') return i;
  const size_t dot = i++;
  while (i < text.size() && IsDigit(text[i])) ++i;
  const size_t fraction = i - dot - 1;
  return digits > 12 || fraction == 0 || fraction > 3 ? kBad : i;
}

size_t BytesLength(std::string_view text) {
  for (size_t i = 1; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ':') return i + 1;
    if (!IsAlpha(c) && !IsDigit(c) && c != '+' && c != '/' && c != '=') {
      return kBad;
    }
  }
  return kBad;
}

size_t DateLength(std::string_view text) {
  if (text.size() < 2 || (text[1] != '-' && !IsDigit(text[1]))) return kBad;
  const size_t length = NumberLength(text.substr(1));
  if (length == kBad) return kBad;
  const bool decimal = text.substr(1, length).find('.') != text.npos;
  return decimal ? kBad : length + 1;
}

bool IsLowerHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }

size_t DisplayLength(std::string_view text) {
  if (text.size() < 2 || text[1] != '"') return kBad;
  for (size_t i = 2; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (!IsPrintable(text[i])) return kBad;
    if (text[i] != '%') continue;
    if (i + 2 >= text.size() || !IsLowerHex(text[i + 1]) ||
        !IsLowerHex(text[i + 2])) {
      return kBad;
    }
    i += 2;
  }
  return kBad;
}

size_t BareItemLength(std::string_view text) {
  if (text.empty()) return kBad;
  const char c = text[0];
  if (c == '"') return StringLength(text);
  if (c == '*' || IsAlpha(c)) return TokenLength(text);
  if (c == '-' || IsDigit(c)) return NumberLength(text);
  if (c == ':') return BytesLength(text);
  if (c == '@') return DateLength(text);
  if (c == '%') return DisplayLength(text);
  const bool boolean =
      c == '?' && text.size() > 1 && (text[1] == '0' || text[1] == '1');
  return boolean ? 2 : kBad;
}

}  // namespace

void SfListReader::SkipOws() {
  while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\t')) {
    rest_.remove_prefix(1);
  }
}

bool SfListReader::Fail() {
  failed_ = true;
  rest_ = {};
  return false;
}

bool SfListReader::TakeBareItem(std::string_view& item) {
  const size_t length = BareItemLength(rest_);
  if (length == kBad) return Fail();
  item = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return true;
}

bool SfListReader::TakeKey() {
  if (rest_.empty() || (!IsLower(rest_[0]) && rest_[0] != '*')) return Fail();
  size_t length = 1;
  while (length < rest_.size() &&
         (IsLower(rest_[length]) || IsDigit(rest_[length]) ||
          std::string_view("_-.*").find(rest_[length]) !=
              std::string_view::npos)) {
    ++length;
  }
  key_ = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return true;
}

bool SfListReader::NextMember() {
  while (NextParameter()) {
  }
  if (failed_) return false;
  SkipOws();
  if (rest_.empty()) return false;
  if (started_) {
    if (rest_[0] != ',') return Fail();
    rest_.remove_prefix(1);
    SkipOws();
    if (rest_.empty()) return Fail();  // a comma needs a member after it
  }
  started_ = true;
  return TakeBareItem(item_);
}

bool SfListReader::NextParameter() {
  if (failed_ || !started_ || rest_.empty() || rest_[0] != ';') return false;
  rest_.remove_prefix(1);
  while (!rest_.empty() && rest_[0] == ' ') rest_.remove_prefix(1);
  if (!TakeKey()) return false;
  value_ = {};
  if (rest_.empty() || rest_[0] != '=') return true;
  rest_.remove_prefix(1);
  return TakeBareItem(value_);
}

bool IsSfList(std::string_view value) {
  SfListReader reader(value);
  while (reader.NextMember()) {
  }
  return !reader.failed();
}

bool IsSfTokenOrString(std::string_view item) {
  return !item.empty() && (item[0] == '"' || IsSfToken(item));
}

bool SfItemSays(std::string_view item, std::string_view name) {
  if (item.empty() || item[0] != '"') return item == name;
  std::string written;
  AppendSfString(written, name);
  return item == written;
}

}  // namespace whichhop::diagnostics
