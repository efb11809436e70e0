#include "proxy/net/tls_certificate.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <memory>

namespace whichhop {

namespace {

constexpr size_t kTextMost = 100;

struct Delete {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
  void operator()(AUTHORITY_INFO_ACCESS* access) const {
    AUTHORITY_INFO_ACCESS_free(access);
  }
};

std::string NameText(const X509_NAME* name) {
  const std::unique_ptr<BIO, Delete> memory(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(memory.get(), name, 0,
                     XN_FLAG_RFC2253 & ~ASN1_STRFLGS_UTF8_CONVERT);
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return std::string(text, std::min(kTextMost, static_cast<size_t>(size)));
}

// What is no name or address stays out.
std::string AlternativeName(const GENERAL_NAME& name) {
  if (name.type != GEN_DNS && name.type != GEN_IPADD) return {};
  const ASN1_STRING* const value =
      name.type == GEN_DNS ? name.d.dNSName : name.d.iPAddress;
  const std::string_view bytes(
      reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
      static_cast<size_t>(ASN1_STRING_length(value)));
  if (name.type == GEN_IPADD) {
    char text[INET6_ADDRSTRLEN];
    const int family = bytes.size() == 4 ? AF_INET : AF_INET6;
    const bool known = bytes.size() == 4 || bytes.size() == 16;
    if (!known) return {};
    return inet_ntop(family, bytes.data(), text, sizeof(text));
  }
  const bool printable = std::ranges::all_of(
      bytes, [](char octet) { return octet > 0x20 && octet < 0x7f; });
  return printable ? std::string(bytes) : std::string();
}

std::string NamesOf(const X509& certificate) {
  const std::unique_ptr<GENERAL_NAMES, Delete> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(
          &certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string text;
  const int count = names == nullptr ? 0 : sk_GENERAL_NAME_num(names.get());
  for (int i = 0; i < count && text.size() < kTextMost; ++i) {
    const std::string name =
        AlternativeName(*sk_GENERAL_NAME_value(names.get(), i));
    if (name.empty()) continue;
    if (!text.empty()) text += ", ";
    text += name;
  }
  text.resize(std::min(text.size(), kTextMost));
  return text;
}

bool SaysWhereItsIssuerIs(const X509& certificate) {
  const std::unique_ptr<AUTHORITY_INFO_ACCESS, Delete> access(
      static_cast<AUTHORITY_INFO_ACCESS*>(
          X509_get_ext_d2i(&certificate, NID_info_access, nullptr, nullptr)));
  const int count =
      access == nullptr ? 0 : sk_ACCESS_DESCRIPTION_num(access.get());
  for (int i = 0; i < count; ++i) {
    const auto* const each = sk_ACCESS_DESCRIPTION_value(access.get(), i);
    if (OBJ_obj2nid(each->method) == NID_ad_ca_issuers) return true;
  }
  return false;
}

}  // namespace

int64_t SecondsOf(const ASN1_TIME* time) {
  std::tm broken{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &broken) != 1) return 0;
  return timegm(&broken);
}

TlsCertificate Describe(const X509& certificate) {
  TlsCertificate facts;
  const X509_NAME* const subject = X509_get_subject_name(&certificate);
  const X509_NAME* const issuer = X509_get_issuer_name(&certificate);
  facts.subject = NameText(subject);
  facts.issuer = NameText(issuer);
  facts.names = NamesOf(certificate);
  facts.self_issued = X509_NAME_cmp(subject, issuer) == 0;
  facts.issuer_url = SaysWhereItsIssuerIs(certificate);
  facts.not_before = SecondsOf(X509_get0_notBefore(&certificate));
  facts.not_after = SecondsOf(X509_get0_notAfter(&certificate));
  return facts;
}

std::string KeyHash(const X509& certificate) {
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (X509_pubkey_digest(&certificate, EVP_sha256(), hash, &size) != 1) {
    return {};
  }
  return std::string(reinterpret_cast<char*>(hash), size);
}

}  // namespace whichhop
