#pragma once
// `whichhop explain CODE [--json]`: what the documented model says about a
// status, a row or a fault.

#include <optional>
#include <string>
#include <string_view>

#include "diagnostics/diagram.h"

namespace whichhop::cli {

// The subcommand: argv[0] is "explain". Prints to stdout; returns 0, or 2 with
// a message on stderr for a usage error or a status that no row covers.
int Explain(int argc, char** argv);

// The text for a status ("502"), a row ("502A") or a fault's id, with the
// diagram of each row, or of the fault where this proxy is a balancer. Nothing
// where it is none of these.
std::optional<std::string> ExplainText(std::string_view code,
                                       diagnostics::Colour colour);

// A JSON array with one object for each row of a status, or for one row.
// Nothing where no row covers it.
std::optional<std::string> ExplainJson(std::string_view code);

}  // namespace whichhop::cli
