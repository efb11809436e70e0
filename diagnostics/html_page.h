#pragma once
// The HTML page of an error: one self-contained document, no script, no
// outside asset; colours are never the only sign (WCAG 2.2 AA), light and dark.

#include <string>
#include <string_view>

#include "diagnostics/page.h"

namespace whichhop::diagnostics {

// Appends the document. Every text from outside is escaped.
void AppendHtmlBody(const Verdict& verdict, const PageInput& input,
                    std::string& out);

// The content of the page's only <style>, for a CSP hash.
std::string_view PageStyle();

}  // namespace whichhop::diagnostics
