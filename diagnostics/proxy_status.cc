#include "diagnostics/proxy_status.h"

#include "diagnostics/append.h"
#include "diagnostics/sf_list.h"
#include "diagnostics/text.h"

namespace whichhop::diagnostics {
namespace {

bool ForOperatorsOnly(std::string_view key) {
  return key == "details" || key == "next-hop";
}

void AppendMember(std::string& out, SfListReader& reader, Audience audience) {
  if (!out.empty()) out += ", ";
  out += reader.item();
  while (reader.NextParameter()) {
    if (audience == Audience::kPublic && ForOperatorsOnly(reader.key())) {
      continue;
    }
    out += "; ";
    out += reader.key();
    if (reader.value().empty()) continue;
    out += '=';
    out += reader.value();
  }
}

// The members of one received field. A forged one of our name is left out.
void AppendReceived(std::string& out, std::string_view value,
                    const FieldOptions& options) {
  if (!IsSfList(value)) return;
  SfListReader reader(value);
  while (reader.NextMember()) {
    if (!IsSfTokenOrString(reader.item())) continue;
    if (SfItemSays(reader.item(), options.node)) continue;
    AppendMember(out, reader, options.audience);
  }
}

void AppendParameter(std::string& out, const ErrorParameter& parameter) {
  if (parameter.form == ErrorParameter::Form::kAbsent) return;
  AppendAll(out, "; ", parameter.key, "=");
  switch (parameter.form) {
    case ErrorParameter::Form::kAbsent:
      break;
    case ErrorParameter::Form::kInteger:
      AppendInteger(out, parameter.integer);
      break;
    case ErrorParameter::Form::kString:
      AppendSfString(out, parameter.text.view());
      break;
    case ErrorParameter::Form::kToken:
      AppendSfTokenOrString(out, parameter.text.view());
      break;
  }
}

void AppendOurs(std::string& out, const Verdict& verdict,
                const FieldOptions& options) {
  AppendSfTokenOrString(out, options.node);
  if (verdict.type != ErrorType::kNone) {
    AppendAll(out, "; error=", ErrorTypeName(verdict.type));
    for (const ErrorParameter& parameter : verdict.parameters) {
      AppendParameter(out, parameter);
    }
  }
  if (verdict.received != 0) {
    AppendAll(out, "; received-status=", Decimal(verdict.received).view());
  }
  if (!verdict.protocol.empty()) {
    out += "; next-protocol=";
    AppendSfTokenOrBytes(out, verdict.protocol.view());
  }
  if (options.audience == Audience::kPublic) return;
  if (!verdict.next_hop.empty()) {
    out += "; next-hop=";
    AppendSfString(out, verdict.next_hop.view());
  }
  if (!verdict.details.empty()) {
    out += "; details=";
    AppendSfString(out, verdict.details.view());
  }
}

}  // namespace

void AppendProxyStatus(const Verdict& verdict, const FieldOptions& options,
                       std::string& out) {
  std::string others;  // apart from `out`: commas depend on what came before
  for (std::string_view received : options.received_proxy_status) {
    AppendReceived(others, received, options);
  }
  if (!others.empty()) out.append(others).append(", ");
  AppendOurs(out, verdict, options);
}

void AppendOthersProxyStatus(const FieldOptions& options, std::string& out) {
  std::string value;
  for (std::string_view received : options.received_proxy_status) {
    AppendReceived(value, received, options);
  }
  if (value.empty()) return;
  out += "Proxy-Status: ";
  out += value;
  out += "\r\n";
}

}  // namespace whichhop::diagnostics
