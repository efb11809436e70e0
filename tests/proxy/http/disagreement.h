#pragma once
// Where our reader and llhttp's strict one may differ, and why: a table. What
// is not in it is a bug of one of the two, and fails.

#include <span>
#include <string_view>

#include "tests/proxy/http/message.h"

namespace whichhop {

// One reading beside the other.
struct Readings {
  Side side;
  std::string_view input;
  Message ours;
  Message theirs;
};

Readings ReadTwice(Side side, std::string_view input, Method method);

// Whether both say the same: accepted or not; if so, the same method, target,
// status, fields, body, end and keep-alive. For what reason both refuse is not
// compared.
bool Agree(const Readings& readings);

// A kind of disagreement that is known.
struct Disagreement {
  std::string_view name;
  std::string_view ours;    // the rule that we refuse by; "": we do not refuse
  std::string_view theirs;  // llhttp's error code; "": it does not refuse
  bool (*covers)(const Readings&);  // what else has to be so; null: nothing
  std::string_view reason;
};

// All that are known. A row that nothing falls under any more is to go.
std::span<const Disagreement> Disagreements();

// The row of the table that the readings fall under; null: none.
const Disagreement* FindDisagreement(const Readings& readings);

}  // namespace whichhop
