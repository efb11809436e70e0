// What other connections say of one that failed.

#include "proxy/server/tls_neighbours.h"

#include "tests/catch.h"

namespace whichhop {
namespace {

using std::chrono::seconds;

constexpr uint16_t kTls12 = 0x0303;
constexpr int kExpired = 10;     // X509_V_ERR_CERT_HAS_EXPIRED
constexpr int kSelfSigned = 18;  // X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT

TlsNeighbours::Server ServerOf(const std::string& upstream) {
  static std::vector<std::unique_ptr<std::string>> addresses;
  addresses.push_back(std::make_unique<std::string>(upstream + ".test:443"));
  return {*addresses.back(), *addresses.back(), kTls12};
}

TlsFacts Refused(int code, const std::string& key) {
  TlsFacts facts;
  facts.verify_code = code;
  TlsCertificate bad;
  bad.leaf_key = key;
  facts.bad_certificate = std::make_shared<const TlsCertificate>(bad);
  return facts;
}

struct Story {
  // The clock, as it looks when `name` fails.
  diagnostics::ClockFacts Fail(const std::string& name, int code,
                               const std::string& key) {
    const TlsFacts failed = Refused(code, key);
    const TlsNeighbours::Server server = ServerOf(name);
    neighbours.NoteRefused(server, failed, now);
    diagnostics::TlsFacts facts;
    neighbours.Add(server, failed, now, &facts);
    return facts.clock;
  }

  TlsNeighbours neighbours;
  Time now = Time() + seconds(1000);
};

TEST_CASE("strangers that fail by their dates are counted, kin once") {
  Story story;
  CHECK(story.Fail("a", kExpired, "key a").failed == 1);
  CHECK(story.Fail("b", kExpired, "key b").failed == 2);
  // The same certificate elsewhere is the same failure.
  CHECK(story.Fail("c", kExpired, "key b").failed == 2);
  const auto clock = story.Fail("d", kSelfSigned, "key d");
  CHECK(clock.failed == 2);
  CHECK(clock.origins == 3);
}

TEST_CASE("what was long ago says nothing") {
  Story story;
  story.Fail("a", kExpired, "key a");
  story.now += seconds(61);
  CHECK(story.Fail("b", kExpired, "key b").failed == 1);
}

TEST_CASE("the median of the Dates counts, for ten minutes") {
  Story story;
  for (const int64_t ahead : {3, 10'800, 10'801}) {
    story.neighbours.NoteDate(ServerOf(std::to_string(ahead)), ahead,
                              story.now);
  }
  const auto clock = story.Fail("x", kExpired, "key");
  CHECK(clock.dates == 3);
  CHECK(clock.ahead == seconds(10'800));
  story.now += seconds(601);
  CHECK_FALSE(story.Fail("x", kExpired, "key").ahead);
}

TEST_CASE("servers that were not heard of for longest are forgotten") {
  Story story;
  for (size_t i = 0; i < TlsNeighbours::kMost; ++i) {
    story.Fail(std::to_string(i), kExpired, std::to_string(i));
    story.now += std::chrono::milliseconds(1);
  }
  CHECK(story.Fail("one more", kExpired, "key").failed == TlsNeighbours::kMost);
}

}  // namespace
}  // namespace whichhop
