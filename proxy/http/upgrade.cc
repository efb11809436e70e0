#include "proxy/http/upgrade.h"

#include "proxy/base/text.h"

namespace whichhop {

namespace {

bool IsHttp(std::string_view protocol) {
  const std::string_view name = protocol.substr(0, protocol.find('/'));
  return EqualsIgnoreCase(name, "h2c") || EqualsIgnoreCase(name, "h2") ||
         EqualsIgnoreCase(name, "http");
}

// Calls `visit` with each protocol until it says false; what it said last.
template <typename Visit>
bool EachProtocol(const char* data, const FieldTable& fields, Visit visit) {
  for (const Field& field : fields.all()) {
    if (field.id != FieldId::kUpgrade) continue;
    std::string_view list = ValueOf(data, field);
    for (auto protocol = NextListMember(list); !protocol.empty();
         protocol = NextListMember(list)) {
      if (!IsHttp(protocol) && !visit(protocol)) return false;
    }
  }
  return true;
}

bool Names(const char* data, const FieldTable& fields,
           std::string_view wanted) {
  return !EachProtocol(data, fields, [wanted](std::string_view protocol) {
    return !EqualsIgnoreCase(protocol, wanted);
  });
}

}  // namespace

bool NamesProtocol(const char* data, const FieldTable& fields) {
  return !EachProtocol(data, fields, [](std::string_view) { return false; });
}

bool ProtocolsAgree(const char* asked_data, const FieldTable& asked,
                    const char* answer_data, const FieldTable& answer) {
  for (const Field& field : answer.all()) {
    if (field.id != FieldId::kUpgrade) continue;
    std::string_view list = ValueOf(answer_data, field);
    for (auto protocol = NextListMember(list); !protocol.empty();
         protocol = NextListMember(list)) {
      if (!Names(asked_data, asked, protocol)) return false;
    }
  }
  return NamesProtocol(answer_data, answer);
}

void WriteUpgrade(const char* data, const FieldTable& fields, HeadWriter* out) {
  std::string_view before = "Upgrade: ";
  EachProtocol(data, fields, [&](std::string_view protocol) {
    out->Append(before);
    out->Append(protocol);
    before = ", ";
    return true;
  });
  out->Append("\r\n");
}

}  // namespace whichhop
