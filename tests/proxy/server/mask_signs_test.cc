#include "proxy/server/mask_signs.h"

#include <string>

#include "tests/catch.h"

namespace whichhop {
namespace {

using std::chrono::minutes;

constexpr Time kNow{std::chrono::hours(5)};

TEST_CASE("a URL that was there for somebody is known for ten minutes") {
  MaskSigns signs;
  CHECK_FALSE(signs.AnsweredLately({"a", "/x"}, kNow));
  signs.NoteAnswered({"a", "/x"}, kNow);
  CHECK(signs.AnsweredLately({"a", "/x"}, kNow + minutes(9)));
  CHECK_FALSE(signs.AnsweredLately({"a", "/x"}, kNow + minutes(10)));
  CHECK_FALSE(signs.AnsweredLately({"b", "/x"}, kNow));
  CHECK_FALSE(signs.AnsweredLately({"a", "/y"}, kNow));
}

TEST_CASE("a 404 is compared with the one of another path of its route") {
  MaskSigns signs;
  CHECK_FALSE(signs.NoteMissing("r", {"a", "/x"}, "not found"));
  CHECK_FALSE(signs.NoteMissing("r", {"a", "/y"}, "not found"));
  CHECK(signs.NoteMissing("r", {"a", "/secret"}, "no such thing, go away"));
  CHECK_FALSE(signs.NoteMissing("r", {"a", "/secret"}, "not found"));
  CHECK_FALSE(signs.NoteMissing("other", {"a", "/z"}, "something else"));
}

TEST_CASE("a 404 that tells its path is no other one") {
  MaskSigns signs;
  CHECK_FALSE(signs.NoteMissing("r", {"a", "/x"}, "no /x here"));
  CHECK_FALSE(signs.NoteMissing("r", {"a", "/longer"}, "no /longer here"));
}

TEST_CASE("of any number of URLs and routes so many are kept") {
  MaskSigns signs;
  size_t known = 0;
  for (int i = 0; i < 5000; ++i) {
    signs.NoteAnswered({"a", std::to_string(i)}, kNow);
    signs.NoteMissing(std::to_string(i), {"a", "/"}, "body");
  }
  for (int i = 0; i < 5000; ++i) {
    known += signs.AnsweredLately({"a", std::to_string(i)}, kNow) ? 1 : 0;
  }
  CHECK(known > 500);
  CHECK(known <= MaskSigns::kUrls);
}

}  // namespace
}  // namespace whichhop
