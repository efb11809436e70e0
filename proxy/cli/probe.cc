#include "proxy/cli/probe.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>

#include "proxy/cli/probe_json.h"
#include "proxy/cli/probe_plan.h"
#include "proxy/cli/probe_text.h"
#include "proxy/server/server.h"

namespace whichhop {

namespace {

class StopAtEnd final : public OriginProbeEvents {
 public:
  explicit StopAtEnd(Loop& loop) : loop_(loop) {}
  void OnOriginProbed(OriginProbe&) override { loop_.Stop(); }

 private:
  Loop& loop_;
};

// NO_COLOR counts if it is not empty (no-color.org).
bool WantsColour() {
  const char* const no_colour = std::getenv("NO_COLOR");
  const bool refused = no_colour != nullptr && *no_colour != '\0';
  return !refused && isatty(STDOUT_FILENO) == 1;
}

}  // namespace

int ProbeOrigin(int argc, char** argv) {
  int exit = 0;
  std::optional<ProbePlan> plan = ReadProbePlan(argc, argv, &exit);
  if (!plan) return exit;
  std::signal(SIGPIPE, SIG_IGN);
  Loop loop;
  StopAtEnd at_end(loop);
  OriginProbe probe(loop, plan->config, plan->request, at_end);
  probe.Start();
  loop.Run([] {});
  std::string report;
  if (plan->json) {
    AppendProbeJson(*plan, probe, report);
  } else {
    AppendProbeText(*plan, probe, WantsColour(), report);
  }
  std::cout << report << std::flush;
  return static_cast<int>(probe.healthy() ? Exit::kOk : Exit::kFailed);
}

}  // namespace whichhop
