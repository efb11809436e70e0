#pragma once
// A verdict added to an error's own body: a panel in a page, a member in a JSON
// object, a paragraph in a text. What was there stays as it was, byte for byte.
// Pure; allocates its result alone; time is linear in the body.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "diagnostics/page.h"
#include "diagnostics/verdict.h"

namespace whichhop::diagnostics {

enum class BodyForm : uint8_t {
  kOther,  // nothing can be added
  kHtml,
  kJson,
  kText,
};

// What can be added to a body with this Content-Type (RFC 9110, section 8.3):
// text/html, application/json and +json, text/plain. Not in a charset in which
// ASCII's octets may mean anything else, which of JSON is any but UTF-8; not
// gRPC's types, and not signatures (+json of RFC 7515).
[[nodiscard]] BodyForm FormOf(std::string_view content_type);

// Longer bodies are not added to.
inline constexpr size_t kAugmentBytes = 64 * 1024;

// Appends `body`, which is a whole one, with the verdict in it. False, and
// nothing is appended, where it has no place: a page that is none or is not
// complete (html_end.h), what is no JSON object or has an `error_hops` already
// (json_room.h), a text that is JSON, and whatever has octets that no text in
// that charset has. What is added is ASCII, but for JSON's strings; of what is
// from outside (`input`, evidence) nothing passes unescaped. A panel is in the
// client's language, and without a style where the page has a policy: it may
// forbid that, and would have it reported.
// Requires: verdict.status is not 0.
bool AppendAugmented(BodyForm form, std::string_view body,
                     const Verdict& verdict, const PageInput& input,
                     std::string& out);

}  // namespace whichhop::diagnostics
