#pragma once
// The HTML page of an error: one self-contained document, no script, no
// outside asset; colours are never the only sign (WCAG 2.2 AA); light, dark,
// narrow and on paper. It is composed of parts, each whole by itself.

#include <cstdint>
#include <string>
#include <string_view>

#include "diagnostics/page.h"

namespace whichhop::diagnostics {

// The parts, in the order of the page.
enum class PagePart : uint8_t {
  kSummary,     // the status, what happened, whose turn it is
  kDiagram,     // the diagram, and the same in words
  kAdvice,      // what to do next, for each party
  kId,          // what to quote: the error's id, its fault and basis
  kDocumented,  // the rows of the model
  kEvidence,    // for operators; nothing for the public
};

// Appends the document. Every text from outside is escaped, and long ones are
// cut: a page is below 24 KiB, always.
void AppendHtmlBody(const Verdict& verdict, const PageInput& input,
                    std::string& out);

// Appends one part: elements that may stand inside of any <main>. What the
// parts look like is PageStyle().
void AppendPagePart(PagePart part, const Verdict& verdict,
                    const PageInput& input, std::string& out);

// The content of the page's only <style>.
std::string_view PageStyle();

// The field lines of a page in this language: nothing may be loaded, run or
// sent by it, and no style may be applied but its own.
std::string_view PageFields(Language language);

}  // namespace whichhop::diagnostics
