#include "proxy/server/admin.h"

#include <algorithm>
#include <cstdlib>

#include "proxy/server/walk_report.h"

namespace whichhop {

namespace {

// Whoever asks gets an answer at once: at the bound the oldest, who has not
// asked yet or does not read, goes. As many as are accepted in one turn, so
// that each had its turn to ask.
constexpr size_t kMaxSessions = 64;

}  // namespace

Admin::Admin(std::vector<const WorkerMetrics*> workers,
             const ProcessState& state, const ServerHealth& health)
    : state_(state), metrics_(std::move(workers), state, health) {}

Admin::~Admin() {
  loop_.Post([this] { Stop(); });
  thread_.join();
}

void Admin::Start(AdminChange change) {
  Adopt(change);
  thread_ = std::thread([this] { loop_.Run([] {}); });
}

void Admin::Reload(AdminChange change) {
  // A task has to be copyable.
  auto shared = std::make_shared<AdminChange>(std::move(change));
  loop_.Post([this, shared] { Adopt(*shared); });
}

void Admin::Adopt(AdminChange& change) {
  metrics_.Adopt(std::move(change.config));
  for (AdminSocket& socket : change.opened) Open(std::move(socket));
  for (const AdminAddress& configured : change.closed) Close(configured);
}

void Admin::Open(AdminSocket socket) {
  AcceptEvents& events = *this;
  auto listener = std::make_unique<Listener>(loop_, std::move(socket.socket),
                                             reserve_, events);
  if (!listener->Start()) std::abort();  // no memory for one registration
  listeners_.push_back({socket.configured, std::move(listener)});
}

void Admin::Close(const AdminAddress& configured) {
  const auto open =
      std::ranges::find(listeners_, configured, &OpenListener::configured);
  open->listener->DrainAndClose();
  // Nothing calls it any more: it is no Retired object.
  loop_.Post([gone = std::shared_ptr<Listener>(std::move(open->listener))] {});
  listeners_.erase(open);
}

void Admin::Stop() {
  for (auto& open : listeners_) open.listener->DrainAndClose();
  while (!sessions_.empty()) sessions_.back()->Close();
  walks_.Stop();
  loop_.Stop();
}

bool Admin::OnNoDescriptor() {
  if (sessions_.empty()) return reserve_.Release();
  sessions_.front()->Close();
  return true;
}

// The process took even the reserve's descriptor for another: closed unheard.
void Admin::OnRefuse(Socket, const Address&, int) {}

void Admin::OnAccept(Listener& listener, Socket socket, const Address&) {
  if (sessions_.size() >= kMaxSessions) sessions_.front()->Close();
  const auto open = std::ranges::find_if(listeners_, [&](const auto& each) {
    return each.listener.get() == &listener;
  });
  const bool whole = open->configured.key == "admin";
  auto session =
      std::make_unique<AdminSession>(*this, std::move(socket), whole);
  if (session->Start()) sessions_.push_back(std::move(session));
}

void Admin::OnClosed(AdminSession& session) {
  const auto closed = std::ranges::find(sessions_, &session,
                                        &std::unique_ptr<AdminSession>::get);
  auto gone = std::move(*closed);
  sessions_.erase(closed);
  loop_.Retire(std::move(gone));
  reserve_.Take();
}

AdminAnswer Admin::Readiness() const {
  switch (state_.serving()) {
    case Serving::kNotYet:
      return {503, kPlainText, "not ready: starting\n"};
    case Serving::kServing:
      return {200, kPlainText, "ready\n"};
    case Serving::kDraining:
      break;
  }
  return {503, kPlainText, "not ready: draining\n"};
}

AdminAnswer Admin::Metrics(std::string_view accept) {
  const ExpositionFormat format = ChooseExposition(accept);
  AdminAnswer answer{200, ContentType(format), {}};
  metrics_.Append(format, answer.body);
  return answer;
}

AdminAnswer Admin::Walks() const {
  AdminAnswer answer{200, "application/json", {}};
  AppendWalks(walks_.All(), metrics_.config().topology, loop_.now(),
              answer.body);
  return answer;
}

AdminAnswer Admin::Answer(std::string_view path, std::string_view accept,
                          bool whole) {
  if (path == "/livez") return {200, kPlainText, "alive\n"};
  if (path == "/readyz") return Readiness();
  if (path == "/metrics") return Metrics(accept);
  if (path == "/walks" && whole) return Walks();
  return {404, kPlainText,
          "nothing is here but /livez, /readyz and /metrics\n"};
}

}  // namespace whichhop
