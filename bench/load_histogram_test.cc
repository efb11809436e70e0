#include "bench/load_histogram.h"

#include "tests/catch.h"

using load::Histogram;
using std::chrono::nanoseconds;

namespace {

// Within half of a bucket's width.
bool Near(nanoseconds seen, int64_t due) {
  return std::abs(seen.count() - due) * 250 <= due;
}

}  // namespace

TEST_CASE("an empty histogram has no latencies") {
  const Histogram histogram;
  CHECK(histogram.Quantile(0.5).count() == 0);
  CHECK(histogram.Quantile(1).count() == 0);
  CHECK(histogram.Mean().count() == 0);
}

TEST_CASE("quantiles of 1 to 100,000 are those numbers, to 0.4 %") {
  for (const int64_t unit : {1, 1'000, 1'000'000, 1'000'000'000}) {
    Histogram histogram;
    for (int64_t i = 100'000; i > 0; --i) histogram.Add(nanoseconds(i * unit));
    CHECK(Near(histogram.Quantile(0.5), 50'000 * unit));
    CHECK(Near(histogram.Quantile(0.99), 99'000 * unit));
    CHECK(Near(histogram.Quantile(0.999), 99'900 * unit));
    CHECK(Near(histogram.Quantile(0), unit));
    CHECK(histogram.Quantile(1).count() == 100'000 * unit);
    CHECK(histogram.Max().count() == 100'000 * unit);
    CHECK(Near(histogram.Mean(), 50'000 * unit));
    CHECK(histogram.count() == 100'000);
  }
}

TEST_CASE("one slow request of a thousand is the tail, not the middle") {
  Histogram histogram;
  for (int i = 0; i < 999; ++i) histogram.Add(nanoseconds(100'000));
  histogram.Add(nanoseconds(3'000'000'000));
  CHECK(Near(histogram.Quantile(0.5), 100'000));
  CHECK(Near(histogram.Quantile(0.999), 100'000));
  CHECK(histogram.Quantile(0.9991).count() == 3'000'000'000);
}

TEST_CASE("quantiles never fall, and every power of two keeps its place") {
  Histogram histogram;
  histogram.Add(nanoseconds(-5));
  for (int bit = 0; bit < 63; ++bit) {
    histogram.Add(nanoseconds(int64_t{1} << bit));
  }
  CHECK(histogram.Quantile(1.0 / 64).count() == 0);
  for (int bit = 0; bit < 63; ++bit) {
    CHECK(Near(histogram.Quantile((bit + 2) / 64.0), int64_t{1} << bit));
  }
  nanoseconds last{0};
  for (int i = 0; i <= 1000; ++i) {
    const nanoseconds next = histogram.Quantile(i / 1000.0);
    CHECK(next >= last);
    last = next;
  }
}
