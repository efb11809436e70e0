#include "diagnostics/json_room.h"

#include <algorithm>
#include <bitset>
#include <charconv>
#include <cstdint>

#include "diagnostics/text.h"

namespace whichhop::diagnostics {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Whether a string that is read letter by letter is `name`.
class Comparison {
 public:
  explicit Comparison(std::string_view name) : rest_(name) {}

  void Next(uint32_t letter) {
    same_ = same_ && !rest_.empty() &&
            letter == static_cast<unsigned char>(rest_.front());
    if (same_) rest_.remove_prefix(1);
  }
  bool same() const { return same_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool same_ = true;
};

class ObjectReader {
 public:
  ObjectReader(std::string_view text, std::string_view name)
      : text_(text), name_(name) {}

  std::optional<JsonRoom> Read();

 private:
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(char c) {
    if (Peek() != c || at_ == text_.size()) return false;
    ++at_;
    return true;
  }
  bool TakeWord(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  void SkipSpace() {
    at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size());
  }
  bool Open(bool object);
  void AfterValue();
  bool Element();
  bool Key();
  bool Value();
  bool String(Comparison& comparison);
  bool Escape(Comparison& comparison);
  bool Unicode(Comparison& comparison);
  bool Hex(uint32_t* number);
  bool Digits();
  bool Number();

  std::string_view text_;
  std::string_view name_;
  size_t at_ = 0;
  size_t depth_ = 0;
  std::bitset<kJsonDepth> objects_;  // the others are arrays
  bool opened_ = false;              // nothing is in the innermost one yet
  JsonRoom room_;
};

std::optional<JsonRoom> ObjectReader::Read() {
  SkipSpace();
  if (!Take('{')) return std::nullopt;
  Open(true);
  room_.at = at_;
  while (depth_ > 0) {
    SkipSpace();
    if (Take(objects_[depth_ - 1] ? '}' : ']')) {
      --depth_;
      AfterValue();
    } else if (!Element()) {
      return std::nullopt;
    }
  }
  SkipSpace();
  if (at_ != text_.size()) return std::nullopt;
  return room_;
}

bool ObjectReader::Open(bool object) {
  if (depth_ == kJsonDepth) return false;
  objects_[depth_++] = object;
  opened_ = true;
  return true;
}

void ObjectReader::AfterValue() {
  opened_ = false;
  if (depth_ == 1) room_ = {at_, false};
}

// Of the innermost object or array, with the comma before it.
bool ObjectReader::Element() {
  if (!opened_ && !Take(',')) return false;
  SkipSpace();
  if (objects_[depth_ - 1] && !Key()) return false;
  if (Take('{')) return Open(true);
  if (Take('[')) return Open(false);
  if (!Value()) return false;
  AfterValue();
  return true;
}

bool ObjectReader::Key() {
  Comparison comparison(name_);
  if (!String(comparison)) return false;
  if (depth_ == 1 && comparison.same()) return false;
  SkipSpace();
  if (!Take(':')) return false;
  SkipSpace();
  return true;
}

bool ObjectReader::Value() {
  if (Peek() == '"') {
    Comparison nothing({});
    return String(nothing);
  }
  return TakeWord("true") || TakeWord("false") || TakeWord("null") || Number();
}

bool ObjectReader::String(Comparison& comparison) {
  if (!Take('"')) return false;
  while (at_ < text_.size()) {
    if (Take('"')) return true;
    if (Take('\\')) {
      if (!Escape(comparison)) return false;
      continue;
    }
    const auto octet = static_cast<unsigned char>(text_[at_]);
    if (octet < 0x20) return false;
    const size_t length = Utf8SequenceLength(text_.substr(at_));
    if (length == 0) return false;
    comparison.Next(octet);
    at_ += length;
  }
  return false;
}

bool ObjectReader::Escape(Comparison& comparison) {
  constexpr std::string_view kLetters = "\"\\/bfnrt";
  constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
  if (Take('u')) return Unicode(comparison);
  const size_t letter = kLetters.find(Peek());
  if (at_ == text_.size() || letter == kLetters.npos) return false;
  comparison.Next(static_cast<unsigned char>(kMeant[letter]));
  ++at_;
  return true;
}

// A character, or both halves of one.
bool ObjectReader::Unicode(Comparison& comparison) {
  uint32_t unit = 0;
  if (!Hex(&unit) || (unit >= 0xDC00 && unit < 0xE000)) return false;
  comparison.Next(unit);
  if (unit < 0xD800 || unit >= 0xE000) return true;
  return TakeWord("\\u") && Hex(&unit) && unit >= 0xDC00 && unit < 0xE000;
}

bool ObjectReader::Hex(uint32_t* number) {
  const std::string_view digits = text_.substr(at_, 4);
  if (digits.size() < 4) return false;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + 4, *number, 16);
  at_ += 4;
  return error == std::errc() && end == digits.data() + 4;
}

bool ObjectReader::Digits() {
  const size_t from = at_;
  while (IsDigit(Peek())) ++at_;
  return at_ > from;
}

bool ObjectReader::Number() {
  Take('-');
  if (!Take('0') && !Digits()) return false;
  if (Take('.') && !Digits()) return false;
  if (Take('e') || Take('E')) {
    if (!Take('+')) Take('-');
    return Digits();
  }
  return true;
}

}  // namespace

std::optional<JsonRoom> RoomInObject(std::string_view text,
                                     std::string_view name) {
  return ObjectReader(text, name).Read();
}

}  // namespace whichhop::diagnostics
