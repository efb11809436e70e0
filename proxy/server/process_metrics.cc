#include "proxy/server/process_metrics.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "proxy/base/clock.h"

namespace whichhop {

namespace {

// Field 22 of /proc/self/stat, in ticks since the machine was started
// (proc(5)); the name in its second field may hold anything.
int64_t StartedAt() {
  std::ostringstream stat;
  stat << std::ifstream("/proc/self/stat").rdbuf();
  const std::string text = stat.str();
  const size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return WallMicroseconds();
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 22; ++field) fields >> skipped;
  int64_t ticks = 0;
  fields >> ticks;
  timespec boot{};
  clock_gettime(CLOCK_BOOTTIME, &boot);
  const int64_t up = boot.tv_sec * 1'000'000 + boot.tv_nsec / 1000;
  const int64_t age = up - ticks * 1'000'000 / sysconf(_SC_CLK_TCK);
  return WallMicroseconds() - age;
}

uint64_t Nanoseconds(const timeval& time) {
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<uint64_t>(time.tv_usec) * 1000;
}

}  // namespace

void ProcessState::NoteReload(bool successful) {
  if (successful) reloaded_at_.Set(WallMicroseconds());
  last_reload_successful_ = successful;
}

ProcessStats::ProcessStats()
    : statm_(open("/proc/self/statm", O_RDONLY | O_CLOEXEC)),
      descriptors_(opendir("/proc/self/fd")),
      started_at_(StartedAt()) {}

ProcessStats::~ProcessStats() {
  if (statm_ >= 0) close(statm_);
  if (descriptors_ != nullptr) closedir(static_cast<DIR*>(descriptors_));
}

std::optional<ProcessStats::Memory> ProcessStats::ReadMemory() const {
  char text[128] = {};
  long size = 0;
  long resident = 0;
  const ssize_t got = pread(statm_, text, sizeof(text) - 1, 0);
  if (got <= 0 || std::sscanf(text, "%ld %ld", &size, &resident) != 2) {
    return std::nullopt;
  }
  const long page = sysconf(_SC_PAGESIZE);
  return Memory{size * page, resident * page};
}

std::optional<int64_t> ProcessStats::CountDescriptors() const {
  if (descriptors_ == nullptr) return std::nullopt;
  auto* const directory = static_cast<DIR*>(descriptors_);
  rewinddir(directory);
  int64_t count = 0;
  while (const dirent* const entry = readdir(directory)) {
    if (entry->d_name[0] != '.') ++count;
  }
  return count;
}

uint64_t ProcessStats::CpuNanoseconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return Nanoseconds(usage.ru_utime) + Nanoseconds(usage.ru_stime);
}

int64_t ProcessStats::MaxDescriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<int64_t>(limit.rlim_cur);
}

}  // namespace whichhop
