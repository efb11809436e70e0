// The wall clock as text.

#include "proxy/base/clock.h"

#include <string_view>

#include "tests/catch.h"

namespace whichhop {
namespace {

constexpr int64_t kSecond = 1'000'000;

struct Instant {
  int64_t microseconds;
  std::string_view http_date;
  std::string_view rfc3339;
};

constexpr Instant kInstants[] = {
    {0, "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:00.000000Z"},
    {784'111'777 * kSecond + 123'456, "Sun, 06 Nov 1994 08:49:37 GMT",
     "1994-11-06T08:49:37.123456Z"},
    {951'782'400 * kSecond + 1, "Tue, 29 Feb 2000 00:00:00 GMT",
     "2000-02-29T00:00:00.000001Z"},
    {1'709'251'199 * kSecond + 999'999, "Thu, 29 Feb 2024 23:59:59 GMT",
     "2024-02-29T23:59:59.999999Z"},
    {2'147'483'648 * kSecond + 50, "Tue, 19 Jan 2038 03:14:08 GMT",
     "2038-01-19T03:14:08.000050Z"},
    {4'102'444'800 * kSecond + 10'203, "Fri, 01 Jan 2100 00:00:00 GMT",
     "2100-01-01T00:00:00.010203Z"},
};

TEST_CASE("known instants are written as their standards say") {
  WallText kept;
  for (const Instant& instant : kInstants) {
    WallText fresh;
    CHECK(fresh.HttpDate(instant.microseconds) == instant.http_date);
    CHECK(kept.HttpDate(instant.microseconds) == instant.http_date);
    CHECK(kept.Rfc3339(instant.microseconds) == instant.rfc3339);
    CHECK(fresh.Rfc3339(instant.microseconds) == instant.rfc3339);
  }
}

TEST_CASE("the text of a second is kept until the next, forth and back") {
  WallText text;
  const int64_t last = 1'704'067'199 * kSecond;  // of the year 2023
  CHECK(text.Rfc3339(last) == "2023-12-31T23:59:59.000000Z");
  CHECK(text.Rfc3339(last + 999'999) == "2023-12-31T23:59:59.999999Z");
  CHECK(text.Rfc3339(last + kSecond) == "2024-01-01T00:00:00.000000Z");
  CHECK(text.HttpDate(last + kSecond) == "Mon, 01 Jan 2024 00:00:00 GMT");
  CHECK(text.Rfc3339(last + 7) == "2023-12-31T23:59:59.000007Z");
  CHECK(text.HttpDate(last) == "Sun, 31 Dec 2023 23:59:59 GMT");
}

TEST_CASE("an IMF-fixdate is read, and nothing else") {
  CHECK(ParseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT") == 784'111'777);
  WallText text;
  const int64_t now = WallMicroseconds();
  CHECK(ParseHttpDate(text.HttpDate(now)) == now / kSecond);
  for (const char* other :
       {"", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 UTC", "Sun, 06 Nov 1994 08:49:37 GMT ",
        "Sun, 36 Nov 1994 08:49:37 GMT"}) {
    CHECK_FALSE(ParseHttpDate(other));
  }
}

TEST_CASE("the wall clock runs, and is past the day that this was written") {
  const int64_t before = WallMicroseconds();
  CHECK(before > 1'753'000'000 * kSecond);
  CHECK(WallMicroseconds() >= before);
}

}  // namespace
}  // namespace whichhop
