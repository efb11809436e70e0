#include "proxy/net/tls_files.h"

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>

#include "proxy/net/regular_file.h"
#include "proxy/net/tls_certificate.h"

namespace whichhop {

namespace {

using BioPtr = std::unique_ptr<BIO, TlsFree<BIO_free>>;
using OcspPtr = std::unique_ptr<OCSP_RESPONSE, TlsFree<OCSP_RESPONSE_free>>;
using BasicPtr = std::unique_ptr<OCSP_BASICRESP, TlsFree<OCSP_BASICRESP_free>>;

constexpr size_t kMaxFileBytes = 16 * 1024 * 1024;

Result<std::string> ReadFile(const std::string& path) {
  return ReadRegularFile(path, kMaxFileBytes);
}

BioPtr Bytes(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

bool IsAtEnd() {
  const unsigned long error = ERR_peek_last_error();
  return ERR_GET_LIB(error) == ERR_LIB_PEM &&
         ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

// All objects of a PEM file that `read` finds; `what` they are.
template <typename Ptr, typename Read>
Result<std::vector<Ptr>> LoadPem(const std::string& path,
                                 const std::string& what, Read read) {
  const Result<std::string> text = ReadFile(path);
  if (!text.ok()) return Error{text.error()};
  const BioPtr bio = Bytes(text.value());
  std::vector<Ptr> objects;
  ERR_clear_error();
  while (auto* object = read(bio.get(), nullptr, nullptr, nullptr)) {
    objects.emplace_back(object);
  }
  if (!IsAtEnd()) {
    return Error{path + ": " + what + " number " +
                 std::to_string(objects.size() + 1) +
                 " is malformed: " + TakeTlsReason()};
  }
  ERR_clear_error();
  if (objects.empty()) return Error{path + " has no " + what + " in PEM"};
  return objects;
}

// Nobody is there to be asked for a passphrase.
int RefusePassphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

// The answer about `leaf`; null if there is none.
OCSP_SINGLERESP* AnswerAbout(const X509* leaf, OCSP_BASICRESP* basic) {
  for (int i = 0; i < OCSP_resp_count(basic); ++i) {
    OCSP_SINGLERESP* answer = OCSP_resp_get0(basic, i);
    ASN1_INTEGER* serial = nullptr;
    OCSP_id_get0_info(
        nullptr, nullptr, nullptr, &serial,
        const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(answer)));
    if (ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)) == 0) {
      return answer;
    }
  }
  return nullptr;
}

Result<TlsStaple> Malformed(const std::string& path) {
  return Error{path + " is no OCSP response in DER: " + TakeTlsReason()};
}

}  // namespace

std::string TakeTlsReason() {
  const unsigned long error = ERR_get_error();
  ERR_clear_error();
  const char* text = ERR_reason_error_string(error);
  return text == nullptr ? "error " + std::to_string(error) : text;
}

Result<std::vector<X509Ptr>> LoadCertificates(const std::string& path) {
  return LoadPem<X509Ptr>(path, "certificate", PEM_read_bio_X509);
}

Result<std::vector<X509CrlPtr>> LoadRevocations(const std::string& path) {
  return LoadPem<X509CrlPtr>(path, "revocation list", PEM_read_bio_X509_CRL);
}

Result<EvpKeyPtr> LoadPrivateKey(const std::string& path) {
  const Result<std::string> text = ReadFile(path);
  if (!text.ok()) return Error{text.error()};
  // OpenSSL says "unsupported" of a file without any.
  if (text.value().find("PRIVATE KEY-----") == std::string::npos) {
    return Error{path + " has no private key in PEM"};
  }
  bool asked = false;
  ERR_clear_error();
  EvpKeyPtr key(PEM_read_bio_PrivateKey(Bytes(text.value()).get(), nullptr,
                                        RefusePassphrase, &asked));
  if (key != nullptr) return key;
  const std::string reason = TakeTlsReason();
  return Error{path + (asked ? ": the key is encrypted, and nobody is there to "
                               "be asked for its passphrase"
                             : ": the key is malformed: " + reason)};
}

Result<TlsStaple> LoadStaple(const std::string& path, const X509* leaf) {
  const Result<std::string> text = ReadFile(path);
  if (!text.ok()) return Error{text.error()};
  ERR_clear_error();
  const OcspPtr response(
      d2i_OCSP_RESPONSE_bio(Bytes(text.value()).get(), nullptr));
  if (response == nullptr) return Malformed(path);
  const int status = OCSP_response_status(response.get());
  if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return Error{path + " is an OCSP response without an answer: " +
                 OCSP_response_status_str(status)};
  }
  const BasicPtr basic(OCSP_response_get1_basic(response.get()));
  if (basic == nullptr) return Malformed(path);
  OCSP_SINGLERESP* answer = AnswerAbout(leaf, basic.get());
  if (answer == nullptr) {
    return Error{path + " is an OCSP response about another certificate"};
  }
  ASN1_GENERALIZEDTIME* until = nullptr;
  OCSP_single_get0_status(answer, nullptr, nullptr, nullptr, &until);
  return TlsStaple{text.value(), SecondsOf(until)};
}

std::string KeyMismatch(const X509* leaf, EVP_PKEY* key,
                        const std::string& leaf_path,
                        const std::string& key_path) {
  ERR_clear_error();
  if (X509_check_private_key(leaf, key) == 1) return {};
  return key_path + " is not the key of the first certificate in " + leaf_path +
         ": " + TakeTlsReason();
}

std::string UseCertificate(SSL_CTX* context, const std::vector<X509Ptr>& chain,
                           EVP_PKEY* key) {
  STACK_OF(X509)* rest = sk_X509_new_null();
  for (size_t i = 1; i < chain.size(); ++i) {
    sk_X509_push(rest, chain[i].get());
  }
  ERR_clear_error();
  const int used = SSL_CTX_use_cert_and_key(context, chain.front().get(), key,
                                            rest, /*override=*/1);
  sk_X509_free(rest);
  return used == 1 ? "" : TakeTlsReason();
}

bool AddToStore(X509_STORE* store, const std::vector<X509Ptr>& authorities) {
  for (const X509Ptr& authority : authorities) {
    if (X509_STORE_add_cert(store, authority.get()) != 1) return false;
  }
  return true;
}

}  // namespace whichhop
