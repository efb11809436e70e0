#include "diagnostics/fields.h"

#include "diagnostics/append.h"
#include "diagnostics/fixed_text.h"
#include "diagnostics/hop_names.h"
#include "diagnostics/proxy_status.h"
#include "diagnostics/text.h"

namespace whichhop::diagnostics {
namespace {

// "502B 502C": no status has more than three.
FixedText<32> RowNames(RowSet rows) {
  FixedText<32> names;
  for (RowId row : rows) {
    if (!names.empty()) names << " ";
    names << GetRow(row).id;
  }
  return names;
}

template <typename Hops>
void AppendHopField(std::string_view name, const Hops& hops, std::string& out) {
  if (hops.empty()) return;
  AppendAll(out, name, HopNames(hops).view(), "\r\n");
}

void AppendErrorFields(const Verdict& verdict, const FieldOptions& options,
                       std::string& out) {
  AppendHopField("Error-Cause: ", verdict.cause, out);
  AppendHopField("Error-Reporter: ", verdict.reporter, out);
  AppendHopField("Error-Cleared: ", verdict.cleared, out);
  out += "Error-Fault: ";
  AppendErrorFault(verdict,
                   options.audience == Audience::kOperator ? options.masked : 0,
                   out);
  out += "\r\n";
  if (options.error_id.empty()) return;
  out += "Error-Id: ";
  AppendSfString(out, options.error_id);
  out += "\r\n";
}

}  // namespace

void AppendErrorCause(const Verdict& verdict, std::string& out) {
  AppendHopNames(verdict.cause, out);
}

void AppendErrorReporter(const Verdict& verdict, std::string& out) {
  AppendHopNames(verdict.reporter, out);
}

void AppendErrorCleared(const Verdict& verdict, std::string& out) {
  AppendHopNames(verdict.cleared, out);
}

void AppendErrorFault(const Verdict& verdict, uint16_t masked,
                      std::string& out) {
  const std::string_view id = verdict.id.view();
  const std::string_view basis = BasisName(verdict.basis);
  if (verdict.rows.empty()) {
    AppendAll(out, id, "; basis=", basis);
  } else {
    AppendAll(out, id, "; row=\"", RowNames(verdict.rows).view(),
              "\"; basis=", basis);
  }
  if (masked != 0) AppendAll(out, "; masked=", Decimal(masked).view());
}

void AppendFields(const Verdict& verdict, const FieldOptions& options,
                  std::string& out) {
  out += "Proxy-Status: ";
  AppendProxyStatus(verdict, options, out);
  out += "\r\n";
  if (options.error_fields) AppendErrorFields(verdict, options, out);
}

}  // namespace whichhop::diagnostics
