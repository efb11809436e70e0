// What a client may say before it is anybody: no way of cutting it changes what
// becomes of the handshake, it ends when the client does, and nobody gets
// through it by bytes that were written down.

#include <string>

#include "tests/fuzz/cuts.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/tls_site.h"

namespace whichhop {
namespace {

using Step = TlsLayer::Step;

std::string Describe(const TlsFacts& facts) {
  std::string text = facts.sni + ' ' + facts.reason;
  for (const int fact :
       {static_cast<int>(facts.problem), int{facts.client_version},
        int{facts.agreed.version}, int{facts.sent.seen}, int{facts.sent.number},
        int{facts.received.seen}, int{facts.received.number}}) {
    text += ' ' + std::to_string(fact);
  }
  return text;
}

// The first piece is fed, as one that came with a PROXY header; the rest comes
// by the socket, and then a FIN.
std::string Shake(std::string_view input, Cuts ends) {
  SocketPair connection;
  BufferPool pool;
  const auto server =
      TlsLayer::Make(TlsSite::Get().NewServer(), connection.far, pool, Time());
  ends.push_back(input.size());
  size_t at = 0;
  Step step = Step::kAgain;
  for (const size_t end : ends) {
    const std::string_view piece = input.substr(at, end - at);
    if (at == 0 && !piece.empty()) server->Feed(piece);
    if (at > 0) SendText(connection.near, piece);
    at = end;
    step = server->Handshake(Time());
    if (step != Step::kAgain) break;
  }
  connection.near.ShutdownWrite();
  if (step == Step::kAgain) step = server->Handshake(Time());
  Require(step == Step::kFailed, "a handshake ends with its client, and fails",
          input);
  return Describe(server->facts());
}

}  // namespace
}  // namespace whichhop

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace whichhop;
  DemandOneResult({reinterpret_cast<const char*>(data), size}, Shake);
  return 0;
}
