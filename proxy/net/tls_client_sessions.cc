#include <ctime>

#include "proxy/net/tls_client.h"

namespace whichhop {

namespace {

// Of a connection: where its sessions go.
int SessionsIndex() {
  static const int index =
      SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// A session stands for a verification that was done when it began: not for
// longer than the certificate, or the server's word, is good.
bool IsUsable(const SSL_SESSION* session) {
  const auto now = static_cast<long>(std::time(nullptr));
  const long end =
      SSL_SESSION_get_time(session) + SSL_SESSION_get_timeout(session);
  const X509* const peer =
      SSL_SESSION_get0_peer(const_cast<SSL_SESSION*>(session));
  return now < end && SSL_SESSION_is_resumable(session) == 1 &&
         peer != nullptr && X509_cmp_current_time(X509_get0_notAfter(peer)) > 0;
}

bool IsForOneUse(const SSL_SESSION* session) {
  return SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION;
}

}  // namespace

void TlsClientSessions::Attach(SSL_CTX* context) {
  SSL_CTX_set_session_cache_mode(
      context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, OnSession);
}

void TlsClientSessions::Join(TlsLayer& connection) {
  SSL* const ssl = connection.ssl();
  SSL_CTX* const context = SSL_get_SSL_CTX(ssl);
  if (context_.get() != context) {
    sessions_.clear();
    SSL_CTX_up_ref(context);
    context_.reset(context);
  }
  SSL_set_ex_data(ssl, SessionsIndex(), this);
  const Session session = Take();
  if (session != nullptr) SSL_set_session(ssl, session.get());
}

// The newest that is of use. It stays where it may be used again.
TlsClientSessions::Session TlsClientSessions::Take() {
  while (!sessions_.empty()) {
    Session session = std::move(sessions_.back());
    sessions_.pop_back();
    if (!IsUsable(session.get())) continue;
    if (!IsForOneUse(session.get())) {
      SSL_SESSION_up_ref(session.get());
      sessions_.emplace_back(session.get());
    }
    return session;
  }
  return nullptr;
}

// As SSL_CTX_sess_set_new_cb(3) wants it: 1, the reference is ours.
int TlsClientSessions::OnSession(SSL* ssl, SSL_SESSION* session) {
  auto* const sessions =
      static_cast<TlsClientSessions*>(SSL_get_ex_data(ssl, SessionsIndex()));
  if (sessions == nullptr || sessions->context_.get() != SSL_get_SSL_CTX(ssl)) {
    return 0;
  }
  if (sessions->sessions_.size() == kMost) {
    sessions->sessions_.erase(sessions->sessions_.begin());
  }
  sessions->sessions_.emplace_back(session);
  return 1;
}

}  // namespace whichhop
