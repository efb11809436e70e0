#pragma once
// The process: it binds the listeners, runs the workers and the log, and
// answers signals. Lives on the main thread.

#include <memory>
#include <string>

#include "proxy/server/config.h"

namespace whichhop {

// How serving ended; the values are the exit codes of `run`.
enum class Exit : int {
  kOk = 0,
  kFailed = 1,
  kUsage = 2,
  kCannotListen = 3,
  kDrainCut = 4,  // the drain's deadline cut connections
};

// Serves until TERM or INT, then drains; a second one stops at once. HUP loads
// the file at `path` again, all of it or nothing; USR1 opens the logs again.
// `path` is empty where no file was read.
Exit Serve(std::shared_ptr<const Config> config, const std::string& path);

}  // namespace whichhop
