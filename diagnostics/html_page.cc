#include "diagnostics/html_page.h"

#include "diagnostics/advice.h"
#include "diagnostics/summary.h"
#include "diagnostics/text.h"

namespace whichhop::diagnostics {
namespace {

// Contrast of text on each background is 4.5:1 or more in both schemes.
constexpr std::string_view kStyle = R"css(
:root{color-scheme:light dark;--bg:#fff;--fg:#1b1f24;--line:#8c959f;--soft:#57606a;
--cause-bg:#b3261e;--cause-fg:#fff;--reporter-bg:#ffb454;--reporter-fg:#1b1f24;
--cleared-bg:#1a7f37;--cleared-fg:#fff}
@media (prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--line:#6e7681;--soft:#9da7b3}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:1rem/1.5 system-ui,sans-serif}
main{max-width:52rem;margin:0 auto;padding:2rem 1rem}
h1{font-size:1.75rem;line-height:1.2;margin:0 0 1rem}
h2{font-size:1.15rem;margin:2rem 0 .5rem}
.lead{font-size:1.15rem;margin:.25rem 0}
table{border-collapse:collapse;width:100%}
caption{text-align:left;color:var(--soft);padding:.25rem 0}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border:1px solid var(--line)}
.tag{display:inline-block;padding:0 .5rem;border-radius:.25rem;border:1px solid var(--line);font-weight:600}
.cause{background:var(--cause-bg);color:var(--cause-fg);border-color:var(--cause-bg)}
.reporter{background:var(--reporter-bg);color:var(--reporter-fg);border-color:var(--reporter-bg)}
.cleared{background:var(--cleared-bg);color:var(--cleared-fg);border-color:var(--cleared-bg)}
small,.soft{color:var(--soft)}
code{font-family:ui-monospace,monospace;overflow-wrap:anywhere}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem;margin:0}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
)css";

template <typename Hops>
void AppendNames(const Hops& hops, std::string_view none, std::string& out) {
  bool first = true;
  for (Hop hop : hops) {
    if (!first) out += ", ";
    first = false;
    out += HopName(hop);
  }
  if (first) out += none;
}

void AppendHead(const Verdict& verdict, std::string& out) {
  out +=
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width,"
      "initial-scale=1\">\n<meta name=\"robots\" content=\"noindex\">\n"
      "<title>";
  AppendInteger(out, verdict.status);
  out += ' ';
  AppendHtml(out, ReasonPhrase(verdict.status));
  out += "</title>\n<style>";
  out += kStyle;
  out += "</style>\n</head>\n";
}

void AppendLead(const Verdict& verdict, std::string& out) {
  std::string sentence;
  out += "<h1>";
  AppendInteger(out, verdict.status);
  out += ' ';
  AppendHtml(out, ReasonPhrase(verdict.status));
  out += "</h1>\n<p class=\"lead\">";
  AppendWhatHappened(verdict, sentence);
  AppendHtml(out, sentence);
  out += "</p>\n<p class=\"lead\"><strong>";
  sentence.clear();
  AppendWhomToPage(verdict, sentence);
  AppendHtml(out, sentence);
  out += "</strong></p>\n";
  if (verdict.cause.empty()) return;
  out += "<p>";
  AppendHtml(out, NextStep(verdict.cause[0]));
  out += "</p>\n";
}

void AppendTag(std::string_view state, std::string_view text,
               std::string& out) {
  out += "<span class=\"tag ";
  out += state;
  out += "\">";
  out += text;
  out += "</span> ";
}

void AppendHopRow(const Verdict& verdict, Hop hop, std::string& out) {
  out += "<tr><th scope=\"row\">";
  AppendHtml(out, HopLabel(hop));
  out += " <code>";
  out += HopName(hop);
  out += "</code><br><small>";
  AppendHtml(out, HopDetail(hop));
  out += "</small></th><td>";
  const bool cause = verdict.cause.contains(hop);
  const bool reporter = verdict.reporter.contains(hop);
  const bool cleared = verdict.cleared.contains(hop);
  if (cause) AppendTag("cause", "cause", out);
  if (reporter) AppendTag("reporter", "reporter", out);
  if (cleared) AppendTag("cleared", "cleared", out);
  if (!cause && !reporter && !cleared) AppendTag("unknown", "unknown", out);
  if (hop == SelfHop(verdict.position)) out += "this proxy";
  out += "</td></tr>\n";
}

void AppendHops(const Verdict& verdict, std::string& out) {
  out +=
      "<h2>Hops</h2>\n<table>\n<caption>In the order in which a request meets "
      "them. Unknown means that nothing was seen, neither good nor bad."
      "</caption>\n<thead><tr><th scope=\"col\">Hop</th>"
      "<th scope=\"col\">State</th></tr></thead>\n<tbody>\n";
  for (size_t i = 0; i < kHopCount; ++i) {
    const Hop hop = static_cast<Hop>(i);
    const bool drawn = hop != Hop::kDns && hop != Hop::kTeapot;
    if (drawn || verdict.cause.contains(hop) ||
        verdict.reporter.contains(hop)) {
      AppendHopRow(verdict, hop, out);
    }
  }
  out += "</tbody>\n</table>\n";
}

void AppendDocumented(const Verdict& verdict, std::string& out) {
  out += "<h2>What the model documents</h2>\n";
  if (verdict.rows.empty()) {
    out += "<p>No row of the model covers this.</p>\n";
    return;
  }
  out +=
      "<table>\n<thead><tr><th scope=\"col\">Row</th><th scope=\"col\">Cause"
      "</th><th scope=\"col\">Reporter</th><th scope=\"col\">Cleared</th>"
      "</tr></thead>\n<tbody>\n";
  for (RowId id : verdict.rows) {
    const Row& row = GetRow(id);
    out += "<tr><th scope=\"row\">";
    out += row.id;
    out += "</th><td>";
    AppendNames(row.cause, "none", out);
    out += "</td><td>";
    out += HopName(row.reporter);
    out += "</td><td>";
    AppendNames(row.cleared, "none", out);
    out += "</td></tr>\n";
  }
  out += "</tbody>\n</table>\n";
}

void AppendPair(std::string_view term, std::string_view text,
                std::string& out) {
  if (text.empty()) return;
  out += "<dt>";
  out += term;
  out += "</dt><dd><code>";
  AppendHtml(out, text);
  out += "</code></dd>\n";
}

void AppendFacts(const Verdict& verdict, const PageInput& input,
                 std::string& out) {
  out += "<h2>For the report</h2>\n<dl>\n";
  AppendPair("Error id", input.error_id, out);
  AppendPair("Fault", verdict.id.view(), out);
  AppendPair("Basis", BasisName(verdict.basis), out);
  if (input.audience == Audience::kOperator) {
    AppendPair("Host", input.host, out);
    AppendPair("Path", input.path, out);
    AppendPair("Next hop", verdict.next_hop.view(), out);
  }
  out += "</dl>\n";
}

void AppendEvidenceList(const Verdict& verdict, std::string& out) {
  out += "<h2>Evidence</h2>\n<ul>\n";
  std::string sentence;
  for (size_t i = 0; i < verdict.evidence.size(); ++i) {
    sentence.clear();
    AppendEvidence(verdict.evidence[i], sentence);
    out += "<li>";
    AppendHtml(out, sentence);
    out += "</li>\n";
  }
  out += "</ul>\n";
}

}  // namespace

std::string_view PageStyle() { return kStyle; }

void AppendHtmlBody(const Verdict& verdict, const PageInput& input,
                    std::string& out) {
  AppendHead(verdict, out);
  out += "<body>\n<main>\n";
  AppendLead(verdict, out);
  AppendHops(verdict, out);
  AppendDocumented(verdict, out);
  AppendFacts(verdict, input, out);
  if (input.audience == Audience::kOperator) AppendEvidenceList(verdict, out);
  out += "</main>\n</body>\n</html>\n";
}

}  // namespace whichhop::diagnostics
