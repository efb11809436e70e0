#pragma once
// An IP address without a port, as a value of 17 bytes: who a client is.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace whichhop {

class Address;

class Ip {
 public:
  // None: whoever speaks over a Unix socket has no IP address.
  Ip() = default;
  explicit Ip(const Address& address);
  // "192.0.2.1", "2001:db8::1"; no brackets, zone or port. Nothing if `text` is
  // neither.
  static std::optional<Ip> Parse(std::string_view text);

  // 4 or 16, in network order; IPv4 inside IPv6 are 4. Empty: none.
  std::string_view bytes() const { return {bytes_.data(), size_}; }
  // Appends it as Address::Host() says it: "unix:" for none.
  void AppendTo(std::string& out) const;
  std::string Text() const;

  bool operator==(const Ip& other) const { return bytes() == other.bytes(); }

 private:
  explicit Ip(std::string_view bytes);

  std::array<char, 16> bytes_{};
  uint8_t size_ = 0;
};

}  // namespace whichhop
