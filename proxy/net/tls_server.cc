#include "proxy/net/tls_server.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <map>
#include <string_view>
#include <unordered_map>

#include "proxy/net/tls_client_authorities.h"
#include "proxy/net/tls_kept.h"
#include "proxy/net/tls_names.h"

namespace whichhop {

namespace {

// Forward secret, authenticated, and nothing else. Who puts ChaCha first has no
// AES in hardware, and gets it; else AES-128 is strong enough, and cheaper.
constexpr char kCiphers12[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr char kCiphers13[] =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
    "TLS_CHACHA20_POLY1305_SHA256";
constexpr char kSignatures[] =
    "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:"
    "ed25519:rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:"
    "rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:"
    "RSA+SHA256:RSA+SHA384:RSA+SHA512";
// The first where OpenSSL has it (3.5): safe from what records now and breaks
// later.
constexpr char kHybridGroups[] = "X25519MLKEM768:X25519:P-256:P-384";
constexpr char kGroups[] = "X25519:P-256:P-384";
// In order of preference, as ALPN has them (RFC 7301). Some clients that are to
// speak HTTP/1.0 offer that alone.
constexpr std::string_view kProtocols[] = {"http/1.1", "http/1.0"};
constexpr long kSessionSeconds = 12 * 3600;
constexpr uint64_t kOptions = SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                              SSL_OP_CIPHER_SERVER_PREFERENCE |
                              SSL_OP_PRIORITIZE_CHACHA;

// A certificate of the configuration, with all that belongs to it.
struct Credential {
  explicit Credential(std::vector<X509Ptr> certificates)
      : chain(std::move(certificates)), names(chain.front().get()) {}

  const X509* leaf() const { return chain.front().get(); }
  // RSA, EC, ...: a context has one of each.
  int type() const { return EVP_PKEY_get_base_id(key.get()); }

  std::vector<X509Ptr> chain;
  EvpKeyPtr key;
  TlsStaple staple;
  TlsNames names;
};

// Those of one context: one of a type. Indices, ascending.
using Group = std::vector<size_t>;

struct Material {
  std::vector<Credential> credentials;
  std::shared_ptr<const TlsClientAuthorities> authorities;
  std::shared_ptr<TlsTicketKeys> keys;
  std::array<unsigned char, SHA256_DIGEST_LENGTH> identity{};
};

// What a context keeps.
struct Served {
  std::shared_ptr<const Material> material;
  Group group;

  const Credential* Shown(const SSL* ssl) const;
  template <typename Predicate>
  bool Any(Predicate predicate) const {
    return std::ranges::any_of(group, [&](size_t index) {
      return predicate(material->credentials[index]);
    });
  }
};

using ServedOf = TlsKept<const Served>;

// The one that was chosen for this handshake.
const Credential* Served::Shown(const SSL* ssl) const {
  const X509* const leaf = SSL_get_certificate(ssl);
  for (const size_t index : group) {
    const Credential& credential = material->credentials[index];
    if (credential.leaf() == leaf) return &credential;
  }
  return nullptr;
}

// --- choosing by name --------------------------------------------------------

struct NameHash {
  using is_transparent = void;
  size_t operator()(std::string_view name) const {
    return std::hash<std::string_view>()(name);
  }
};

// Which context serves a name. The default context keeps it, so that one is not
// owned here.
struct Names {
  SSL_CTX* Find(std::string_view name) const;

  SSL_CTX* fallback = nullptr;
  std::vector<SslCtxPtr> owned;
  std::unordered_map<std::string, SSL_CTX*, NameHash, std::equal_to<>> contexts;
};

SSL_CTX* Names::Find(std::string_view name) const {
  HostNameBuffer buffer;
  name = ComparableName(name, buffer);
  const auto exact = contexts.find(name);
  if (exact != contexts.end()) return exact->second;
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos || dot == 0) return fallback;
  // The last byte of the first label makes room for the `*`.
  buffer[dot - 1] = '*';
  const auto wildcard = contexts.find(name.substr(dot - 1));
  return wildcard == contexts.end() ? fallback : wildcard->second;
}

// Called for each ClientHello, whether it has a name or not.
int OnServerName(SSL* ssl, int*, void* argument) {
  const auto& names = *static_cast<const Names*>(argument);
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  SSL_set_SSL_CTX(ssl, name == nullptr ? names.fallback : names.Find(name));
  TlsLayer::Of(ssl).facts().certificate_requested =
      SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE;
  return SSL_TLSEXT_ERR_OK;
}

// --- other callbacks ---------------------------------------------------------

// Who offers protocols, and none that we have, is told so (RFC 7301, section
// 3.2).
int OnProtocols(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                const unsigned char* offered, unsigned size, void*) {
  for (const std::string_view protocol : kProtocols) {
    for (unsigned at = 0; at < size; at += 1u + offered[at]) {
      const std::string_view one(
          reinterpret_cast<const char*>(offered + at + 1), offered[at]);
      if (one != protocol) continue;
      *chosen = offered + at + 1;
      *chosen_size = offered[at];
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// Staples what belongs to the certificate that was chosen, unless it is too
// old to be believed.
int OnStatusRequest(SSL* ssl, void*) {
  const Credential* const shown = ServedOf::Of(ssl)->Shown(ssl);
  if (shown == nullptr || shown->staple.der.empty()) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  const TlsStaple& staple = shown->staple;
  if (staple.until != 0 && staple.until < std::time(nullptr)) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  // OpenSSL frees it.
  void* const copy = OPENSSL_memdup(staple.der.data(), staple.der.size());
  if (copy == nullptr) return SSL_TLSEXT_ERR_NOACK;
  SSL_set_tlsext_status_ocsp_resp(ssl, copy,
                                  static_cast<long>(staple.der.size()));
  return SSL_TLSEXT_ERR_OK;
}

// --- contexts
// ------------------------------------------------------------------

bool SetStrength(SSL_CTX* context, uint16_t min_version) {
  SSL_CTX_set_options(context, kOptions);
  SSL_CTX_set_security_level(context, 2);
  const bool groups = SSL_CTX_set1_groups_list(context, kHybridGroups) == 1 ||
                      SSL_CTX_set1_groups_list(context, kGroups) == 1;
  ERR_clear_error();
  return groups && SSL_CTX_set_min_proto_version(context, min_version) == 1 &&
         SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_cipher_list(context, kCiphers12) == 1 &&
         SSL_CTX_set_ciphersuites(context, kCiphers13) == 1 &&
         SSL_CTX_set1_sigalgs_list(context, kSignatures) == 1;
}

bool SetSessions(SSL_CTX* context, const Material& material) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_timeout(context, kSessionSeconds);
  return SSL_CTX_set_num_tickets(context, 1) == 1 &&
         SSL_CTX_set_session_id_context(
             context, material.identity.data(),
             static_cast<unsigned>(material.identity.size())) == 1 &&
         TlsTicketKeys::Attach(material.keys, context) &&
         TlsClientAuthorities::Attach(material.authorities, context);
}

// All that contexts have in common: of a connection some of it is taken from
// the first context that it had, some from that which its name chose.
SslCtxPtr MakeContext(const std::shared_ptr<const Material>& material,
                      const Group& group, uint16_t min_version) {
  SslCtxPtr made(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* const context = made.get();
  if (context == nullptr || !SetStrength(context, min_version) ||
      !SetSessions(context, *material)) {
    return nullptr;
  }
  TlsLayer::Prepare(context);
  // Chains are sent as they are configured.
  SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_alpn_select_cb(context, OnProtocols, nullptr);
  SSL_CTX_set_tlsext_status_cb(context, OnStatusRequest);
  for (const size_t index : group) {
    const Credential& one = material->credentials[index];
    if (!UseCertificate(context, one.chain, one.key.get()).empty()) {
      return nullptr;
    }
  }
  auto served = std::make_shared<const Served>(Served{material, group});
  return ServedOf::Keep(context, std::move(served)) ? std::move(made) : nullptr;
}

// The first of each type for each name.
std::map<std::string, Group> GroupsByName(const Material& material) {
  std::map<std::string, Group> groups;
  for (size_t index = 0; index < material.credentials.size(); ++index) {
    const Credential& one = material.credentials[index];
    for (const std::string& name : one.names.all()) {
      Group& group = groups[name];
      const bool has = std::ranges::any_of(group, [&](size_t other) {
        return material.credentials[other].type() == one.type();
      });
      if (!has) group.push_back(index);
    }
  }
  return groups;
}

// The first certificate, and the first of each other type that is for the same
// names.
Group DefaultGroup(const Material& material) {
  const std::vector<Credential>& all = material.credentials;
  Group group{0};
  for (size_t index = 1; index < all.size(); ++index) {
    const bool has = std::ranges::any_of(group, [&](size_t other) {
      return all[other].type() == all[index].type();
    });
    if (!has && all[index].names.Include(all[0].names)) group.push_back(index);
  }
  return group;
}

SslCtxPtr MakeContexts(const std::shared_ptr<const Material>& material,
                       uint16_t min_version) {
  const Group first = DefaultGroup(*material);
  SslCtxPtr fallback = MakeContext(material, first, min_version);
  if (fallback == nullptr) return nullptr;
  auto names = std::make_shared<Names>();
  names->fallback = fallback.get();
  std::map<Group, SSL_CTX*> made{{first, fallback.get()}};
  for (const auto& [name, group] : GroupsByName(*material)) {
    SSL_CTX*& context = made[group];
    if (context == nullptr) {
      names->owned.push_back(MakeContext(material, group, min_version));
      context = names->owned.back().get();
      if (context == nullptr) return nullptr;
    }
    names->contexts.emplace(name, context);
  }
  SSL_CTX_set_tlsext_servername_callback(fallback.get(), OnServerName);
  SSL_CTX_set_tlsext_servername_arg(fallback.get(), names.get());
  const bool kept = TlsKept<Names>::Keep(fallback.get(), std::move(names));
  return kept ? std::move(fallback) : nullptr;
}

// --- loading
// -------------------------------------------------------------------

using Errors = std::vector<TlsLoadError>;

// Why it can't serve at all: a key that is too short, say.
std::string Unusable(const Credential& credential) {
  const SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_set_security_level(context.get(), 2);
  return UseCertificate(context.get(), credential.chain, credential.key.get());
}

void LoadCredential(const TlsCertificateFiles& files, size_t index,
                    Material& material, Errors& errors) {
  auto chain = LoadCertificates(files.cert);
  auto key = LoadPrivateKey(files.key);
  if (!chain.ok()) errors.push_back({"cert", index, chain.error()});
  if (!key.ok()) errors.push_back({"key", index, key.error()});
  if (!chain.ok()) return;
  Credential credential(std::move(chain.value()));
  if (!files.ocsp.empty()) {
    auto staple = LoadStaple(files.ocsp, credential.leaf());
    if (!staple.ok()) errors.push_back({"ocsp", index, staple.error()});
    if (staple.ok()) credential.staple = std::move(staple.value());
  }
  if (!key.ok()) return;
  credential.key = std::move(key.value());
  const std::string mismatch = KeyMismatch(
      credential.leaf(), credential.key.get(), files.cert, files.key);
  const std::string unusable = mismatch.empty() ? Unusable(credential) : "";
  if (!mismatch.empty()) errors.push_back({"key", index, mismatch});
  if (!unusable.empty()) {
    errors.push_back(
        {"cert", index, files.cert + " can't be used: " + unusable});
  }
  material.credentials.push_back(std::move(credential));
}

std::vector<X509Ptr> LoadAuthorities(const std::string& path, const char* key,
                                     Errors& errors) {
  if (path.empty()) return {};
  auto authorities = LoadCertificates(path);
  if (authorities.ok()) return std::move(authorities.value());
  errors.push_back({key, 0, authorities.error()});
  return {};
}

// Sessions are resumed where the same names are served and the same
// certificates are asked for.
void SetIdentity(Material& material) {
  std::string identity = material.authorities->Identity();
  for (const auto& [name, group] : GroupsByName(material)) {
    identity += '\0' + name;
  }
  EVP_Digest(identity.data(), identity.size(), material.identity.data(),
             nullptr, EVP_sha256(), nullptr);
}

}  // namespace

std::shared_ptr<const TlsServer> TlsServer::Load(
    const Options& options, std::shared_ptr<TlsTicketKeys> keys,
    Errors* errors) {
  const size_t errors_before = errors->size();
  auto material = std::make_shared<Material>();
  material->keys = std::move(keys);
  for (size_t i = 0; i < options.certificates.size(); ++i) {
    LoadCredential(options.certificates[i], i, *material, *errors);
  }
  if (options.certificates.empty()) {
    errors->push_back({"certificates", 0, "there is no certificate"});
  }
  auto clients = LoadAuthorities(options.client_ca, "client_ca", *errors);
  auto operators = LoadAuthorities(options.operator_ca, "operator_ca", *errors);
  if (errors->size() != errors_before) return nullptr;
  material->authorities = std::make_shared<const TlsClientAuthorities>(
      std::move(clients), std::move(operators));
  SetIdentity(*material);
  SslCtxPtr context = MakeContexts(material, options.min_version);
  if (context == nullptr) {
    errors->push_back(
        {"certificates", 0, "OpenSSL failed: " + TakeTlsReason()});
    return nullptr;
  }
  // Private constructor: make_shared can't reach it.
  return std::shared_ptr<const TlsServer>(
      new TlsServer(options, std::move(context)));
}

SslPtr TlsServer::New() const {
  SslPtr ssl(SSL_new(context_.get()));
  if (ssl != nullptr) SSL_set_accept_state(ssl.get());
  return ssl;
}

bool TlsServer::Covers(const TlsLayer& connection, std::string_view host) {
  const SSL* const ssl = connection.ssl();
  const Served& served = *ServedOf::Of(ssl);
  const auto covers = [host](const Credential& credential) {
    return credential.names.Cover(host);
  };
  if (SSL_session_reused(ssl) == 1) return served.Any(covers);
  const Credential* const shown = served.Shown(ssl);
  return shown != nullptr && covers(*shown);
}

bool TlsServer::NameServed(const TlsLayer& connection) {
  const SSL* const ssl = connection.ssl();
  const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (name == nullptr) return true;
  return ServedOf::Of(ssl)->Any([name](const Credential& credential) {
    return credential.names.Cover(name);
  });
}

bool TlsServer::ClientAdmitted(const TlsLayer& connection) const {
  return options_.client_ca.empty() ||
         TlsClientAuthorities::ShowedClient(connection.ssl());
}

bool TlsServer::IsOperator(const TlsLayer& connection) const {
  return !options_.operator_ca.empty() &&
         TlsClientAuthorities::ShowedOperator(connection.ssl());
}

}  // namespace whichhop
