#pragma once
// Socket addresses and networks as values: what a listener binds, what an
// upstream connects to, what a client came from.

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "proxy/net/ip.h"

namespace whichhop {

// An IPv4, IPv6 or Unix address. Comparable, copyable, needs no clean-up.
class Address {
 public:
  // Empty. All of the union is zero, not its first member alone: paths end in
  // a NUL.
  Address() { std::memset(&storage_, 0, sizeof(storage_)); }

  // "127.0.0.1:80", "[::1]:80", ":80" (any IPv4 and IPv6 address: [::]:80) or
  // "unix:/path". Nothing if `text` is none of them; a host name is none.
  static std::optional<Address> Parse(std::string_view text);
  static Address From(const sockaddr* address, socklen_t size);

  const sockaddr* get() const {
    return reinterpret_cast<const sockaddr*>(&storage_);
  }
  socklen_t size() const { return size_; }
  int family() const { return storage_.any.sa_family; }
  bool is_unix() const { return family() == AF_UNIX; }
  bool is_loopback() const;  // 127.0.0.0/8, ::1
  uint16_t port() const;     // 0 for Unix addresses
  // Requires: is_unix().
  const char* UnixPath() const { return storage_.local.sun_path; }
  // The whole address: "10.0.0.5:8000", "[::1]:80", "unix:/run/x.sock".
  std::string ToString() const;
  // The host alone: "10.0.0.5", "::1"; IPv4 inside IPv6 as IPv4; "unix:".
  std::string Host() const;
  // The same host at another port. Requires: not is_unix().
  Address WithPort(uint16_t port) const;
  // The bytes of the IP address, IPv4 inside IPv6 as 4 bytes; empty for Unix.
  std::string_view IpBytes() const;

  bool operator==(const Address& other) const;

 private:
  union Storage {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
    sockaddr_un local;
  } storage_;
  socklen_t size_ = 0;
};

// An address prefix: "10.0.0.0/8", "::1", "2001:db8::/32".
class Network {
 public:
  static std::optional<Network> Parse(std::string_view text);
  bool Contains(const Address& address) const {
    return ContainsBytes(address.IpBytes());
  }
  bool Contains(const Ip& ip) const { return ContainsBytes(ip.bytes()); }
  bool ContainsBytes(std::string_view ip) const;

 private:
  std::string bytes_;    // 4 or 16, host bits zero
  int prefix_bits_ = 0;  // how many of them count
};

}  // namespace whichhop
