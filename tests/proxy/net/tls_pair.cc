#include "tests/proxy/net/tls_pair.h"

#include <openssl/evp.h>

#include "tests/catch.h"
#include "tests/proxy/net/connections.h"

namespace whichhop {

namespace {

using Step = TlsLayer::Step;

void SendByte(Stream& stream) {
  char byte = 'x';
  const iovec part{&byte, 1};
  REQUIRE(stream.Send(&part, 1).bytes == 1);
}

void AwaitByte(Stream& stream) {
  char byte;
  IoResult got = stream.Receive(&byte, 1);
  while (got.kind == IoResult::Kind::kAgain) {
    REQUIRE(AwaitReadable(stream.socket()));
    got = stream.Receive(&byte, 1);
  }
  REQUIRE(got.bytes == 1);
}

}  // namespace

TlsPair::TlsPair(SslPtr client, SslPtr server) {
  Connection connection = TcpConnection();
  client_ = Stream(std::move(connection.near));
  server_ = Stream(std::move(connection.far));
  client_.Secure(
      TlsLayer::Make(std::move(client), client_.socket(), pool_, Time()));
  server_.Secure(
      TlsLayer::Make(std::move(server), server_.socket(), pool_, Time()));
  REQUIRE(client_.tls() != nullptr);
  REQUIRE(server_.tls() != nullptr);
}

// After a failure the other side still reads the alert.
bool TlsPair::Shake() {
  Step client = Step::kAgain;
  Step server = Step::kAgain;
  for (int turn = 0; turn < 100'000; ++turn) {
    if (client == Step::kAgain) client = this->client().Handshake();
    if (server == Step::kAgain) server = this->server().Handshake();
    if (client != Step::kAgain && server != Step::kAgain) {
      return client == Step::kDone && server == Step::kDone;
    }
  }
  FAIL("the handshake makes no way");
  return false;
}

void TlsPair::Talk() {
  SendByte(client_);
  AwaitByte(server_);
  SendByte(server_);
  AwaitByte(client_);
}

SslCtxPtr IndifferentClient(uint16_t version) {
  SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
  TlsLayer::Prepare(context.get());
  if (version != 0) {
    SSL_CTX_set_min_proto_version(context.get(), version);
    SSL_CTX_set_max_proto_version(context.get(), version);
  }
  return context;
}

SslPtr Ask(const SslCtxPtr& context, const std::string& name) {
  SslPtr ssl(SSL_new(context.get()));
  SSL_set_connect_state(ssl.get());
  if (!name.empty()) SSL_set_tlsext_host_name(ssl.get(), name.c_str());
  return ssl;
}

std::string ShownTo(TlsLayer& client) {
  const X509* const leaf = SSL_get0_peer_certificate(client.ssl());
  if (leaf == nullptr) return {};
  char name[100] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_commonName, name,
                            sizeof(name));
  return name;
}

std::string KeyShownTo(TlsLayer& client) {
  const X509* const leaf = SSL_get0_peer_certificate(client.ssl());
  return leaf == nullptr ? "" : EVP_PKEY_get0_type_name(X509_get0_pubkey(leaf));
}

}  // namespace whichhop
