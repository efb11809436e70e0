#include "proxy/http/octets.h"

#include <string>

#include "tests/catch.h"

namespace whichhop {
namespace {

using Skip = const char* (*)(const char*, const char*);

size_t Run(Skip skip, const std::string& text) {
  return static_cast<size_t>(skip(text.data(), text.data() + text.size()) -
                             text.data());
}

size_t RunPlain(OctetClass octet_class, const std::string& text) {
  const char* const end = text.data() + text.size();
  return static_cast<size_t>(SkipPlain(octet_class, text.data(), end) -
                             text.data());
}

TEST_CASE("wide steps stop where plain ones do, for every octet and place") {
  const struct {
    Skip skip;
    OctetClass octet_class;
    char fill;
  } loops[] = {{SkipToken, kTokenOctet, 'a'},
               {SkipToken, kTokenOctet, '!'},
               {SkipTarget, kTargetOctet, '/'},
               {SkipValue, kValueOctet, ' '}};
  for (const auto& loop : loops) {
    size_t wrong = 0;
    for (unsigned octet = 0; octet < 256; ++octet) {
      for (const size_t size : {1u, 15u, 16u, 17u, 33u, 48u}) {
        for (size_t at = 0; at < size; ++at) {
          std::string text(size, loop.fill);
          text[at] = static_cast<char>(octet);
          wrong += Run(loop.skip, text) != RunPlain(loop.octet_class, text);
        }
      }
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("wide searches find what plain ones do, for every octet and place") {
  const struct {
    Skip skip;
    Skip plain;
    char fill;
  } searches[] = {{SkipToMark, SkipToMarkPlain, 'a'},
                  {SkipNormal, SkipNormalPlain, 'a'},
                  {SkipNormal, SkipNormalPlain, '.'}};
  for (const auto& search : searches) {
    size_t wrong = 0;
    for (unsigned octet = 0; octet < 256; ++octet) {
      for (const size_t size : {1u, 15u, 16u, 17u, 33u, 48u}) {
        for (size_t at = 0; at < size; ++at) {
          std::string text(size, search.fill);
          text[at] = static_cast<char>(octet);
          if (at > 1) text[at - 2] = '/';
          wrong += Run(search.skip, text) != Run(search.plain, text);
        }
      }
    }
    CHECK(wrong == 0);
  }
  CHECK(Run(SkipToMark, "/a/b?c#d") == 4);
  CHECK(Run(SkipToMark, "/a/b#c?d") == 4);
  CHECK(Run(SkipNormal, "/a/.b") == 2);
  CHECK(Run(SkipNormal, "/a//b") == 2);
  CHECK(Run(SkipNormal, "/a.b%41") == 4);
  CHECK(Run(SkipNormal, "/a.b/") == 5);
  // A pair whose halves lie in two steps.
  CHECK(Run(SkipNormal, "/123456789012345//" + std::string(16, 'a')) == 16);
  CHECK(Run(SkipNormal, "/12345678901234/." + std::string(16, 'a')) == 15);
}

TEST_CASE("the classes hold what the RFCs say") {
  CHECK(Is(kTokenOctet, '~'));
  CHECK_FALSE(Is(kTokenOctet, ':'));
  CHECK_FALSE(Is(kTokenOctet, '\0'));
  CHECK(Is(kTargetOctet, '!'));
  CHECK(Is(kTargetOctet, '~'));
  CHECK_FALSE(Is(kTargetOctet, ' '));
  CHECK_FALSE(Is(kTargetOctet, '\x7f'));
  CHECK_FALSE(Is(kTargetOctet, '\x80'));
  CHECK(Is(kValueOctet, '\t'));
  CHECK(Is(kValueOctet, '\x80'));
  CHECK_FALSE(Is(kValueOctet, '\x7f'));
  CHECK(HexValue('0') == 0);
  CHECK(HexValue('a') == 10);
  CHECK(HexValue('F') == 15);
}

}  // namespace
}  // namespace whichhop
