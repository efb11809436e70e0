#include "proxy/server/labels.h"

#include "diagnostics/text.h"

namespace whichhop {

namespace {

void AppendValue(std::string& out, std::string_view value) {
  constexpr std::string_view kHex = "0123456789abcdef";
  while (!value.empty()) {
    const char c = value.front();
    size_t length = diagnostics::Utf8SequenceLength(value);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (length == 0) {
      const auto byte = static_cast<unsigned char>(c);
      out += "\\\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
      length = 1;
    } else {
      out += value.substr(0, length);
    }
    value.remove_prefix(length);
  }
}

}  // namespace

void Labels::Add(std::string_view name, std::string_view value) {
  if (value.empty()) return;
  if (!text_.empty()) text_ += ',';
  text_ += name;
  text_ += "=\"";
  AppendValue(text_, value);
  text_ += '"';
}

}  // namespace whichhop
