#pragma once
// A file that the configuration names, read whole. It blocks: at start and
// reload alone.

#include <cstddef>
#include <string>

#include "proxy/base/result.h"

namespace whichhop {

// All of the regular file at `path`; the error names it. `most`: bytes, in
// whole KiB.
Result<std::string> ReadRegularFile(const std::string& path, size_t most);

}  // namespace whichhop
