// Series that one thread counts and another reads.

#include "proxy/server/series.h"

#include <map>
#include <thread>

#include "proxy/base/counter.h"
#include "proxy/server/metrics_page.h"
#include "tests/catch.h"

namespace whichhop {

namespace {

using List = SeriesList<Counter>;
using Seen = std::map<std::string, uint64_t>;

Seen Read(const List& list) {
  Seen seen;
  list.ForEach([&seen](std::string_view labels, const Counter& counter) {
    seen[std::string(labels)] += counter.value();
  });
  return seen;
}

}  // namespace

TEST_CASE("what finds no place is counted in the last one") {
  List list(3, "other");
  for (const char* labels : {"a", "b", "c", "d"}) list.Append(labels).Add();
  CHECK(Read(list) == Seen{{"a", 1}, {"b", 1}, {"other", 2}});
}

TEST_CASE("an index finds what was added, and nothing else") {
  std::vector<int> values(512);
  SeriesIndex<int> index(values.size());
  for (uint64_t i = 0; i < values.size(); ++i) index.Add(i << 16, values[i]);
  for (uint64_t i = 0; i < values.size(); ++i) {
    REQUIRE(index.Find(i << 16) == &values[i]);
    REQUIRE(index.Find((i << 16) + 1) == nullptr);
  }
}

TEST_CASE("an index that is full finds no more, and still ends") {
  std::vector<int> values(100);
  SeriesIndex<int> index(8);
  for (uint64_t i = 0; i < values.size(); ++i) index.Add(i, values[i]);
  CHECK(index.Find(0) == &values[0]);
  CHECK(index.Find(7) == &values[7]);
  CHECK(index.Find(8) == nullptr);
  CHECK(index.Find(99) == nullptr);
}

TEST_CASE("merged series keep to their bound, and to their members") {
  MergedSeries<int64_t> merged(3, "other");
  for (const char* labels : {"c", "b", "a", "d", "c"}) merged[labels] += 1;
  const auto read = [&merged] {
    return std::map<std::string, int64_t>(merged.begin(), merged.end());
  };
  CHECK(read() ==
        std::map<std::string, int64_t>{{"b", 1}, {"c", 2}, {"other", 2}});
  merged.Clear();
  for (const char* labels : {"a", "b", "d"}) merged[labels] += 1;
  CHECK(read() ==
        std::map<std::string, int64_t>{{"b", 1}, {"c", 0}, {"other", 2}});
}

TEST_CASE("a reader sees whole series that only grow while they are counted") {
  constexpr int kSeries = 200;
  constexpr int kCounts = 200;
  List list(kSeries + 1, "other");
  std::thread writer([&list] {
    for (int i = 0; i < kSeries; ++i) {
      Counter& counter = list.Append("series-" + std::to_string(i));
      for (int j = 0; j < kCounts; ++j) counter.Add();
    }
  });
  Seen before;
  uint64_t sum = 0;
  while (sum < kSeries * kCounts) {
    Seen now = Read(list);
    sum = 0;
    for (const auto& [labels, count] : now) sum += count;
    for (const auto& [labels, count] : before) REQUIRE(now[labels] >= count);
    before = std::move(now);
  }
  writer.join();
  CHECK(before.size() == kSeries);
}

}  // namespace whichhop
