#include "proxy/net/address.h"

#include <arpa/inet.h>

#include <cstddef>
#include <cstring>

#include "proxy/base/text.h"

namespace whichhop {

namespace {

constexpr std::string_view kUnixPrefix = "unix:";

// The 4 or 16 bytes of an IP address in text; empty if it is none.
std::string IpBytesOf(std::string_view text) {
  const std::string host(text);
  char bytes[16];
  if (inet_pton(AF_INET, host.c_str(), bytes) == 1) return {bytes, 4};
  if (inet_pton(AF_INET6, host.c_str(), bytes) == 1) return {bytes, 16};
  return {};
}

}  // namespace

Address Address::From(const sockaddr* address, socklen_t size) {
  Address result;
  result.size_ = std::min<socklen_t>(size, sizeof(result.storage_));
  std::memcpy(&result.storage_, address, result.size_);
  return result;
}

std::optional<Address> Address::Parse(std::string_view text) {
  Address result;
  if (text.starts_with(kUnixPrefix)) {
    text.remove_prefix(kUnixPrefix.size());
    sockaddr_un& local = result.storage_.local;
    if (text.empty() || text.size() >= sizeof(local.sun_path)) return {};
    local.sun_family = AF_UNIX;
    std::memcpy(local.sun_path, text.data(), text.size());
    result.size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) +
                                          text.size() + 1);
    return result;
  }
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return {};
  const auto port = ParseDecimal(text.substr(colon + 1));
  if (!port || *port > 65535) return {};
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (bracketed && host.empty()) return {};
  const std::string bytes = IpBytesOf(host.empty() ? "::" : host);
  if (bytes.size() == 4 && !bracketed) {
    result.storage_.v4.sin_family = AF_INET;
    result.storage_.v4.sin_port = htons(static_cast<uint16_t>(*port));
    std::memcpy(&result.storage_.v4.sin_addr, bytes.data(), 4);
    result.size_ = sizeof(sockaddr_in);
    return result;
  }
  if (bytes.size() != 16 || (!bracketed && !host.empty())) return {};
  result.storage_.v6.sin6_family = AF_INET6;
  result.storage_.v6.sin6_port = htons(static_cast<uint16_t>(*port));
  std::memcpy(&result.storage_.v6.sin6_addr, bytes.data(), 16);
  result.size_ = sizeof(sockaddr_in6);
  return result;
}

uint16_t Address::port() const {
  if (family() == AF_INET) return ntohs(storage_.v4.sin_port);
  if (family() == AF_INET6) return ntohs(storage_.v6.sin6_port);
  return 0;
}

Address Address::WithPort(uint16_t port) const {
  Address result = *this;
  in_port_t& field = family() == AF_INET6 ? result.storage_.v6.sin6_port
                                          : result.storage_.v4.sin_port;
  field = htons(port);
  return result;
}

std::string_view Address::IpBytes() const {
  if (family() == AF_INET) {
    return {reinterpret_cast<const char*>(&storage_.v4.sin_addr), 4};
  }
  if (family() != AF_INET6) return {};
  const auto* bytes = reinterpret_cast<const char*>(&storage_.v6.sin6_addr);
  if (IN6_IS_ADDR_V4MAPPED(&storage_.v6.sin6_addr)) return {bytes + 12, 4};
  return {bytes, 16};
}

std::string Address::Host() const {
  const std::string_view ip = IpBytes();
  if (ip.empty()) return std::string(kUnixPrefix);
  char text[INET6_ADDRSTRLEN] = "";
  inet_ntop(ip.size() == 4 ? AF_INET : AF_INET6, ip.data(), text, sizeof(text));
  return text;
}

bool Address::is_loopback() const {
  const std::string_view ip = IpBytes();
  if (ip.size() == 4) return ip[0] == 127;
  return ip.find_first_not_of('\0') == 15 && ip[15] == 1;
}

std::string Address::ToString() const {
  if (is_unix()) return std::string(kUnixPrefix) + storage_.local.sun_path;
  const std::string host = Host();
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port());
}

bool Address::operator==(const Address& other) const {
  if (is_unix() || other.is_unix()) return ToString() == other.ToString();
  // IPv4 inside IPv6 is the same host.
  return port() == other.port() && IpBytes() == other.IpBytes();
}

std::optional<Network> Network::Parse(std::string_view text) {
  const size_t slash = text.find('/');
  Network network;
  network.bytes_ = IpBytesOf(text.substr(0, slash));
  if (network.bytes_.empty()) return {};
  const size_t all_bits = network.bytes_.size() * 8;
  size_t bits = all_bits;
  if (slash != std::string_view::npos) {
    const auto given = ParseDecimal(text.substr(slash + 1));
    if (!given || *given > all_bits) return {};
    bits = *given;
  }
  network.prefix_bits_ = static_cast<int>(bits);
  for (size_t bit = bits; bit < all_bits; ++bit) {
    char& byte = network.bytes_[bit / 8];
    byte = static_cast<char>(byte & ~(0x80 >> (bit % 8)));
  }
  return network;
}

bool Network::ContainsBytes(std::string_view ip) const {
  if (ip.size() != bytes_.size()) return false;
  const size_t whole = static_cast<size_t>(prefix_bits_) / 8;
  if (ip.substr(0, whole) != std::string_view(bytes_).substr(0, whole)) {
    return false;
  }
  const int rest = prefix_bits_ % 8;
  if (rest == 0) return true;
  const int mask = 0xff << (8 - rest);
  return ((ip[whole] ^ bytes_[whole]) & mask & 0xff) == 0;
}

}  // namespace whichhop
