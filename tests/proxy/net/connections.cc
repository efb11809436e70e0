#include "tests/proxy/net/connections.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <csignal>

#include "proxy/net/listener.h"
#include "tests/catch.h"

namespace whichhop {

namespace {

constexpr int kPatience = 10'000;  // milliseconds

bool Await(const Socket& socket, short events) {
  pollfd waiting{socket.fd(), events, 0};
  return poll(&waiting, 1, kPatience) == 1;
}

void IgnoreSigpipe() { std::signal(SIGPIPE, SIG_IGN); }

}  // namespace

Socket ListenOnLoopback(uint16_t port) {
  IgnoreSigpipe();
  auto sockets = Listen(Address::Parse("127.0.0.1:0")->WithPort(port), 1);
  REQUIRE(sockets.ok());
  return std::move(sockets.value().front());
}

Socket AcceptFrom(const Socket& listening) {
  REQUIRE(AwaitReadable(listening));
  return Socket(
      accept4(listening.fd(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
}

Connection TcpConnection() {
  const Socket listening = ListenOnLoopback();
  int error = 0;
  Connection result;
  result.near = Socket::Connect(listening.LocalAddress(), &error);
  REQUIRE(error == 0);
  result.far = AcceptFrom(listening);
  REQUIRE(AwaitWritable(result.near));
  return result;
}

Connection UnixConnection() {
  IgnoreSigpipe();
  int ends[2];
  const int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  REQUIRE(socketpair(AF_UNIX, type, 0, ends) == 0);
  return {Socket(ends[0]), Socket(ends[1])};
}

bool AwaitReadable(const Socket& socket) { return Await(socket, POLLIN); }
bool AwaitWritable(const Socket& socket) { return Await(socket, POLLOUT); }

void SendAll(Socket& socket, std::string_view bytes) {
  const iovec part{const_cast<char*>(bytes.data()), bytes.size()};
  const IoResult sent = socket.Send(&part, 1);
  REQUIRE(sent.kind == IoResult::Kind::kBytes);
  REQUIRE(sent.bytes == bytes.size());
}

std::string ReceiveSome(Socket& socket) {
  char bytes[64 * 1024];
  REQUIRE(AwaitReadable(socket));
  const IoResult got = socket.Receive(bytes, sizeof(bytes));
  return {bytes, got.bytes};
}

size_t Fill(Socket& socket) {
  static char zeros[64 * 1024];
  const iovec part{zeros, sizeof(zeros)};
  size_t total = 0;
  for (;;) {
    const IoResult sent = socket.Send(&part, 1);
    if (sent.kind != IoResult::Kind::kBytes) return total;
    total += sent.bytes;
  }
}

void Reset(Socket& socket) {
  socket.ResetOnClose();
  socket.Close();
}

}  // namespace whichhop
