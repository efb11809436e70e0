#include "proxy/server/claims.h"

#include "diagnostics/testimony.h"
#include "proxy/base/text.h"

namespace whichhop {
namespace {

constexpr size_t kLinesKept = 1024;

using Facts = diagnostics::TestimonyFacts;

struct Spoken {
  FieldId id;
  std::string_view Facts::*value;
};
constexpr Spoken kFields[] = {
    {FieldId::kProxyStatus, &Facts::proxy_status},
    {FieldId::kErrorCause, &Facts::error_cause},
    {FieldId::kErrorReporter, &Facts::error_reporter},
    {FieldId::kErrorCleared, &Facts::error_cleared},
    {FieldId::kErrorFault, &Facts::error_fault},
    {FieldId::kErrorId, &Facts::error_id},
    {FieldId::kVia, &Facts::via},
};

}  // namespace

void Claims::Clear() {
  if (lines_.empty()) return;
  facts_ = {};
  lines_.clear();
  joined_.clear();
}

void Claims::NoteLine(std::string_view line) {
  if (lines_.size() >= kLinesKept) return;
  if (!lines_.empty()) lines_ += "; ";
  lines_ += line;
  if (lines_.size() > kLinesKept) lines_.resize(kLinesKept);
}

// One value of all lines of a field (RFC 9110, section 5.3).
std::string_view Claims::ValueOfAll(const FieldTable& fields, const char* data,
                                    FieldId id) {
  const Field* const first = fields.First(id);
  if (first == nullptr) return {};
  if (!fields.Repeated(id)) return ValueOf(data, *first);
  std::string& joined = joined_.emplace_front();
  for (const Field& field : fields.all()) {
    if (field.id != id) continue;
    if (!joined.empty()) joined += ", ";
    joined += ValueOf(data, field);
  }
  return joined;
}

// Their names are none that a relay knows: they are looked for by name.
void Claims::GatherVendors(const FieldTable& fields, const char* data) {
  std::string* lines = nullptr;
  for (const Field& field : fields.all()) {
    if (field.id != FieldId::kOther) continue;
    const std::string_view name = NameOf(data, field);
    if (EqualsIgnoreCase(name, "server-timing")) {
      if (facts_.server_timing.empty()) {
        facts_.server_timing = ValueOf(data, field);
      }
      continue;
    }
    if (!diagnostics::IsVendorClaim(name)) continue;
    if (lines == nullptr) lines = &joined_.emplace_front();
    if (!lines->empty()) *lines += '\n';
    *lines += LineOf(data, field);
    NoteLine(LineOf(data, field));
  }
  if (lines != nullptr) facts_.vendor = *lines;
}

void Claims::Gather(const FieldTable& fields, const char* data, bool believed) {
  for (const Field& field : fields.all()) {
    if ((kSpoken & FieldBit(field.id)) != 0) NoteLine(LineOf(data, field));
  }
  if (believed) GatherVendors(fields, data);
  if (lines_.empty()) {  // what else was said speaks of no blame
    facts_ = {};
    return;
  }
  for (const Spoken& field : kFields) {
    facts_.*field.value = ValueOfAll(fields, data, field.id);
  }
}

}  // namespace whichhop
