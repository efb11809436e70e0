#include "proxy/server/operator_log.h"

#include <unistd.h>

#include <string>

#include "proxy/base/clock.h"

namespace whichhop {

void OperatorLog::Write(std::string_view message) {
  if (target_.fd < 0) return;
  WallText wall_text;
  std::string line(wall_text.Rfc3339(WallMicroseconds()));
  line += " whichhop: ";
  line += message;
  line += '\n';
  // One write, so that lines of several processes do not mix. A full disk is
  // not ours to mend.
  (void)!write(target_.fd, line.data(), line.size());
}

void OperatorLog::Replace(LogTarget target) {
  CloseLogTarget(target_);
  target_ = target;
}

}  // namespace whichhop
