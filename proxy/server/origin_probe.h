#pragma once
// An OriginProbe asks an origin once, with nobody waiting for the answer, and
// judges what it meets as an exchange would: the name, the connect, TLS, the
// request, the whole of the answer. No retry, and no other address: what is
// broken is to be seen. Meanwhile the path to the address is walked, and once
// more if the origin falls silent later: a walk from before would not tell.
// Lives on one loop, owned by whoever began it.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/http/response_parser.h"
#include "proxy/net/path_walk.h"
#include "proxy/net/resolver.h"
#include "proxy/server/body.h"
#include "proxy/server/config.h"
#include "proxy/server/recorder.h"
#include "proxy/upstream/upstream.h"

namespace whichhop {

// What is asked: a whole head, and no body.
struct OriginRequest {
  Method method = Method::kGet;
  std::string head;
};

// What came back of it, beside what the Recorder has.
struct OriginAnswer {
  std::string reason;  // of the status line; as it came
  // Of the fields that say who answered and what it says of itself: their
  // lines, as they came.
  std::vector<std::string> fields;
  uint64_t body_bytes = 0;  // of content
  bool endless = false;     // it was read for its time, and went on
};

class OriginProbe;

class OriginProbeEvents {
 public:
  // Called once; the probe is closed. It may not be deleted before the turn
  // ends.
  virtual void OnOriginProbed(OriginProbe& probe) = 0;

 protected:
  ~OriginProbeEvents() = default;
};

class OriginProbe final : private UpstreamEvents,
                          private NameWaiter,
                          private PathWalkEvents,
                          private TimerEvents {
 public:
  // `config`: has one upstream with one server, and a route to it; its
  // `timeouts` bound each step. It, `loop` and `events` outlive the probe.
  // Requires: SIGPIPE is ignored in this process.
  OriginProbe(Loop& loop, const Config& config, OriginRequest request,
              OriginProbeEvents& events);
  ~OriginProbe();

  // How it ends is heard in a later turn.
  void Start();

  // All of the following once it has ended.

  // Nothing failed, and the status is below 400.
  bool healthy() const { return recorder_.verdict() == nullptr; }
  // Null: healthy.
  const diagnostics::Verdict* verdict() const { return recorder_.verdict(); }
  // How far it came, and when. `fault` only where the attempt failed.
  const AttemptRecord& attempt() const { return recorder_.attempt(); }
  // Where it broke; kBody where it did not.
  diagnostics::AttemptPhase phase() const { return last_phase_; }
  // Those of the origin's name; its own where it has none.
  std::vector<Address> addresses() const;
  // That it went to; nothing where it came to none.
  const std::optional<Address>& target() const { return target_; }
  const OriginAnswer& answer() const { return answer_; }
  // Of the way to target(); nothing: there is none, or nowhere to go.
  const std::optional<PathReport>& walk() const { return report_; }

 private:
  enum class Step : uint8_t {
    kNew,
    kResolving,
    kConnecting,
    kSecuring,
    kHead,
    kBody,
    kWalking,  // the attempt is over
    kOver,
  };

  // A wait's last part, in which the kernel's probes tell a slow server from a
  // dead path.
  static constexpr Duration kProbeTime = std::chrono::seconds(5);
  static constexpr uint32_t kMaxInterim = 1000;

  void Resolve();
  void OnResolved() override;
  void Connect();
  void OnUpstreamWritable() override;
  void OnUpstreamReadable() override;
  void OnConnected();
  void Secure();
  void Write();
  void Read();
  bool ReadHead();
  bool OnHead();
  void NoteFields();
  bool ReadBody();
  void JudgeStatus();
  diagnostics::WriterFacts Writer() const;
  bool EndsBody(const IoResult& got);
  IoResult Receive();

  void Wait(Duration limit);
  void OnTimer(Timer& timer) override;
  bool BodyGoesOn() const;

  diagnostics::AttemptPhase Phase() const;
  AttemptFailure Failure(diagnostics::AttemptEnd end) const;
  void EndBy(const IoResult& end);
  void Refuse(const ParseError& error);
  void Fail(const AttemptFailure& failure);
  void Succeed();
  void Close();

  void Walk();
  void DropWalk();
  bool WalkTells() const;
  void OnPathWalked(PathWalk& walk, PathReport report) override;
  void EndWithWalk();
  void Judge();

  Loop& loop_;
  const Config& config_;
  const OriginRequest request_;
  OriginProbeEvents& events_;
  BufferPool buffers_;
  Resolver resolver_;
  Endpoint endpoint_;
  TlsNeighbours neighbours_;  // there are none
  Recorder recorder_;

  Step step_ = Step::kNew;
  diagnostics::AttemptPhase last_phase_ = diagnostics::AttemptPhase::kResolve;
  std::optional<Address> target_;
  OriginAnswer answer_;
  NameWait name_wait_;
  std::unique_ptr<UpstreamConnection> connection_;
  std::string_view unsent_;  // of the request
  int write_error_ = 0;
  Buffer in_;
  ResponseParser parser_;
  std::string head_;  // the final one; what the parser found refers to it
  BodyReader body_;
  std::string page_;  // the body's beginning, one byte more than is looked at
  Time body_begun_ = kNoTime;
  Timer timer_;
  Duration limit_{};  // of the running wait
  bool probing_ = false;
  bool late_ = false;               // a timer of ours ended it
  std::unique_ptr<PathWalk> walk_;  // while it runs
  Time walk_begun_ = kNoTime;       // of the last; so too
  std::optional<Address> walking_to_;
  std::optional<PathReport> report_;
};

}  // namespace whichhop
