// Health probes of one server.

#include "proxy/upstream/probe.h"

#include <cerrno>
#include <functional>
#include <vector>

#include "tests/catch.h"
#include "tests/proxy/net/connections.h"
#include "tests/proxy/net/story.h"

namespace whichhop {
namespace {

using std::chrono::milliseconds;
using How = ProbeEnd::How;

constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

// A probe of a server that does as it is told.
struct Probed final : ProbeEvents {
  explicit Probed(milliseconds interval = milliseconds(20),
                  milliseconds timeout = milliseconds(5000))
      : listening(ListenOnLoopback()), probe(Make(interval, timeout)) {
    probe->Start(Duration{});
  }
  ~Probed() { probe->Close(); }

  std::unique_ptr<Probe> Make(milliseconds interval, milliseconds timeout) {
    endpoint = std::make_unique<Endpoint>(
        loop,
        Endpoint::Spec{listening.LocalAddress(),
                       listening.LocalAddress().ToString()},
        std::chrono::seconds(60));
    return std::make_unique<Probe>(loop, buffers, *endpoint,
                                   Probe::Options{"/up?x", interval, timeout},
                                   *this);
  }
  void OnProbe(Probe&, const ProbeEnd& end, UpstreamConnection* open) override {
    ends.push_back(end);
    had_connection = open != nullptr && open->socket().open();
  }
  // The next probe's connection, and what it sent.
  void Accept() {
    far = AcceptFrom(listening);
    request = ReceiveSome(far);
  }
  bool Ended() const { return !ends.empty(); }

  Loop loop;
  BufferPool buffers;
  Socket listening;
  std::unique_ptr<Endpoint> endpoint;
  std::unique_ptr<Probe> probe;
  Socket far;
  std::string request;
  std::vector<ProbeEnd> ends;
  bool had_connection = false;
};

// Waits until somebody connected, so that Accept does not stop the loop.
std::function<bool()> Connected(Probed& probed) {
  return [&probed] {
    return probed.endpoint->min_handshake({}) != Duration::max();
  };
}

// How a probe ends if the server says this, and then nothing more.
ProbeEnd Answered(std::string_view answer, bool close = false) {
  Probed probed(milliseconds(60'000), milliseconds(500));
  Story(probed.loop)
      .Until(Connected(probed))
      .Do([&] {
        probed.Accept();
        SendAll(probed.far, answer);
        if (close) probed.far.Close();
      })
      .Until([&] { return probed.Ended(); })
      .Play();
  return probed.ends.front();
}

TEST_CASE("a probe is a GET with Host on a connection of its own") {
  Probed probed(milliseconds(60'000));
  Story(probed.loop)
      .Until(Connected(probed))
      .Do([&] {
        probed.Accept();
        SendAll(probed.far, kOk);
      })
      .Until([&] { return probed.Ended(); })
      .Play();
  CHECK(probed.request ==
        "GET /up?x HTTP/1.1\r\nHost: " + probed.endpoint->text() +
            "\r\nUser-Agent: whichhop\r\nAccept: */*\r\n"
            "Connection: close\r\n\r\n");
  CHECK(probed.ends[0].good());
  CHECK(probed.had_connection);
  CHECK(probed.probe->next() > probed.loop.now());
}

TEST_CASE("2xx and 3xx are good; everything else is not") {
  struct {
    int status;
    bool good;
  } rows[] = {{200, true},  {204, true},  {299, true},  {301, true},
              {399, true},  {400, false}, {404, false}, {500, false},
              {503, false}, {599, false}};
  for (const auto& row : rows) {
    CAPTURE(row.status);
    const ProbeEnd end = Answered("HTTP/1.1 " + std::to_string(row.status) +
                                  " x\r\nContent-Length: 9\r\n\r\n");
    CHECK(end.how == How::kStatus);
    CHECK(end.status == row.status);
    CHECK(end.good() == row.good);
  }
}

TEST_CASE("interim answers are passed over") {
  const ProbeEnd end =
      Answered("HTTP/1.1 103 Early Hints\r\n\r\n" + std::string(kOk));
  CHECK(end.status == 200);
}

TEST_CASE("how a probe fails is told apart") {
  CHECK(Answered("SSH-2.0-x\r\n").how == How::kMalformed);
  CHECK(Answered("", true).how == How::kFin);
  CHECK(Answered("HTTP/1.1 200", true).how == How::kFin);
  const ProbeEnd silent = Answered("");
  CHECK(silent.how == How::kTimeout);
  CHECK(silent.phase == ProbeEnd::Phase::kAnswer);
  CHECK(silent.connected != kNoTime);
  CHECK_FALSE(silent.good());
}

TEST_CASE("a refused connect has its errno") {
  Probed probed;
  probed.listening.Close();
  Story(probed.loop).Until([&] { return probed.Ended(); }).Play();
  CHECK(probed.ends[0].phase == ProbeEnd::Phase::kConnect);
  CHECK(probed.ends[0].how == How::kError);
  CHECK(probed.ends[0].error == ECONNREFUSED);
  CHECK(probed.ends[0].connected == kNoTime);
}

TEST_CASE("probes go on at their interval, whatever comes of them") {
  Probed probed(milliseconds(20));
  probed.listening.Close();
  Story(probed.loop).Until([&] { return probed.ends.size() >= 4; }).Play();
  for (size_t i = 1; i < 4; ++i) {
    CHECK(probed.ends[i].begun - probed.ends[i - 1].begun >= milliseconds(20));
  }
}

TEST_CASE("a probe that is closed says nothing more") {
  Probed probed(milliseconds(60'000));
  Story(probed.loop)
      .Until(Connected(probed))
      .Do([&] {
        probed.Accept();
        SendAll(probed.far, kOk);
        probed.probe->Close();
      })
      .Wait(milliseconds(30))
      .Play();
  CHECK_FALSE(probed.Ended());
}

}  // namespace
}  // namespace whichhop
