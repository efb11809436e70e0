#include "proxy/net/tls_client.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>

#include "proxy/net/ip.h"

namespace whichhop {

namespace {

// As ALPN has it (RFC 7301, section 3.1).
constexpr unsigned char kProtocols[] = "\x08http/1.1";
constexpr std::string_view kSystem = "system";

using Errors = std::vector<TlsLoadError>;

// Called in place of OpenSSL's own verification, for what it found wrong. With
// `verify` off OpenSSL goes on all the same.
int OnVerify(X509_STORE_CTX* presented, void*) {
  const int good = X509_verify_cert(presented);
  if (good != 1) TlsLayer::NoteUnverified(presented);
  return good;
}

// The server asks for a certificate.
int OnCertificateRequest(SSL* ssl, void*) {
  TlsFacts& facts = TlsLayer::Of(ssl).facts();
  facts.certificate_requested = true;
  facts.certificate_sent = SSL_get_certificate(ssl) != nullptr;
  return 1;
}

// --- the system's authorities
// --------------------------------------------------

std::string FromEnvironment(const char* variable, const char* otherwise) {
  const char* const value = std::getenv(variable);
  return value == nullptr ? otherwise : value;
}

// "5ed36f99.0": where OpenSSL looks for an authority.
bool IsHashName(const std::string& name) {
  if (name.size() < 10 || name[8] != '.') return false;
  for (size_t i = 0; i < 8; ++i) {
    if (std::isxdigit(static_cast<unsigned char>(name[i])) == 0) return false;
  }
  return true;
}

bool HasHashName(const std::string& directory) {
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(directory, error)) {
    if (IsHashName(entry.path().filename().string())) return true;
  }
  return false;
}

// What is wrong with where OpenSSL would look for them, or "".
std::string SystemProblem() {
  const std::string file = FromEnvironment(X509_get_default_cert_file_env(),
                                           X509_get_default_cert_file());
  std::string directories = FromEnvironment(X509_get_default_cert_dir_env(),
                                            X509_get_default_cert_dir());
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  if (!error && size > 0) return {};
  const std::string all = directories;
  while (!directories.empty()) {
    const size_t colon = std::min(directories.find(':'), directories.size());
    if (HasHashName(directories.substr(0, colon))) return {};
    directories.erase(0, colon + 1);
  }
  return "the system has no authorities, neither in " + file + " nor in " +
         all + ": install ca-certificates, or name a file";
}

// --- loading
// -------------------------------------------------------------------

void LoadAuthorities(const TlsClient::Options& options, SSL_CTX* context,
                     Errors& errors) {
  if (options.ca == kSystem) {
    const std::string problem = options.verify ? SystemProblem() : "";
    if (!problem.empty()) errors.push_back({"ca", 0, problem});
    SSL_CTX_set_default_verify_paths(context);
    return;
  }
  const auto authorities = LoadCertificates(options.ca);
  if (!authorities.ok()) {
    errors.push_back({"ca", 0, authorities.error()});
  } else if (!AddToStore(SSL_CTX_get_cert_store(context),
                         authorities.value())) {
    errors.push_back({"ca", 0, options.ca + ": " + TakeTlsReason()});
  }
}

void LoadRevoked(const std::string& path, SSL_CTX* context, Errors& errors) {
  if (path.empty()) return;
  const auto lists = LoadRevocations(path);
  if (!lists.ok()) {
    errors.push_back({"crl", 0, lists.error()});
    return;
  }
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  for (const X509CrlPtr& list : lists.value()) {
    if (X509_STORE_add_crl(store, list.get()) == 1) continue;
    errors.push_back({"crl", 0, path + ": " + TakeTlsReason()});
    return;
  }
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
}

void LoadOwn(const TlsCertificateFiles& files, SSL_CTX* context,
             Errors& errors) {
  if (files.cert.empty()) return;
  const auto chain = LoadCertificates(files.cert);
  const auto key = LoadPrivateKey(files.key);
  if (!chain.ok()) errors.push_back({"cert", 0, chain.error()});
  if (!key.ok()) errors.push_back({"key", 0, key.error()});
  if (!chain.ok() || !key.ok()) return;
  const std::string mismatch = KeyMismatch(
      chain.value().front().get(), key.value().get(), files.cert, files.key);
  if (!mismatch.empty()) {
    errors.push_back({"key", 0, mismatch});
    return;
  }
  const std::string unusable =
      UseCertificate(context, chain.value(), key.value().get());
  if (unusable.empty()) return;
  errors.push_back({"cert", 0, files.cert + " can't be used: " + unusable});
}

void SetUp(const TlsClient::Options& options, SSL_CTX* context) {
  TlsLayer::Prepare(context);
  SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_min_proto_version(context, options.min_version);
  SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION);
  SSL_CTX_set_alpn_protos(context, kProtocols, sizeof(kProtocols) - 1);
  SSL_CTX_set_verify(
      context, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_cert_verify_callback(context, OnVerify, nullptr);
  SSL_CTX_set_cert_cb(context, OnCertificateRequest, nullptr);
  TlsClientSessions::Attach(context);
}

std::string_view Bare(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) {
    return host.substr(1, host.size() - 2);
  }
  return host.ends_with('.') ? host.substr(0, host.size() - 1) : host;
}

// By which name the server is to be known. False: no memory.
bool ExpectName(SSL* ssl, const std::string& name) {
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(ssl);
  if (Ip::Parse(name)) {
    return X509_VERIFY_PARAM_set1_ip_asc(wanted, name.c_str()) == 1;
  }
  X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return X509_VERIFY_PARAM_set1_host(wanted, name.data(), name.size()) == 1 &&
         SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
}

}  // namespace

std::shared_ptr<const TlsClient> TlsClient::Load(const Options& options,
                                                 Errors* errors) {
  const size_t errors_before = errors->size();
  SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) {
    errors->push_back({"tls", 0, "OpenSSL failed: " + TakeTlsReason()});
    return nullptr;
  }
  SetUp(options, context.get());
  LoadAuthorities(options, context.get(), *errors);
  LoadRevoked(options.crl, context.get(), *errors);
  LoadOwn(options.certificate, context.get(), *errors);
  ERR_clear_error();
  if (errors->size() != errors_before) return nullptr;
  // Private constructor: make_shared can't reach it.
  return std::shared_ptr<const TlsClient>(
      new TlsClient(options, std::move(context)));
}

SslPtr TlsClient::New(std::string_view host) const {
  const std::string name(
      Bare(options_.server_name.empty() ? host : options_.server_name));
  if (name.empty() && options_.verify) return nullptr;
  SslPtr ssl(SSL_new(context_.get()));
  if (ssl == nullptr || (!name.empty() && !ExpectName(ssl.get(), name))) {
    return nullptr;
  }
  SSL_set_connect_state(ssl.get());
  return ssl;
}

}  // namespace whichhop
