#include "proxy/net/tls_names.h"

#include <algorithm>
#include <memory>

#include "proxy/base/text.h"
#include "proxy/net/ip.h"
#include "proxy/net/tls_files.h"

namespace whichhop {

namespace {

using NamesPtr = std::unique_ptr<GENERAL_NAMES, TlsFree<GENERAL_NAMES_free>>;

std::string_view Bytes(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

// A NUL in a name is an old trick; nothing but these is in one.
bool IsNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

// In lower case, `*` as the first label alone.
bool IsName(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  return !name.empty() && std::ranges::all_of(name, IsNameByte);
}

std::string_view WithoutBrackets(std::string_view host) {
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  return bracketed ? host.substr(1, host.size() - 2) : host;
}

// Whether it could be an address: cheaper than asking for one.
bool MayBeIp(std::string_view host) {
  return host.find(':') != std::string_view::npos ||
         (!host.empty() && host.back() >= '0' && host.back() <= '9');
}

void SortAndUnite(std::vector<std::string>& texts) {
  std::ranges::sort(texts);
  // Not that of ranges: clang 14 can't read what it returns.
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
}

}  // namespace

std::string_view ComparableName(std::string_view name, HostNameBuffer& buffer) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.size() > buffer.size()) return {};
  std::ranges::transform(name, buffer.begin(), LowerAscii);
  return {buffer.data(), name.size()};
}

TlsNames::TlsNames(const X509* certificate) {
  const NamesPtr alternatives(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (alternatives != nullptr) {
    AddAlternatives(alternatives.get());
  } else {
    AddCommonName(certificate);
  }
  SortAndUnite(names_);
  SortAndUnite(ips_);
}

void TlsNames::AddAlternatives(const GENERAL_NAMES* alternatives) {
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives, i);
    if (name->type == GEN_DNS) AddName(name->d.dNSName);
    if (name->type == GEN_IPADD) ips_.emplace_back(Bytes(name->d.iPAddress));
  }
}

void TlsNames::AddCommonName(const X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return;
  const auto* entry = X509_NAME_get_entry(subject, at);
  AddName(X509_NAME_ENTRY_get_data(entry));
}

void TlsNames::AddName(const ASN1_STRING* text) {
  HostNameBuffer buffer;
  const std::string_view name = ComparableName(Bytes(text), buffer);
  if (IsName(name)) names_.emplace_back(name);
}

bool TlsNames::Cover(std::string_view host) const {
  host = WithoutBrackets(host);
  if (MayBeIp(host)) {
    const auto ip = Ip::Parse(host);
    if (ip) return std::ranges::binary_search(ips_, ip->bytes());
  }
  HostNameBuffer buffer;
  return CoverName(ComparableName(host, buffer));
}

bool TlsNames::CoverName(std::string_view name) const {
  // A `*` that somebody asks for is no name: it would be found as itself.
  if (name.empty() || name.starts_with('*')) return false;
  if (std::ranges::binary_search(names_, name)) return true;
  const size_t dot = name.find('.');
  if (dot == 0 || dot == std::string_view::npos) return false;
  HostNameBuffer buffer;
  buffer[0] = '*';
  const auto end = std::ranges::copy(name.substr(dot), buffer.begin() + 1).out;
  return std::ranges::binary_search(names_,
                                    std::string_view(buffer.begin(), end));
}

bool TlsNames::Include(const TlsNames& other) const {
  return std::ranges::includes(names_, other.names_) &&
         std::ranges::includes(ips_, other.ips_);
}

}  // namespace whichhop
