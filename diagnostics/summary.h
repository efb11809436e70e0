#pragma once
// A verdict in a sentence or two: what happened, and whom to page.

#include <string>

#include "diagnostics/verdict.h"

namespace whichhop::diagnostics {

// "The upstream refused the connection: nothing listens there." For a relayed
// error: its status and what the model says about it. No line end.
void AppendWhatHappened(const Verdict& verdict, std::string& out);

// "Page whoever runs the app (app); next suspect: server." No line end.
void AppendWhomToPage(const Verdict& verdict, std::string& out);

}  // namespace whichhop::diagnostics
