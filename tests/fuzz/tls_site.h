#pragma once
// A server of ours with a certificate of either kind, and ends of connections:
// what the fuzzers of TLS share.

#include <sys/socket.h>

#include <csignal>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "proxy/net/tls_server.h"
#include "tests/proxy/net/authority.h"

namespace whichhop {

class TlsSite {
 public:
  static const TlsSite& Get() {
    static const TlsSite site;
    return site;
  }

  SslPtr NewServer() const { return server_->New(); }

 private:
  TlsSite() : authority_(files_, "ca") {
    std::signal(SIGPIPE, SIG_IGN);
    TlsServer::Options options;
    options.certificates = {authority_.Issue(),
                            authority_.Issue({.key = TestKey::kRsa})};
    options.certificates[0].ocsp = authority_.Staple(options.certificates[0]);
    options.client_ca = authority_.path();
    std::vector<TlsLoadError> errors;
    server_ = TlsServer::Load(options, TlsTicketKeys::Process(), &errors);
    if (server_ == nullptr) std::abort();
  }

  ScratchDirectory files_;
  TestAuthority authority_;
  std::shared_ptr<const TlsServer> server_;
};

// Non-blocking; what fits into the kernel's buffers is never refused.
struct SocketPair {
  SocketPair() {
    int ends[2];
    const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    if (socketpair(AF_UNIX, type, 0, ends) != 0) std::abort();
    near = Socket(ends[0]);
    far = Socket(ends[1]);
  }

  Socket near;
  Socket far;
};

inline void SendText(Socket& socket, std::string_view text) {
  const iovec part{const_cast<char*>(text.data()), text.size()};
  socket.Send(&part, 1);  // one who has closed hears no more
}

}  // namespace whichhop
