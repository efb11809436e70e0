// whichhop: a reverse proxy that says which hop broke.

#include <iostream>
#include <string_view>

#include "proxy/cli/check.h"
#include "proxy/cli/config_option.h"
#include "proxy/cli/explain.h"
#include "proxy/cli/probe.h"
#include "proxy/cli/reverse_proxy.h"
#include "proxy/cli/run.h"
#include "proxy/cli/version.h"

namespace {

constexpr int kUsageError = 2;

constexpr std::string_view kUsage =
    R"(whichhop: a reverse proxy that says which hop broke.

  whichhop run [-c FILE]           serve (the default)
  whichhop check [-c FILE]         validate a configuration, every error at once
  whichhop reverse-proxy --from :8080 --to http://127.0.0.1:9000
  whichhop explain CODE [--json]   the documented row of a status
  whichhop probe URL               walk DNS, route, TCP, TLS, HTTP to an origin;
                                   say where it breaks (probe --help)
  whichhop version

Without -c: /etc/whichhop/whichhop.yaml. Exit codes: 0 ok; 1 the configuration
is invalid, serving failed, or (probe) the origin is not healthy; 2 usage;
3 cannot listen; 4 the drain's deadline cut connections. Signals: TERM and INT
drain, a second one stops at once.
)";

int CheckFile(int argc, char** argv) {
  const auto path = whichhop::ParseConfigOption(argc, argv);
  return path ? whichhop::Check(*path) : kUsageError;
}

int Usage(std::ostream& out, int code) {
  out << kUsage;
  return code;
}

int Dispatch(std::string_view command, int argc, char** argv) {
  if (command == "run") return whichhop::Run(argc, argv);
  if (command == "check") return CheckFile(argc, argv);
  if (command == "reverse-proxy") return whichhop::ReverseProxy(argc, argv);
  if (command == "explain") return whichhop::cli::Explain(argc, argv);
  if (command == "probe") return whichhop::ProbeOrigin(argc, argv);
  if (command == "version" || command == "--version") {
    return whichhop::Version();
  }
  if (command == "help" || command == "--help" || command == "-h") {
    return Usage(std::cout, 0);
  }
  std::cerr << "whichhop: no such command: " << command << "\n\n";
  return Usage(std::cerr, kUsageError);
}

}  // namespace

int main(int argc, char** argv) {
  // `whichhop -c FILE` is `whichhop run -c FILE`.
  const bool implied = argc < 2 ||
                       std::string_view(argv[1]).starts_with("-c") ||
                       std::string_view(argv[1]).starts_with("--config");
  if (implied) return whichhop::Run(argc, argv);
  return Dispatch(argv[1], argc - 1, argv + 1);
}
