#include "tests/proxy/net/authority.h"

#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace whichhop {

namespace {

constexpr long kDay = 24 * 60 * 60;

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

void Require(bool done) {
  if (!done) std::abort();
}

File Open(const std::string& path) {
  File file(std::fopen(path.c_str(), "ab"), std::fclose);
  Require(file != nullptr);
  return file;
}

EvpKeyPtr MakeKey(TestKey kind) {
  EvpKeyPtr key(kind == TestKey::kEc ? EVP_EC_gen("P-256")
                : kind == TestKey::kRsa
                    ? EVP_RSA_gen(static_cast<size_t>(2048))
                    : EVP_RSA_gen(static_cast<size_t>(1024)));
  Require(key != nullptr);
  return key;
}

void AddExtension(X509* certificate, int id, const std::string& value) {
  if (value.empty()) return;
  X509_EXTENSION* const extension =
      X509V3_EXT_conf_nid(nullptr, nullptr, id, value.c_str());
  Require(extension != nullptr &&
          X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

std::string Joined(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) {
    joined += (joined.empty() ? "" : ",") + text;
  }
  return joined;
}

X509Ptr Unsigned(const std::string& subject, EVP_PKEY* key, long serial,
                 int ends_in_days) {
  X509Ptr made(X509_new());
  X509_set_version(made.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -2 * kDay);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), kDay * ends_in_days);
  X509_NAME_add_entry_by_txt(
      X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
      reinterpret_cast<const unsigned char*>(subject.c_str()), -1, -1, 0);
  X509_set_pubkey(made.get(), key);
  return made;
}

X509Ptr LeafOf(const TlsCertificateFiles& files) {
  return std::move(LoadCertificates(files.cert).value().front());
}

}  // namespace

ScratchDirectory::ScratchDirectory() { Require(mkdtemp(path_.data())); }

ScratchDirectory::~ScratchDirectory() { std::filesystem::remove_all(path_); }

std::string ScratchDirectory::Write(const std::string& name,
                                    std::string_view text) const {
  const std::string path = path_ + '/' + name;
  std::ofstream(path) << text;
  return path;
}

TestAuthority::TestAuthority(const ScratchDirectory& directory,
                             std::string name)
    : directory_(directory),
      name_(std::move(name)),
      key_(MakeKey(TestKey::kEc)),
      certificate_(Unsigned(name_, key_.get(), 1, 3)),
      path_(NewPath("ca.pem")) {
  X509* const own = certificate_.get();
  X509_set_issuer_name(own, X509_get_subject_name(own));
  AddExtension(own, NID_basic_constraints, "critical,CA:TRUE");
  Require(X509_sign(own, key_.get(), EVP_sha256()) > 0);
  PEM_write_X509(Open(path_).get(), own);
}

std::string TestAuthority::NewPath(const std::string& what) {
  return directory_.path() + '/' + name_ + std::to_string(++issued_) + what;
}

TlsCertificateFiles TestAuthority::Issue(const WantedCertificate& wanted) {
  const TlsCertificateFiles files{NewPath(".pem"), NewPath(".key"), ""};
  const EvpKeyPtr key = MakeKey(wanted.key);
  const X509Ptr made =
      Unsigned(wanted.subject, key.get(), issued_, wanted.ends_in_days);
  X509_set_issuer_name(made.get(), X509_get_subject_name(certificate_.get()));
  AddExtension(made.get(), NID_subject_alt_name, Joined(wanted.names));
  AddExtension(made.get(), NID_ext_key_usage, wanted.usage);
  Require(X509_sign(made.get(), key_.get(), EVP_sha256()) > 0);
  PEM_write_X509(Open(files.cert).get(), made.get());
  PEM_write_X509(Open(files.cert).get(), certificate_.get());
  PEM_write_PrivateKey(Open(files.key).get(), key.get(), nullptr, nullptr, 0,
                       nullptr, nullptr);
  return files;
}

std::string TestAuthority::Revoke(const TlsCertificateFiles& files,
                                  int ends_in_days) {
  const X509CrlPtr list(X509_CRL_new());
  X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list.get(),
                           X509_get_subject_name(certificate_.get()));
  ASN1_TIME* const time = ASN1_TIME_new();
  X509_gmtime_adj(time, -2 * kDay);
  X509_CRL_set1_lastUpdate(list.get(), time);
  if (!files.cert.empty()) {
    X509_REVOKED* const revoked = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(revoked,
                                  X509_get_serialNumber(LeafOf(files).get()));
    X509_REVOKED_set_revocationDate(revoked, time);
    X509_CRL_add0_revoked(list.get(), revoked);
  }
  X509_gmtime_adj(time, kDay * ends_in_days);
  X509_CRL_set1_nextUpdate(list.get(), time);
  ASN1_TIME_free(time);
  Require(X509_CRL_sign(list.get(), key_.get(), EVP_sha256()) > 0);
  const std::string path = NewPath(".crl");
  PEM_write_X509_CRL(Open(path).get(), list.get());
  return path;
}

std::string TestAuthority::Staple(const TlsCertificateFiles& files,
                                  int ends_in_days) {
  OCSP_BASICRESP* const basic = OCSP_BASICRESP_new();
  OCSP_CERTID* const id =
      OCSP_cert_to_id(EVP_sha1(), LeafOf(files).get(), certificate_.get());
  ASN1_TIME* const begin = X509_gmtime_adj(nullptr, -2 * kDay);
  ASN1_TIME* const end = X509_gmtime_adj(nullptr, kDay * ends_in_days);
  Require(OCSP_basic_add1_status(basic, id, V_OCSP_CERTSTATUS_GOOD, 0, nullptr,
                                 begin, end) != nullptr);
  Require(OCSP_basic_sign(basic, certificate_.get(), key_.get(), EVP_sha256(),
                          nullptr, 0) == 1);
  OCSP_RESPONSE* const response =
      OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
  const std::string path = NewPath(".ocsp");
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_RESPONSE(response, &der);
  Require(size > 0 && std::fwrite(der, static_cast<size_t>(size), 1,
                                  Open(path).get()) == 1);
  OPENSSL_free(der);
  OCSP_RESPONSE_free(response);
  OCSP_BASICRESP_free(basic);
  OCSP_CERTID_free(id);
  ASN1_TIME_free(begin);
  ASN1_TIME_free(end);
  return path;
}

std::string TestAuthority::Encrypt(const TlsCertificateFiles& files) {
  const std::string path = NewPath(".encrypted");
  const auto key = LoadPrivateKey(files.key);
  unsigned char phrase[] = "secret";
  PEM_write_PrivateKey(Open(path).get(), key.value().get(), EVP_aes_128_cbc(),
                       phrase, 6, nullptr, nullptr);
  return path;
}

}  // namespace whichhop
