#pragma once
// Listening sockets: bound once by the process, one SO_REUSEPORT socket a
// worker, and what accepts from them.

#include <vector>

#include "proxy/base/result.h"
#include "proxy/net/loop.h"
#include "proxy/net/reserve_descriptor.h"
#include "proxy/net/socket.h"

namespace whichhop {

// `count` listening sockets on one address, one a worker. A plain bind is tried
// first: with SO_REUSEPORT alone a second instance would take half of the
// connections without anybody noticing. Port 0 takes a free port, the same one
// for all. A Unix socket is one, shared; a file that nobody listens behind any
// more is replaced.
Result<std::vector<Socket>> Listen(const Address& address, int count);

class Listener;

class AcceptEvents {
 public:
  virtual void OnAccept(Listener& listener, Socket socket,
                        const Address& client) = 0;
  // The process has no descriptor for a client that is here. True: one may be
  // free now.
  virtual bool OnNoDescriptor() = 0;
  // None came free in time: this client is to be told so, and let go before
  // this returns. `error` is what accept4 said.
  virtual void OnRefuse(Socket socket, const Address& client, int error) = 0;

 protected:
  ~AcceptEvents() = default;
};

// Accepts on its loop. At the process's limit of descriptors it asks for one to
// be freed; if none is, it pauses for 100 ms instead of spinning, and
// connections wait in the kernel's queue meanwhile. Those that are still there
// then, and still find no descriptor, are refused one by one on the reserve.
class Listener final : private LevelWatch::Events, private TimerEvents {
 public:
  // `reserve` and `events` must outlive it.
  Listener(Loop& loop, Socket socket, ReserveDescriptor& reserve,
           AcceptEvents& events);
  ~Listener() { assert(!watch_.armed()); }

  [[nodiscard]] bool Start();
  void Pause();
  void Resume();
  // Takes what has already been accepted by the kernel, then closes. No new
  // handshake is begun meanwhile.
  void DrainAndClose();

 private:
  void OnReadable() override;
  void OnTimer(Timer& timer) override;
  int Accept(Address* client);
  // True if there may be more.
  bool AcceptOne();
  bool AcceptWithoutDescriptor(int error);

  Loop& loop_;
  Socket socket_;
  const Address address_;
  ReserveDescriptor& reserve_;
  AcceptEvents& events_;
  LevelWatch watch_;
  Timer resume_;
  bool paused_ = false;
  bool waited_ = false;  // for a descriptor, with what is in the queue
};

}  // namespace whichhop
