// What a peer may say before a handshake is complete: the first byte of an
// input says which side of it we are and how it is cut, the rest is what comes,
// up to a FIN. It ends, and in the same way however it is cut, whether it came
// by the socket or was fed.

#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <string>

#include "proxy/net/tls_layer.h"
#include "tests/fuzz/require.h"
#include "tests/proxy/net/certificates.h"

namespace whichhop {
namespace {

using Step = TlsLayer::Step;

SSL_CTX* ServerContext() {
  SSL_CTX* const context = SelfSignedContext(TLS_server_method());
  TlsLayer::Prepare(context);
  return context;
}

// Without a session's random identifier, or no ServerHello of a corpus would
// ever fit.
SSL_CTX* ClientContext() {
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  TlsLayer::Prepare(context);
  SSL_CTX_clear_options(context, SSL_OP_ENABLE_MIDDLEBOX_COMPAT);
  return context;
}

SslPtr NewSsl(bool server) {
  static SSL_CTX* const servers = ServerContext();
  static SSL_CTX* const clients = ClientContext();
  SslPtr ssl(SSL_new(server ? servers : clients));
  server ? SSL_set_accept_state(ssl.get()) : SSL_set_connect_state(ssl.get());
  return ssl;
}

struct Ends {
  Socket ours;
  Socket peers;
};

Ends ConnectedEnds() {
  int fds[2];
  const int made =
      socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds);
  if (made != 0) std::abort();
  return {Socket(fds[0]), Socket(fds[1])};
}

void Say(Socket& socket, std::string_view bytes) {
  const iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  socket.Send(&part, 1);  // or it was closed on us
}

// What was made of it, in words; not the first bytes, which are as many as
// came.
std::string Describe(const TlsLayer& layer, Step step) {
  if (step != Step::kFailed) return "no end";
  const TlsFacts& facts = layer.facts();
  const IoResult end = layer.end();
  std::string text = std::to_string(static_cast<int>(end.kind)) + ' ' +
                     std::to_string(end.error) + ' ' +
                     std::to_string(static_cast<int>(facts.problem)) + ' ' +
                     facts.reason + ' ' + facts.sni + ' ' +
                     std::to_string(facts.client_version);
  for (const TlsAlert& alert : {facts.sent, facts.received}) {
    text += alert.seen ? ' ' + std::to_string(alert.number) : " none";
  }
  return text;
}

// In pieces of `piece` bytes, behind `fed` bytes that were read before.
std::string Outcome(bool server, std::string_view input, size_t fed,
                    size_t piece) {
  static BufferPool pool;
  Ends ends = ConnectedEnds();
  const auto layer = TlsLayer::Make(NewSsl(server), ends.ours, pool, Time());
  if (fed > 0) layer->Feed(input.substr(0, fed));
  Step step = layer->Handshake();
  for (size_t at = fed; at < input.size() && step == Step::kAgain;
       at += piece) {
    Say(ends.peers, input.substr(at, piece));
    step = layer->Handshake();
  }
  ends.peers.ShutdownWrite();
  if (step == Step::kAgain) step = layer->Handshake();
  std::string outcome = Describe(*layer, step);
  layer->SendCloseNotify();
  return outcome;
}

}  // namespace
}  // namespace whichhop

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace whichhop;
  static const bool ignored = signal(SIGPIPE, SIG_IGN) != SIG_ERR;
  if (!ignored || size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1,
                               size - 1);
  const bool server = (data[0] & 1) != 0;
  const size_t piece = 1 + (data[0] >> 1);
  const std::string whole =
      Outcome(server, input, 0, std::max<size_t>(size, 1));
  Require(whole != "no end", "a FIN ends a handshake", input);
  Require(Outcome(server, input, 0, piece) == whole,
          "no way of cutting changes what is made of it", input);
  Require(Outcome(server, input, input.size() / 2, size) == whole,
          "what was fed is as what came", input);
  return 0;
}
