// Error pages, fed with anything: a status line, field lines and a body, as an
// origin may send or forge them. Whoever is named scored for it, and what lies
// behind the first 4 KiB, or is not of the page, changes nothing.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "diagnostics/diagnose.h"
#include "diagnostics/fingerprint.h"
#include "tests/fuzz/require.h"

namespace whichhop::diagnostics {
namespace {

std::string_view TakeUntil(std::string_view mark, std::string_view* rest) {
  const size_t at = rest->find(mark);
  const std::string_view taken = rest->substr(0, at);
  rest->remove_prefix(at == std::string_view::npos ? rest->size()
                                                   : at + mark.size());
  return taken;
}

// "HTTP/1.1 502 Bad Gateway", field lines, an empty line, the body.
ErrorPage Parse(std::string_view input) {
  ErrorPage page;
  std::string_view rest = input;
  const std::string_view line = TakeUntil("\r\n", &rest);
  unsigned status = 0;
  for (const char c : line.substr(0, 12)) {
    if (c >= '0' && c <= '9') status = (status * 10 + unsigned(c - '0')) % 1000;
  }
  page.status = static_cast<uint16_t>(400 + status % 200);
  page.reason = line.size() > 13 ? line.substr(13) : "";
  page.fields = TakeUntil("\r\n\r\n", &rest);
  page.body = rest;
  page.whole = rest.size() <= kPageBytes;
  return page;
}

bool Same(const Recognized& one, const Recognized& other) {
  return one.generator == other.generator && one.score == other.score &&
         one.sub_cause == other.sub_cause && one.relayed == other.relayed;
}

void CheckVerdict(const ErrorPage& page, const Recognized& seen,
                  std::string_view input) {
  const HopSet origin{Hop::kLb, Hop::kServer,    Hop::kApp,
                      Hop::kDb, Hop::kDatastore, Hop::kAuth};
  for (const Position position : {Position::kLb, Position::kCdn}) {
    Observation o;
    o.position = position;
    o.status = page.status;
    const Verdict bare = Diagnose(o);
    o.writer.generator = seen.generator;
    o.writer.score = seen.score;
    o.writer.sub_cause = seen.sub_cause;
    o.writer.relayed = seen.relayed;
    const Verdict v = Diagnose(o);
    Require(v.cause == bare.cause || (v.cause.set() - origin).empty(),
            "a forged page blames nobody before us", input);
    Require((v.cause.set() & v.cleared).empty(), "no suspect is cleared",
            input);
  }
}

void Check(std::string_view input) {
  ErrorPage page = Parse(input);
  const Recognized seen = Recognize(page);
  Require((seen.generator == Generator::kNone) == (seen.score == 0),
          "whoever is likely has points", input);
  Require(!seen.stock || seen.score >= kNamed, "a stock page has a name",
          input);
  CheckVerdict(page, seen, input);
  std::string longer(page.body);
  longer.resize(std::max(longer.size(), kPageBytes), ' ');
  longer += "</center>\r\n<hr><center>nginx";
  ErrorPage cut = page;
  cut.whole = false;
  const Recognized before = Recognize(cut);
  cut.body = longer;
  Require(Same(Recognize(cut), before), "4 KiB are looked at", input);
}

}  // namespace
}  // namespace whichhop::diagnostics

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  whichhop::diagnostics::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
