#include "diagnostics/page.h"

#include "diagnostics/append.h"
#include "diagnostics/diagram.h"
#include "diagnostics/hop_names.h"
#include "diagnostics/html_page.h"
#include "diagnostics/summary.h"
#include "diagnostics/text.h"

namespace whichhop::diagnostics {
namespace {

template <typename Hops>
void AppendJsonHops(std::string_view key, const Hops& hops, std::string& out) {
  AppendJsonKey(out, key);
  const HopNames names(hops, kHopsInJson);
  if (hops.empty()) {
    out += "[]";
  } else {
    AppendAll(out, "[\"", names.view(), "\"]");
  }
}

void AppendJsonText(std::string_view key, std::string_view text,
                    std::string& out) {
  AppendJsonKey(out, key);
  AppendJsonString(out, text);
}

void AppendJsonRows(RowSet rows, std::string& out) {
  AppendJsonKey(out, "row");
  out += '[';
  for (RowId row : rows) {
    if (out.back() != '[') out += ',';
    AppendJsonString(out, GetRow(row).id);
  }
  out += ']';
}

void AppendDocumented(RowSet rows, std::string& out) {
  AppendJsonKey(out, "documented");
  out += '[';
  for (RowId id : rows) {
    const Row& row = GetRow(id);
    if (out.back() != '[') out += ',';
    out += '{';
    AppendJsonText("row", row.id, out);
    AppendJsonHops("cause", row.cause, out);
    AppendJsonText("reporter", HopName(row.reporter), out);
    AppendJsonHops("cleared", row.cleared, out);
    out += '}';
  }
  out += ']';
}

void AppendJsonEvidence(const Evidence& evidence, std::string& out) {
  AppendJsonKey(out, "evidence");
  out += '[';
  std::string sentence;
  for (size_t i = 0; i < evidence.size(); ++i) {
    if (i > 0) out += ',';
    sentence.clear();
    AppendEvidence(evidence[i], sentence);
    AppendJsonString(out, sentence);
  }
  out += ']';
}

void AppendJsonBody(const Verdict& verdict, const PageInput& input,
                    std::string& out) {
  out += '{';
  AppendJsonText("type", "about:blank", out);
  AppendJsonText("title", ReasonPhrase(verdict.status), out);
  AppendJsonKey(out, "status");
  AppendInteger(out, verdict.status);
  AppendVerdictMembers(verdict, input.error_id, input.audience, out);
  out += "}\n";
}

void AppendTextRows(const Verdict& verdict, std::string& out) {
  for (RowId id : verdict.rows) {
    const Row& row = GetRow(id);
    AppendAll(out, "Documented: row ", row.id, ": cause ",
              HopNames(row.cause).ViewOr("none"), "; reporter ",
              HopName(row.reporter), "; cleared ",
              HopNames(row.cleared).ViewOr("none"), "\n");
  }
}

void AppendTextForOperators(const Verdict& verdict, const PageInput& input,
                            std::string& out) {
  out += "Request:    ";
  AppendTerminal(out, input.host);
  AppendTerminal(out, input.path);
  out += '\n';
  if (!verdict.next_hop.empty()) {
    out += "Next hop:   ";
    AppendTerminal(out, verdict.next_hop.view());
    out += '\n';
  }
  out += "Evidence:\n";
  std::string sentence;
  for (size_t i = 0; i < verdict.evidence.size(); ++i) {
    sentence.clear();
    AppendEvidence(verdict.evidence[i], sentence);
    out += "  - ";
    AppendTerminal(out, sentence);
    out += '\n';
  }
}

void AppendTextBody(const Verdict& verdict, const PageInput& input,
                    std::string& out) {
  AppendAll(out, Decimal(verdict.status).view(), " ",
            ReasonPhrase(verdict.status), "\n\n");
  AppendSummary(verdict, out);
  AppendAll(out, "\n\nCause:      ", HopNames(verdict.cause).ViewOr("unknown"),
            "\nReporter:   ", HopNames(verdict.reporter).ViewOr("unknown"));
  if (!verdict.cleared.empty()) {
    AppendAll(out, "\nCleared:    ", HopNames(verdict.cleared).view());
  }
  AppendAll(out, "\nFault:      ", verdict.id.view(), " (",
            BasisName(verdict.basis), ")\n");
  AppendTextRows(verdict, out);
  if (!input.error_id.empty()) {
    out += "Error id:   ";
    AppendTerminal(out, input.error_id);
    out += '\n';
  }
  if (input.audience == Audience::kOperator) {
    AppendTextForOperators(verdict, input, out);
  }
}

}  // namespace

void AppendEvidence(const Evidence::Item& item, std::string& out) {
  AppendAll(out, RuleName(item.rule), ": ", item.sentence);
  if (!item.blamed.empty()) {
    const bool fault = item.rule == Rule::kFault;
    AppendAll(out, fault ? "; suspects: " : "; leaves: ",
              HopNames(item.blamed).view());
  }
  if (!item.cleared.empty()) {
    AppendAll(out, "; clears: ", HopNames(item.cleared).view());
  }
}

void AppendSummary(const Verdict& verdict, std::string& out) {
  AppendWhatHappened(verdict, kEnglish, out);
  out += ' ';
  AppendWhomToPage(verdict, kEnglish, out);
}

void AppendVerdictMembers(const Verdict& verdict, std::string_view error_id,
                          Audience audience, std::string& out) {
  AppendJsonText("error_id", error_id, out);
  AppendJsonHops("cause", verdict.cause, out);
  AppendJsonHops("reporter", verdict.reporter, out);
  AppendJsonHops("cleared", verdict.cleared, out);
  AppendJsonText("fault", verdict.id.view(), out);
  AppendJsonRows(verdict.rows, out);
  AppendJsonText("basis", BasisName(verdict.basis), out);
  AppendDocumented(verdict.rows, out);
  if (audience == Audience::kOperator) {
    AppendJsonEvidence(verdict.evidence, out);
  }
}

std::string_view BodyFields(BodyType type, Language language) {
  switch (type) {
    case BodyType::kText:
    case BodyType::kDrawnText:
      return "Content-Type: text/plain; charset=utf-8\r\nVary: Accept\r\n";
    case BodyType::kJson:
      return "Content-Type: application/problem+json\r\nVary: Accept\r\n";
    case BodyType::kHtml:
      return PageFields(language);
  }
  return {};
}

void AppendBody(BodyType type, const Verdict& verdict, const PageInput& input,
                std::string& out) {
  switch (type) {
    case BodyType::kText:
      return AppendTextBody(verdict, input, out);
    case BodyType::kDrawnText:
      AppendTextBody(verdict, input, out);
      out += '\n';
      return AppendTextDiagram(DiagramOf(verdict), Colour::kNone, out);
    case BodyType::kJson:
      return AppendJsonBody(verdict, input, out);
    case BodyType::kHtml:
      return AppendHtmlBody(verdict, input, out);
  }
}

}  // namespace whichhop::diagnostics
