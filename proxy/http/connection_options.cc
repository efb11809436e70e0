#include "proxy/http/connection_options.h"

#include "proxy/base/text.h"

namespace whichhop {
namespace {

constexpr size_t kOptionsMax = 64;  // bounds options times fields

void MarkNamed(const char* data, std::string_view name, FieldTable* fields) {
  for (Field& field : fields->all()) {
    if (field.id == FieldId::kOther &&
        EqualsIgnoreCase(NameOf(data, field), name)) {
      field.hop_by_hop = true;
    }
  }
}

void ReadOption(const char* data, std::string_view option, FieldTable* fields,
                ConnectionOptions* options) {
  const FieldId id = LookUpField(option);
  if (id == FieldId::kKeepAlive) {
    options->keep_alive = true;
  } else if (id == FieldId::kUpgrade) {
    options->upgrade = true;
  } else if (EqualsIgnoreCase(option, "close")) {
    options->close = true;
  } else if (id == FieldId::kOther) {
    MarkNamed(data, option, fields);
  }
}

}  // namespace

ConnectionOptions ReadConnection(const char* data, FieldTable* fields) {
  ConnectionOptions options;
  const Field* const first = fields->First(FieldId::kConnection);
  if (first == nullptr) return options;
  // The one value that most clients send, without walking the list.
  if (!fields->Repeated(FieldId::kConnection) &&
      LookUpField(ValueOf(data, *first)) == FieldId::kKeepAlive) {
    options.keep_alive = true;
    return options;
  }
  size_t count = 0;
  for (const Field& field : fields->all()) {
    if (field.id != FieldId::kConnection) continue;
    std::string_view list = ValueOf(data, field);
    for (auto option = NextListMember(list); !option.empty();
         option = NextListMember(list)) {
      if (++count > kOptionsMax) {
        options.too_many = true;
        return options;
      }
      ReadOption(data, option, fields, &options);
    }
  }
  return options;
}

}  // namespace whichhop
