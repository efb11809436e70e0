// Error bodies, fed with anything: a Content-Type, a line end, the body. What
// is added to is added to in one place and whole; all that was there stays.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "diagnostics/augment.h"
#include "diagnostics/diagnose.h"
#include "diagnostics/html_end.h"
#include "diagnostics/json_room.h"
#include "tests/fuzz/require.h"

namespace whichhop::diagnostics {
namespace {

// What of the result is not of the body. Requires: it is the longer one.
std::string_view Added(std::string_view body, std::string_view out) {
  const auto front =
      static_cast<size_t>(std::ranges::mismatch(body, out).in1 - body.begin());
  for (size_t at = front;; --at) {
    if (out.ends_with(body.substr(at))) {
      return out.substr(at, out.size() - body.size());
    }
    if (at == 0) return {};
  }
}

void Check(std::string_view input) {
  const size_t line = std::min(input.find('\n'), input.size());
  const BodyForm form = FormOf(input.substr(0, line));
  const std::string_view body = input.substr(std::min(line + 1, input.size()));
  Observation o;
  o.status = 502;
  const PageInput hostile{"01\"><b>", "</aside><script>", "/\"\r\n\x1b[2J\xff",
                          Audience::kOperator, Language::kEnglish};
  std::string out;
  const bool done = AppendAugmented(form, body, Diagnose(o), hostile, out);
  Require(done != out.empty(), "untouched is untouched", input);
  if (!done) return;
  Require(form != BodyForm::kOther && body.size() <= kAugmentBytes,
          "only such bodies are added to", input);
  const std::string_view added = Added(body, out);
  Require(!added.empty(), "something is added, and all else stays", input);
  const auto ours = [&](char c) {
    return c == '\n' || (c >= 0x20 && c < 0x7F);
  };
  if (form == BodyForm::kJson) {
    Require(RoomInObject(body, "error_hops").has_value() &&
                RoomInObject(out, "error_hops.").has_value() &&
                !RoomInObject(out, "error_hops").has_value(),
            "an object stays one, with that member", input);
  } else if (form == BodyForm::kText || body.find("<aside") == body.npos) {
    Require(std::ranges::all_of(added, ours), "ours is ASCII", input);
  }
  if (form != BodyForm::kHtml) return;
  Require(EndOfHtml(out).has_value(), "a page stays one", input);
  std::string twice;
  Require(AppendAugmented(form, out, Diagnose(o), hostile, twice) ||
              out.size() > kAugmentBytes,
          "what was added ends nothing", input);
}

}  // namespace
}  // namespace whichhop::diagnostics

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  whichhop::diagnostics::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
