#pragma once
// The health probes of one server: at intervals, a connection of its own and a
// GET. It says how each ended; what follows from that is others' affair. Lives
// on one loop, and dies by Close().

#include <string>

#include "proxy/http/response_parser.h"
#include "proxy/net/buffer.h"
#include "proxy/upstream/upstream.h"

namespace whichhop {

// How a probe ended.
struct ProbeEnd {
  enum class Phase : uint8_t { kResolve, kConnect, kTls, kAnswer };
  enum class How : uint8_t {
    kStatus,     // a final status line: `status`
    kFin,        // the server ended the connection before that
    kError,      // `error` is the errno
    kTimeout,    // the probe's time was up
    kMalformed,  // what came was no HTTP
    kDns,        // the name has no address: `dns`
  };

  Phase phase = Phase::kConnect;
  How how = How::kTimeout;
  int error = 0;
  bool synchronous = false;  // connect() itself said so
  DnsOutcome dns = DnsOutcome::kTimeout;
  uint16_t status = 0;
  Time begun = kNoTime;
  Time connected = kNoTime;  // kNoTime: it never was
  uint64_t sent = 0;         // bytes of the request

  bool good() const {
    return how == How::kStatus && status >= 200 && status < 400;
  }
};

class Probe;

class ProbeEvents {
 public:
  // `connection` is still open, so that the kernel can be asked; null if there
  // was none. The next probe is armed already.
  virtual void OnProbe(Probe& probe, const ProbeEnd& end,
                       UpstreamConnection* connection) = 0;

 protected:
  ~ProbeEvents() = default;
};

class Probe final : public Retired,
                    private UpstreamEvents,
                    private NameWaiter,
                    private TimerEvents {
 public:
  struct Options {
    std::string path;
    Duration interval{};  // from one probe's begin to the next one's
    Duration timeout{};   // of all of a probe
  };

  Probe(Loop& loop, BufferPool& buffers, Endpoint& endpoint, Options options,
        ProbeEvents& events);
  ~Probe() override;

  // The first one begins after `delay`.
  void Start(Duration delay);
  // Silent from here on.
  void Close();

  Endpoint& endpoint() const { return endpoint_; }
  // When the next one begins; while one runs, when the one after it does.
  Time next() const { return next_; }

 private:
  static constexpr size_t kHeadLimit = 32 * 1024;

  void Begin();
  void OnResolved() override;
  void Connect();
  void Secure();
  void OnUpstreamReadable() override;
  void OnUpstreamWritable() override;
  void OnTimer(Timer& timer) override;
  void Send();
  void ReadAnswer();
  void EndBy(const IoResult& end);
  void End(ProbeEnd::How how, int error = 0);
  void Drop();

  Loop& loop_;
  BufferPool& buffers_;
  Endpoint& endpoint_;
  const Options options_;
  ProbeEvents& events_;
  const std::string request_;
  Time next_ = kNoTime;
  Timer timer_;  // of the running probe, else of the next
  bool running_ = false;
  ProbeEnd end_;  // of the running one, as far as it is
  NameWait name_wait_;
  std::unique_ptr<UpstreamConnection> connection_;
  std::string_view unsent_;
  Buffer in_;
  ResponseParser parser_;
};

}  // namespace whichhop
