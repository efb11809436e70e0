// One in the middle, who changes, drops and repeats bytes of what a client says
// to a server of ours, from the ClientHello to its request. The first byte is
// the version; each four after it are a place, what to do, and a number. He may
// break the connection: what the server takes for the client's words is a
// beginning of them, always.

#include <string>

#include "tests/fuzz/require.h"
#include "tests/fuzz/tls_site.h"

namespace whichhop {
namespace {

using Step = TlsLayer::Step;

constexpr std::string_view kWords =
    "GET / HTTP/1.1\r\nHost: server.test\r\n\r\n";

class Middleman {
 public:
  explicit Middleman(std::string_view edits) : edits_(edits) {}

  bool honest() const { return edits_.size() < kEdit; }

  // What becomes of `bytes`, which are the next that the client says.
  std::string Change(std::string_view bytes) {
    std::string changed;
    for (const char byte : bytes) Add(byte, changed);
    return changed;
  }

 private:
  static constexpr size_t kEdit = 4;

  void Add(char byte, std::string& changed) {
    size_t times = 1;
    for (size_t i = 0; i + kEdit <= edits_.size(); i += kEdit) {
      const auto at = [&](size_t n) {
        return static_cast<uint8_t>(edits_[i + n]);
      };
      if (at_ != static_cast<size_t>(at(0) << 8 | at(1))) continue;
      if (at(2) % 3 == 0) byte = static_cast<char>(byte ^ at(3));
      if (at(2) % 3 == 1) times = 0;
      if (at(2) % 3 == 2) times += at(3);
    }
    changed.append(times, byte);
    ++at_;
  }

  const std::string_view edits_;
  size_t at_ = 0;
};

std::string ReceiveAll(Socket& socket) {
  std::string all;
  char block[4096];
  for (;;) {
    const IoResult got = socket.Receive(block, sizeof(block));
    if (got.kind != IoResult::Kind::kBytes) return all;
    all.append(block, got.bytes);
  }
}

class Story {
 public:
  explicit Story(uint16_t version)
      : client_(TlsLayer::Make(NewClient(version), left_.near, pool_, Time())),
        server_(TlsLayer::Make(TlsSite::Get().NewServer(), right_.far, pool_,
                               Time())) {}

  // What the server heard.
  std::string Play(Middleman& middleman) {
    // Neither side needs more turns than it has flights.
    for (int turn = 0; turn < 8; ++turn) {
      ClientSpeaks();
      SendText(right_.near, middleman.Change(ReceiveAll(left_.far)));
      ServerListens();
      SendText(left_.far, ReceiveAll(right_.near));
    }
    return heard_;
  }

 private:
  static SslPtr NewClient(uint16_t version);

  void ClientSpeaks() {
    if (shaken_ == Step::kAgain) {
      shaken_ = client_->Handshake();
      if (shaken_ != Step::kDone) return;
      const iovec part{const_cast<char*>(kWords.data()), kWords.size()};
      client_->Send(&part, 1);
    }
  }

  void ServerListens() {
    if (accepted_ == Step::kAgain) accepted_ = server_->Handshake();
    if (accepted_ != Step::kDone) return;
    char block[4096];
    for (;;) {
      const IoResult got = server_->Receive(block, sizeof(block));
      if (got.kind != IoResult::Kind::kBytes) return;
      heard_.append(block, got.bytes);
    }
  }

  SocketPair left_;   // the client's end, and the middleman's
  SocketPair right_;  // the middleman's, and the server's
  BufferPool pool_;
  std::unique_ptr<TlsLayer> client_;
  std::unique_ptr<TlsLayer> server_;
  Step shaken_ = Step::kAgain;
  Step accepted_ = Step::kAgain;
  std::string heard_;
};

SslPtr Story::NewClient(uint16_t version) {
  static const SslCtxPtr context = [] {
    SslCtxPtr made(SSL_CTX_new(TLS_client_method()));
    TlsLayer::Prepare(made.get());
    return made;
  }();
  SslPtr ssl(SSL_new(context.get()));
  SSL_set_connect_state(ssl.get());
  SSL_set_tlsext_host_name(ssl.get(), "server.test");
  SSL_set_min_proto_version(ssl.get(), version);
  SSL_set_max_proto_version(ssl.get(), version);
  return ssl;
}

}  // namespace
}  // namespace whichhop

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace whichhop;
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Middleman middleman(input.substr(1));
  Story story(data[0] % 2 == 0 ? TLS1_2_VERSION : TLS1_3_VERSION);
  const std::string heard = story.Play(middleman);
  Require(kWords.starts_with(heard), "nothing is heard that was not said",
          input);
  Require(!middleman.honest() || heard == kWords, "who is left alone is heard",
          input);
  return 0;
}
