// Listening sockets, and accepting from them.

#include "proxy/net/listener.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/proxy/net/connections.h"
#include "tests/proxy/net/story.h"

namespace whichhop {
namespace {

using std::chrono::milliseconds;

const Address kAnyPort = *Address::Parse("127.0.0.1:0");

Socket ConnectTo(const Address& address) {
  int error = 0;
  Socket socket = Socket::Connect(address, &error);
  REQUIRE(error == 0);
  return socket;
}

// A connection whose handshake is complete.
Socket ConnectWholly(const Address& address) {
  Socket socket = ConnectTo(address);
  REQUIRE(AwaitWritable(socket));
  return socket;
}

// A listener on a loop, and what it accepted.
struct Reception : AcceptEvents {
  Reception() : Reception(ListenOnLoopback()) {}
  explicit Reception(Socket socket)
      : address(socket.LocalAddress()),
        listener(loop, std::move(socket), reserve, *this) {}
  ~Reception() { listener.DrainAndClose(); }

  void OnAccept(Listener&, Socket socket, const Address& client) override {
    accepted.push_back(std::move(socket));
    clients.push_back(client);
  }
  bool OnNoDescriptor() override { return make_room && make_room(); }
  void OnRefuse(Socket socket, const Address& client, int error) override {
    SendAll(socket, "no");
    refused.push_back(client);
    CHECK(error == EMFILE);
  }

  Loop loop;
  ReserveDescriptor reserve;
  Address address;
  std::function<bool()> make_room;  // by default there is none
  std::vector<Socket> accepted;
  std::vector<Address> clients;
  std::vector<Address> refused;
  Listener listener;
};

// While it is imposed, this process can open no descriptor.
class NoDescriptors {
 public:
  NoDescriptors() { getrlimit(RLIMIT_NOFILE, &before_); }
  ~NoDescriptors() { Lift(); }
  void Impose() {
    rlimit none = before_;
    none.rlim_cur = 0;
    setrlimit(RLIMIT_NOFILE, &none);
  }
  void Lift() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

// A listener that has accepted once, to which somebody connects just when no
// descriptor is left. (UBSan looks at an object through a pipe when its class
// is called first: that has to be before.)
struct Shortage : Reception {
  Shortage() {
    REQUIRE(listener.Start());
    near.push_back(ConnectWholly(address));
  }
  bool Begin() {
    if (accepted.empty()) return false;
    accepted.clear();
    near.push_back(ConnectWholly(address));
    none.Impose();
    return true;
  }
  std::vector<Socket> near;
  NoDescriptors none;
};

TEST_CASE("port 0 takes one free port for all sockets") {
  const auto sockets = Listen(kAnyPort, 4);
  REQUIRE(sockets.ok());
  REQUIRE(sockets.value().size() == 4);
  const uint16_t port = sockets.value()[0].LocalAddress().port();
  CHECK(port != 0);
  for (const Socket& socket : sockets.value()) {
    CHECK(socket.LocalAddress().port() == port);
  }
}

TEST_CASE("an address that is taken can't be listened on, and is told") {
  const auto first = Listen(kAnyPort, 2);
  REQUIRE(first.ok());
  const Address taken = first.value()[0].LocalAddress();
  const auto second = Listen(taken, 2);
  REQUIRE_FALSE(second.ok());
  CHECK(second.error().find(taken.ToString()) != std::string::npos);
  CHECK(second.error().find("Address already in use") != std::string::npos);
}

TEST_CASE("an address can be listened on again at once") {
  Address address;
  {
    const Socket listening = ListenOnLoopback();
    address = listening.LocalAddress();
    Socket near = ConnectWholly(address);
    AcceptFrom(listening).Close();  // leaves a TIME_WAIT behind
    ReceiveSome(near);
  }
  CHECK(Listen(address, 2).ok());
}

TEST_CASE("an address of another host can't be listened on") {
  const auto sockets = Listen(*Address::Parse("192.0.2.1:0"), 1);
  REQUIRE_FALSE(sockets.ok());
  CHECK(sockets.error().starts_with("cannot bind 192.0.2.1:0: "));
}

TEST_CASE("an address of all hosts takes IPv4 too") {
  const auto sockets = Listen(*Address::Parse(":0"), 1);
  if (!sockets.ok()) return;  // this machine has no IPv6
  const uint16_t port = sockets.value()[0].LocalAddress().port();
  ConnectTo(*Address::Parse("127.0.0.1:" + std::to_string(port)));
  CHECK(AwaitReadable(sockets.value()[0]));
}

// The configuration takes such an address: `listen: [unix:/PATH]`.
TEST_CASE("a Unix address can be listened on") {
  const std::string path = "/tmp/whichhop-" + std::to_string(getpid());
  unlink(path.c_str());
  const auto sockets = Listen(*Address::Parse("unix:" + path), 1);
  INFO((sockets.ok() ? "" : sockets.error()));
  CHECK(sockets.ok());
  unlink(path.c_str());
}

TEST_CASE("connections are accepted, with their clients' addresses") {
  Reception reception;
  REQUIRE(reception.listener.Start());
  const Socket near = ConnectTo(reception.address);
  Story(reception.loop)
      .Until([&] { return reception.accepted.size() == 1; })
      .Play();
  CHECK(reception.clients[0] == near.LocalAddress());
  SendAll(reception.accepted[0], "hello");  // it does not block
}

TEST_CASE("more connections than one turn takes are all accepted") {
  Reception reception;
  std::vector<Socket> near;
  for (int i = 0; i < 200; ++i) near.push_back(ConnectTo(reception.address));
  REQUIRE(reception.listener.Start());
  Story(reception.loop)
      .Until([&] { return reception.accepted.size() == 200; })
      .Play();
}

TEST_CASE("a paused listener leaves connections in the queue") {
  Reception reception;
  REQUIRE(reception.listener.Start());
  reception.listener.Pause();
  const Socket near = ConnectWholly(reception.address);
  Story(reception.loop)
      .Wait(milliseconds(150))
      .Do([&] { CHECK(reception.accepted.empty()); })
      .Do([&] { reception.listener.Resume(); })
      .Do([&] { reception.listener.Resume(); })
      .Until([&] { return reception.accepted.size() == 1; })
      .Play();
}

TEST_CASE("a listener goes on when there are descriptors again") {
  Shortage shortage;
  Story(shortage.loop)
      .Wait(milliseconds(30))
      .Until([&] { return shortage.Begin(); })
      .Wait(milliseconds(30))
      .Do([&] { CHECK(shortage.accepted.empty()); })
      .Do([&] { shortage.none.Lift(); })
      .Until([&] { return shortage.accepted.size() == 1; })
      .Play();
}

TEST_CASE("without descriptors a listener waits, and does not spin") {
  Shortage shortage;
  int turns = 0;
  Story(shortage.loop)
      .Wait(milliseconds(30))
      .Until([&] { return shortage.Begin(); })
      .Until([&, end = SteadyClock::now() + milliseconds(100)] {
        ++turns;
        return SteadyClock::now() > end;
      })
      .Do([&] { shortage.none.Lift(); })
      .Until([&] { return shortage.accepted.size() == 1; })
      .Play();
  CHECK(turns < 50);  // the story's own ticks are most of them
}

TEST_CASE("a descriptor that is freed at once is used at once") {
  Shortage shortage;
  int asked = 0;
  shortage.make_room = [&] {
    ++asked;
    shortage.none.Lift();
    return true;
  };
  const Time begun = SteadyClock::now();
  Story(shortage.loop)
      .Wait(milliseconds(30))
      .Until([&] { return shortage.Begin(); })
      .Until([&] { return shortage.accepted.size() == 1; })
      .Play();
  CHECK(asked == 1);
  CHECK(SteadyClock::now() - begun < std::chrono::seconds(5));
}

// While it is there, this process can open no further descriptor, but a new one
// for each that it closes.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    const Socket next(dup(STDERR_FILENO));  // the lowest that is free
    rlimit none = before_;
    none.rlim_cur = static_cast<rlim_t>(next.fd());
    setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoMoreDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST_CASE("who waited and finds no descriptor is refused on the reserve") {
  Reception reception;
  REQUIRE(reception.listener.Start());
  std::vector<Socket> near;
  for (int i = 0; i < 3; ++i) near.push_back(ConnectWholly(reception.address));
  const Time begun = SteadyClock::now();
  Story story(reception.loop);
  std::optional<NoMoreDescriptors> none(std::in_place);
  story.Until([&] { return reception.refused.size() == 3; })
      .Do([&] { none.reset(); })
      .Do([&] { near.push_back(ConnectTo(reception.address)); })
      .Until([&] { return reception.accepted.size() == 1; })
      .Play();
  CHECK(SteadyClock::now() - begun >= milliseconds(100));
  for (size_t i = 0; i < 3; ++i) {
    CHECK(reception.refused[i] == near[i].LocalAddress());
    CHECK(ReceiveSome(near[i]) == "no");
  }
}

TEST_CASE("a reserve that was given up is taken back when there is one") {
  ReserveDescriptor reserve;
  CHECK(reserve.Release());
  CHECK_FALSE(reserve.Release());
  {
    const NoMoreDescriptors none;
    const Socket last(dup(STDERR_FILENO));
    reserve.Take();
    CHECK_FALSE(reserve.Release());
  }
  reserve.Take();
  reserve.Take();
  CHECK(reserve.Release());
}

// At its limit of connections the server pauses: to have descriptors again is
// no reason to go on.
TEST_CASE("a pause outlasts one for want of descriptors") {
  Shortage shortage;
  Story(shortage.loop)
      .Wait(milliseconds(30))
      .Until([&] { return shortage.Begin(); })
      .Wait(milliseconds(30))
      .Do([&] { shortage.listener.Pause(); })
      .Do([&] { shortage.none.Lift(); })
      .Wait(milliseconds(250))
      .Play();
  CHECK(shortage.accepted.empty());
}

TEST_CASE("draining takes what is queued, then the port is closed") {
  Reception reception;
  REQUIRE(reception.listener.Start());
  std::vector<Socket> near;
  for (int i = 0; i < 100; ++i) {
    near.push_back(ConnectWholly(reception.address));
  }
  reception.listener.DrainAndClose();
  CHECK(reception.accepted.size() == 100);
  reception.listener.DrainAndClose();
  reception.listener.Resume();
  Socket late = ConnectTo(reception.address);
  REQUIRE(AwaitWritable(late));
  CHECK(late.TakeError() == ECONNREFUSED);
}

TEST_CASE("a paused listener can be drained") {
  Reception reception;
  REQUIRE(reception.listener.Start());
  reception.listener.Pause();
  const Socket near = ConnectWholly(reception.address);
  reception.listener.DrainAndClose();
  CHECK(reception.accepted.size() == 1);
}

}  // namespace
}  // namespace whichhop
