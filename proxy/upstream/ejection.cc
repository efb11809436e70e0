#include "proxy/upstream/ejection.h"

#include <algorithm>
#include <utility>

namespace whichhop {

Ejection::Ejection(size_t servers, const EjectRule* eject,
                   const ProbeRule* probe)
    : ejects_(eject != nullptr),
      probes_(probe != nullptr),
      eject_(eject != nullptr ? *eject : EjectRule()),
      probe_(probe != nullptr ? *probe : ProbeRule()),
      servers_(servers) {}

bool Ejection::IsLast(size_t server) const {
  for (size_t i = 0; i < servers_.size(); ++i) {
    if (i != server && servers_[i].standing.in_service()) return false;
  }
  return true;
}

// The last one stays, and is looked at again with its next fault.
bool Ejection::OnFault(size_t server, Time now) {
  Server& seen = servers_[server];
  if (!ejects_ || seen.standing.ejected) return false;
  const Standing before = seen.standing;
  seen.standing.suspected = true;
  ++seen.faults;
  if (seen.faults >= eject_.consecutive_faults && !IsLast(server)) {
    seen.standing.ejected = true;
    seen.standing.suspected = false;
    seen.faults = 0;
    seen.until = now + eject_.time;
  }
  return seen.standing != before;
}

// Of one that is ejected too: a request may have been on its way.
bool Ejection::OnSuccess(size_t server) {
  Server& seen = servers_[server];
  seen.faults = 0;
  return std::exchange(seen.standing.suspected, false);
}

bool Ejection::OnProbe(size_t server, bool good) {
  Server& seen = servers_[server];
  if (!probes_) return false;
  if (good != seen.standing.down) {
    seen.probes = 0;
    return false;
  }
  ++seen.probes;
  if (seen.probes < (good ? probe_.healthy : probe_.unhealthy)) return false;
  seen.probes = 0;
  seen.standing.down = !good;
  return true;
}

bool Ejection::OnTime(Time now) {
  bool changed = false;
  for (Server& server : servers_) {
    if (!server.standing.ejected || server.until > now) continue;
    server.standing.ejected = false;
    server.until = Time::max();
    changed = true;
  }
  return changed;
}

Time Ejection::next_time() const {
  Time next = Time::max();
  for (const Server& server : servers_) next = std::min(next, server.until);
  return next;
}

void Ejection::Inherit(size_t server, const Ejection& other,
                       size_t others_server) {
  servers_[server] = other.servers_[others_server];
  Server& kept = servers_[server];
  if (!probes_) kept.standing.down = false;
  if (ejects_) return;
  kept.standing.ejected = kept.standing.suspected = false;
  kept.until = Time::max();
}

}  // namespace whichhop
