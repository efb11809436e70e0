#pragma once
// An endpoint with a server behind it that does as it is told, on a loop.

#include <memory>

#include "proxy/upstream/upstream.h"
#include "tests/proxy/net/connections.h"
#include "tests/proxy/net/story.h"

namespace whichhop {

// Counts what a user of connections hears.
struct Listening final : UpstreamEvents {
  void OnUpstreamReadable() override { ++readable; }
  void OnUpstreamWritable() override { ++writable; }
  int readable = 0;
  int writable = 0;
};

struct Origin {
  explicit Origin(Duration idle_timeout = std::chrono::seconds(60));

  // A connection that was begun, and one whose handshake is complete.
  std::unique_ptr<UpstreamConnection> Begin();
  std::unique_ptr<UpstreamConnection> Connect();
  // Puts a new connection into the pool: its socket's descriptor.
  int PutNew();
  // Takes a connection, which is retired; its descriptor, or -1.
  int Take();
  void Drop(std::unique_ptr<UpstreamConnection> connection);

  Loop loop;
  Socket listening;
  Listening user;
  Endpoint endpoint;
};

}  // namespace whichhop
