#include "proxy/net/ip.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "proxy/net/address.h"

namespace whichhop {

namespace {

constexpr std::string_view kV4Mapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);

void WriteV4(std::string_view bytes, char* out) {
  for (const char byte : bytes) {
    out = std::to_chars(out, out + 3, static_cast<uint8_t>(byte)).ptr;
    *out++ = '.';
  }
  out[-1] = '\0';
}

}  // namespace

Ip::Ip(std::string_view bytes) {
  if (bytes.starts_with(kV4Mapped)) bytes.remove_prefix(kV4Mapped.size());
  std::ranges::copy(bytes, bytes_.begin());
  size_ = static_cast<uint8_t>(bytes.size());
}

Ip::Ip(const Address& address) : Ip(address.IpBytes()) {}

std::optional<Ip> Ip::Parse(std::string_view text) {
  char terminated[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof(terminated)) return {};
  // A NUL inside would hide what follows it.
  if (text.find('\0') != std::string_view::npos) return {};
  *std::ranges::copy(text, terminated).out = '\0';
  char bytes[16];
  if (inet_pton(AF_INET, terminated, bytes) == 1) {
    return Ip(std::string_view(bytes, 4));
  }
  if (inet_pton(AF_INET6, terminated, bytes) == 1) {
    return Ip(std::string_view(bytes, 16));
  }
  return {};
}

void Ip::AppendTo(std::string& out) const {
  char text[INET6_ADDRSTRLEN] = "unix:";
  if (size_ == 16) inet_ntop(AF_INET6, bytes_.data(), text, sizeof(text));
  // inet_ntop prints IPv4 with all the generality of printf.
  if (size_ == 4) WriteV4(bytes(), text);
  out += text;
}

std::string Ip::Text() const {
  std::string text;
  AppendTo(text);
  return text;
}

}  // namespace whichhop
