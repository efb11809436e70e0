#include "proxy/net/regular_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

namespace whichhop {

namespace {

constexpr size_t kKiB = 1024;

Error Unreadable(const std::string& path, const std::string& why) {
  return {"cannot read " + path + ": " + why};
}

Error LastError(const std::string& path) {
  return Unreadable(path, std::generic_category().message(errno));
}

std::string SizeText(size_t bytes) {
  const size_t kib = bytes / kKiB;
  return kib % kKiB == 0 ? std::to_string(kib / kKiB) + " MiB"
                         : std::to_string(kib) + " KiB";
}

// All of `fd`, which is closed.
Result<std::string> ReadAll(int fd, const std::string& path, size_t most) {
  struct stat status;
  std::string text;
  Result<std::string> result = text;
  if (fstat(fd, &status) != 0) {
    result = LastError(path);
  } else if (!S_ISREG(status.st_mode)) {
    result = Unreadable(path, "it is not a regular file");
  } else if (static_cast<size_t>(status.st_size) > most) {
    result = Unreadable(path, "it has more than " + SizeText(most));
  } else {
    text.resize(static_cast<size_t>(status.st_size));
    const ssize_t size = read(fd, text.data(), text.size());
    if (size < 0) {
      result = LastError(path);
    } else {
      text.resize(static_cast<size_t>(size));
      result = std::move(text);
    }
  }
  close(fd);
  return result;
}

}  // namespace

Result<std::string> ReadRegularFile(const std::string& path, size_t most) {
  // O_NONBLOCK: a FIFO is an error, not a start that hangs.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return LastError(path);
  return ReadAll(fd, path, most);
}

}  // namespace whichhop
