#pragma once
// Text in which nothing has to be escaped, wherever it is said: printable ASCII
// without quotes and backslashes, as nearly all of it is. Eight octets are
// looked at in a step.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace whichhop::diagnostics {

constexpr uint64_t Everywhere(uint8_t octet) {
  return uint64_t{0x0101010101010101} * octet;
}
// A constant must not overflow: it is no signed number.
static_assert(Everywhere(0x80) == 0x8080808080808080);

// Not zero if any octet of the word is unusual: a control character, a quote,
// a backslash, DEL, or no ASCII. Where an addition carries or a subtraction
// borrows into the next octet, the one that it comes from is such already.
constexpr uint64_t Unusual(uint64_t word) {
  const uint64_t control = word - Everywhere(0x20);
  const uint64_t quote = (word ^ Everywhere('"')) - Everywhere(1);
  const uint64_t backslash = (word ^ Everywhere('\\')) - Everywhere(1);
  const uint64_t del = word + Everywhere(1);
  return (word | control | quote | backslash | del) & Everywhere(0x80);
}

namespace usual_text {

template <typename Word>
uint64_t CopyWord(char* to, const char* from) {
  Word word;
  std::memcpy(&word, from, sizeof(word));
  std::memcpy(to, &word, sizeof(word));
  return word;
}

// Up to three octets; a word of them and of spaces.
inline uint64_t CopyFew(char* to, std::string_view text) {
  uint64_t word = Everywhere(' ');
  for (const char octet : text) {
    *to++ = octet;
    word = word << 8 | static_cast<uint8_t>(octet);
  }
  return word;
}

}  // namespace usual_text

// Copies the text. False: something in it is unusual. The last word of it
// overlaps the one before. Requires: room for it.
inline bool CopyUsual(char* to, std::string_view text) {
  using usual_text::CopyWord;
  const char* const from = text.data();
  const size_t size = text.size();
  if (size < 4) return Unusual(usual_text::CopyFew(to, text)) == 0;
  if (size < 8) {
    const uint64_t head = CopyWord<uint32_t>(to, from);
    const uint64_t tail = CopyWord<uint32_t>(to + size - 4, from + size - 4);
    return Unusual(head << 32 | tail) == 0;
  }
  uint64_t unusual = 0;
  for (size_t at = 0; at + 8 < size; at += 8) {
    unusual |= Unusual(CopyWord<uint64_t>(to + at, from + at));
  }
  unusual |= Unusual(CopyWord<uint64_t>(to + size - 8, from + size - 8));
  return unusual == 0;
}

// Whether nothing in the text is unusual.
inline bool IsUsual(std::string_view text) {
  uint64_t word = 0;
  for (; text.size() >= 8; text.remove_prefix(8)) {
    std::memcpy(&word, text.data(), 8);
    if (Unusual(word) != 0) return false;
  }
  word = Everywhere(' ');
  for (const char octet : text) word = word << 8 | static_cast<uint8_t>(octet);
  return Unusual(word) == 0;
}

}  // namespace whichhop::diagnostics
