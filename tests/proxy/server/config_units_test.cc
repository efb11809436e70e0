// Durations, sizes and integers, and what is meant by almost-right ones.

#include "proxy/server/config_units.h"

#include <chrono>
#include <limits>
#include <string_view>

#include "proxy/server/config_suggest.h"
#include "tests/catch.h"

namespace whichhop {

namespace {

using std::chrono::milliseconds;

struct Meant {
  std::string_view text;
  std::string_view meant;  // empty: nothing is suggested
};

constexpr Meant kDurations[] = {
    {"10", "10s"},      {"10 s", "10s"},
    {"10sec", "10s"},   {"10S", "10s"},
    {"0", "0s"},        {"0.5s", "500ms"},
    {"1.5 min", "90s"}, {"90 minutes", "90m"},
    {"120sec", "2m"},   {"500msec", "500ms"},
    {"2d", "48h"},      {"0010s", "10s"},
    {"1.0005s", ""},    {"1.5ms", ""},
    {"-5s", ""},        {"5 fortnights", ""},
    {"s", ""},          {"", ""},
    {"1.s", ""},        {".5s", ""},
    {"12345678s", ""},  {"1m30s", ""},
    {"1e3s", ""},
};

constexpr Meant kSizes[] = {
    {"5MB", "5MiB"},       {"5 MiB", "5MiB"},   {"64k", "64KiB"},
    {"1024", "1KiB"},      {"1000", "1000B"},   {"0", "0B"},
    {"1.5GiB", "1536MiB"}, {"10 bytes", "10B"}, {"2Gi", "2GiB"},
    {"0.1KiB", ""},        {"1TB", ""},         {"-1B", ""},
};

}  // namespace

TEST_CASE("an integer has digits and no leading zero") {
  CHECK(ParseInteger("0") == 0u);
  CHECK(ParseInteger("18446744073709551615") ==
        std::numeric_limits<uint64_t>::max());
  for (const std::string_view text :
       {"", "00", "010", "+1", "-1", " 1", "1 ", "0x1", "1e3", "1.0", "1_000",
        "18446744073709551616"}) {
    CHECK_FALSE(ParseInteger(text));
  }
}

TEST_CASE("a duration is an integer and a unit") {
  CHECK(ParseDuration("0s") == milliseconds(0));
  CHECK(ParseDuration("7ms") == milliseconds(7));
  CHECK(ParseDuration("7s") == milliseconds(7'000));
  CHECK(ParseDuration("7m") == milliseconds(420'000));
  CHECK(ParseDuration("7h") == milliseconds(25'200'000));
  for (const std::string_view text :
       {"", "s", "7", "7S", "7 s", " 7s", "7s ", "07s", "7ss", "-7s", "7.0s",
        "9223372036854775808ms", "2562047788016h"}) {
    CHECK_FALSE(ParseDuration(text));
  }
}

TEST_CASE("a size is an integer and a unit") {
  CHECK(ParseSize("0B") == 0u);
  CHECK(ParseSize("7KiB") == 7u << 10);
  CHECK(ParseSize("7MiB") == 7u << 20);
  CHECK(ParseSize("3GiB") == uint64_t{3} << 30);
  CHECK(ParseSize("18446744073709551614B"));
  for (const std::string_view text :
       {"", "B", "7", "7b", "7KB", "7kib", "7 B", "07B", "0x7B", "unlimited",
        "18446744073709551615B", "17179869184GiB"}) {
    CHECK_FALSE(ParseSize(text));
  }
}

TEST_CASE("a duration or a size is written in its largest unit") {
  CHECK(FormatDuration(milliseconds(0)) == "0s");
  CHECK(FormatDuration(milliseconds(1500)) == "1500ms");
  CHECK(FormatDuration(milliseconds(90'000)) == "90s");
  CHECK(FormatDuration(milliseconds(7'200'000)) == "2h");
  CHECK(FormatSize(0) == "0B");
  CHECK(FormatSize(1000) == "1000B");
  CHECK(FormatSize(1 << 20) == "1MiB");
}

TEST_CASE("the right form of an almost-right duration is suggested") {
  for (const Meant& row : kDurations) {
    CAPTURE(row.text);
    CHECK(SuggestDuration(row.text) == row.meant);
  }
}

TEST_CASE("the right form of an almost-right size is suggested") {
  for (const Meant& row : kSizes) {
    CAPTURE(row.text);
    CHECK(SuggestSize(row.text) == row.meant);
  }
}

TEST_CASE("the distance of words counts slips") {
  CHECK(EditDistance("", "abc") == 3);
  CHECK(EditDistance("listen", "listen") == 0);
  CHECK(EditDistance("Listen", "listen") == 0);
  CHECK(EditDistance("request-head", "request_head") == 0);
  CHECK(EditDistance("lissten", "listen") == 1);
  CHECK(EditDistance("lsiten", "listen") == 1);
  CHECK(EditDistance("kitten", "sitting") == 3);
}

TEST_CASE("the nearest word is suggested, and none if none is near") {
  constexpr std::string_view kWords[] = {"connect", "drain", "drain_delay"};
  CHECK(DidYouMean("conect", kWords) == "; did you mean `connect`?");
  CHECK(DidYouMean("drainn", kWords) == "; did you mean `drain`?");
  CHECK(DidYouMean("drain_dealy", kWords) == "; did you mean `drain_delay`?");
  CHECK(DidYouMean("upstream", kWords).empty());
  CHECK(DidYouMean("", kWords).empty());
  CHECK(DidYouMean(std::string(1000, 'd'), kWords).empty());
}

}  // namespace whichhop
