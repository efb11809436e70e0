// whichhop-floor: the least that any proxy on this machine can cost. One
// thread, raw epoll, one upstream connection for each client connection; bytes
// pass from one to the other and nothing is parsed. For comparison only: it has
// no timeout, no limit and no answer of its own.
//
//   whichhop-floor --listen 127.0.0.1:0 --to 127.0.0.1:9000

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace floor_relay {
namespace {

struct Link;

struct Side {
  int fd = -1;
  Link* link = nullptr;
  Side* other = nullptr;
  std::string unsent;       // what the kernel didn't take yet
  bool ended = false;       // it sent FIN, or broke
  bool end_unsent = false;  // FIN follows `unsent`
};

// A client's connection and its own upstream connection; deleted between turns,
// since one turn may bring events of both sides.
struct Link {
  Side client;
  Side upstream;
  bool closed = false;
};

std::array<char, 262144> buffer;
std::vector<Link*> dead;

void Close(Link& link) {
  if (link.closed) return;
  link.closed = true;
  close(link.client.fd);
  close(link.upstream.fd);
  dead.push_back(&link);
}

// Writes what the kernel takes; the rest waits for EPOLLOUT. False on error.
bool Send(Side& to, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t put = send(to.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno != EAGAIN) return false;
    if (put < 0) break;
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  to.unsent.assign(bytes);
  return true;
}

// Passes the end of `from` on, once all its bytes went.
void PassEnd(Side& from) {
  from.ended = true;
  if (!from.other->unsent.empty()) {
    from.other->end_unsent = true;
    return;
  }
  if (from.other->ended && from.unsent.empty()) return Close(*from.link);
  shutdown(from.other->fd, SHUT_WR);
}

// Relays until there is no more to read, or no room to write. Edge-triggered:
// a short read has emptied the socket, unless its end (`ending`) is there too.
void Relay(Side& from, bool ending) {
  while (!from.ended && from.other->unsent.empty()) {
    ssize_t got = recv(from.fd, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got < 0) return Close(*from.link);
    if (got == 0) return PassEnd(from);
    size_t bytes = static_cast<size_t>(got);
    if (!Send(*from.other, {buffer.data(), bytes})) return Close(*from.link);
    if (bytes < buffer.size() && !ending) return;
  }
}

// Writes what waited; then the other side may be read again, to its end.
void Resume(Side& to) {
  if (to.unsent.empty()) return;
  std::string waiting = std::move(to.unsent);
  if (!Send(to, waiting)) return Close(*to.link);
  if (!to.unsent.empty()) return;
  if (to.end_unsent) {
    to.end_unsent = false;
    return PassEnd(*to.other);
  }
  Relay(*to.other, true);
}

void OnEvent(Side& side, uint32_t events) {
  constexpr uint32_t kEnd = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
  if (side.link->closed) return;
  if (events & EPOLLOUT) Resume(side);
  if (side.link->closed) return;
  if (events & (EPOLLIN | kEnd)) Relay(side, (events & kEnd) != 0);
}

void Watch(int epoll, Side& side) {
  int yes = 1;
  setsockopt(side.fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = &side;
  epoll_ctl(epoll, EPOLL_CTL_ADD, side.fd, &event);
}

void Accept(int epoll, int listener, const sockaddr_in& to) {
  int fd;
  while ((fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK)) >= 0) {
    int upstream = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    const auto* address = reinterpret_cast<const sockaddr*>(&to);
    if (upstream < 0 ||
        (connect(upstream, address, sizeof to) != 0 && errno != EINPROGRESS)) {
      if (upstream >= 0) close(upstream);
      close(fd);
      continue;
    }
    Link* link = new Link;
    link->client.fd = fd;
    link->upstream.fd = upstream;
    link->client.link = link->upstream.link = link;
    link->client.other = &link->upstream;
    link->upstream.other = &link->client;
    Watch(epoll, link->upstream);
    Watch(epoll, link->client);
  }
}

[[noreturn]] void Run(int listener, const sockaddr_in& to) {
  int epoll = epoll_create1(0);
  epoll_event accepting{};
  accepting.events = EPOLLIN;  // without a side: the listener
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &accepting);
  std::array<epoll_event, 256> events;
  while (true) {
    int seen = epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < seen; ++i) {
      const epoll_event& event = events[static_cast<size_t>(i)];
      if (event.data.ptr == nullptr) {
        Accept(epoll, listener, to);
      } else {
        OnEvent(*static_cast<Side*>(event.data.ptr), event.events);
      }
    }
    for (Link* link : dead) delete link;
    dead.clear();
  }
}

bool ParseAddress(std::string_view text, sockaddr_in* address) {
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return false;
  uint16_t port = 0;
  const char* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data() + colon + 1, end, port);
  std::string host(text.substr(0, colon));
  address->sin_family = AF_INET;
  address->sin_port = htons(port);
  return error == std::errc() && stop == end &&
         inet_pton(AF_INET, host.c_str(), &address->sin_addr) == 1;
}

// The listening socket, or -1. `address` becomes the one that was bound.
int Listen(sockaddr_in* address) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  int yes = 1;
  socklen_t size = sizeof *address;
  auto* generic = reinterpret_cast<sockaddr*>(address);
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (bind(fd, generic, size) != 0 || listen(fd, SOMAXCONN) != 0) return -1;
  getsockname(fd, generic, &size);
  return fd;
}

int Main(int argc, char** argv) {
  const option known[] = {{"listen", required_argument, nullptr, 'l'},
                          {"to", required_argument, nullptr, 't'},
                          {}};
  sockaddr_in from{};
  sockaddr_in to{};
  ParseAddress("127.0.0.1:0", &from);
  bool good = true;
  int seen;
  while ((seen = getopt_long(argc, argv, "", known, nullptr)) != -1) {
    good =
        good && seen != '?' && ParseAddress(optarg, seen == 'l' ? &from : &to);
  }
  if (!good || to.sin_port == 0 || optind != argc) {
    std::fputs("usage: whichhop-floor [--listen IP:PORT] --to IP:PORT\n",
               stderr);
    return 2;
  }
  std::signal(SIGTERM, [](int) { _exit(0); });
  std::signal(SIGINT, [](int) { _exit(0); });
  int listener = Listen(&from);
  if (listener < 0) {
    std::perror("whichhop-floor: cannot listen");
    return 3;
  }
  char host[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, &from.sin_addr, host, sizeof host);
  std::printf("listening on %s:%d\n", host, ntohs(from.sin_port));
  std::fflush(stdout);
  Run(listener, to);
}

}  // namespace
}  // namespace floor_relay

int main(int argc, char** argv) { return floor_relay::Main(argc, argv); }
