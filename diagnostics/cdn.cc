#include "diagnostics/cdn.h"

namespace whichhop::diagnostics {
namespace {

// The statuses that Cloudflare keeps for what it met itself.
constexpr bool IsCloudflares(uint16_t status) {
  return (status >= 520 && status <= 527) || status == 530;
}

bool IsOurChoice(const Verdict& verdict) {
  if (verdict.fault == Fault::kRelay) return verdict.status != verdict.received;
  return verdict.fault != Fault::kRespond;
}

uint16_t VisibleStatus(Cdn cdn, const FaultInfo& info) {
  const uint16_t gateway = info.gateway_status;
  if (gateway != 0 && !ShowsOwnPage(cdn, gateway)) return gateway;
  const bool begun =
      info.retry != Retry::kAlways && info.retry != Retry::kRejected;
  return begun ? 500 : 503;
}

}  // namespace

std::string_view CdnName(Cdn cdn) {
  return cdn == Cdn::kCloudflare ? "cloudflare" : "";
}

bool ShowsOwnPage(Cdn cdn, uint16_t status) {
  if (cdn != Cdn::kCloudflare) return false;
  return status == 502 || status == 504 || IsCloudflares(status);
}

void SendThrough(Cdn cdn, Verdict& verdict) {
  if (!ShowsOwnPage(cdn, verdict.status)) return;
  verdict.evidence.Begin(Rule::kRemark, {}, {});
  verdict.evidence << CdnName(cdn) << " shows a page of its own in place of a "
                   << uint64_t{verdict.status};
  if (!IsOurChoice(verdict)) {
    verdict.evidence << ": the visitor does not see this body";
    return;
  }
  verdict.unsent = verdict.status;
  verdict.status = VisibleStatus(cdn, GetFault(verdict.fault));
  verdict.evidence << ": a " << uint64_t{verdict.status} << " is sent";
}

}  // namespace whichhop::diagnostics
