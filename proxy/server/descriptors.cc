#include "proxy/server/descriptors.h"

#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "proxy/net/pipe.h"

namespace whichhop {

namespace {

// Descriptors beside those of connections: listeners, logs, loops.
constexpr rlim_t kOwnDescriptors = 128;
constexpr size_t kDefaultConnections = 65536;

Error UserError(const std::string& user, const std::string& why) {
  return {"node.user: cannot become " + user + ": " + why};
}

}  // namespace

Result<size_t> ReserveDescriptors(size_t configured, size_t workers) {
  const size_t wanted = configured == 0 ? kDefaultConnections : configured;
  const rlim_t needed = 2 * wanted + kOwnDescriptors;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  // Pipes are worth having, and can be done without.
  const rlim_t welcome = needed + 2 * PipePool::kMost * workers;
  if (limit.rlim_cur >= welcome) return wanted;
  for (const rlim_t enough : {welcome, needed}) {
    const rlimit raised{enough, std::max(enough, limit.rlim_max)};
    if (limit.rlim_cur >= enough || setrlimit(RLIMIT_NOFILE, &raised) == 0) {
      return wanted;
    }
  }
  const rlimit hard{limit.rlim_max, limit.rlim_max};
  if (configured == 0 && limit.rlim_max >= 2 * kOwnDescriptors &&
      setrlimit(RLIMIT_NOFILE, &hard) == 0) {
    return (limit.rlim_max - kOwnDescriptors) / 2;
  }
  return Error{"limits.connections: " + std::to_string(wanted) + " needs " +
               std::to_string(needed) +
               " file descriptors, and the hard limit of RLIMIT_NOFILE is " +
               std::to_string(limit.rlim_max)};
}

Result<bool> DropPrivileges(const std::string& user) {
  errno = 0;
  const passwd* entry = getpwnam(user.c_str());
  if (entry == nullptr) {
    return UserError(user, errno == 0 ? "no such user" : std::strerror(errno));
  }
  if (initgroups(user.c_str(), entry->pw_gid) != 0 ||
      setgid(entry->pw_gid) != 0 || setuid(entry->pw_uid) != 0) {
    return UserError(user, std::strerror(errno));
  }
  return true;
}

}  // namespace whichhop
