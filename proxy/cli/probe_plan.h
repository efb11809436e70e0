#pragma once
// What `whichhop probe` was told to do: its arguments, and what a configuration
// knows of the origin.

#include <optional>
#include <string>
#include <string_view>

#include "proxy/server/config.h"
#include "proxy/server/origin_probe.h"

namespace whichhop {

// http://HOST[:PORT][/PATH][?QUERY], or https. A fragment is left out.
struct ProbeUrl {
  bool tls = false;
  std::string authority;  // as it was written; the Host of the request
  std::string target;     // path and query
};
// Nothing for any other text, and where it holds what no request may.
std::optional<ProbeUrl> ParseProbeUrl(std::string_view text);

struct ProbePlan {
  std::string url;  // as it was written
  bool json = false;
  std::string config_path;  // empty: there is none
  std::string request_id;   // the origin's log has it too
  OriginRequest request;
  // As OriginProbe wants it: of the upstreams, that which is probed. What a
  // configuration says of a server at this address holds here too.
  Config config;
};

// `argv[0]` is the subcommand. Nothing with *exit set to the process's exit
// code: the reason is on standard error, or the help on standard output.
std::optional<ProbePlan> ReadProbePlan(int argc, char** argv, int* exit);

}  // namespace whichhop
