#include "proxy/cli/run.h"

#include <iostream>
#include <string>
#include <vector>

#include "proxy/cli/config_option.h"
#include "proxy/server/config_file.h"
#include "proxy/server/server.h"

namespace whichhop {

int Run(int argc, char** argv) {
  const std::optional<std::string> path = ParseConfigOption(argc, argv);
  if (!path) return static_cast<int>(Exit::kUsage);
  std::vector<std::string> messages;
  std::optional<Config> config = LoadConfigFile(*path, messages);
  for (const std::string& message : messages) std::cerr << message << '\n';
  if (!config) return static_cast<int>(Exit::kFailed);
  return static_cast<int>(
      Serve(std::make_shared<const Config>(std::move(*config)), *path));
}

}  // namespace whichhop
