#pragma once
// Whom proxies before us say that they speak for: Forwarded (RFC 7239) and
// X-Forwarded-For, which is a list of addresses. Read strictly and whole: what
// two readers could understand differently is nobody's address.

#include <array>
#include <cstddef>
#include <string_view>

namespace whichhop {

// What a node of Forwarded (RFC 7239, section 6) or a member of X-Forwarded-For
// says of an address: "192.0.2.1" for `192.0.2.1` and `192.0.2.1:80`,
// "2001:db8::1" for `[2001:db8::1]:80`. Empty: nothing, since it is `unknown`,
// obfuscated, or malformed. Whether it is an IP address at all is for its
// reader to find out: here it is digits, letters, dots and colons.
// In X-Forwarded-For an IPv6 address may stand without brackets.
std::string_view NodeAddress(std::string_view node);
std::string_view MemberAddress(std::string_view member);

// The elements of one Forwarded field value, from the left: those of the
// proxies that were passed first.
class ForwardedReader {
 public:
  // `value` must stay as it is.
  explicit ForwardedReader(std::string_view value) : rest_(value) {}

  // False: there is no further element, or the value is malformed; then none
  // of it is to be believed.
  bool Next();
  bool malformed() const { return malformed_; }

  // NodeAddress of the element's `for`; empty, too, where it has none. Valid
  // until Next.
  std::string_view address() const { return address_; }

 private:
  static constexpr size_t kNodeMax = 64;  // no address with a port is longer

  bool ReadElement();
  bool ReadPair(unsigned* seen);
  bool ReadValue(std::string_view* value);
  bool ReadQuoted(std::string_view* value);
  std::string_view Unquoted(std::string_view value);
  bool Fail();

  std::string_view rest_;
  std::string_view address_;
  std::array<char, kNodeMax> unquoted_;  // address_ may refer to it
  bool malformed_ = false;
};

// The same of one X-Forwarded-For value. It is never malformed as a whole.
class ForwardedForReader {
 public:
  explicit ForwardedForReader(std::string_view value) : rest_(value) {}

  bool Next();
  bool malformed() const { return false; }
  std::string_view address() const { return address_; }

 private:
  std::string_view rest_;
  std::string_view address_;
};

}  // namespace whichhop
