#pragma once
// Who is in service, decided once a process: the home worker's generation has
// the one HealthWatch. It probes servers, hears of requests that failed or
// came through from every worker, and reports each change to all of them.
//
// It lives on the home worker's loop and not on one of its own: a few probes a
// second are nothing to a worker, their endpoints, names and buffers are there
// already, and what lives on one loop needs no lock. The home worker is the
// first; when a drain ends it before the others, the last report stands.

#include <memory>
#include <vector>

#include "diagnostics/observation.h"
#include "proxy/server/recorder.h"
#include "proxy/upstream/ejection.h"
#include "proxy/upstream/probe.h"

namespace whichhop {

class Generation;
class Worker;

// What the workers are told of one upstream. A value.
struct HealthReport {
  size_t upstream = 0;
  std::vector<Standing> standings;  // in the order of the servers
  // What is to be said where no server is left.
  diagnostics::DecisionFacts facts;
  Time next_probe = kNoTime;  // the soonest; kNoTime: there is none
};

class HealthWatch final : private ProbeEvents, private TimerEvents {
 public:
  // Of `generation`, which has its upstreams already. `before`: the watch that
  // this one replaces, or null; servers that stay keep their standing, and
  // their probes their pace.
  HealthWatch(Worker& home, Generation& generation, const HealthWatch* before);
  ~HealthWatch();

  // A request to a server failed by what we met, or came through.
  void OnFault(size_t upstream, size_t server);
  void OnSuccess(size_t upstream, size_t server);

 private:
  struct Watched {
    explicit Watched(Ejection rules) : ejection(std::move(rules)) {}
    Ejection ejection;
    std::vector<std::unique_ptr<Probe>> probes;  // of each server, or none
    // Of each server's last probe that failed.
    std::vector<diagnostics::DecisionFacts> facts;
  };

  void OnProbe(Probe& probe, const ProbeEnd& end,
               UpstreamConnection* connection) override;
  void OnTimer(Timer& timer) override;
  void Watch(size_t upstream, const HealthWatch* before);
  void Inherit(size_t upstream, const HealthWatch& before);
  void StartProbes(size_t upstream, const HealthWatch* before);
  // When the server's next probe is due; kNoTime: none is.
  Time NextProbe(const std::string& upstream, const std::string& server) const;
  diagnostics::Fault Classify(const ProbeEnd& end, const Endpoint& endpoint,
                              UpstreamConnection* connection);
  // Of a probe that failed.
  diagnostics::DecisionFacts Examine(size_t upstream, size_t server,
                                     const ProbeEnd& end,
                                     UpstreamConnection* connection);
  void AddConnect(size_t upstream, size_t server, const ProbeEnd& end,
                  UpstreamConnection& connection,
                  diagnostics::DecisionFacts* facts);
  static diagnostics::DecisionFacts Agreed(const Watched& watched);
  void Report(size_t upstream);
  void ArmTimer();

  Worker& home_;
  Generation& generation_;
  std::vector<std::unique_ptr<Watched>> watched_;  // null: nothing to watch
  Recorder recorder_;                              // of the probe that ends
  Timer timer_;                                    // until somebody comes back
};

}  // namespace whichhop
