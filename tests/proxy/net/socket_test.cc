// Sockets: how reads and writes end, and what the kernel knows.

#include "proxy/net/socket.h"

#include <fcntl.h>

#include <cerrno>
#include <string>

#include "tests/catch.h"
#include "tests/proxy/net/connections.h"

namespace whichhop {
namespace {

using Kind = IoResult::Kind;

IoResult Receive(Socket& socket) {
  char bytes[16];
  return socket.Receive(bytes, sizeof(bytes));
}

IoResult Peek(Socket& socket) {
  char bytes[16];
  return socket.Peek(bytes, sizeof(bytes));
}

IoResult Send(Socket& socket) {
  char byte = 'x';
  const iovec part{&byte, 1};
  return socket.Send(&part, 1);
}

TEST_CASE("what is not there yet would block") {
  Connection connection = TcpConnection();
  CHECK(Receive(connection.near).kind == Kind::kAgain);
  CHECK(Peek(connection.near).kind == Kind::kAgain);
  Fill(connection.near);
  CHECK(Send(connection.near).kind == Kind::kAgain);
}

TEST_CASE("peeked bytes are still there to be received") {
  Connection connection = TcpConnection();
  SendAll(connection.far, "abc");
  REQUIRE(AwaitReadable(connection.near));
  CHECK(Peek(connection.near).bytes == 3);
  CHECK(ReceiveSome(connection.near) == "abc");
  CHECK(Peek(connection.near).kind == Kind::kAgain);
}

TEST_CASE("several parts are sent in their order") {
  Connection connection = TcpConnection();
  std::string one = "one ";
  std::string two = "two";
  const iovec parts[] = {{one.data(), one.size()}, {two.data(), two.size()}};
  CHECK(connection.near.Send(parts, 2).bytes == 7);
  CHECK(ReceiveSome(connection.far) == "one two");
}

TEST_CASE("the peer's FIN is an end behind its last byte, again and again") {
  Connection connection = TcpConnection();
  SendAll(connection.far, "bye");
  connection.far.ShutdownWrite();
  CHECK(ReceiveSome(connection.near) == "bye");
  REQUIRE(AwaitReadable(connection.near));
  CHECK(Peek(connection.near).kind == Kind::kEnd);
  CHECK(Receive(connection.near).kind == Kind::kEnd);
  CHECK(Receive(connection.near).kind == Kind::kEnd);
  SendAll(connection.near, "still here");
  CHECK(ReceiveSome(connection.far) == "still here");
}

TEST_CASE("the peer's RST is ECONNRESET, once, and EPIPE for writes") {
  Connection connection = TcpConnection();
  Reset(connection.far);
  REQUIRE(AwaitReadable(connection.near));
  const IoResult got = Receive(connection.near);
  CHECK(got.kind == Kind::kError);
  CHECK(got.error == ECONNRESET);
  CHECK(Receive(connection.near).kind == Kind::kEnd);
  const IoResult sent = Send(connection.near);
  CHECK(sent.kind == Kind::kError);
  CHECK(sent.error == EPIPE);
}

TEST_CASE("bytes that came before a RST can be read") {
  Connection connection = TcpConnection();
  SendAll(connection.far, "last words");
  Reset(connection.far);
  CHECK(ReceiveSome(connection.near) == "last words");
  CHECK(Receive(connection.near).error == ECONNRESET);
}

TEST_CASE("a refused socket connects again") {
  Socket listening = ListenOnLoopback();
  const Address address = listening.LocalAddress();
  listening.Close();
  int error = 0;
  Socket socket = Socket::Connect(address, &error);
  CHECK(socket.ConnectError(address) == ECONNREFUSED);
  CHECK_FALSE(socket.TakeIcmpError());
  REQUIRE(socket.ConnectAgain(address));
  CHECK(socket.ConnectError(address) == ECONNREFUSED);
  listening = ListenOnLoopback(address.port());
  REQUIRE(socket.ConnectAgain(address));
  CHECK(socket.ConnectError(address) == 0);
  Socket far = AcceptFrom(listening);
  SendAll(far, "x");
  CHECK(ReceiveSome(socket) == "x");
}

TEST_CASE("a refused socket is refused again, on IPv4 and IPv6") {
  for (const char* text : {"127.0.0.1:1", "[::1]:1"}) {  // nobody listens
    const Address nobody = *Address::Parse(text);
    int error = 0;
    Socket socket = Socket::Connect(nobody, &error);
    if (!socket.open()) continue;  // this machine has no IPv6
    for (int i = 0; i < 3; ++i) {
      CHECK(socket.ConnectError(nobody) == ECONNREFUSED);
      CHECK(socket.TakeError() == 0);
      CHECK_FALSE(socket.TakeIcmpError());
      REQUIRE(socket.ConnectAgain(nobody));
    }
  }
}

TEST_CASE("a connect that goes on has no error yet, and can't begin again") {
  // Its queue is full: no SYN more is answered.
  const Socket listening = ListenOnLoopback();
  const Address address = listening.LocalAddress();
  REQUIRE(listen(listening.fd(), 0) == 0);
  int error = 0;
  const Socket first = Socket::Connect(address, &error);
  const Socket second = Socket::Connect(address, &error);
  Socket third = Socket::Connect(address, &error);
  CHECK(third.ConnectError(address) == 0);
  CHECK_FALSE(third.ConnectAgain(address));
  CHECK_FALSE(third.open());
}

TEST_CASE("a refused connect tells its errno once") {
  const Address nobody = ListenOnLoopback().LocalAddress();  // closed again
  int error = 0;
  Socket socket = Socket::Connect(nobody, &error);
  REQUIRE(socket.open());
  CHECK(error == 0);
  REQUIRE(AwaitWritable(socket));
  CHECK(socket.TakeError() == ECONNREFUSED);
  CHECK(socket.TakeError() == 0);
}

// A router's refusal would leave one; loopback has none to ask.
TEST_CASE("a refusal by a RST leaves no ICMP error, on IPv4 and IPv6") {
  for (const char* text : {"127.0.0.1:1", "[::1]:1"}) {  // nobody listens
    int error = 0;
    Socket socket = Socket::Connect(*Address::Parse(text), &error);
    if (!socket.open()) continue;  // this machine has no IPv6
    REQUIRE(AwaitWritable(socket));
    CHECK_FALSE(socket.TakeIcmpError().has_value());
    CHECK(socket.TakeError() == ECONNREFUSED);
  }
  CHECK_FALSE(UnixConnection().near.TakeIcmpError().has_value());
}

TEST_CASE("a connect that fails at once tells the errno of the call") {
  int error = 0;
  const auto nowhere = Address::Parse("unix:/nowhere/whichhop.sock");
  CHECK_FALSE(Socket::Connect(*nowhere, &error).open());
  CHECK(error == ENOENT);
  Socket::Connect(Address(), &error);  // of no family
  CHECK(error == EAFNOSUPPORT);
}

TEST_CASE("a connected socket knows its own address") {
  const Connection connection = TcpConnection();
  CHECK(connection.near.LocalAddress().Host() == "127.0.0.1");
  CHECK(connection.near.LocalAddress().port() != 0);
  CHECK_FALSE(connection.near.LocalAddress() == connection.far.LocalAddress());
}

TEST_CASE("a new connection is established, of one byte ACKed: the SYN") {
  const Connection connection = TcpConnection();
  const auto facts = connection.near.Facts();
  REQUIRE(facts);
  CHECK(facts->established);
  CHECK(facts->bytes_acked == 1);
  CHECK(facts->bytes_received == 0);
  CHECK(facts->unsent == 0);
  CHECK(facts->unacked == 0);
  CHECK(facts->send_window > 0);
}

TEST_CASE("what was ACKed and what came is counted") {
  Connection connection = TcpConnection();
  SendAll(connection.near, std::string(100, 'a'));
  CHECK(ReceiveSome(connection.far).size() == 100);
  SendAll(connection.far, "abc");
  CHECK(ReceiveSome(connection.near) == "abc");
  const auto facts = connection.near.Facts();
  REQUIRE(facts);
  CHECK(facts->bytes_acked == 101);
  CHECK(facts->bytes_received == 3);
  CHECK(facts->unsent == 0);
  CHECK(facts->rtt_us > 0);
}

TEST_CASE("what the peer has no room for is unsent") {
  Connection connection = TcpConnection();
  const size_t sent = Fill(connection.near);
  const auto facts = connection.near.Facts();
  REQUIRE(facts);
  CHECK(facts->unsent > 0);
  CHECK(facts->unsent + facts->bytes_acked == sent + 1);
}

TEST_CASE("a connection that nobody answered is not established") {
  Socket listening = ListenOnLoopback();
  const Address address = listening.LocalAddress();
  listening.Close();
  int error = 0;
  const Socket socket = Socket::Connect(address, &error);
  const auto facts = socket.Facts();
  REQUIRE(facts);
  CHECK_FALSE(facts->established);
  CHECK(facts->bytes_acked == 0);
}

TEST_CASE("a Unix connection has no facts") {
  CHECK_FALSE(UnixConnection().near.Facts().has_value());
}

TEST_CASE("a descriptor has one owner, who closes it") {
  Connection connection = UnixConnection();
  const int fd = connection.near.fd();
  Socket moved = std::move(connection.near);
  CHECK_FALSE(connection.near.open());
  CHECK(moved.fd() == fd);
  moved = Socket();
  CHECK(fcntl(fd, F_GETFD) == -1);
  CHECK(Receive(connection.far).kind == Kind::kEnd);
}

}  // namespace
}  // namespace whichhop
