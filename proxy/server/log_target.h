#pragma once
// Where a log goes: a word or a path of the configuration, opened.

#include <string>

#include "proxy/base/result.h"

namespace whichhop {

// The descriptor of `target`: stdout, stderr, off (-1) or a path, which is
// created or appended to.
struct LogTarget {
  int fd = -1;
  bool owned = false;  // to be closed by whoever writes to it
};
Result<LogTarget> OpenLogTarget(const std::string& target);
void CloseLogTarget(const LogTarget& target);

}  // namespace whichhop
