#pragma once
// The Admin answers /livez, /readyz and /metrics on the listeners `admin` and
// `probes`, and on `admin` alone what only operators may see: /walks. It walks
// paths, too: what is not urgent has its place here. It has a thread and a loop
// of its own: a probe must be answered while the workers are overloaded or
// drain, and no exchange is to wait while a page of a megabyte is written. It
// reads what workers count and touches nothing else of theirs. Owned by the
// server.

#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "proxy/base/clock.h"
#include "proxy/net/buffer.h"
#include "proxy/net/listener.h"
#include "proxy/net/loop.h"
#include "proxy/server/admin_session.h"
#include "proxy/server/metrics_page.h"
#include "proxy/server/path_walks.h"

namespace whichhop {

// A listener as the configuration has it: port 0 stays 0.
struct AdminAddress {
  std::string_view key;  // "admin", "probes"
  Address address;

  bool operator==(const AdminAddress&) const = default;
};

struct AdminSocket {
  AdminAddress configured;
  Socket socket;
};

// What a start or a reload changes.
struct AdminChange {
  std::shared_ptr<const Config> config;
  std::vector<AdminSocket> opened;
  std::vector<AdminAddress> closed;
};

class Admin final : private AcceptEvents {
 public:
  // All must outlive it.
  Admin(std::vector<const WorkerMetrics*> workers, const ProcessState& state,
        const ServerHealth& health);
  // Ends the thread; what is being answered is cut.
  ~Admin();

  // They live on its loop.
  PathWalks& walks() { return walks_; }

  // From the thread that owns it.
  void Start(AdminChange change);
  void Reload(AdminChange change);

  // The rest: on its own thread.
  Loop& loop() { return loop_; }
  BufferPool& buffers() { return buffers_; }
  WallText& wall_text() { return wall_text_; }
  // `whole`: not the probes alone.
  AdminAnswer Answer(std::string_view path, std::string_view accept,
                     bool whole);
  void OnClosed(AdminSession& session);

 private:
  struct OpenListener {
    AdminAddress configured;
    std::unique_ptr<Listener> listener;
  };

  void OnAccept(Listener& listener, Socket socket,
                const Address& client) override;
  bool OnNoDescriptor() override;
  void OnRefuse(Socket socket, const Address& client, int error) override;
  void Adopt(AdminChange& change);
  void Open(AdminSocket socket);
  void Close(const AdminAddress& configured);
  void Stop();
  AdminAnswer Readiness() const;
  AdminAnswer Metrics(std::string_view accept);
  AdminAnswer Walks() const;

  Loop loop_;
  PathWalks walks_{loop_};
  BufferPool buffers_;
  WallText wall_text_;
  const ProcessState& state_;
  MetricsPage metrics_;
  ReserveDescriptor reserve_;  // there is always one to ask how we are
  std::vector<OpenListener> listeners_;
  std::vector<std::unique_ptr<AdminSession>> sessions_;  // the oldest first
  std::thread thread_;
};

}  // namespace whichhop
