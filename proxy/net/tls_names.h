#pragma once
// Which hosts a certificate is for: its subjectAltName (RFC 6125, RFC 9525), or
// the common name of one that has none. Names are exact, or have `*` as their
// first label, which stands for one label.

#include <openssl/x509v3.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace whichhop {

// A host name as names are compared: lower case, no final dot. Of a name that
// is longer than names are (RFC 1035), nothing. Valid as long as `buffer`.
using HostNameBuffer = std::array<char, 256>;
std::string_view ComparableName(std::string_view name, HostNameBuffer& buffer);

class TlsNames {
 public:
  explicit TlsNames(const X509* certificate);

  // `host` is a name or an IP address, as in Host without its port: IPv6 in
  // brackets or not. No allocation.
  bool Cover(std::string_view host) const;
  // Whether all names of `other` are among these.
  bool Include(const TlsNames& other) const;
  // In lower case, sorted: "a.example", "*.example".
  const std::vector<std::string>& all() const { return names_; }

 private:
  void AddAlternatives(const GENERAL_NAMES* alternatives);
  void AddCommonName(const X509* certificate);
  void AddName(const ASN1_STRING* text);
  bool CoverName(std::string_view name) const;

  std::vector<std::string> names_;
  std::vector<std::string> ips_;  // 4 or 16 bytes each
};

}  // namespace whichhop
