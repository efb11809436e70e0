#include "diagnostics/mask.h"

#include "diagnostics/diagnose.h"

namespace whichhop::diagnostics {

Verdict MaskedStory(const Observation& seen, uint16_t claimed) {
  Observation plain;
  plain.position = seen.position;
  plain.statuses = seen.statuses;
  plain.is = seen.is;
  plain.kind = Kind::kRelayed;
  plain.status = claimed;
  return Diagnose(plain);
}

void Mask(uint16_t claimed, Verdict& verdict) {
  verdict.masked = verdict.status;
  verdict.status = claimed;
  verdict.evidence.Begin(Rule::kRemark, {}, {});
  verdict.evidence << "the route masks " << uint64_t{verdict.masked}
                   << ": the public is told of a " << uint64_t{claimed};
}

}  // namespace whichhop::diagnostics
