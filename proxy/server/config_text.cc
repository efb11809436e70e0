#include "proxy/server/config_text.h"

#include <cstddef>

namespace whichhop {

namespace {

constexpr size_t kQuotedBytes = 60;

// Bytes of the UTF-8 character that `text` begins with; 0: it is malformed.
size_t CharacterBytes(std::string_view text) {
  const auto byte = [text](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong =
      (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  const bool surrogate = lead == 0xED && byte(1) > 0x9F;
  const bool beyond = lead == 0xF4 && byte(1) > 0x8F;
  return overlong || surrogate || beyond ? 0 : size;
}

// Whether a control character stands at the start of `text`.
bool StartsWithControl(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x20 || first == 0x7F) return true;
  return first == 0xC2 && text.size() > 1 &&
         static_cast<unsigned char>(text[1]) < 0xA0;
}

// Whether the line that `text` begins with is indented with a tab. Lines that
// are blank or hold a comment alone may be.
bool IndentsWithTab(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return false;
  if (text.substr(0, first).find('\t') == std::string_view::npos) return false;
  return text[first] != '\n' && text[first] != '\r' && text[first] != '#';
}

// What is wrong with the character at the start of `text`; empty: nothing.
std::string CharacterProblem(std::string_view text) {
  if (CharacterBytes(text) == 0) {
    return "this is not UTF-8, and a configuration is";
  }
  if (text[0] == '\n' || text[0] == '\t') return {};
  if (text.starts_with("\r\n")) return {};
  if (!StartsWithControl(text)) return {};
  return "a control character can't stand here";
}

void AppendHex(char c, std::string& out) {
  constexpr char kDigits[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  out += "\\x";
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

}  // namespace

std::string FormatConfigError(std::string_view file, const ConfigError& error) {
  const bool elsewhere = !error.file.empty();
  const ConfigPlace place = elsewhere ? error.file_place : error.place;
  return std::string(elsewhere ? error.file : file) + ':' +
         std::to_string(place.line) + ':' + std::to_string(place.column) +
         ": " + error.message;
}

bool IsParsable(std::string_view text, ConfigErrors& errors) {
  ConfigPlace place;
  for (size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    if (place.column == 1 && IndentsWithTab(rest)) {
      errors.push_back({place, "a tab can't indent; use spaces"});
      return false;
    }
    const std::string problem = CharacterProblem(rest);
    if (!problem.empty()) {
      errors.push_back({place, problem});
      return false;
    }
    const bool line_ends = rest[0] == '\n';
    const size_t bytes = CharacterBytes(rest);
    place = line_ends ? ConfigPlace{place.line + 1, 1}
                      : ConfigPlace{place.line, place.column + bytes};
    at += bytes;
  }
  return true;
}

bool HasControl(std::string_view text) {
  for (size_t at = 0; at < text.size(); ++at) {
    if (StartsWithControl(text.substr(at))) return true;
  }
  return false;
}

std::string Quote(std::string_view text) {
  std::string quoted = "`";
  size_t at = 0;
  while (at < text.size() && quoted.size() <= kQuotedBytes) {
    const std::string_view rest = text.substr(at);
    const size_t bytes = CharacterBytes(rest);
    if (bytes == 0 || StartsWithControl(rest)) {
      const size_t escaped = bytes == 0 ? 1 : bytes;
      for (size_t i = 0; i < escaped; ++i) AppendHex(rest[i], quoted);
      at += escaped;
      continue;
    }
    quoted += rest.substr(0, bytes);
    at += bytes;
  }
  return quoted + (at < text.size() ? "...`" : "`");
}

}  // namespace whichhop
