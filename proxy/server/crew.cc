#include "proxy/server/crew.h"

#include "proxy/server/health_watch.h"
#include "proxy/server/worker.h"

namespace whichhop {

// Tasks keep the configuration, so that no other one can have its address.
void Crew::Tell(const std::shared_ptr<const Config>& config,
                const HealthReport& report) {
  health_.Take(*config, report);
  for (Worker* const worker : workers_) {
    worker->loop().Post([worker, config, report] {
      Generation* const generation = worker->FindGeneration(*config);
      if (generation != nullptr) generation->Take(report);
    });
  }
}

void Crew::Note(const std::shared_ptr<const Config>& config, size_t upstream,
                size_t server, RequestEnd end) const {
  Worker* const home = workers_[0];
  home->loop().Post([home, config, upstream, server, end] {
    Generation* const generation = home->FindGeneration(*config);
    if (generation != nullptr) generation->OnRequestEnd(upstream, server, end);
  });
}

}  // namespace whichhop
