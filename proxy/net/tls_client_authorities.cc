#include "proxy/net/tls_client_authorities.h"

#include <cstdint>
#include <cstring>
#include <ctime>

#include "proxy/net/tls_kept.h"
#include "proxy/net/tls_layer.h"

namespace whichhop {

namespace {

using StoreCtxPtr =
    std::unique_ptr<X509_STORE_CTX, TlsFree<X509_STORE_CTX_free>>;

// How long a certificate that was shown is remembered, through any number of
// tickets.
constexpr std::time_t kRemembered = 24 * 3600;

// What was found, and when: one word of a connection, and what its tickets say.
class Standing {
 public:
  static constexpr uint64_t kClient = 1;
  static constexpr uint64_t kOperator = 2;

  Standing() = default;
  Standing(bool client, bool is_operator, std::time_t now)
      : bits_(static_cast<uint64_t>(now) << 2 |
              (client ? kClient : uint64_t{0}) |
              (is_operator ? kOperator : uint64_t{0})) {}

  bool Has(uint64_t flag) const { return (bits_ & flag) != 0; }
  std::time_t since() const { return static_cast<std::time_t>(bits_ >> 2); }

  static Standing Of(const SSL* ssl);
  void SetFor(SSL* ssl) const {
    static_assert(sizeof(void*) == sizeof(bits_));
    SSL_set_ex_data(ssl, Index(), reinterpret_cast<void*>(bits_));
  }
  static Standing InTicket(SSL_SESSION* session);
  bool PutInTicket(SSL_SESSION* session) const {
    return SSL_SESSION_set1_ticket_appdata(session, &bits_, sizeof(bits_)) == 1;
  }

 private:
  static int Index() {
    static const int index =
        SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return index;
  }

  uint64_t bits_ = 0;  // seconds since the epoch, and two flags
};

Standing Standing::InTicket(SSL_SESSION* session) {
  Standing standing;
  void* data = nullptr;
  size_t size = 0;
  const bool has =
      SSL_SESSION_get0_ticket_appdata(session, &data, &size) == 1 &&
      size == sizeof(standing.bits_);
  if (has) std::memcpy(&standing.bits_, data, size);
  return standing;
}

// A ticket that came says nothing unless the session was resumed by it.
Standing Standing::Of(const SSL* ssl) {
  if (SSL_session_reused(ssl) == 1) return InTicket(SSL_get_session(ssl));
  Standing standing;
  standing.bits_ = reinterpret_cast<uintptr_t>(SSL_get_ex_data(ssl, Index()));
  return standing;
}

X509StorePtr StoreOf(const std::vector<X509Ptr>& authorities) {
  X509StorePtr store;
  if (authorities.empty()) return store;
  store.reset(X509_STORE_new());
  if (store != nullptr && !AddToStore(store.get(), authorities)) store.reset();
  return store;
}

SSL* ConnectionOf(X509_STORE_CTX* presented) {
  return static_cast<SSL*>(X509_STORE_CTX_get_ex_data(
      presented, SSL_get_ex_data_X509_STORE_CTX_idx()));
}

// Judges what `presented` holds by `store` instead of its own.
StoreCtxPtr JudgeBy(X509_STORE* store, X509_STORE_CTX* presented) {
  StoreCtxPtr judgement(X509_STORE_CTX_new());
  if (judgement == nullptr || store == nullptr ||
      X509_STORE_CTX_init(judgement.get(), store,
                          X509_STORE_CTX_get0_cert(presented),
                          X509_STORE_CTX_get0_untrusted(presented)) != 1) {
    return nullptr;
  }
  // TLS has the strength that it wants of chains in there.
  X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(judgement.get()),
                         X509_STORE_CTX_get0_param(presented));
  X509_STORE_CTX_set_ex_data(judgement.get(),
                             SSL_get_ex_data_X509_STORE_CTX_idx(),
                             ConnectionOf(presented));
  X509_verify_cert(judgement.get());
  return judgement;
}

bool IsGood(const StoreCtxPtr& judgement) {
  return judgement != nullptr &&
         X509_STORE_CTX_get_error(judgement.get()) == X509_V_OK;
}

void AppendDer(const std::vector<X509Ptr>& certificates, std::string& text) {
  for (const X509Ptr& certificate : certificates) {
    unsigned char* der = nullptr;
    const int size = i2d_X509(certificate.get(), &der);
    if (size <= 0) continue;
    text.append(reinterpret_cast<char*>(der), static_cast<size_t>(size));
    OPENSSL_free(der);
  }
}

bool HasExpired(const X509* certificate) {
  return X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0;
}

}  // namespace

TlsClientAuthorities::TlsClientAuthorities(std::vector<X509Ptr> clients,
                                           std::vector<X509Ptr> operators)
    : clients_(std::move(clients)),
      operators_(std::move(operators)),
      client_store_(StoreOf(clients_)),
      operator_store_(StoreOf(operators_)) {}

bool TlsClientAuthorities::Attach(
    std::shared_ptr<const TlsClientAuthorities> authorities, SSL_CTX* context) {
  const TlsClientAuthorities& ours = *authorities;
  if (!ours.Asks()) return true;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  void* const argument = const_cast<TlsClientAuthorities*>(&ours);
  SSL_CTX_set_cert_verify_callback(context, OnCertificate, argument);
  SSL_CTX_set_session_ticket_cb(context, OnMakeTicket, OnTicket, argument);
  for (const auto* group : {&ours.clients_, &ours.operators_}) {
    for (const X509Ptr& authority : *group) {
      if (SSL_CTX_add_client_CA(context, authority.get()) != 1) return false;
    }
  }
  return TlsKept<const TlsClientAuthorities>::Keep(context,
                                                   std::move(authorities));
}

// The handshake goes on in any case. What OpenSSL is told is how the first of
// the two judged.
int TlsClientAuthorities::OnCertificate(X509_STORE_CTX* presented,
                                        void* authorities) {
  const auto& ours = *static_cast<const TlsClientAuthorities*>(authorities);
  SSL* const ssl = ConnectionOf(presented);
  const auto client = JudgeBy(ours.client_store_.get(), presented);
  const auto operators = JudgeBy(ours.operator_store_.get(), presented);
  Standing(IsGood(client), IsGood(operators), std::time(nullptr)).SetFor(ssl);
  const auto& first = ours.clients_.empty() ? operators : client;
  const int error = first == nullptr ? X509_V_ERR_OUT_OF_MEM
                                     : X509_STORE_CTX_get_error(first.get());
  X509_STORE_CTX_set_error(presented, error);
  TlsLayer::Of(ssl).facts().certificate_sent = true;
  if (first != nullptr && error != X509_V_OK) {
    TlsLayer::NoteUnverified(first.get());
  }
  return 1;
}

int TlsClientAuthorities::OnMakeTicket(SSL* ssl, void*) {
  return Standing::Of(ssl).PutInTicket(SSL_get_session(ssl));
}

// The ticket opens; whether it may be used. One without the certificate that
// clients must show is no way around it: the client may have one by now.
SSL_TICKET_RETURN TlsClientAuthorities::OnTicket(SSL*, SSL_SESSION* session,
                                                 const unsigned char*, size_t,
                                                 SSL_TICKET_STATUS status,
                                                 void* authorities) {
  const auto& ours = *static_cast<const TlsClientAuthorities*>(authorities);
  const bool renew = status == SSL_TICKET_SUCCESS_RENEW;
  if (!renew && status != SSL_TICKET_SUCCESS)
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  const Standing standing = Standing::InTicket(session);
  const X509* shown = SSL_SESSION_get0_peer(session);
  const bool old = std::time(nullptr) - standing.since() > kRemembered ||
                   (shown != nullptr && HasExpired(shown));
  const bool remembers =
      standing.Has(Standing::kClient) || standing.Has(Standing::kOperator);
  const bool lacks = !ours.clients_.empty() && !standing.Has(Standing::kClient);
  if (lacks || (remembers && old)) return SSL_TICKET_RETURN_IGNORE_RENEW;
  return renew ? SSL_TICKET_RETURN_USE_RENEW : SSL_TICKET_RETURN_USE;
}

bool TlsClientAuthorities::ShowedClient(const SSL* ssl) {
  return Standing::Of(ssl).Has(Standing::kClient);
}

bool TlsClientAuthorities::ShowedOperator(const SSL* ssl) {
  return Standing::Of(ssl).Has(Standing::kOperator);
}

std::string TlsClientAuthorities::Identity() const {
  std::string identity;
  AppendDer(clients_, identity);
  identity += '\0';
  AppendDer(operators_, identity);
  return identity;
}

}  // namespace whichhop
