// The marks of a response are found as if each were looked for by itself.

#include "diagnostics/fingerprint_marks.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "diagnostics/fingerprint_head.h"
#include "diagnostics/fingerprint_words.h"
#include "tests/catch.h"

namespace whichhop::diagnostics {
namespace {

bool IsOfWords(const Mark& mark) {
  return mark.kind == MarkKind::kBody || mark.kind == MarkKind::kPortal;
}

MarkSet WordsOf(std::string_view body) {
  MarkSet found;
  FindWords(body, &found);
  return found;
}

// SLOW REFERENCE: a search for each.
MarkSet WordsOneByOne(std::string_view body) {
  MarkSet found;
  for (size_t i = 0; i < kMarkCount; ++i) {
    const bool has = body.find(kMarks[i].text) != std::string_view::npos;
    if (IsOfWords(kMarks[i]) && has) found.Add(i);
  }
  return found;
}

std::string Upper(std::string_view text) {
  std::string upper(text);
  std::ranges::transform(upper, upper.begin(), [](unsigned char c) {
    return static_cast<char>(std::toupper(c));
  });
  return upper;
}

MarkSet Only(size_t mark) {
  MarkSet set;
  set.Add(mark);
  return set;
}

TEST_CASE("words are found wherever they begin in a body") {
  for (const Mark& mark : kMarks) {
    if (!IsOfWords(mark)) continue;
    INFO(mark.text);
    for (size_t before = 0; before < 20; ++before) {
      const std::string body =
          std::string(before, '<') + std::string(mark.text);
      CHECK(WordsOf(body) == WordsOneByOne(body));
      CHECK_FALSE(WordsOf(body) == MarkSet());
      CHECK(WordsOf(body + "<p>") == WordsOneByOne(body));
    }
  }
}

TEST_CASE("words that are cut, or changed in one place, are not found") {
  for (const Mark& mark : kMarks) {
    if (!IsOfWords(mark)) continue;
    INFO(mark.text);
    for (size_t at = 0; at < mark.text.size(); ++at) {
      std::string body(mark.text);
      body[at] = '\x01';
      CHECK(WordsOf(body) == WordsOneByOne(body));
      CHECK(WordsOf(mark.text.substr(0, at)) ==
            WordsOneByOne(mark.text.substr(0, at)));
    }
  }
}

TEST_CASE("all words of all marks are found in one body") {
  std::string body;
  for (const Mark& mark : kMarks) {
    if (IsOfWords(mark)) body += std::string(mark.text) + "-";
  }
  CHECK(WordsOf(body) == WordsOneByOne(body));
}

TEST_CASE("captured pages have the words that a search finds") {
  for (const auto& file :
       std::filesystem::directory_iterator(WHICHHOP_SAMPLES)) {
    INFO(file.path());
    std::ifstream in(file.path(), std::ios::binary);
    const std::string raw{std::istreambuf_iterator<char>(in), {}};
    for (size_t begin = 0; begin < 8 && begin < raw.size(); ++begin) {
      const std::string_view body = std::string_view(raw).substr(begin);
      CHECK(WordsOf(body) == WordsOneByOne(body));
    }
  }
}

TEST_CASE("a field's mark is found under its name alone, in any case") {
  for (size_t i = 0; i < kMarkCount; ++i) {
    const Mark& mark = kMarks[i];
    if (mark.field.empty()) continue;
    const std::string line = Upper(std::string(mark.field) + ": " +
                                   std::string(mark.text) + "/1 x") +
                             "\r\n";
    INFO(line);
    CHECK((ReadHead(line).marks & Only(i)) == Only(i));
    CHECK(ReadHead("X" + line).marks == MarkSet());
    CHECK(ReadHead(line.substr(1)).marks == MarkSet());
  }
}

TEST_CASE("whoever relayed it is found under the name of its field alone") {
  for (size_t i = 0; i < std::size(kRelayMarks); ++i) {
    const RelayMark& mark = kRelayMarks[i];
    const std::string line = Upper(std::string(mark.field) + ": a " +
                                   std::string(mark.text) + " b") +
                             "\r\n";
    INFO(line);
    bool found = false;
    ReadHead(line).relayed_by.ForEach(
        [&](size_t index) { found = found || index == i; });
    CHECK(found);
    CHECK(ReadHead("X" + line).relayed_by == RelayMarkSet());
  }
}

}  // namespace
}  // namespace whichhop::diagnostics
