#pragma once
// A certificate authority of a test's own: it issues, revokes and vouches, into
// files that go with it. Aborts where OpenSSL fails.

#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/net/tls_files.h"
#include "proxy/net/tls_server.h"

namespace whichhop {

// A directory that exists as long as this does, with what is in it.
class ScratchDirectory {
 public:
  ScratchDirectory();
  ~ScratchDirectory();
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  // The path of a new file with that text.
  std::string Write(const std::string& name, std::string_view text) const;
  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/whichhop-tls-XXXXXX";
};

enum class TestKey : uint8_t { kEc, kRsa, kWeakRsa };

struct WantedCertificate {
  std::string subject = "server.test";
  std::vector<std::string> names = {"DNS:server.test"};  // subjectAltName
  TestKey key = TestKey::kEc;
  int ends_in_days = 1;    // it begins two days ago
  std::string usage = "";  // extendedKeyUsage: "serverAuth"; or empty
};

class TestAuthority {
 public:
  // Its files begin with `name`, which is its subject too.
  TestAuthority(const ScratchDirectory& directory, std::string name);

  // Its own certificate.
  const std::string& path() const { return path_; }
  // A certificate, and this authority's behind it.
  TlsCertificateFiles Issue(const WantedCertificate& wanted = {});
  // A list with the leaf of `files`, and of nobody if that has none.
  std::string Revoke(const TlsCertificateFiles& files, int ends_in_days = 1);
  // Says that the leaf of `files` is good.
  std::string Staple(const TlsCertificateFiles& files, int ends_in_days = 1);
  // The key of `files` under a passphrase.
  std::string Encrypt(const TlsCertificateFiles& files);

 private:
  std::string NewPath(const std::string& what);

  const ScratchDirectory& directory_;
  const std::string name_;
  EvpKeyPtr key_;
  X509Ptr certificate_;
  std::string path_;
  long issued_ = 0;
};

}  // namespace whichhop
