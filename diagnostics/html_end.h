#pragma once
// Where something can be added to the end of somebody else's HTML page, and
// whether it may look as it likes there. Pure; no heap; time is linear in the
// page.

#include <cstddef>
#include <optional>
#include <string_view>

namespace whichhop::diagnostics {

struct HtmlEnd {
  size_t at = 0;
  bool has_policy = false;  // a <meta> has a Content-Security-Policy
};

// Before the last `</body>`, else the last `</html>`, else the end; those in
// comments, attributes, scripts and the like are text, and don't count.
// Nothing where it is no page (a fragment has neither a doctype nor <html>,
// <head> or <body>), or where what is added could not be read: a page of
// frames, and one that ends inside a tag, a comment, a script or a title.
[[nodiscard]] std::optional<HtmlEnd> EndOfHtml(std::string_view html);

// Behind the comment that begins there, with `<!--`; npos: it never ends.
[[nodiscard]] size_t EndOfComment(std::string_view html, size_t begin);

}  // namespace whichhop::diagnostics
