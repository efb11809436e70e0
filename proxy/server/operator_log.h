#pragma once
// What happens to the process itself, for whoever runs it: one line each, with
// the time, written at once. Never on the request path.

#include <memory>
#include <string>
#include <string_view>

#include "proxy/base/result.h"

namespace whichhop {

class OperatorLog {
 public:
  // `target`: stdout, stderr, off or a path, which is created or appended to.
  static Result<std::unique_ptr<OperatorLog>> Open(const std::string& target);
  ~OperatorLog();

  void Write(std::string_view message);

 private:
  OperatorLog(int fd, bool owned) : fd_(fd), owned_(owned) {}

  const int fd_;
  const bool owned_;  // to be closed
};

}  // namespace whichhop
