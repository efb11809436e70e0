#include "bench/origin_listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <iterator>

namespace origin {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  sockaddr* generic() { return reinterpret_cast<sockaddr*>(&storage); }
};

bool ParsePort(std::string_view text, in_port_t* port) {
  uint16_t number = 0;
  const char* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, number);
  *port = htons(number);
  return error == std::errc() && stop == end;
}

bool ParseAddress(std::string_view text, Address* address) {
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  std::string host(text.substr(0, colon));
  in_port_t port = 0;
  if (!ParsePort(text.substr(colon + 1), &port)) return false;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&address->storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = port;
    address->size = sizeof *v6;
    host = host.substr(1, host.size() - 2);
    return inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1;
  }
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address->storage);
  v4->sin_family = AF_INET;
  v4->sin_port = port;
  address->size = sizeof *v4;
  return inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1;
}

std::string TextOf(Address& address) {
  char host[INET6_ADDRSTRLEN] = {};
  if (address.storage.ss_family == AF_INET6) {
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
    inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
    return "[" + std::string(host) +
           "]:" + std::to_string(ntohs(v6->sin6_port));
  }
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
  return std::string(host) + ":" + std::to_string(ntohs(v4->sin_port));
}

bool DropEverything(int fd) {
  sock_filter code[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
  sock_fprog program{static_cast<unsigned short>(std::size(code)), code};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
                    sizeof program) == 0;
}

// The filter sees a segment from its TCP header on. An accepted socket inherits
// it, so that no request can slip in before it is there.
bool DropData(int fd) {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 12),        // A: offset, in words <<4
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xf0),     //
      BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 2),        // A: size of the header
      BPF_STMT(BPF_MISC | BPF_TAX, 0),               // X: the same
      BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),         // A: size of the segment
      BPF_STMT(BPF_ALU | BPF_SUB | BPF_X, 0),        // A: size of its data
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),  // none?
      BPF_STMT(BPF_RET | BPF_K, 0xffffffff),         // then let it pass
      BPF_STMT(BPF_RET | BPF_K, 0),                  // else drop it
  };
  sock_fprog program{static_cast<unsigned short>(std::size(code)), code};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
                    sizeof program) == 0;
}

// Connects to ourselves until a connect no longer completes. The sockets stay
// open for as long as the process lives: they are what fills the queue.
bool FillBacklog(Address& address) {
  constexpr int kMost = 16;
  constexpr int kWaitMs = 200;
  for (int i = 0; i < kMost; ++i) {
    int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (fd < 0) return false;
    if (connect(fd, address.generic(), address.size) == 0) continue;
    pollfd watched{fd, POLLOUT, 0};
    if (poll(&watched, 1, kWaitMs) == 0) {
      close(fd);
      return true;
    }
  }
  return false;
}

bool Break(int fd, Address& address, Breakage breakage) {
  switch (breakage) {
    case Breakage::kDropSyn:
      return DropEverything(fd);
    case Breakage::kUnacked:
      return DropData(fd);
    case Breakage::kBacklogFull:
      return FillBacklog(address);
    case Breakage::kNone:
    case Breakage::kRefuse:
    case Breakage::kNeverAccept:
    case Breakage::kResetAccepted:
    case Breakage::kCloseAccepted:
    case Breakage::kBanner:
      return true;
  }
  return true;
}

int BacklogOf(Breakage breakage) {
  if (breakage == Breakage::kBacklogFull) return 0;
  if (breakage == Breakage::kNeverAccept) return 16;
  return SOMAXCONN;
}

// False with errno set.
bool Open(Address& address, Breakage breakage, int* fd) {
  *fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int yes = 1;
  if (*fd < 0) return false;
  setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(*fd, address.generic(), address.size) != 0) return false;
  if (getsockname(*fd, address.generic(), &address.size) != 0) return false;
  if (breakage == Breakage::kRefuse) return true;
  return listen(*fd, BacklogOf(breakage)) == 0;
}

}  // namespace

Listener Listen(std::string_view text, Breakage breakage) {
  Listener listener;
  Address address;
  if (!ParseAddress(text, &address)) {
    listener.error = "not an address and port: " + std::string(text);
    return listener;
  }
  errno = 0;
  if (!Open(address, breakage, &listener.fd) ||
      !Break(listener.fd, address, breakage)) {
    listener.error = "cannot listen on " + std::string(text) + ": " +
                     (errno ? std::strerror(errno) : "queue never filled");
    return listener;
  }
  listener.address = TextOf(address);
  return listener;
}

}  // namespace origin
