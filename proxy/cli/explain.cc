#include "proxy/cli/explain.h"

#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>

#include "diagnostics/advice.h"
#include "diagnostics/fault.h"
#include "diagnostics/model.h"
#include "diagnostics/narrow.h"
#include "diagnostics/text.h"

namespace whichhop::cli {
namespace {

using namespace whichhop::diagnostics;  // this file speaks of nothing else

constexpr int kUsage = 2;

// The rows that a status or a row id means; empty for anything else.
RowSet RowsFor(std::string_view code) {
  if (const auto row = ParseRow(code)) return {*row};
  int status = 0;
  const auto parsed =
      std::from_chars(code.data(), code.data() + code.size(), status);
  const bool whole = parsed.ec == std::errc() &&
                     parsed.ptr == code.data() + code.size() &&
                     code.size() == 3;
  return whole ? RowsOf(status) : RowSet{};
}

template <typename Hops>
void AppendNames(const Hops& hops, std::string& out) {
  bool first = true;
  for (Hop hop : hops) {
    if (!first) out += ", ";
    first = false;
    out += HopName(hop);
  }
  if (first) out += "none";
}

void AppendSteps(const HopList& hops, std::string& out) {
  for (Hop hop : hops) {
    out += "    - ";
    out += HopName(hop);
    out += ": ";
    out += NextStep(hop);
    out += '\n';
  }
}

void AppendDiagram(const Diagram& diagram, Colour colour, std::string& out) {
  out += '\n';
  AppendTextDiagram(diagram, colour, out);
}

void AppendRowText(const Row& row, Colour colour, std::string& out) {
  out += row.id;
  out += ' ';
  out += row.phrase;
  out += "\n  ";
  out += row.says;
  out += "\n  cause:    ";
  AppendNames(row.cause, out);
  out += "\n  reporter: ";
  out += HopName(row.reporter);
  out += "\n  cleared:  ";
  AppendNames(row.cleared, out);
  out += "\n  what to do next:\n";
  if (row.cause.empty()) out += "    - nothing is broken\n";
  AppendSteps(row.cause, out);
  AppendDiagram(DiagramOf(row), colour, out);
}

void AppendStatus(std::string_view mode, uint16_t status, RowId row,
                  std::string& out) {
  out += mode;
  if (status == 0) {
    out += "none can be sent\n";
    return;
  }
  AppendInteger(out, status);
  out += ' ';
  out += ReasonPhrase(status);
  if (row != RowId::kNone) {
    out += ", row ";
    out += GetRow(row).id;
  }
  out += '\n';
}

std::string_view RetryText(Retry retry) {
  switch (retry) {
    case Retry::kNever:
      return "no";
    case Retry::kAlways:
      return "safe for any method: nothing was sent";
    case Retry::kIdempotent:
      return "safe for idempotent methods, once";
    case Retry::kRejected:
      return "safe for any method: the peer did not process it";
    case Retry::kTooLate:
      return "too late: the answer is on its way";
  }
  return "no";
}

// What is said of the fault before anything was seen.
Diagram DiagramOf(Fault fault) {
  const RowId row = GetFault(fault).gateway_row;
  const HopSet self{SelfHop(Position::kLb)};
  Diagram diagram;
  diagram.cause = SuspectsOf(fault, Position::kLb,
                             PathBehind(Position::kLb, Answers::kUnset))
                      .set();
  diagram.reporter = self;
  if (row != RowId::kNone) {
    diagram.cleared = (GetRow(row).cleared & PathBefore(Position::kLb)) -
                      diagram.cause - self;
  }
  diagram.here = SelfHop(Position::kLb);
  return diagram;
}

void AppendFaultText(const FaultInfo& fault, std::string& out) {
  out += fault.id;
  out += "\n  ";
  out += fault.sentence;
  AppendStatus("\n  gateway: ", fault.gateway_status, fault.gateway_row, out);
  AppendStatus("  edge:    ", fault.edge_status, fault.edge_row, out);
  out += "  suspects at lb:  ";
  AppendNames(fault.at_lb.hops, out);
  out += "\n  suspects at cdn: ";
  AppendNames(fault.at_cdn.hops, out);
  out += "\n  Proxy-Status error: ";
  const std::string_view type = ErrorTypeName(fault.type);
  out += type.empty() ? "none" : type;
  out += "\n  retry: ";
  out += RetryText(fault.retry);
  out += "\n  what to do next:\n";
  if (fault.at_cdn.hops.empty()) out += "    - see the rows of its status\n";
  AppendSteps(fault.at_cdn.hops, out);
}

template <typename Hops>
void AppendJsonHops(std::string_view key, const Hops& hops, std::string& out) {
  AppendJsonKey(out, key);
  out += '[';
  for (Hop hop : hops) {
    if (out.back() != '[') out += ',';
    AppendJsonString(out, HopName(hop));
  }
  out += ']';
}

void AppendRowJson(const Row& row, std::string& out) {
  out += '{';
  AppendJsonKey(out, "row");
  AppendJsonString(out, row.id);
  AppendJsonKey(out, "phrase");
  AppendJsonString(out, row.phrase);
  AppendJsonHops("cause", row.cause, out);
  AppendJsonKey(out, "reporter");
  AppendJsonString(out, HopName(row.reporter));
  AppendJsonHops("cleared", row.cleared, out);
  AppendJsonKey(out, "says");
  AppendJsonString(out, row.says);
  out += '}';
}

// Colours are for a terminal alone, and not where somebody asked for none
// (no-color.org: set, and not empty).
Colour ColourOfOutput() {
  const char* const none = std::getenv("NO_COLOR");
  const bool plain = none != nullptr && *none != '\0';
  return isatty(STDOUT_FILENO) && !plain ? Colour::kAnsi : Colour::kNone;
}

// `relay-502` is explained by the rows of 502.
std::string_view WithoutRelay(std::string_view code) {
  if (code.starts_with("relay-")) code.remove_prefix(6);
  return code;
}

}  // namespace

std::optional<std::string> ExplainText(std::string_view code, Colour colour) {
  std::string out;
  const RowSet rows = RowsFor(WithoutRelay(code));
  for (RowId id : rows) {
    if (!out.empty()) out += '\n';
    AppendRowText(GetRow(id), colour, out);
  }
  if (!out.empty()) return out;
  const std::optional<Fault> fault = ParseFault(code);
  if (!fault.has_value() || *fault == Fault::kRelay) return std::nullopt;
  AppendFaultText(GetFault(*fault), out);
  AppendDiagram(DiagramOf(*fault), colour, out);
  return out;
}

std::optional<std::string> ExplainJson(std::string_view code) {
  const RowSet rows = RowsFor(WithoutRelay(code));
  if (rows.empty()) return std::nullopt;
  std::string out = "[";
  for (RowId id : rows) {
    if (out.size() > 1) out += ',';
    AppendRowJson(GetRow(id), out);
  }
  return out + "]\n";
}

int Explain(int argc, char** argv) {
  std::string_view code;
  bool json = false;
  bool usage = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--json") {
      json = true;
    } else if (word.starts_with('-') || !code.empty()) {
      usage = true;
    } else {
      code = word;
    }
  }
  if (usage || code.empty()) {
    std::fputs("usage: whichhop explain CODE [--json]\n", stderr);
    return kUsage;
  }
  const auto text =
      json ? ExplainJson(code) : ExplainText(code, ColourOfOutput());
  if (!text.has_value()) {
    std::string shown;
    AppendTerminal(shown, code);
    std::fprintf(stderr, "whichhop: no row or fault is called %s\n",
                 shown.c_str());
    return kUsage;
  }
  std::fputs(text->c_str(), stdout);
  return 0;
}

}  // namespace whichhop::cli
