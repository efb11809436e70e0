#include "diagnostics/sha256.h"

#include <string>

#include "tests/catch.h"

namespace whichhop::diagnostics {
namespace {

std::string HashOf(std::string_view text) {
  const std::array<char, 44> digest = Base64(Sha256(text));
  return {digest.data(), digest.size()};
}

// The messages of FIPS 180-4's examples, and lengths around a block.
TEST_CASE("digests are those of the standard") {
  CHECK(HashOf("") == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
  CHECK(HashOf("abc") == "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
  CHECK(HashOf("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "JI1qYdIGOLjlwCaTDD5gOaM85Flk/yFn9uzt1BnbBsE=");
  CHECK(HashOf(std::string(55, 'a')) ==
        "n0OQ+NMMLdkuyfCVtl4rmumwqSWlJY4kHJ8ekQ9zQxg=");
  CHECK(HashOf(std::string(64, 'a')) ==
        "/+BU/nrgy23GXDr5th1SCfQ5hR20PQulmXM33xVGaOs=");
  CHECK(HashOf(std::string(1'000'000, 'a')) ==
        "zcduXJkU+5KBocfihNc+Z/GAmkiklyAOBG05zMcRLNA=");
}

}  // namespace
}  // namespace whichhop::diagnostics
