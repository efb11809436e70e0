#include "proxy/http/target.h"

#include "proxy/http/octets.h"

namespace whichhop {
namespace {

// Whether no escape is in it, no empty segment and none that begins with a dot.
bool IsNormal(std::string_view path) {
  const char* const end = path.data() + path.size();
  return SkipNormal(path.data(), end) == end;
}

char UpperHex(char c) { return c >= 'a' ? static_cast<char>(c - 0x20) : c; }

// Appends the octet or escape that `text` begins with; the size of it.
size_t AppendDecoded(std::string_view text, std::string* out) {
  const bool escape = text[0] == '%' && text.size() >= 3 &&
                      Is(kHexOctet, text[1]) && Is(kHexOctet, text[2]);
  if (!escape) {
    out->push_back(text[0]);
    return 1;
  }
  const unsigned octet = HexValue(text[1]) * 16 + HexValue(text[2]);
  if (Is(kUnreservedOctet, static_cast<char>(octet))) {
    out->push_back(static_cast<char>(octet));
  } else {
    out->push_back('%');
    out->push_back(UpperHex(text[1]));
    out->push_back(UpperHex(text[2]));
  }
  return 3;
}

// Takes the last segment of `out` back where it is a dot segment, and the one
// before it where that is "..". `out` ends in that segment, without a slash.
void FoldDots(std::string* out) {
  const size_t slash = out->rfind('/');
  const std::string_view segment = std::string_view(*out).substr(slash + 1);
  const bool up = segment == "..";
  if (!up && segment != ".") return;
  size_t keep = slash;
  if (up && slash != 0) keep = out->rfind('/', slash - 1);
  out->resize(keep + 1);
}

}  // namespace

std::string_view NormalizePath(std::string_view path, std::string* storage) {
  if (IsNormal(path)) return path;
  storage->clear();
  storage->reserve(path.size());
  while (!path.empty()) {
    if (path[0] == '/') {
      if (!storage->empty()) FoldDots(storage);
      if (storage->empty() || storage->back() != '/') storage->push_back('/');
      path.remove_prefix(1);
    } else {
      path.remove_prefix(AppendDecoded(path, storage));
    }
  }
  FoldDots(storage);
  return *storage;
}

}  // namespace whichhop
