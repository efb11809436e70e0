#pragma once
// What is known of a server for the whole process, as the workers are told it.
// A value.

namespace whichhop {

struct Standing {
  bool down = false;       // its health checks fail: it is never asked
  bool ejected = false;    // its requests failed: asked if no other can be
  bool suspected = false;  // some failed: whether one succeeds is to be told

  bool in_service() const { return !down && !ejected; }
  bool operator==(const Standing&) const = default;
};

}  // namespace whichhop
