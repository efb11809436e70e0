#include "proxy/server/server.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <thread>

#include "proxy/server/admin.h"
#include "proxy/server/config_file.h"
#include "proxy/server/descriptors.h"
#include "proxy/server/operator_log.h"
#include "proxy/server/worker.h"

namespace whichhop {

namespace {

sigset_t HandledSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) {
    sigaddset(&signals, signal);
  }
  return signals;
}

size_t WorkerCount(const Config& config) {
  if (config.node.workers > 0) return static_cast<size_t>(config.node.workers);
  return std::max(1u, std::thread::hardware_concurrency());
}

// The sockets of a listener, one for each worker.
struct BoundListener {
  Address configured;
  std::vector<Socket> sockets;
};

class Server {
 public:
  Server(std::shared_ptr<const Config> config, std::string path,
         LogTarget access_log, OperatorLog& operator_log)
      : config_(std::move(config)),
        path_(std::move(path)),
        workers_count_(WorkerCount(*config_)),
        log_(access_log),
        operator_log_(operator_log) {}

  // False: an address can't be listened on. Nothing is served.
  bool Bind();
  void Start(size_t connections);
  // Until TERM or INT.
  void AnswerSignals();
  Exit Drain();

 private:
  struct Bound {
    std::vector<BoundListener> listeners;
    std::vector<AdminSocket> admin;
  };
  bool BindAll(const std::vector<Address>& addresses,
               const std::vector<AdminAddress>& admin, Bound* bound);
  void Announce(const Bound& bound);
  WorkerShare Share(const Config& config, size_t connections) const {
    return {
        std::max<size_t>(1, connections / workers_count_),
        std::max<size_t>(1, config.limits.pending / workers_count_),
        std::max<size_t>(1, config.limits.handshakes / workers_count_),
        std::max<size_t>(1, config.limits.request_buffers / workers_count_)};
  }
  void MakeAdmin();
  void Reload();
  void Refuse();
  void Adopt(std::shared_ptr<const Config> config, Bound opened,
             size_t connections);
  void ReopenLogs();
  int AwaitSignal(milliseconds limit);
  bool AwaitDelay(milliseconds limit);
  void AwaitWorkers(milliseconds limit);

  std::shared_ptr<const Config> config_;
  const std::string path_;
  const size_t workers_count_;
  LogWriter log_;
  OperatorLog& operator_log_;
  Bound bound_;  // until the workers and the admin have them
  ProcessState state_;
  Crew crew_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::unique_ptr<Admin> admin_;  // reads what the workers count
  std::vector<std::thread> threads_;
  std::atomic<size_t> running_ = 0;
};

std::vector<Address> AddressesOf(const Config& config) {
  std::vector<Address> addresses;
  for (const ListenConfig& listen : config.listen) {
    addresses.push_back(listen.address);
  }
  return addresses;
}

std::vector<AdminAddress> AdminAddressesOf(const Config& config) {
  std::vector<AdminAddress> addresses{{"admin", config.admin.address},
                                      {"probes", config.probes.address}};
  std::erase_if(addresses,
                [](const auto& one) { return one.address.size() == 0; });
  return addresses;
}

// Those of `some` that are not among `others`.
template <typename T>
std::vector<T> Without(const std::vector<T>& some,
                       const std::vector<T>& others) {
  std::vector<T> rest;
  std::ranges::copy_if(some, std::back_inserter(rest), [&](const T& one) {
    return std::ranges::find(others, one) == others.end();
  });
  return rest;
}

bool Server::BindAll(const std::vector<Address>& addresses,
                     const std::vector<AdminAddress>& admin, Bound* bound) {
  for (const Address& address : addresses) {
    auto sockets = Listen(address, static_cast<int>(workers_count_));
    if (!sockets.ok()) {
      operator_log_.Write(sockets.error());
      return false;
    }
    bound->listeners.push_back({address, std::move(sockets.value())});
  }
  for (const AdminAddress& one : admin) {
    auto sockets = Listen(one.address, 1);
    if (!sockets.ok()) {
      operator_log_.Write(sockets.error());
      return false;
    }
    bound->admin.push_back({one, std::move(sockets.value().front())});
  }
  Announce(*bound);
  return true;
}

void Server::Announce(const Bound& bound) {
  for (const BoundListener& listener : bound.listeners) {
    operator_log_.Write("listening on " +
                        listener.sockets.front().LocalAddress().ToString());
  }
  for (const AdminSocket& admin : bound.admin) {
    operator_log_.Write(std::string(admin.configured.key) + " on " +
                        admin.socket.LocalAddress().ToString());
  }
}

bool Server::Bind() {
  return BindAll(AddressesOf(*config_), AdminAddressesOf(*config_), &bound_);
}

// One worker's sockets.
std::vector<ListeningSocket> TakeShare(std::vector<BoundListener>& bound,
                                       size_t worker) {
  std::vector<ListeningSocket> share;
  for (BoundListener& listener : bound) {
    share.push_back({listener.configured, std::move(listener.sockets[worker])});
  }
  return share;
}

void Server::Start(size_t connections) {
  for (size_t i = 0; i < workers_count_; ++i) {
    workers_.push_back(
        std::make_unique<Worker>(config_, TakeShare(bound_.listeners, i),
                                 Share(*config_, connections), log_, crew_));
  }
  MakeAdmin();
  running_ = workers_count_;
  for (auto& worker : workers_) {
    threads_.emplace_back([this, &worker] {
      worker->Run();
      // The main thread may be waiting for a signal.
      if (--running_ == 0) kill(getpid(), SIGTERM);
    });
  }
  state_.NoteReload(true);
  state_.SetServing(Serving::kServing);
  admin_->Start({config_, std::move(bound_.admin), {}});
}

void Server::MakeAdmin() {
  std::vector<const WorkerMetrics*> metrics;
  for (const auto& worker : workers_) {
    metrics.push_back(&std::as_const(*worker).metrics());
  }
  admin_ = std::make_unique<Admin>(std::move(metrics), state_, crew_.health());
  crew_.SetWalks(admin_->walks());
}

void Server::AnswerSignals() {
  const sigset_t signals = HandledSignals();
  for (;;) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (signal == SIGTERM || signal == SIGINT) return;
    if (signal == SIGHUP) Reload();
    if (signal == SIGUSR1) ReopenLogs();
  }
}

// All or nothing: the old configuration serves on unless everything that the
// new one needs is there.
void Server::Reload() {
  if (path_.empty()) return operator_log_.Write("no file to reload");
  std::vector<std::string> messages;
  std::optional<Config> loaded = LoadConfigFile(path_, messages);
  for (const std::string& message : messages) operator_log_.Write(message);
  if (!loaded) return Refuse();
  auto config = std::make_shared<const Config>(std::move(*loaded));
  const auto connections =
      ReserveDescriptors(config->limits.connections, workers_count_);
  if (!connections.ok()) operator_log_.Write(connections.error());
  Bound opened;
  const bool bound =
      connections.ok() &&
      BindAll(Without(AddressesOf(*config), AddressesOf(*config_)),
              Without(AdminAddressesOf(*config), AdminAddressesOf(*config_)),
              &opened);
  const auto access_log = OpenLogTarget(config->logs.access);
  if (!access_log.ok()) operator_log_.Write(access_log.error());
  if (!bound || !access_log.ok()) {
    if (access_log.ok()) CloseLogTarget(access_log.value());
    return Refuse();
  }
  log_.Replace(access_log.value());
  Adopt(std::move(config), std::move(opened), connections.value());
}

void Server::Refuse() {
  state_.NoteReload(false);
  operator_log_.Write("not reloaded: the old configuration serves on");
}

void Server::Adopt(std::shared_ptr<const Config> config, Bound opened,
                   size_t connections) {
  if (WorkerCount(*config) != workers_count_) {
    operator_log_.Write("node.workers stays as it is until a restart");
  }
  const std::vector<Address> closed =
      Without(AddressesOf(*config_), AddressesOf(*config));
  // The home worker is the first, and the last to hear of it: what it reports
  // by the new configuration then finds all others there.
  for (size_t i = workers_count_; i-- > 0;) {
    workers_[i]->Reload({config, TakeShare(opened.listeners, i), closed,
                         Share(*config, connections)});
  }
  admin_->Reload(
      {config, std::move(opened.admin),
       Without(AdminAddressesOf(*config_), AdminAddressesOf(*config))});
  config_ = std::move(config);
  state_.NoteReload(true);
  operator_log_.Write("reloaded");
}

void Server::ReopenLogs() {
  const auto access = OpenLogTarget(config_->logs.access);
  const auto own = OpenLogTarget(config_->logs.operator_log);
  if (own.ok()) operator_log_.Replace(own.value());
  if (access.ok()) log_.Replace(access.value());
  if (!own.ok()) operator_log_.Write(own.error());
  if (!access.ok()) operator_log_.Write(access.error());
}

// The signal that came within `limit`; 0 if none.
int Server::AwaitSignal(milliseconds limit) {
  const sigset_t signals = HandledSignals();
  const timespec timeout{limit.count() / 1000,
                         (limit.count() % 1000) * 1'000'000};
  return std::max(0, sigtimedwait(&signals, nullptr, &timeout));
}

// False: somebody wants it at once. HUP says nothing of the kind: whoever
// deploys may send it together with the TERM.
bool Server::AwaitDelay(milliseconds limit) {
  const Time deadline = SteadyClock::now() + limit;
  for (;;) {
    const auto left =
        std::chrono::ceil<milliseconds>(deadline - SteadyClock::now());
    const int signal = AwaitSignal(std::max(left, milliseconds(0)));
    if (signal == 0) return true;
    if (signal == SIGTERM || signal == SIGINT) return false;
    if (signal == SIGUSR1) ReopenLogs();
  }
}

// Until all have ended, `limit` has passed, or somebody wants it at once.
void Server::AwaitWorkers(milliseconds limit) {
  const Time deadline = SteadyClock::now() + limit;
  while (running_ > 0 && SteadyClock::now() < deadline) {
    const auto left =
        std::chrono::ceil<milliseconds>(deadline - SteadyClock::now());
    const int signal = AwaitSignal(left);
    if (signal == SIGUSR1) ReopenLogs();
    const bool again = signal == SIGTERM || signal == SIGINT;
    if (again && running_ > 0) return;
  }
}

Exit Server::Drain() {
  state_.SetServing(Serving::kDraining);
  operator_log_.Write("draining");
  if (AwaitDelay(config_->timeouts.drain_delay)) {
    for (auto& worker : workers_) worker->BeginDrain();
    AwaitWorkers(config_->timeouts.drain);
  }
  if (running_ > 0) {
    for (auto& worker : workers_) worker->CutAll();
  }
  for (std::thread& thread : threads_) thread.join();
  const bool cut = std::ranges::any_of(
      workers_, [](const auto& worker) { return worker->cut_exchanges(); });
  admin_.reset();
  workers_.clear();
  operator_log_.Write(cut ? "stopped: connections were cut" : "stopped");
  return cut ? Exit::kDrainCut : Exit::kOk;
}

// Signals are the main thread's: those that it starts inherit the mask.
void BlockSignals() {
  const sigset_t signals = HandledSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

Exit ServeWith(std::shared_ptr<const Config> config, const std::string& path,
               LogTarget access_log, OperatorLog& operator_log) {
  const std::string user = config->node.user;
  const auto connections =
      ReserveDescriptors(config->limits.connections, WorkerCount(*config));
  Server server(std::move(config), path, access_log, operator_log);
  if (!connections.ok()) {
    operator_log.Write(connections.error());
    return Exit::kFailed;
  }
  if (!server.Bind()) return Exit::kCannotListen;
  if (!user.empty()) {
    const auto dropped = DropPrivileges(user);
    if (!dropped.ok()) {
      operator_log.Write(dropped.error());
      return Exit::kFailed;
    }
  }
  server.Start(connections.value());
  server.AnswerSignals();
  return server.Drain();
}

}  // namespace

Exit Serve(std::shared_ptr<const Config> config, const std::string& path) {
  BlockSignals();
  const auto own = OpenLogTarget(config->logs.operator_log);
  const auto access = OpenLogTarget(config->logs.access);
  if (!own.ok() || !access.ok()) {
    const std::string& error = own.ok() ? access.error() : own.error();
    std::fprintf(stderr, "whichhop: %s\n", error.c_str());
    return Exit::kFailed;
  }
  OperatorLog operator_log(own.value());
  return ServeWith(std::move(config), path, access.value(), operator_log);
}

}  // namespace whichhop
