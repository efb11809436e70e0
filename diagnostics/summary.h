#pragma once
// A verdict in a sentence or two: what happened, and whom to page. Nothing in
// them comes from the wire.

#include <string>
#include <string_view>

#include "diagnostics/verdict.h"
#include "diagnostics/wording.h"

namespace whichhop::diagnostics {

// "The upstream refused the connection: nothing listens there." For a relayed
// error: its status and what the model says about it. No line end.
void AppendWhatHappened(const Ruling& ruling, const Wording& words,
                        std::string& out);

// "Page whoever runs the app (app); next suspect: server." No line end.
void AppendWhomToPage(const Ruling& ruling, const Wording& words,
                      std::string& out);

// What a visitor may do. It does not depend on the status that a CDN lets pass.
std::string_view VisitorAdvice(const Ruling& ruling, const Wording& words);

// Whether this suspect is this proxy, not another box of its kind behind it.
bool IsOurs(const Ruling& ruling, Hop hop);

}  // namespace whichhop::diagnostics
