#include "proxy/server/operator_log.h"

#include <unistd.h>

#include "proxy/base/clock.h"
#include "proxy/server/log_target.h"

namespace whichhop {

Result<std::unique_ptr<OperatorLog>> OperatorLog::Open(
    const std::string& target) {
  const Result<LogTarget> opened = OpenLogTarget(target);
  if (!opened.ok()) return Error{opened.error()};
  return std::unique_ptr<OperatorLog>(
      new OperatorLog(opened.value().fd, opened.value().owned));
}

OperatorLog::~OperatorLog() {
  if (owned_) close(fd_);
}

void OperatorLog::Write(std::string_view message) {
  if (fd_ < 0) return;
  std::string line(WallText().Rfc3339(WallMicroseconds()));
  line += " whichhop: ";
  line += message;
  line += '\n';
  // One write: lines of several threads do not mix. A full disk is not ours
  // to mend.
  (void)!write(fd_, line.data(), line.size());
}

}  // namespace whichhop
