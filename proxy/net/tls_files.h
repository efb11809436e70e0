#pragma once
// Certificates, keys and what goes with them, from files: OpenSSL's objects,
// or what is wrong in words, with the path. At start and reload alone: all of
// it blocks. A file is a regular one of at most 16 MiB.

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "proxy/base/result.h"

namespace whichhop {

// The deleter of what OpenSSL frees with `kFree`.
template <auto kFree>
struct TlsFree {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};

using X509Ptr = std::unique_ptr<X509, TlsFree<X509_free>>;
using X509CrlPtr = std::unique_ptr<X509_CRL, TlsFree<X509_CRL_free>>;
using X509StorePtr = std::unique_ptr<X509_STORE, TlsFree<X509_STORE_free>>;
using EvpKeyPtr = std::unique_ptr<EVP_PKEY, TlsFree<EVP_PKEY_free>>;
using SslCtxPtr = std::unique_ptr<SSL_CTX, TlsFree<SSL_CTX_free>>;

// A response of OCSP to staple.
struct TlsStaple {
  std::string der;        // empty: none
  std::time_t until = 0;  // its nextUpdate; 0: it has none
};

// What OpenSSL complained of first, in words; its queue is empty then.
std::string TakeTlsReason();

// PEM, at least one. The first is the leaf, where it is a chain.
Result<std::vector<X509Ptr>> LoadCertificates(const std::string& path);
// PEM, not encrypted.
Result<EvpKeyPtr> LoadPrivateKey(const std::string& path);
// PEM, at least one.
Result<std::vector<X509CrlPtr>> LoadRevocations(const std::string& path);
// DER: a successful response about `leaf`.
Result<TlsStaple> LoadStaple(const std::string& path, const X509* leaf);

// That `key` is not of `leaf`, or "".
std::string KeyMismatch(const X509* leaf, EVP_PKEY* key,
                        const std::string& leaf_path,
                        const std::string& key_path);

// Sets a certificate, those behind it and its key for a context: why it can't
// be, or "".
std::string UseCertificate(SSL_CTX* context, const std::vector<X509Ptr>& chain,
                           EVP_PKEY* key);

// Trusts them as roots. False: no memory.
bool AddToStore(X509_STORE* store, const std::vector<X509Ptr>& authorities);

}  // namespace whichhop
