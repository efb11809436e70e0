#pragma once
// An Exchange is one request and its response. A session owns it while it
// runs, a generation's free list otherwise; it lives on the worker's loop. It
// ends by Finish(), which tells the session and is the last thing that it does.
//
// Bytes go straight through: each direction has one buffer, is read from one
// socket and written to the other, and is read again only when all of it was
// written. So a slow reader stops its own sender, and memory is bounded. Of a
// long body of a known length only the beginning is read: the rest goes through
// a pipe, and stays in the kernel.
//
// exchange.cc has its life and the request, exchange_buffer.cc a request that
// is read whole first, exchange_admission.cc which server is asked and the wait
// for one, exchange_upstream.cc the attempts and the response's head,
// exchange_failure.cc how an attempt fails, exchange_siblings.cc what others
// saw of whom it asked, exchange_page.cc who wrote an error's page,
// exchange_response.cc what the client is sent of the upstream's response,
// exchange_tunnel.cc how it becomes a tunnel, exchange_reply.cc what we say
// ourselves, and exchange_mask.cc what the public is told instead.

#include <memory>
#include <optional>
#include <string>

#include "diagnostics/accept.h"
#include "diagnostics/augment.h"
#include "diagnostics/fields.h"
#include "diagnostics/language.h"
#include "proxy/base/ulid.h"
#include "proxy/http/request_parser.h"
#include "proxy/http/response_parser.h"
#include "proxy/net/buffer.h"
#include "proxy/net/pipe.h"
#include "proxy/net/send_queue.h"
#include "proxy/server/body.h"
#include "proxy/server/body_peek.h"
#include "proxy/server/claims.h"
#include "proxy/server/client_address.h"
#include "proxy/server/mask_signs.h"
#include "proxy/server/recorder.h"
#include "proxy/server/response_writer.h"
#include "proxy/server/session.h"
#include "proxy/server/tunnel.h"
#include "proxy/upstream/upstream.h"
#include "proxy/upstream/wait_room.h"

namespace whichhop {

class Generation;
class PathWalks;
class Worker;

// Who ended the exchange and in which phase, as HAProxy's logs say it: '-' is
// nobody, none.
struct Ended {
  char who = '-';    // C client, S upstream, P this proxy; c, s: their timeout
  char phase = '-';  // R request, Q queue, C connect, H response head, D body
};

class Exchange final : public Retired,
                       private UpstreamEvents,
                       private NameWaiter,
                       private SlotWaiter,
                       private TimerEvents {
 public:
  Exchange(Worker& worker, Generation& generation);
  ~Exchange() override;

  // The connection has something to read, behind `received`.
  void Begin(Session& session, std::string_view received);
  // After Finish: whether there is input for another request; it is being
  // handled if so.
  bool BeginNext();
  // Gives its memory back; ready for the free list.
  void End();

  void OnDownstreamReadable();
  void OnDownstreamWritable();
  void OnDownstreamTimeout();
  // The drain's deadline.
  void Cut();
  // The turn in which StartAttempt, or the head of a line, was called is over.
  void OnTurnEnd();

  Generation& generation() { return generation_; }
  const Generation& generation() const { return generation_; }
  const Config& config() const;

  // For the access log. Valid until Finish returns.
  const Recorder& recorder() const { return recorder_; }
  const Session& session() const { return *session_; }
  // The host of whom the request is from, as fields and logs show it.
  const std::string& client_host() const {
    return client_host_.empty() ? session_->client_host() : client_host_;
  }
  // Null where the request's head was refused or never complete.
  const RequestHead* request() const { return request_; }
  const char* request_data() const { return in_.view().data(); }
  std::string_view request_id() const;
  std::string_view error_id() const { return error_id_.text(); }
  std::string_view upstream_body() const { return upstream_body_; }
  // Field lines about blame that an upstream sent; the verdict says what became
  // of them.
  std::string_view claims() const { return claims_.lines(); }
  uint16_t status() const { return status_; }  // sent; 0: none
  bool peer_trusted() const { return peer_trusted_; }
  uint64_t bytes_in() const { return bytes_in_; }
  uint64_t bytes_out() const { return bytes_out_; }
  Ended ended() const { return ended_; }
  size_t header_limit() const;

 private:
  enum class RequestPhase : uint8_t { kHead, kBody, kDone };
  enum class ResponsePhase : uint8_t {
    kNone,       // no attempt yet
    kStarting,   // an attempt begins at the end of this turn
    kQueued,     // it waits for a slot of the upstream's limits
    kResolving,  // the server's name
    kConnecting,
    kSecuring,  // the handshake of TLS
    kHead,      // the request is being written, or the head awaited
    kPeek,      // an error's head is here: what does its page say?
    kBody,
    kTunnel,  // a 101 was sent: neither side speaks HTTP any more
    kReply,   // an answer of our own
    kDone,
  };
  // Bodies that are at least so long are spliced: below, copying is as good.
  static constexpr uint64_t kSpliceFrom = 64 * 1024;

  // Who wrote the body that the client gets; kBoth: ours is in theirs.
  enum class BodyOf : uint8_t { kUpstream, kUs, kBoth };

  // For what is missing of an error's page.
  enum class PageWait : uint8_t { kMay, kRunning, kOver };

  enum class Waiting : uint8_t { kNothing, kHead, kBody, kWrite };
  // At the end of a wait for the upstream: the peer, or, of a connect, the
  // other connections to it.
  enum class Probing : uint8_t { kNobody, kPeer, kSiblings };

  // The longest last part of a wait in which the silent peer is probed.
  static constexpr Duration kProbeTime = std::chrono::seconds(5);
  // Until siblings have answered a probe a second; the longest that fits.
  static constexpr Duration kSiblingTimes[] = {std::chrono::milliseconds(2500),
                                               std::chrono::milliseconds(1500)};

  // exchange.cc: its life and the request
  void Reset();
  void NoteReadable();
  void ReadHead();
  void AwaitHead();
  bool Receive();
  void OnDownstreamEnd();
  void WaitDownstream(Waiting what, Duration limit);
  void StopWaiting();
  void StopProbingClient();
  void RefuseHead(const ParseError& error);
  void StartRequest();
  void IdentifyClient();
  bool RefuseByPolicy();
  std::optional<diagnostics::Fault> RefusedByTls();
  void OnRequestComplete();
  void QueueRequestBody();
  bool ReceiveRequestBody();
  bool SpliceRequestBody();
  void RefuseBody();
  void RefuseBody(diagnostics::Fault fault,
                  const diagnostics::RequestFacts& facts);
  char PhaseLetter() const;
  void ForgetTurnEnd();
  void ProbeClient();
  void OnClientGone(diagnostics::Fault fault, Ended ended);
  void MakeErrorId();
  void Finish(Session::After after);

  // exchange_buffer.cc
  bool WantsBuffer() const;
  void BeginBuffering();
  void BufferRequest();
  void QueueBufferedBody();
  void ForgetBufferedBody();

  // exchange_admission.cc
  Upstream& upstream();
  bool Admit(bool fresh);
  void JoinLine(bool fresh);
  void LeaveLine();
  void OnSlotCalled() override;
  void RefuseFull(diagnostics::Fault fault, Ended ended);
  void RefuseAllDown();
  std::chrono::seconds RetryAfter() const;
  void NoteFault(const AttemptFailure& failure, diagnostics::Fault fault);
  void NoteSuccess();

  // exchange_siblings.cc
  void NoteAnswer();
  void NoteBroken(AddressMemory* memory, Time now);
  void AskSiblings(const AttemptFailure& failure, diagnostics::Fault fault);

  // exchange_upstream.cc
  void StartAttempt();
  bool AddPending();
  void RemovePending();
  void Attempt(bool fresh);
  void Resolve(Endpoint& endpoint);
  void OnResolved() override;
  void Connect(Endpoint& endpoint);
  void NoteAddress();
  void OnConnected();
  void Secure();
  void WriteRequest();
  void ComposeRequest();
  void PumpRequest();
  bool FlushUpstream();
  bool UpstreamPending() const {
    return !up_queue_.empty() || !up_pipe_.empty() ||
           (connection_ != nullptr && connection_->stream().unsent());
  }
  void WaitUpstream(Duration limit);
  void StopWaitingUpstream();
  Duration ProbeTime(Duration limit) const;
  void Probe();
  void OnUpstreamReadable() override;
  void OnUpstreamWritable() override;
  void OnTimer(Timer& timer) override;
  void ReadResponse();
  IoResult ReceiveUpstream();
  void NoteReceived(const IoResult& got);
  bool OnResponseHead();
  void OnFinalHead();
  void NoteServer();
  bool ForwardInterim();
  void OnUpstreamEnd(const IoResult& end);
  void OnResponseRefused(const ParseError& error);
  AttemptFailure Failure(diagnostics::AttemptEnd end) const;
  diagnostics::AttemptPhase AttemptPhaseNow() const;
  void FailAttempt(AttemptFailure failure);
  bool MayRetry(diagnostics::Fault fault);
  bool AnotherMayAnswer(diagnostics::Fault fault);
  void DropConnection();
  void KeepOrDropConnection();

  // exchange_tunnel.cc
  void OnSwitch();
  void BeginTunnel();
  void ArmTunnelTimer();
  void PumpTunnel();
  void OnTunnelIdle();

  // exchange_page.cc
  void PeekBody();
  void ReadPage();
  bool HasRoomForPage();
  void ForgetPageRoom();
  void ForgetLongPage();
  void AwaitPage();
  void OnPageLate();
  bool NeedsFirstByte() const;
  void OnPageEnd(const IoResult& end);
  void EndPage();
  BodyOf AugmentedBody(bool stock) const;
  bool IsEmptyPage() const;
  std::string_view PageBeginning() const;
  bool RecognizePage();
  void AddRemarks();
  MaskSigns::Url Url() const;

  // exchange_mask.cc
  bool IsMasked(uint16_t status) const;
  void BeginMasked();
  void PutOnMask();
  const diagnostics::Verdict& Told() const;

  // exchange_response.cc
  void BeginResponse(BodyOf body);
  BodyOf ChooseBody(BodyOf body, ResponseOptions* options);
  void ChooseFraming(ResponseOptions* options);
  void ReplaceBody(ResponseOptions* options);
  bool AugmentBody(ResponseOptions* options);
  void FrameReplacement(bool chunked, ResponseOptions* options);
  void SendReplacement(BodyOf body);
  void PumpResponse();
  void QueueResponseBody();
  IoResult ReceiveResponseBody();
  bool NothingFollows() const;
  bool FlushDownstream();
  static IoResult Send(SendQueue& queue, Pipe& pipe, Stream& stream);
  bool EndsBody(const IoResult& got);
  IoResult SendDownstream();
  bool DownstreamPending() const {
    return !down_queue_.empty() || !down_pipe_.empty() ||
           session_->stream().unsent();
  }
  void CutResponse();
  void ForgetUnsentHead();
  void Respond(uint16_t status);
  void Reply(diagnostics::Fault fault, const diagnostics::RequestFacts& facts,
             std::string_view detail);
  void SendReply();
  void PumpReply();
  void BeginReply();
  // `body` stays where it is until it is gone.
  void EndReply(std::string_view body);
  void DiscardRequestBody();
  void Describe();
  bool BelievesUpstream() const;
  void GatherClaims();
  void JudgeRelayed(uint16_t status);
  void CollectProxyStatus();
  std::string_view Trailers(BodyOf body);
  void KeepOthersProxyStatus();
  void LeaveUpstreamBody();
  std::string_view RequestList(FieldId id, std::string* memory) const;
  diagnostics::BodyType PreferredBody() const;
  diagnostics::Language PreferredLanguage() const;
  // Only a page is in the client's language.
  diagnostics::Language LanguageOf(diagnostics::BodyType type) const;
  std::string_view BodyFields(diagnostics::BodyType type,
                              diagnostics::Language language) const;
  diagnostics::PageInput ErrorBodyInput() const;
  const diagnostics::PageTemplate* OwnPage(diagnostics::BodyType type) const;
  void MakeErrorBody(diagnostics::BodyType type,
                     diagnostics::Language language);
  std::string_view CacheControl() const;
  bool ClientMayStay() const;
  bool IsOperator() const;
  diagnostics::Audience Audience() const;
  Session::After AfterResponse() const;

  Worker& worker_;
  Generation& generation_;
  Session* session_ = nullptr;  // while it runs

  // From the client. The head stays at the front of `in_` until the end.
  Buffer in_;
  RequestParser request_parser_;
  const RequestHead* request_ = nullptr;
  ClientAddress client_;
  std::string client_host_;    // where it is not the peer
  bool peer_trusted_ = false;  // it speaks for others
  size_t body_at_ = 0;  // in `in_`: where what is not yet consumed begins
  BodyReader request_body_;
  RequestPhase request_phase_ = RequestPhase::kHead;
  Waiting waiting_ = Waiting::kNothing;
  Duration client_probe_time_{};  // the wait's last part: the client is probed
  bool client_probing_ = false;
  bool input_pending_ = false;  // the socket may have more than was read
  bool read_short_ = false;     // the last read took all that there was

  bool buffering_ = false;  // the request is read before a server is asked
  bool buffered_ = false;   // it was: body_ has its body, or the beginning
  std::string body_;        // kept for a retry

  // To the upstream.
  Lease lease_;         // on the attempt's server
  SlotWait slot_wait_;  // for one
  bool fresh_ = false;  // the attempt that starts wants a new connection
  std::unique_ptr<UpstreamConnection> connection_;
  Endpoint* resolved_for_ = nullptr;  // while name_wait_ is waiting
  NameWait name_wait_;
  Buffer request_out_;  // the head, kept for a retry
  BodyWriter request_writer_;
  SendQueue up_queue_;
  Pipe up_pipe_;            // behind the queue
  bool splice_up_ = false;  // the rest of the request's body goes through it
  Timer upstream_timer_;
  Duration upstream_limit_{};  // of the running wait
  Duration probe_time_{};      // its last part, in which the peer is probed
  Probing probing_ = Probing::kNobody;
  bool stale_retried_ = false;       // a pooled connection had ended
  bool upgrade_ = false;             // a protocol is offered to the upstream
  bool pending_ = false;             // it counts as waiting for its turn
  bool request_body_moved_ = false;  // a retry could not send it again
  int write_error_ = 0;  // the upstream took no more; its answer may be there

  // From the upstream.
  Buffer up_in_;
  ResponseParser response_parser_;
  BodyReader response_body_;
  bool up_readable_ = false;    // the socket may have more than was read
  bool up_read_short_ = false;  // the last read took less than it could
  ResponsePhase response_phase_ = ResponsePhase::kNone;
  PageWait page_wait_ = PageWait::kOver;
  std::unique_ptr<BodyPeek> page_;     // once an error was relayed
  diagnostics::BodyForm page_form_{};  // what can be added to it
  size_t page_room_ = 0;  // that `up_in_` took for it, beyond a block
  std::optional<IoResult> held_end_;  // how the connection ended while a page
                                      // was read: told behind what came
  diagnostics::WriterFacts writer_;   // of an error; refers to `up_in_`

  // To the client.
  Buffer response_out_;
  BodyWriter response_writer_;
  SendQueue down_queue_;
  Pipe down_pipe_;            // behind the queue
  bool splice_down_ = false;  // the rest of the response's body goes through it
  std::string reply_;         // head and body of an answer of ours
  std::string diagnosis_;     // its field lines
  // What the public is told; null: the truth.
  std::unique_ptr<const diagnostics::Verdict> story_;
  std::string replacement_;  // the body of an error, if it is ours or ours is
                             // in it
  std::vector<std::string_view> proxy_status_;  // received values
  std::string trailers_;
  std::string upstream_body_;    // of a body that we replaced: its beginning
  Claims claims_;                // what the upstream said of blame
  bool head_forwarded_ = false;  // of a relayed response: its status is spent
  bool close_after_ = false;     // the client was told so
  bool long_page_ = false;       // `replacement_` holds one

  std::unique_ptr<Tunnel> tunnel_;  // once the protocol was switched

  Ulid made_request_id_;
  bool made_request_ = false;  // the client's own id was missing or no token
  Ulid error_id_;
  uint16_t status_ = 0;
  uint64_t bytes_in_ = 0;
  uint64_t bytes_out_ = 0;
  Ended ended_;

  // Last, for most of it is large and touched by errors alone.
  Recorder recorder_;
};

}  // namespace whichhop
