#include "proxy/net/listener.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace whichhop {

namespace {

constexpr int kAcceptsPerTurn = 64;
constexpr auto kPauseWithoutDescriptors = std::chrono::milliseconds(100);

Error Failure(const char* what, const Address& address) {
  return {std::string("cannot ") + what + " " + address.ToString() + ": " +
          std::strerror(errno)};
}

Result<Socket> Bind(const Address& address, bool share) {
  Socket bound(
      socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!bound.open()) return Failure("open a socket for", address);
  const int on = 1;
  const int off = 0;
  setsockopt(bound.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (share) {
    setsockopt(bound.fd(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
  }
  if (address.family() == AF_INET6) {
    setsockopt(bound.fd(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  }
  // Accepted sockets inherit it.
  setsockopt(bound.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (bind(bound.fd(), address.get(), address.size()) != 0) {
    return Failure("bind", address);
  }
  return bound;
}

// A file that an ended process left behind: nobody takes connections there.
bool IsStale(const Address& address) {
  const Socket probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return connect(probe.fd(), address.get(), address.size()) != 0 &&
         errno == ECONNREFUSED;
}

// Unix sockets have no SO_REUSEPORT: the workers share one queue.
Result<std::vector<Socket>> ListenUnix(const Address& address, int count) {
  if (IsStale(address)) unlink(address.UnixPath());
  Result<Socket> bound = Bind(address, false);
  if (!bound.ok()) return Error{bound.error()};
  if (listen(bound.value().fd(), SOMAXCONN) != 0) {
    return Failure("listen on", address);
  }
  std::vector<Socket> sockets;
  for (int i = 1; i < count; ++i) {
    sockets.emplace_back(fcntl(bound.value().fd(), F_DUPFD_CLOEXEC, 0));
    if (!sockets.back().open()) return Failure("listen on", address);
  }
  sockets.push_back(std::move(bound.value()));
  return sockets;
}

}  // namespace

Result<std::vector<Socket>> Listen(const Address& address, int count) {
  if (address.is_unix()) return ListenUnix(address, count);
  Address taken = address;
  {
    Result<Socket> plain = Bind(address, false);
    if (!plain.ok()) return Error{plain.error()};
    // SO_REUSEADDR lets two sockets bind: only listening tells.
    if (listen(plain.value().fd(), 1) != 0)
      return Failure("listen on", address);
    taken = plain.value().LocalAddress();
  }
  std::vector<Socket> sockets;
  for (int i = 0; i < count; ++i) {
    Result<Socket> bound = Bind(taken, true);
    if (!bound.ok()) return Error{bound.error()};
    sockets.push_back(std::move(bound.value()));
  }
  for (Socket& socket : sockets) {
    if (listen(socket.fd(), SOMAXCONN) != 0) return Failure("listen on", taken);
  }
  return sockets;
}

Listener::Listener(Loop& loop, Socket socket, ReserveDescriptor& reserve,
                   AcceptEvents& events)
    : loop_(loop),
      socket_(std::move(socket)),
      address_(socket_.LocalAddress()),
      reserve_(reserve),
      events_(events) {}

bool Listener::Start() { return watch_.Arm(loop_, socket_.fd(), *this); }

void Listener::Pause() {
  paused_ = true;
  resume_.Disarm();
  watch_.Disarm();
}

void Listener::Resume() {
  if (!paused_ || !socket_.open()) return;
  paused_ = false;
  // No memory for one registration: the next pause ends in another try.
  if (!Start()) OnTimer(resume_);
}

void Listener::OnTimer(Timer&) {
  if (!socket_.open()) return;
  if (!watch_.armed() && !Start()) {
    resume_.Arm(loop_.wheel(), kPauseWithoutDescriptors, *this);
  }
}

void Listener::OnReadable() {
  for (int i = 0; i < kAcceptsPerTurn && watch_.armed(); ++i) {
    if (!AcceptOne()) return;
  }
}

// The descriptor of the next connection, or -1 with errno.
int Listener::Accept(Address* client) {
  sockaddr_storage storage;
  socklen_t size = sizeof(storage);
  const int fd = accept4(socket_.fd(), reinterpret_cast<sockaddr*>(&storage),
                         &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    *client = Address::From(reinterpret_cast<sockaddr*>(&storage), size);
  }
  return fd;
}

bool Listener::AcceptOne() {
  Address client;
  const int fd = Accept(&client);
  if (fd >= 0) {
    events_.OnAccept(*this, Socket(fd), client);
    return true;
  }
  if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
      errno == ENOMEM) {
    return AcceptWithoutDescriptor(errno);
  }
  if (errno == EAGAIN) waited_ = false;
  // Others speak of the one connection that was lost (accept(2)).
  return errno != EAGAIN;
}

bool Listener::AcceptWithoutDescriptor(int error) {
  if (events_.OnNoDescriptor()) return true;
  reserve_.Take();  // another worker may have had it
  if (waited_ && reserve_.Release()) {
    Address client;
    const int fd = Accept(&client);
    if (fd >= 0) events_.OnRefuse(Socket(fd), client, error);
    reserve_.Take();
    if (fd >= 0) return true;
  }
  waited_ = true;
  watch_.Disarm();
  resume_.Arm(loop_.wheel(), kPauseWithoutDescriptors, *this);
  return false;
}

void Listener::DrainAndClose() {
  if (!socket_.open()) return;
  if (address_.is_unix()) unlink(address_.UnixPath());
  // Drop further SYNs: clients try again and find the port closed, instead of
  // a handshake that nobody would take from the queue.
  sock_filter drop_all = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog program{1, &drop_all};
  setsockopt(socket_.fd(), SOL_SOCKET, SO_ATTACH_FILTER, &program,
             sizeof(program));
  watch_.Disarm();
  resume_.Disarm();
  waited_ = true;  // who can't be taken now is told so now
  while (AcceptOne()) continue;
  watch_.Disarm();
  resume_.Disarm();
  socket_.Close();
}

}  // namespace whichhop
