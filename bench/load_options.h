#pragma once
// What the command line of whichhop-load asks for.

#include <chrono>
#include <optional>
#include <string>

#include "bench/load_wire.h"

namespace load {

struct Options {
  Target target;
  std::string host;  // as the URL says it: the Host field
  std::string path;  // asked for alone; empty: the table's
  uint64_t requests = 100'000;
  std::chrono::seconds time{0};  // 0: until all requests are answered
  std::chrono::seconds deadline{600};
  unsigned connections = 64;
  double rate = 0;  // requests a second, begun whatever is still on its way;
                    // 0: a connection's next follows its last answer
  double faults = 0.05;
  bool verify = false;
  bool close = false;  // a connection for each request, and no TLS resumed
  std::string json;    // the report's file, if any

  bool open_loop() const { return rate > 0; }
  bool timed() const { return time.count() > 0; }
};

// Nothing if the process is to end with `code`: help was asked for or the
// usage is wrong, which it has said.
std::optional<Options> ReadOptions(int argc, char** argv, int* code);

}  // namespace load
