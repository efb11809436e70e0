#include "proxy/server/worker.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "proxy/server/refusal.h"

namespace whichhop {

namespace {

// An idle client that says nothing for so long during a drain is let go.
constexpr auto kDrainGrace = std::chrono::seconds(1);
// How often a worker without room looks for it.
constexpr auto kRecheck = std::chrono::milliseconds(200);

}  // namespace

Worker::Worker(std::shared_ptr<const Config> config,
               std::vector<ListeningSocket> sockets, WorkerShare share,
               LogWriter& log, Crew& crew)
    : crew_(crew),
      access_log_(loop_, log, wall_text_, metrics_.log_dropped),
      max_connections_(share.connections),
      max_pending_(share.pending),
      max_handshakes_(share.handshakes),
      max_buffered_(static_cast<int64_t>(share.request_buffers)) {
  crew_.Add(*this);
  generations_.push_back(
      std::make_unique<Generation>(*this, std::move(config), nullptr));
  for (ListeningSocket& socket : sockets) Open(std::move(socket));
  ConfigureListeners();
}

Worker::~Worker() { assert(sessions_.empty()); }

void Worker::Open(ListeningSocket socket) {
  AcceptEvents& events = *this;
  auto listener = std::make_unique<Listener>(loop_, std::move(socket.socket),
                                             reserve_, events);
  if (!listener->Start()) std::abort();  // no memory for one registration
  listeners_.push_back(
      {socket.configured, std::move(listener), ProxyProtocol::kOff, nullptr});
}

// What the configuration says of each listener. Port 0 may stand there several
// times: its listeners are in the order of their entries.
void Worker::ConfigureListeners() {
  std::vector<OpenListener*> left;
  for (OpenListener& open : listeners_) left.push_back(&open);
  for (const ListenConfig& listen : config().listen) {
    const auto open =
        std::ranges::find(left, listen.address, &OpenListener::configured);
    if (open == left.end()) continue;
    (*open)->proxy_protocol = listen.proxy_protocol;
    (*open)->tls = listen.tls;
    left.erase(open);
  }
}

void Worker::Close(const Address& configured) {
  const auto open =
      std::ranges::find(listeners_, configured, &OpenListener::configured);
  open->listener->DrainAndClose();
  // Nothing calls it any more: it is no Retired object.
  loop_.Post([gone = std::shared_ptr<Listener>(std::move(open->listener))] {});
  listeners_.erase(open);
}

void Worker::Reload(WorkerChange change) {
  // A task has to be copyable.
  auto shared = std::make_shared<WorkerChange>(std::move(change));
  loop_.Post([this, shared] {
    if (!draining_) Adopt(*shared);
  });
}

void Worker::Adopt(WorkerChange& change) {
  max_connections_ = change.share.connections;
  max_pending_ = change.share.pending;
  max_handshakes_ = change.share.handshakes;
  max_buffered_ = static_cast<int64_t>(change.share.request_buffers);
  Resume();
  Generation& old = generation();
  generations_.push_back(
      std::make_unique<Generation>(*this, std::move(change.config), &old));
  old.Rest();
  OnGenerationIdle(old);
  for (ListeningSocket& socket : change.opened) Open(std::move(socket));
  for (const Address& configured : change.closed) Close(configured);
  ConfigureListeners();
}

Generation* Worker::FindGeneration(const Config& config) {
  for (auto& generation : generations_) {
    if (&generation->config() == &config) return generation.get();
  }
  return nullptr;
}

void Worker::Run() {
  loop_.Run([this] { OnTurnEnd(); });
  access_log_.Flush();
  generation().Rest();
}

void Worker::OnTurnEnd() {
  // One that is called may end another's wait (it is null then), or give its
  // client's next request to wait.
  while (!at_turn_end_.empty()) {
    called_.swap(at_turn_end_);
    for (size_t i = 0; i < called_.size(); ++i) {
      if (called_[i] != nullptr) called_[i]->OnTurnEnd();
    }
    called_.clear();
  }
  access_log_.OnTurnEnd();
}

void Worker::ForgetTurnEnd(Exchange& exchange) {
  std::ranges::replace(at_turn_end_, &exchange, nullptr);
  std::ranges::replace(called_, &exchange, nullptr);
}

Duration Worker::drain_grace() const {
  return std::min(Duration(kDrainGrace), Duration(config().timeouts.drain));
}

void Worker::BeginDrain() {
  loop_.Post([this] {
    draining_ = true;
    refuses_from_ = loop_.now() + Duration(config().timeouts.drain) / 2;
    for (auto& open : listeners_) open.listener->DrainAndClose();
    // Drain only arms timers: no session leaves the list here.
    for (auto& session : sessions_) session->Drain(drain_grace());
    StopIfDrained();
  });
}

void Worker::CutAll() {
  loop_.Post([this] {
    draining_ = true;
    for (auto& open : listeners_) open.listener->DrainAndClose();
    while (!sessions_.empty()) {
      cut_exchanges_ = cut_exchanges_ || !sessions_.back()->idle();
      sessions_.back()->Cut();
    }
    StopIfDrained();
  });
}

void Worker::OnGenerationIdle(Generation& generation) {
  if (generation.exchanges_out() > 0) return;
  const auto old = std::ranges::find(generations_, &generation,
                                     &std::unique_ptr<Generation>::get);
  auto gone = std::move(*old);
  generations_.erase(old);
  loop_.Retire(std::move(gone));
}

// At the bound whoever was idle for longest goes, for one who wants something.
// If nobody is idle, clients wait in the kernel's queue.
void Worker::OnAccept(Listener& listener, Socket socket,
                      const Address& client) {
  Session* const oldest = idle_sessions_.oldest();
  if (full() && oldest != nullptr) oldest->Evict();
  const auto open = std::ranges::find(
      listeners_, &listener,
      [](const OpenListener& each) { return each.listener.get(); });
  auto session = std::make_unique<Session>(*this, std::move(socket), Ip(client),
                                           open->proxy_protocol, open->tls);
  if (!session->Start()) return;
  session->index_ = sessions_.size();
  sessions_.push_back(std::move(session));
  CountSessions();
  // The new one is idle itself, and nothing to evict yet.
  const Session* const next = idle_sessions_.oldest();
  if (full() && (next == nullptr || !next->MayBeEvicted())) Pause();
}

void Worker::OnHandshakeBegun(Session& session) {
  if (handshakes_.size() >= max_handshakes_) {
    handshakes_.oldest()->GiveUpHandshake();
  }
  handshakes_.Add(session);
}

bool Worker::AddPending() {
  if (pending_ >= max_pending_) return false;
  ++pending_;
  return true;
}

// Whatever is kept for later goes: a client that is here comes first.
bool Worker::OnNoDescriptor() {
  generation().DropIdle();
  pipes_.DropIdle();
  Session* const oldest = idle_sessions_.oldest();
  return oldest != nullptr && oldest->Evict();
}

// The kernel keeps the answer for the client though we close at once; if only
// we have read what it sent, or it would get a RST first.
void Worker::OnRefuse(Socket socket, const Address& client, int error) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const std::string detail =
      "accept4: " + std::string(std::strerror(error)) + "; the limit is " +
      std::to_string(limit.rlim_cur) + ", no client is idle";
  Refusal refusal = Refuse(config(), diagnostics::Fault::kAcceptEmfile, detail,
                           Ip(client), rng_);
  const std::string answer =
      RefusalAnswer(config(), refusal, wall_text_.HttpDate(WallMicroseconds()));
  char thrown_away[4096];
  const iovec part{const_cast<char*>(answer.data()), answer.size()};
  const IoResult sent = socket.Send(&part, 1);
  socket.ShutdownWrite();
  const IoResult got = socket.Receive(thrown_away, sizeof(thrown_away));
  refusal.bytes_in = got.bytes;
  refusal.bytes_out = sent.bytes;
  refusal.status = sent.bytes > 0 ? refusal.verdict.status : 0;
  refusal.ended = {'P', 'R'};
  metrics_.CountRefusal(refusal.verdict);
  access_log_.Write(refusal, config());
}

void Worker::Pause() {
  paused_ = true;
  for (auto& open : listeners_) open.listener->Pause();
  recheck_.Arm(loop_.wheel(), kRecheck, *this);
}

// A client that said nothing since it came may have become one to evict.
void Worker::OnTimer(Timer&) {
  if (!paused_ || draining_) return;
  const Session* const oldest = idle_sessions_.oldest();
  if (oldest != nullptr && oldest->MayBeEvicted()) return Resume();
  recheck_.Arm(loop_.wheel(), kRecheck, *this);
}

void Worker::Resume() {
  if (!paused_ || draining_) return;
  paused_ = false;
  for (auto& open : listeners_) open.listener->Resume();
}

void Worker::OnSessionClosed(Session& session) {
  const size_t index = session.index_;
  auto closed = std::move(sessions_[index]);
  if (index + 1 < sessions_.size()) {
    sessions_[index] = std::move(sessions_.back());
    sessions_[index]->index_ = index;
  }
  sessions_.pop_back();
  CountSessions();
  loop_.Retire(std::move(closed));
  Resume();
  StopIfDrained();
}

void Worker::CountSessions() {
  metrics_.downstream_connections.Set(static_cast<int64_t>(sessions_.size()));
}

void Worker::StopIfDrained() {
  if (draining_ && sessions_.empty()) loop_.Stop();
}

}  // namespace whichhop
