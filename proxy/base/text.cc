#include "proxy/base/text.h"

namespace whichhop {

std::string_view NextListMember(std::string_view& list) {
  while (!list.empty()) {
    size_t end = 0;
    bool quoted = false;
    for (; end < list.size(); ++end) {
      const char c = list[end];
      if (c == '"') quoted = !quoted;
      if (quoted && c == '\\') ++end;
      if (!quoted && c == ',') break;
    }
    end = end < list.size() ? end : list.size();
    const std::string_view member = TrimOws(list.substr(0, end));
    list.remove_prefix(end < list.size() ? end + 1 : end);
    if (!member.empty()) return member;
  }
  return {};
}

std::optional<uint64_t> ParseDecimal(std::string_view text) {
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc() || stop != end) return std::nullopt;
  return number;
}

}  // namespace whichhop
