#include "proxy/http/connection_options.h"

#include <algorithm>

#include "proxy/base/text.h"

namespace whichhop {
namespace {

constexpr size_t kOptionsMax = 64;  // bounds options times fields

// The next option, trimmed and removed from `list`; empty: none is left. Options
// are tokens (RFC 9110, section 7.6.1): no quote hides a comma.
std::string_view NextOption(std::string_view& list) {
  std::string_view option;
  while (option.empty() && !list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    option = TrimOws(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return option;
}

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
    for (auto option = NextOption(list); !option.empty();
         option = NextOption(list)) {
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
