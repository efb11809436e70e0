#pragma once
// A Worker is one thread with its loop: its own listeners, sessions, upstream
// pools, buffers and log. It shares nothing with the others but the
// configuration, which nobody changes, and, where an upstream has limits, what
// is in flight (Crew). Others reach it through Post alone.

#include <memory>
#include <vector>

#include "proxy/base/clock.h"
#include "proxy/base/ulid.h"
#include "proxy/net/buffer.h"
#include "proxy/net/listener.h"
#include "proxy/net/loop.h"
#include "proxy/net/pipe.h"
#include "proxy/server/access_log.h"
#include "proxy/server/config.h"
#include "proxy/server/crew.h"
#include "proxy/server/generation.h"
#include "proxy/server/mask_signs.h"
#include "proxy/server/session.h"
#include "proxy/server/tls_neighbours.h"
#include "proxy/server/worker_metrics.h"
#include "proxy/upstream/wait_room.h"

namespace whichhop {

// A worker's share of a listener.
struct ListeningSocket {
  Address configured;  // as the configuration has it: port 0 stays 0
  Socket socket;
};

// A worker's part of what the process is limited to.
struct WorkerShare {
  size_t connections = 0;
  size_t pending = 0;
  size_t handshakes = 0;
  size_t request_buffers = 0;  // bytes
};

// What a reload changes for one worker.
struct WorkerChange {
  std::shared_ptr<const Config> config;
  std::vector<ListeningSocket> opened;
  std::vector<Address> closed;  // configured addresses
  WorkerShare share;
};

class Worker final : private AcceptEvents, private TimerEvents {
 public:
  // `sockets`: listening, this worker's own. `log` and `crew`, which it joins,
  // must outlive it.
  Worker(std::shared_ptr<const Config> config,
         std::vector<ListeningSocket> sockets, WorkerShare share,
         LogWriter& log, Crew& crew);
  ~Worker();

  // On its own thread, until Stop and every session is gone.
  void Run();

  // From any thread.
  void Reload(WorkerChange change);
  void BeginDrain();  // finish what was accepted, then end
  void CutAll();      // end now

  // Whether CutAll had to cut an exchange. Once Run has returned.
  bool cut_exchanges() const { return cut_exchanges_; }

  // Any thread may read it while the worker lives.
  const WorkerMetrics& metrics() const { return metrics_; }

  // The rest: on its own thread.
  Loop& loop() { return loop_; }
  BufferPool& buffers() { return buffers_; }
  WorkerMetrics& metrics() { return metrics_; }
  PipePool& pipes() { return pipes_; }
  // What new exchanges are served by.
  Generation& generation() { return *generations_.back(); }
  const Config& config() const { return generations_.back()->config(); }
  // The one that serves by this very configuration; null: none does.
  Generation* FindGeneration(const Config& config);
  Crew& crew() { return crew_; }
  TlsNeighbours& tls_neighbours() { return tls_neighbours_; }
  MaskSigns& mask_signs() { return mask_signs_; }
  WaitRoom& wait_room() { return wait_room_; }
  Rng& rng() { return rng_; }
  WallText& wall_text() { return wall_text_; }
  AccessLog& access_log() { return access_log_; }
  IdleSessions& idle_sessions() { return idle_sessions_; }
  Handshakes& handshakes() { return handshakes_; }
  // At the bound, whoever is inside it for longest is given up.
  void OnHandshakeBegun(Session& session);
  // One may be evicted now, if the bound kept others waiting.
  void OnSessionIdle() { Resume(); }
  void OnSessionBusy() {
    if (full() && idle_sessions_.oldest() == nullptr) Pause();
  }
  bool draining() const { return draining_; }
  // The drain's second half: what begins now would be cut before it is done.
  bool refuses_requests() const {
    return draining_ && loop_.now() >= refuses_from_;
  }

  // Exchanges that wait for a connect or a slot: false if there are too many
  // already.
  [[nodiscard]] bool AddPending();
  void RemovePending() { --pending_; }
  Duration drain_grace() const;

  // Bytes of requests that are held until a server is asked, and longer.
  bool may_buffer() const { return buffered_ < max_buffered_; }
  void AddBuffered(int64_t bytes) { buffered_ += bytes; }

  // Calls exchange.OnTurnEnd() once, after the running turn.
  void CallAtTurnEnd(Exchange& exchange) { at_turn_end_.push_back(&exchange); }
  void ForgetTurnEnd(Exchange& exchange);
  // An old generation's last exchange may be over.
  void OnGenerationIdle(Generation& generation);
  void OnSessionClosed(Session& session);
  void Resume();

 private:
  struct OpenListener {
    Address configured;
    std::unique_ptr<Listener> listener;
    ProxyProtocol proxy_protocol = ProxyProtocol::kOff;
    std::shared_ptr<const TlsServer> tls;  // null: in the clear
  };

  void OnAccept(Listener& listener, Socket socket,
                const Address& client) override;
  bool OnNoDescriptor() override;
  void OnRefuse(Socket socket, const Address& client, int error) override;
  void OnTimer(Timer& timer) override;
  void Open(ListeningSocket socket);
  void ConfigureListeners();
  void Close(const Address& configured);
  void Adopt(WorkerChange& change);
  void CountSessions();
  bool full() const { return sessions_.size() >= max_connections_; }
  void Pause();
  void StopIfDrained();
  void OnTurnEnd();

  Loop loop_;
  Crew& crew_;
  WaitRoom wait_room_{loop_};
  ReserveDescriptor reserve_;
  BufferPool buffers_;
  PipePool pipes_;
  Rng rng_;
  WallText wall_text_;
  WorkerMetrics metrics_;
  TlsNeighbours tls_neighbours_;
  MaskSigns mask_signs_;
  AccessLog access_log_;
  std::vector<std::unique_ptr<Generation>> generations_;  // the last serves
  std::vector<OpenListener> listeners_;
  std::vector<std::unique_ptr<Session>> sessions_;
  IdleSessions idle_sessions_;
  Handshakes handshakes_;
  std::vector<Exchange*> at_turn_end_;
  std::vector<Exchange*> called_;  // those of the turn that ended
  Timer recheck_;
  size_t max_connections_;
  size_t max_pending_;
  size_t max_handshakes_;
  size_t pending_ = 0;
  int64_t max_buffered_;
  int64_t buffered_ = 0;
  bool paused_ = false;  // no room for another session
  bool draining_ = false;
  Time refuses_from_{};  // while draining
  bool cut_exchanges_ = false;
};

}  // namespace whichhop
