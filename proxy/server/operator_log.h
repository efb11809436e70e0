#pragma once
// What happens to the process itself, for whoever runs it: one line each, with
// the time, written at once. Never on the request path; the main thread's.

#include <string_view>

#include "proxy/server/log_target.h"

namespace whichhop {

class OperatorLog {
 public:
  explicit OperatorLog(LogTarget target) : target_(target) {}
  OperatorLog(const OperatorLog&) = delete;
  OperatorLog& operator=(const OperatorLog&) = delete;
  ~OperatorLog() { CloseLogTarget(target_); }

  void Write(std::string_view message);
  // What is written from here on goes to `target`.
  void Replace(LogTarget target);

 private:
  LogTarget target_;
};

}  // namespace whichhop
