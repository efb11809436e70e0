#include "tests/proxy/net/certificates.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <cstdlib>

namespace whichhop {

namespace {

void Require(bool done) {
  if (!done) std::abort();
}

constexpr long kDay = 24 * 60 * 60;

X509* SelfSigned(EVP_PKEY* key, const TestCertificate& wanted) {
  X509* const made = X509_new();
  X509_set_version(made, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
  X509_gmtime_adj(X509_getm_notBefore(made), kDay * wanted.begins_in_days);
  X509_gmtime_adj(X509_getm_notAfter(made), kDay * wanted.ends_in_days);
  X509_NAME* const name = X509_get_subject_name(made);
  X509_NAME_add_entry_by_txt(
      name, "CN", MBSTRING_ASC,
      reinterpret_cast<const unsigned char*>(wanted.subject.c_str()), -1, -1,
      0);
  X509_set_issuer_name(made, name);
  X509_set_pubkey(made, key);
  std::string names;
  for (const std::string& each : wanted.names) {
    if (!names.empty()) names += ',';
    names += each;
  }
  if (!names.empty()) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(
        nullptr, nullptr, NID_subject_alt_name, names.c_str());
    Require(extension != nullptr && X509_add_ext(made, extension, -1) == 1);
    X509_EXTENSION_free(extension);
  }
  Require(X509_sign(made, key, EVP_sha256()) > 0);
  return made;
}

}  // namespace

SSL_CTX* SelfSignedContext(const SSL_METHOD* method,
                           const TestCertificate& wanted) {
  SSL_CTX* const context = SSL_CTX_new(method);
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = SelfSigned(key, wanted);
  Require(SSL_CTX_use_certificate(context, certificate) == 1 &&
          SSL_CTX_use_PrivateKey(context, key) == 1);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return context;
}

}  // namespace whichhop
