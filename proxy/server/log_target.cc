#include "proxy/server/log_target.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace whichhop {

Result<LogTarget> OpenLogTarget(const std::string& target) {
  if (target == "off") return LogTarget{};
  if (target == "stdout") return LogTarget{STDOUT_FILENO};
  if (target == "stderr") return LogTarget{STDERR_FILENO};
  // O_NONBLOCK: a FIFO that nobody reads is an error, not a start that hangs.
  const int fd =
      open(target.c_str(),
           O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0640);
  if (fd >= 0) {
    fcntl(fd, F_SETFL, O_APPEND);
    return LogTarget{fd, true};
  }
  return Error{"cannot open the log " + target + ": " + std::strerror(errno)};
}

void CloseLogTarget(const LogTarget& target) {
  if (target.owned) close(target.fd);
}

}  // namespace whichhop
