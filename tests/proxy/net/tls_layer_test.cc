// TLS between two sockets of ours, whose kernel buffers are small or large, and
// against what is no TLS.

#include "proxy/net/tls_layer.h"

#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "proxy/net/stream.h"
#include "tests/catch.h"
#include "tests/proxy/net/certificates.h"
#include "tests/proxy/net/connections.h"

namespace whichhop {
namespace {

using Kind = IoResult::Kind;
using Step = TlsLayer::Step;

struct ContextDelete {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, ContextDelete>;

// A client and a server of ours on the two ends of a connection.
class Pair {
 public:
  explicit Pair(Connection connection = TcpConnection())
      : client_(std::move(connection.near)),
        server_(std::move(connection.far)) {
    server_context_.reset(SelfSignedContext(TLS_server_method()));
    client_context_.reset(SSL_CTX_new(TLS_client_method()));
    TlsLayer::Prepare(server_context_.get());
    TlsLayer::Prepare(client_context_.get());
  }

  SSL_CTX* server_context() { return server_context_.get(); }
  SSL_CTX* client_context() { return client_context_.get(); }
  Stream& client() { return client_; }
  Stream& server() { return server_; }
  BufferPool& pool() { return pool_; }

  void SecureClient() {
    SslPtr ssl(SSL_new(client_context()));
    SSL_set_connect_state(ssl.get());
    SSL_set_tlsext_host_name(ssl.get(), "server.test");
    client_.Secure(
        TlsLayer::Make(std::move(ssl), client_.socket(), pool_, Time()));
  }
  void SecureServer(std::string_view fed = {}) {
    SslPtr ssl(SSL_new(server_context()));
    SSL_set_accept_state(ssl.get());
    auto layer =
        TlsLayer::Make(std::move(ssl), server_.socket(), pool_, Time());
    if (!fed.empty()) layer->Feed(fed);
    server_.Secure(std::move(layer));
  }

  // Until both are done or one has failed.
  void Shake() {
    Step client = Step::kAgain;
    Step server = Step::kAgain;
    for (int turn = 0; turn < 1000; ++turn) {
      if (client == Step::kAgain) client = client_.tls()->Handshake();
      if (server == Step::kAgain) server = server_.tls()->Handshake();
      if (client == Step::kFailed || server == Step::kFailed) return;
      if (client == Step::kDone && server == Step::kDone) return;
    }
    FAIL("the handshake makes no way");
  }
  void Secure() {
    SecureClient();
    SecureServer();
    Shake();
    REQUIRE(client_.tls()->facts().complete);
    REQUIRE(server_.tls()->facts().complete);
  }

 private:
  BufferPool pool_;
  ContextPtr server_context_;
  ContextPtr client_context_;
  Stream client_;
  Stream server_;
};

IoResult SendText(Stream& stream, std::string_view text) {
  const iovec part{const_cast<char*>(text.data()), text.size()};
  return stream.Send(&part, 1);
}

// All that comes until nothing does.
std::string Drain(Stream& stream, size_t block = 32 * 1024) {
  std::string all;
  std::string bytes(block, '\0');
  for (;;) {
    const IoResult got = stream.Receive(bytes.data(), bytes.size());
    if (got.kind != Kind::kBytes) return all;
    all.append(bytes, 0, got.bytes);
  }
}

// Moves `bytes` from one to the other, through whatever the sockets take.
std::string Move(Stream& from, Stream& to, std::string_view bytes) {
  std::string got;
  std::string_view left = bytes;
  for (int turn = 0; got.size() < bytes.size() && turn < 100'000; ++turn) {
    if (!left.empty() || from.unsent()) {
      const IoResult sent = SendText(from, left);
      REQUIRE(sent.kind != Kind::kError);
      left.remove_prefix(sent.bytes);
    }
    got += Drain(to);
  }
  return got;
}

std::string Pattern(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 % 251);
  return bytes;
}

TEST_CASE("two layers agree, and say on what") {
  Pair pair;
  pair.Secure();
  const TlsFacts& client = pair.client().tls()->facts();
  CHECK(client.agreed.version == TLS1_3_VERSION);
  CHECK(std::string(client.agreed.cipher).starts_with("TLS_"));
  CHECK(pair.server().tls()->facts().sni == "server.test");
  CHECK(pair.server().tls()->facts().client_version == TLS1_3_VERSION);
  CHECK(client.bytes_received > 0);
  CHECK(client.bytes_received <= pair.server().tls()->raw_sent());
}

TEST_CASE("bytes pass whole, both ways and in every size") {
  for (const size_t size :
       {1, 100, 16'383, 16'384, 16'385, 100'000, 3'000'000}) {
    Pair pair;
    pair.Secure();
    const std::string bytes = Pattern(size);
    CHECK(Move(pair.client(), pair.server(), bytes) == bytes);
    CHECK(Move(pair.server(), pair.client(), bytes) == bytes);
  }
}

TEST_CASE("small parts share a record") {
  Pair pair;
  pair.Secure();
  Drain(pair.client());  // tickets
  std::string head = "head";
  std::string body = "body";
  const iovec parts[] = {{head.data(), head.size()},
                         {body.data(), body.size()}};
  const uint64_t before = pair.server().tls()->raw_sent();
  CHECK(pair.server().Send(parts, 2).bytes == 8);
  CHECK(pair.server().tls()->raw_sent() - before == 8 + 22);
  REQUIRE(AwaitReadable(pair.client().socket()));
  CHECK(Drain(pair.client()) == "headbody");
}

TEST_CASE("large parts are cut into records, and the rest is joined") {
  Pair pair;
  pair.Secure();
  std::string first = Pattern(20'000);
  std::string second = Pattern(30'000);
  const iovec parts[] = {{first.data(), first.size()},
                         {second.data(), second.size()}};
  const IoResult sent = pair.server().Send(parts, 2);
  CHECK(sent.bytes == 50'000);
  REQUIRE(AwaitReadable(pair.client().socket()));
  std::string got;
  while (got.size() < sent.bytes) got += Drain(pair.client());
  CHECK(got == first + second);
}

TEST_CASE(
    "what the socket does not take stays, and nothing is taken behind it") {
  Connection narrow = UnixConnection();
  const int least = 1;  // the kernel knows a bound
  setsockopt(narrow.far.fd(), SOL_SOCKET, SO_SNDBUF, &least, sizeof(least));
  Pair pair(std::move(narrow));
  pair.Secure();
  const std::string bytes = Pattern(100'000);
  const IoResult first = SendText(pair.server(), bytes);
  CHECK(first.kind == Kind::kBytes);
  REQUIRE(pair.server().unsent());
  const IoResult more = SendText(pair.server(), "more");
  CHECK(more.kind == Kind::kAgain);
  CHECK(more.bytes == 0);
  std::string got;
  for (int turn = 0; pair.server().unsent() && turn < 1000; ++turn) {
    got += Drain(pair.client());
    CHECK(pair.server().Flush().kind != Kind::kError);
  }
  got += Drain(pair.client());
  CHECK(got == bytes.substr(0, first.bytes));
}

TEST_CASE("an end with close_notify is an end, one without is a cut") {
  Pair pair;
  pair.Secure();
  char octet;
  SECTION("in order") {
    SendText(pair.server(), "last");
    pair.server().ShutdownWrite();
    REQUIRE(AwaitReadable(pair.client().socket()));
    CHECK(Drain(pair.client()) == "last");
    CHECK(pair.client().Receive(&octet, 1).kind == Kind::kEnd);
    CHECK_FALSE(pair.client().ended_unclean());
  }
  SECTION("without a word") {
    SendText(pair.server(), "last");
    pair.server().socket().ShutdownWrite();
    REQUIRE(AwaitReadable(pair.client().socket()));
    CHECK(Drain(pair.client()) == "last");
    CHECK(pair.client().Receive(&octet, 1).kind == Kind::kEnd);
    CHECK(pair.client().ended_unclean());
  }
  SECTION("by a RST") {
    Reset(pair.server().socket());
    REQUIRE(AwaitReadable(pair.client().socket()));
    const IoResult got = pair.client().Receive(&octet, 1);
    CHECK(got.kind == Kind::kError);
    CHECK(got.error == ECONNRESET);
  }
}

TEST_CASE("what is said last takes close_notify with it") {
  Pair pair;
  pair.Secure();
  Drain(pair.client());  // tickets
  const uint64_t before = pair.server().tls()->raw_sent();
  pair.server().EndWithNextSend();
  CHECK(SendText(pair.server(), "last").bytes == 4);
  CHECK(pair.server().tls()->raw_sent() - before == 4 + 22 + 2 + 22);
  pair.server().ShutdownWrite();
  CHECK(pair.server().tls()->raw_sent() - before == 4 + 22 + 2 + 22);
  REQUIRE(AwaitReadable(pair.client().socket()));
  CHECK(Drain(pair.client()) == "last");
  char octet;
  CHECK(pair.client().Receive(&octet, 1).kind == Kind::kEnd);
  CHECK_FALSE(pair.client().ended_unclean());
}

TEST_CASE("nothing is said to be the last before all of it was taken") {
  Connection narrow = UnixConnection();
  const int least = 1;  // the kernel knows a bound
  setsockopt(narrow.far.fd(), SOL_SOCKET, SO_SNDBUF, &least, sizeof(least));
  Pair pair(std::move(narrow));
  pair.Secure();
  const std::string bytes = Pattern(100'000);
  std::string_view left = bytes;
  pair.server().EndWithNextSend();
  std::string got;
  for (int turn = 0; got.size() < bytes.size() && turn < 1000; ++turn) {
    left.remove_prefix(SendText(pair.server(), left).bytes);
    got += Drain(pair.client());
  }
  CHECK(got == bytes);
  pair.server().Flush();
  pair.server().ShutdownWrite();
  char octet;
  CHECK(pair.client().Receive(&octet, 1).kind == Kind::kEnd);
  CHECK_FALSE(pair.client().ended_unclean());
}

TEST_CASE("a ticket goes with the answer to a request that is here already") {
  Pair pair(UnixConnection());  // what was sent is here at once
  pair.SecureClient();
  pair.SecureServer();
  pair.client().tls()->Handshake();
  REQUIRE(AwaitReadable(pair.server().socket()));
  pair.server().tls()->Handshake();
  REQUIRE(AwaitReadable(pair.client().socket()));
  REQUIRE(pair.client().tls()->Handshake() == Step::kDone);
  char octet;
  SECTION("a request") {
    SendText(pair.client(), "ask");
    REQUIRE(AwaitReadable(pair.server().socket()));
    REQUIRE(pair.server().tls()->Handshake() == Step::kDone);
    CHECK(pair.client().socket().Peek(&octet, 1).kind == Kind::kAgain);
    CHECK_FALSE(pair.server().unsent());
    CHECK(Drain(pair.server()) == "ask");
    SendText(pair.server(), "answer");
    REQUIRE(AwaitReadable(pair.client().socket()));
    CHECK(Drain(pair.client()) == "answer");
  }
  SECTION("none") {
    REQUIRE(AwaitReadable(pair.server().socket()));
    REQUIRE(pair.server().tls()->Handshake() == Step::kDone);
    CHECK(AwaitReadable(pair.client().socket()));
  }
  SECTION("one that is not answered") {
    SendText(pair.client(), "ask");
    REQUIRE(AwaitReadable(pair.server().socket()));
    REQUIRE(pair.server().tls()->Handshake() == Step::kDone);
    pair.server().ShutdownWrite();
    REQUIRE(AwaitReadable(pair.client().socket()));
    CHECK(Drain(pair.client()).empty());
    CHECK(pair.client().Receive(&octet, 1).kind == Kind::kEnd);
    CHECK_FALSE(pair.client().ended_unclean());
  }
}

TEST_CASE("what is no TLS is told by its first bytes") {
  Pair pair;
  pair.SecureServer();
  SendAll(pair.client().socket(), "GET / HTTP/1.1\r\n\r\n");
  REQUIRE(AwaitReadable(pair.server().socket()));
  CHECK(pair.server().tls()->Handshake() == Step::kFailed);
  const TlsFacts& facts = pair.server().tls()->facts();
  CHECK(facts.problem == TlsProblem::kNotTls);
  CHECK(std::string_view(facts.first_bytes.data(), facts.first_bytes_size) ==
        "GET / HTTP/1.1\r\n");
  CHECK(facts.bytes_sent == 0);
}

TEST_CASE("a handshake goes on from bytes that were read before") {
  Pair pair;
  pair.SecureClient();
  CHECK(pair.client().tls()->Handshake() == Step::kAgain);
  REQUIRE(AwaitReadable(pair.server().socket()));
  const std::string hello = ReceiveSome(pair.server().socket());
  pair.SecureServer(hello);
  pair.Shake();
  CHECK(pair.server().tls()->facts().complete);
}

TEST_CASE("alerts are noted with their direction") {
  Pair pair;
  SSL_CTX_set_min_proto_version(pair.server_context(), TLS1_3_VERSION);
  SSL_CTX_set_max_proto_version(pair.client_context(), TLS1_2_VERSION);
  pair.SecureClient();
  pair.SecureServer();
  pair.Shake();
  CHECK(pair.server().tls()->facts().sent.number == SSL_AD_PROTOCOL_VERSION);
  CHECK(pair.server().tls()->facts().problem == TlsProblem::kVersion);
  CHECK(pair.server().tls()->facts().client_version == TLS1_2_VERSION);
  REQUIRE(AwaitReadable(pair.client().socket()));
  CHECK(pair.client().tls()->Handshake() == Step::kFailed);
  const TlsFacts& client = pair.client().tls()->facts();
  CHECK(client.received.fatal);
  CHECK(client.received.number == SSL_AD_PROTOCOL_VERSION);
  CHECK(client.problem == TlsProblem::kNone);
}

TEST_CASE("an alert may come after the handshake") {
  Pair pair;
  SSL_CTX_set_verify(pair.server_context(),
                     SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     nullptr);
  pair.SecureClient();
  pair.SecureServer();
  pair.Shake();
  REQUIRE(pair.client().tls()->facts().complete);
  REQUIRE(AwaitReadable(pair.client().socket()));
  char octet;
  const IoResult got = pair.client().Receive(&octet, 1);
  CHECK(got.kind == Kind::kError);
  CHECK(got.error == EPROTO);
  CHECK(pair.client().tls()->facts().received.number ==
        SSL_AD_CERTIFICATE_REQUIRED);
  CHECK(pair.client().tls()->facts().received.after_handshake);
}

TEST_CASE("a broken record ends it, and is the last word") {
  Pair pair;
  pair.Secure();
  Drain(pair.server());
  SendAll(pair.client().socket(),
          std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
  REQUIRE(AwaitReadable(pair.server().socket()));
  char octet;
  CHECK(pair.server().Receive(&octet, 1).error == EPROTO);
  CHECK(pair.server().Receive(&octet, 1).error == EPROTO);
  CHECK(pair.server().tls()->facts().problem == TlsProblem::kBroken);
}

// So many KeyUpdates of the client, each in a record of its own.
void RenewKeys(Pair& pair, uint32_t times) {
  SSL* const ssl = pair.client().tls()->ssl();
  for (uint32_t i = 0; i < times; ++i) {
    REQUIRE(SSL_key_update(ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1);
    REQUIRE(SSL_do_handshake(ssl) == 1);
  }
}

TEST_CASE("keys are renewed as often as they may need it") {
  Pair pair(UnixConnection());  // what is written is there at once
  pair.Secure();
  Drain(pair.server());
  RenewKeys(pair, TlsLayer::kHandshakesMost);
  SendText(pair.client(), "word");
  REQUIRE(AwaitReadable(pair.server().socket()));
  CHECK(Drain(pair.server()) == "word");
}

TEST_CASE("who does nothing but renew keys is not heard any more") {
  Pair pair(UnixConnection());  // what is written is there at once
  pair.Secure();
  Drain(pair.server());
  RenewKeys(pair, TlsLayer::kHandshakesMost + 1);
  REQUIRE(AwaitReadable(pair.server().socket()));
  char octet;
  CHECK(pair.server().Receive(&octet, 1).error == EPROTO);
  CHECK(pair.server().tls()->facts().problem == TlsProblem::kPolicy);
}

TEST_CASE("looking takes nothing") {
  Pair pair;
  pair.Secure();
  CHECK(pair.client().Peek().kind == Kind::kAgain);  // but the tickets
  SendText(pair.server(), "word");
  REQUIRE(AwaitReadable(pair.client().socket()));
  CHECK(pair.client().Peek().kind == Kind::kBytes);
  CHECK(Drain(pair.client()) == "word");
}

}  // namespace
}  // namespace whichhop
