#pragma once
// Certificates for tests, made as they are asked for: P-256 keys, valid from a
// day ago to tomorrow, for names under .test.

#include <openssl/ssl.h>

#include <string>
#include <vector>

namespace whichhop {

struct TestCertificate {
  std::string subject = "server.test";
  std::vector<std::string> names = {"DNS:server.test"};  // subjectAltName
  int begins_in_days = -1;
  int ends_in_days = 1;
};

// A context of `method` with a self-signed certificate.
SSL_CTX* SelfSignedContext(const SSL_METHOD* method,
                           const TestCertificate& wanted = {});

}  // namespace whichhop
