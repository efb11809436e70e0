#pragma once
// What an upstream's answer says of blame, gathered from its head for the
// diagnosis and for the log. An exchange has one; it is empty unless such a
// field came. Errors of an upstream that is believed are looked through for
// fields of vendors too.

#include <forward_list>
#include <string>
#include <string_view>

#include "diagnostics/testimony_facts.h"
#include "proxy/http/field_table.h"
#include "proxy/server/response_writer.h"

namespace whichhop {

class Claims {
 public:
  void Clear();

  // Whether Gather() would find anything.
  static bool In(const FieldTable& fields, bool believed) {
    return believed || fields.HasAny(kSpoken);
  }
  // Gathers from a head that stands at `data`. What facts() refer to is valid
  // as long as that is, and until the next Clear(). `believed`: its fields of
  // vendors count as well.
  void Gather(const FieldTable& fields, const char* data, bool believed);
  // For the log alone: a trailer that came behind.
  void NoteLine(std::string_view line);

  // Whether anything was said.
  bool any() const { return !lines_.empty(); }
  const diagnostics::TestimonyFacts& facts() const { return facts_; }
  // The field lines for the log, "; " between them: the first KiB.
  std::string_view lines() const { return lines_; }

 private:
  static constexpr uint64_t kSpoken = kClaims | FieldBit(FieldId::kProxyStatus);

  void GatherVendors(const FieldTable& fields, const char* data);
  std::string_view ValueOfAll(const FieldTable& fields, const char* data,
                              FieldId id);

  diagnostics::TestimonyFacts facts_;
  std::string lines_;
  std::forward_list<std::string> joined_;  // values that came in several lines
};

}  // namespace whichhop
