#include "proxy/cli/config_option.h"

#include <getopt.h>

#include <iostream>

namespace whichhop {

std::optional<std::string> ParseConfigOption(int argc, char** argv) {
  const option options[] = {{"config", required_argument, nullptr, 'c'}, {}};
  std::string path = kDefaultConfigPath;
  for (int c; (c = getopt_long(argc, argv, "c:", options, nullptr)) != -1;) {
    if (c != 'c') return std::nullopt;  // getopt has said why
    path = optarg;
  }
  if (optind == argc) return path;
  std::cerr << "whichhop " << argv[0]
            << ": unexpected argument: " << argv[optind] << '\n';
  return std::nullopt;
}

}  // namespace whichhop
