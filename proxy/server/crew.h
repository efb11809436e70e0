#pragma once
// The workers of a process, as each knows the others, and what they share
// beside the configuration: what is in flight where an upstream has limits,
// what was seen of addresses, and which servers are out of service. Owned by
// the server; complete before any worker runs.

#include <memory>
#include <vector>

#include "proxy/server/config.h"
#include "proxy/server/server_health.h"
#include "proxy/upstream/address_memory.h"
#include "proxy/upstream/admission.h"

namespace whichhop {

class PathWalks;
class Worker;
struct HealthReport;

// What a request came to, for the rules of ejection.
enum class RequestEnd : uint8_t {
  kFault,    // a fault of the transport, that we met
  kSuccess,  // an answer, or a tunnel, came through whole
};

class Crew {
 public:
  void Add(Worker& worker) { workers_.push_back(&worker); }
  AdmissionBook& admissions() { return admissions_; }
  AddressBook& addresses() { return addresses_; }
  // Null where nobody walks.
  PathWalks* walks() { return walks_; }
  // Before any worker runs; they outlive the workers.
  void SetWalks(PathWalks& walks) { walks_ = &walks; }
  const ServerHealth& health() const { return health_; }
  const std::vector<Worker*>& workers() const { return workers_; }
  // Whose generations have the HealthWatch.
  bool IsHome(const Worker& worker) const { return workers_[0] == &worker; }

  // From any thread, and for those generations alone that serve by `config`.
  // To every worker.
  void Tell(const std::shared_ptr<const Config>& config,
            const HealthReport& report);
  // To the home worker.
  void Note(const std::shared_ptr<const Config>& config, size_t upstream,
            size_t server, RequestEnd end) const;

 private:
  AdmissionBook admissions_;
  AddressBook addresses_;
  PathWalks* walks_ = nullptr;
  ServerHealth health_;
  std::vector<Worker*> workers_;
};

}  // namespace whichhop
