// A status that the route masks: the public is told of another, and cannot
// tell the two apart.

#include "proxy/server/exchange.h"
#include "proxy/server/generation.h"

namespace whichhop {

// Met here, it is masked, or it is what others are masked by.
bool Exchange::IsMasked(uint16_t status) const {
  const RouteConfig* const route = recorder_.route();
  return route != nullptr && route->Claimed(status) != 0;
}

// The upstream's error, of which nothing is passed on: the masked and the
// genuine differ in their fields, and in how their bodies come. Its body is
// left in SendReply, which needs the head.
void Exchange::BeginMasked() {
  GatherClaims();
  JudgeRelayed(response_parser_.head().line.status);
  SendReply();
}

// Requires: a verdict that is about to be told.
void Exchange::PutOnMask() {
  const uint16_t met = recorder_.verdict()->status;
  if (!IsMasked(met)) return;
  story_ = recorder_.Mask(recorder_.route()->Claimed(met));
}

// The verdict as this client is told. A mask is lifted for operators alone,
// even where everyone sees details.
const diagnostics::Verdict& Exchange::Told() const {
  const bool truth =
      story_ == nullptr ||
      (config().errors.details != Everyone::kNobody && IsOperator());
  return truth ? *recorder_.verdict() : *story_;
}

}  // namespace whichhop
