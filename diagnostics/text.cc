#include "diagnostics/text.h"

#include <algorithm>
#include <array>

#include "diagnostics/append.h"
#include "diagnostics/usual_text.h"

namespace whichhop::diagnostics {
namespace {

constexpr char kHex[] = "0123456789ABCDEF";

// Bytes that pass through a JSON string as they are, ASCII alone.
constexpr std::array<bool, 256> PlainInJson() {
  std::array<bool, 256> plain{};
  for (size_t c = 0x20; c < 0x7F; ++c) plain[c] = c != '"' && c != '\\';
  return plain;
}
constexpr std::array<bool, 256> kPlainInJson = PlainInJson();

unsigned char Byte(char c) { return static_cast<unsigned char>(c); }

void AppendHexByte(std::string& out, std::string_view prefix, char c) {
  out += prefix;
  out += kHex[Byte(c) >> 4];
  out += kHex[Byte(c) & 15];
}

void AppendJsonEscape(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      // Below 0x80 it is a control character, above it no UTF-8.
      AppendHexByte(out, Byte(c) < 0x80 ? "\\u00" : "\\\\x", c);
  }
}

// U+2028 and U+2029 end a line in JavaScript, C1 controls drive terminals.
bool IsHiddenControl(std::string_view sequence) {
  if (sequence.size() == 2) {
    return Byte(sequence[0]) == 0xC2 && Byte(sequence[1]) < 0xA0;
  }
  return sequence == "\xE2\x80\xA8" || sequence == "\xE2\x80\xA9";
}

void AppendJsonUnicode(std::string& out, std::string_view sequence) {
  if (sequence.size() == 2) {
    AppendHexByte(out, "\\u00", sequence[1]);  // U+0080 to U+009F
  } else {
    out += sequence[2] == '\xA8' ? "\\u2028" : "\\u2029";
  }
}

// What stands for itself in a page: ASCII's, but for markup's and controls.
constexpr std::array<bool, 256> PlainInHtml() {
  std::array<bool, 256> plain{};
  for (size_t octet = 0x20; octet < 0x7F; ++octet) plain[octet] = true;
  plain['\n'] = plain['\t'] = true;
  for (const char c : {'&', '<', '>', '"', '\''}) {
    plain[static_cast<size_t>(c)] = false;
  }
  return plain;
}
constexpr std::array<bool, 256> kPlainInHtml = PlainInHtml();

std::string_view HtmlReference(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return "\xEF\xBF\xBD";  // what no page may have
  }
}

// The first sequence of the text, which is not plain. Returns its size.
size_t AppendHtmlSequence(std::string_view text, std::string& out) {
  const size_t length = Utf8SequenceLength(text);
  const std::string_view sequence = text.substr(0, length);
  const bool shown = length > 1 && !IsHiddenControl(sequence);
  out += shown ? sequence : HtmlReference(text[0]);
  return std::max(length, size_t{1});
}

constexpr std::array<bool, 256> TokenChars() {
  std::array<bool, 256> token{};
  for (char c = 'a'; c <= 'z'; ++c) token[static_cast<size_t>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) token[static_cast<size_t>(c)] = true;
  for (char c = '0'; c <= '9'; ++c) token[static_cast<size_t>(c)] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~:/")) {
    token[static_cast<size_t>(c)] = true;
  }
  return token;
}
constexpr std::array<bool, 256> kTokenChars = TokenChars();

bool IsTokenChar(char c) { return kTokenChars[Byte(c)]; }

void AppendQuoted(std::string& out, std::string_view text) {
  AppendAll(out, "\"", text, "\"");
}

bool IsContinuation(char c) { return (Byte(c) & 0xC0) == 0x80; }

// Whether the second byte keeps the sequence shortest, no surrogate, and at
// most U+10FFFF (Unicode, table 3-7).
bool SecondByteFits(unsigned char first, unsigned char second) {
  switch (first) {
    case 0xE0:
      return second >= 0xA0;
    case 0xED:
      return second < 0xA0;
    case 0xF0:
      return second >= 0x90;
    case 0xF4:
      return second < 0x90;
    default:
      return true;
  }
}

// RFC 4648 section 4, padded.
void AppendBase64(std::string& out, std::string_view bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (; !bytes.empty();
       bytes.remove_prefix(std::min<size_t>(3, bytes.size()))) {
    uint32_t group = 0;
    for (size_t i = 0; i < 3; ++i) {
      group <<= 8;
      if (i < bytes.size()) group |= static_cast<uint8_t>(bytes[i]);
    }
    for (size_t i = 0; i < 4; ++i) {
      const uint32_t digit = (group >> (18 - 6 * i)) & 63;
      out += i <= bytes.size() ? kAlphabet[digit] : '=';
    }
  }
}

}  // namespace

size_t Utf8SequenceLength(std::string_view text) {
  if (text.empty()) return 0;
  const unsigned char first = Byte(text[0]);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  const size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if (!IsContinuation(text[i])) return 0;
  }
  return SecondByteFits(first, Byte(text[1])) ? length : 0;
}

void AppendJsonString(std::string& out, std::string_view text) {
  if (IsUsual(text)) return AppendQuoted(out, text);
  out += '"';
  size_t run = 0;  // start of what can be copied as it is
  size_t i = 0;
  while (i < text.size()) {
    if (kPlainInJson[Byte(text[i])]) {
      ++i;
      continue;
    }
    const size_t length =
        Byte(text[i]) < 0x80 ? 0 : Utf8SequenceLength(text.substr(i));
    const bool hidden = length > 1 && IsHiddenControl(text.substr(i, length));
    if (length > 1 && !hidden) {
      i += length;
      continue;
    }
    out += text.substr(run, i - run);
    if (hidden) {
      AppendJsonUnicode(out, text.substr(i, length));
    } else {
      AppendJsonEscape(out, text[i]);
    }
    i += hidden ? length : 1;
    run = i;
  }
  out += text.substr(run);
  out += '"';
}

void AppendJsonKey(std::string& out, std::string_view key) {
  if (!out.empty() && out.back() != '{' && out.back() != '[') out += ',';
  AppendAll(out, "\"", key, "\":");
}

void AppendInteger(std::string& out, uint64_t number) {
  out += Decimal(number).view();
}

bool IsSfToken(std::string_view text) {
  if (text.empty()) return false;
  const char first = text[0];
  if (first != '*' && !(first >= 'a' && first <= 'z') &&
      !(first >= 'A' && first <= 'Z')) {
    return false;
  }
  for (char c : text) {
    if (!IsTokenChar(c)) return false;
  }
  return true;
}

void AppendSfString(std::string& out, std::string_view text) {
  if (IsUsual(text)) return AppendQuoted(out, text);
  out += '"';
  for (char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (Byte(c) < 0x20 || Byte(c) >= 0x7F) {
      AppendHexByte(out, "%", c);
    } else {
      out += c;
    }
  }
  out += '"';
}

void AppendSfTokenOrString(std::string& out, std::string_view text) {
  if (IsSfToken(text)) {
    out += text;
  } else {
    AppendSfString(out, text);
  }
}

void AppendSfTokenOrBytes(std::string& out, std::string_view text) {
  if (IsSfToken(text)) {
    out += text;
    return;
  }
  out += ':';
  AppendBase64(out, text);
  out += ':';
}

void AppendHtml(std::string& out, std::string_view text) {
  for (;;) {
    size_t plain = 0;
    while (plain < text.size() && kPlainInHtml[Byte(text[plain])]) ++plain;
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) return;
    text.remove_prefix(AppendHtmlSequence(text, out));
  }
}

void AppendTerminal(std::string& out, std::string_view text) {
  if (IsUsual(text)) {
    out += text;
    return;
  }
  for (size_t i = 0; i < text.size();) {
    const size_t length = Utf8SequenceLength(text.substr(i));
    const std::string_view sequence = text.substr(i, length == 0 ? 1 : length);
    i += sequence.size();
    const bool unsafe = length == 0 || Byte(sequence[0]) < 0x20 ||
                        sequence[0] == '\x7F' || IsHiddenControl(sequence);
    if (!unsafe) {
      out += sequence;
      continue;
    }
    for (char c : sequence) AppendHexByte(out, "\\x", c);
  }
}

}  // namespace whichhop::diagnostics
