// Keys of tickets over time.

#include "proxy/net/tls_ticket_keys.h"

#include <set>
#include <string>
#include <thread>
#include <vector>

#include "tests/catch.h"

namespace whichhop {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

const Time kStart = Time() + hours(1000);

std::string NameOf(const TlsTicketKeys::Key& key) {
  return {key.name.begin(), key.name.end()};
}

}  // namespace

TEST_CASE("a key makes tickets for an hour") {
  TlsTicketKeys keys;
  const auto first = keys.Newest(kStart);
  REQUIRE(first);
  CHECK(NameOf(*keys.Newest(kStart + minutes(59))) == NameOf(*first));
  const auto second = keys.Newest(kStart + minutes(60));
  CHECK(NameOf(*second) != NameOf(*first));
  CHECK(second->cipher != first->cipher);
  CHECK(second->mac != first->mac);
  CHECK(NameOf(*keys.Newest(kStart + minutes(119))) == NameOf(*second));
}

TEST_CASE("a key opens tickets for a day, which are renewed after an hour") {
  TlsTicketKeys keys;
  const std::string first = NameOf(*keys.Newest(kStart));
  CHECK(keys.Find(first, kStart)->newest);
  CHECK_FALSE(keys.Find(first, kStart + hours(1))->newest);
  keys.Newest(kStart + hours(2));
  const auto found = keys.Find(first, kStart + hours(24));
  REQUIRE(found);
  CHECK(NameOf(found->key) == first);
  CHECK_FALSE(found->newest);
  CHECK_FALSE(keys.Find(first, kStart + hours(24) + minutes(1)));
}

TEST_CASE("keys that open nothing are forgotten") {
  TlsTicketKeys keys;
  const std::string first = NameOf(*keys.Newest(kStart));
  for (int hour = 1; hour < 100; ++hour) keys.Newest(kStart + hours(hour));
  // Not even by a clock that is turned back.
  CHECK_FALSE(keys.Find(first, kStart));
}

TEST_CASE("a key that was never here is not found") {
  TlsTicketKeys keys;
  CHECK_FALSE(keys.Find(std::string(16, 'x'), kStart));
  TlsTicketKeys others;
  const std::string name = NameOf(*others.Newest(kStart));
  keys.Newest(kStart);
  CHECK_FALSE(keys.Find(name, kStart));
}

TEST_CASE("threads that meet an old key agree on one new one") {
  TlsTicketKeys keys;
  keys.Newest(kStart);
  std::vector<std::string> names(4);
  std::vector<std::thread> threads;
  for (std::string& name : names) {
    threads.emplace_back([&keys, &name] {
      for (int hour = 1; hour < 50; ++hour) {
        const auto key = keys.Newest(kStart + hours(1));
        name = NameOf(*key);
        (void)keys.Find(name, kStart + hours(1));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(std::set<std::string>(names.begin(), names.end()).size() == 1);
}

}  // namespace whichhop
