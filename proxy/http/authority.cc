#include "proxy/http/authority.h"

#include "proxy/http/octets.h"

namespace whichhop {
namespace {

// Each returns where its part ends, or null where it is malformed.

const char* SkipLiteral(const char* p, const char* end) {
  const char* const begin = ++p;  // behind the bracket
  while (p != end && (Is(kHexOctet, *p) || *p == ':' || *p == '.')) ++p;
  const bool closed = p != end && *p == ']' && p - begin >= 2;
  return closed ? p + 1 : nullptr;
}

const char* SkipName(const char* p, const char* end) {
  const char* const begin = p;
  for (;;) {
    p = SkipPlain(kHostOctet, p, end);
    if (p == end || *p != '%') break;
    if (end - p < 3 || !Is(kHexOctet, p[1]) || !Is(kHexOctet, p[2])) {
      return nullptr;
    }
    p += 3;
  }
  return p == begin ? nullptr : p;
}

bool IsPort(const char* p, const char* end, PortNeed need) {
  if (p == end) return need == PortNeed::kOptional;
  if (end - p > 5) return false;
  unsigned port = 0;
  for (; p != end; ++p) {
    if (!Is(kDigitOctet, *p)) return false;
    port = port * 10 + static_cast<unsigned>(*p - '0');
  }
  return port <= 65535;
}

}  // namespace

bool IsAuthority(std::string_view text, PortNeed port) {
  if (text.empty()) return false;
  const char* p = text.data();
  const char* const end = p + text.size();
  p = *p == '[' ? SkipLiteral(p, end) : SkipName(p, end);
  if (p == nullptr) return false;
  if (p == end) return port == PortNeed::kOptional;
  return *p == ':' && IsPort(p + 1, end, port);
}

}  // namespace whichhop
