#pragma once
// Who is taken out of service for how its requests ended (passive health), and
// who for how its probes did (active health): rules alone, for the servers of
// one upstream. No clock, no I/O. One a process: faults that different workers
// met add up.

#include <cstdint>
#include <vector>

#include "proxy/base/clock.h"
#include "proxy/upstream/standing.h"

namespace whichhop {

// A server that failed several requests in a row is ejected for a while, but
// never the last one in service.
struct EjectRule {
  uint32_t consecutive_faults = 5;
  Duration time = std::chrono::seconds(30);
};

// A server is down after `unhealthy` failed probes in a row, and up again
// after `healthy` good ones.
struct ProbeRule {
  uint32_t healthy = 2;
  uint32_t unhealthy = 3;
};

class Ejection {
 public:
  // All begin in service. `eject`: null if nobody is ejected.
  Ejection(size_t servers, const EjectRule* eject, const ProbeRule* probe);

  // Each returns whether a standing has changed.
  bool OnFault(size_t server, Time now);
  bool OnSuccess(size_t server);
  bool OnProbe(size_t server, bool good);
  // Takes those back whose time is over.
  bool OnTime(Time now);

  // When OnTime has something to do next; Time::max(): never.
  Time next_time() const;
  const Standing& standing(size_t server) const {
    return servers_[server].standing;
  }
  // What a reload kept: `other`'s server goes on as this one's.
  void Inherit(size_t server, const Ejection& other, size_t others_server);

 private:
  struct Server {
    Standing standing;
    uint32_t faults = 0;       // in a row
    uint32_t probes = 0;       // in a row that speak against its standing
    Time until = Time::max();  // while it is ejected
  };

  bool IsLast(size_t server) const;

  const bool ejects_;
  const bool probes_;
  const EjectRule eject_;
  const ProbeRule probe_;
  std::vector<Server> servers_;
};

}  // namespace whichhop
