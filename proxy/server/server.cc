#include "proxy/server/server.h"

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <thread>

#include "proxy/server/operator_log.h"
#include "proxy/server/worker.h"

namespace whichhop {

namespace {

// Descriptors beside those of connections: listeners, logs, loops.
constexpr rlim_t kOwnDescriptors = 128;

constexpr size_t kDefaultConnections = 65536;

// Raises RLIMIT_NOFILE to what `configured` connections need: each may need
// another to an upstream. A number that was asked for is had or refused; the
// default makes do with what the hard limit allows. How many there may be.
Result<size_t> ReserveDescriptors(size_t configured) {
  const size_t wanted = configured == 0 ? kDefaultConnections : configured;
  const rlim_t needed = 2 * wanted + kOwnDescriptors;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= needed) return wanted;
  const rlimit raised{needed, std::max(needed, limit.rlim_max)};
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return wanted;
  const rlimit hard{limit.rlim_max, limit.rlim_max};
  if (configured == 0 && limit.rlim_max >= 2 * kOwnDescriptors &&
      setrlimit(RLIMIT_NOFILE, &hard) == 0) {
    return (limit.rlim_max - kOwnDescriptors) / 2;
  }
  return Error{"limits.connections: " + std::to_string(wanted) + " needs " +
               std::to_string(needed) +
               " file descriptors, and the hard limit of RLIMIT_NOFILE is " +
               std::to_string(limit.rlim_max)};
}

sigset_t HandledSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT}) sigaddset(&signals, signal);
  return signals;
}

size_t WorkerCount(const Config& config) {
  if (config.node.workers > 0) return static_cast<size_t>(config.node.workers);
  return std::max(1u, std::thread::hardware_concurrency());
}

class Server {
 public:
  Server(std::shared_ptr<const Config> config, std::unique_ptr<LogWriter> log,
         OperatorLog& operator_log)
      : config_(std::move(config)),
        log_(std::move(log)),
        operator_log_(operator_log) {}

  bool Bind();
  void Start(size_t connections);
  Exit WaitAndDrain();

 private:
  void Drain();
  bool AwaitWorkers(milliseconds limit);
  bool AwaitSignal(milliseconds limit);

  const std::shared_ptr<const Config> config_;
  const std::unique_ptr<LogWriter> log_;
  OperatorLog& operator_log_;
  std::vector<std::vector<Socket>> sockets_;  // of each worker
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
  std::atomic<size_t> running_ = 0;
};

bool Server::Bind() {
  const size_t workers = WorkerCount(*config_);
  sockets_.resize(workers);
  for (const ListenConfig& listen : config_->listen) {
    auto bound = Listen(listen.address, static_cast<int>(workers));
    if (!bound.ok()) {
      operator_log_.Write(bound.error());
      return false;
    }
    operator_log_.Write("listening on " +
                        bound.value().front().LocalAddress().ToString());
    for (size_t i = 0; i < workers; ++i) {
      sockets_[i].push_back(std::move(bound.value()[i]));
    }
  }
  return true;
}

void Server::Start(size_t connections) {
  const size_t share = std::max<size_t>(1, connections / sockets_.size());
  for (auto& sockets : sockets_) {
    workers_.push_back(
        std::make_unique<Worker>(config_, std::move(sockets), share, *log_));
  }
  running_ = workers_.size();
  for (auto& worker : workers_) {
    threads_.emplace_back([this, &worker] {
      worker->Run();
      // The main thread may be waiting for a signal.
      if (--running_ == 0) kill(getpid(), SIGTERM);
    });
  }
}

// True: a signal came.
bool Server::AwaitSignal(milliseconds limit) {
  const sigset_t signals = HandledSignals();
  const timespec timeout{limit.count() / 1000,
                         (limit.count() % 1000) * 1'000'000};
  return sigtimedwait(&signals, nullptr, &timeout) > 0;
}

// True: a signal came, and not from the last worker.
bool Server::AwaitWorkers(milliseconds limit) {
  const Time deadline = SteadyClock::now() + limit;
  while (running_ > 0 && SteadyClock::now() < deadline) {
    const auto left = std::chrono::ceil<milliseconds>(deadline -
                                                      SteadyClock::now());
    if (AwaitSignal(left) && running_ > 0) return true;
  }
  return false;
}

void Server::Drain() {
  if (AwaitSignal(config_->timeouts.drain_delay)) return;
  for (auto& worker : workers_) worker->BeginDrain();
  AwaitWorkers(config_->timeouts.drain);
}

Exit Server::WaitAndDrain() {
  const sigset_t signals = HandledSignals();
  int signal = 0;
  sigwait(&signals, &signal);
  operator_log_.Write("draining");
  Drain();
  const bool all_ended = running_ == 0;
  if (!all_ended) {
    for (auto& worker : workers_) worker->CutAll();
  }
  for (std::thread& thread : threads_) thread.join();
  const bool cut = std::ranges::any_of(
      workers_, [](const auto& worker) { return worker->cut_exchanges(); });
  workers_.clear();
  operator_log_.Write(cut ? "stopped: connections were cut" : "stopped");
  return cut ? Exit::kDrainCut : Exit::kOk;
}

}  // namespace

Exit Serve(std::shared_ptr<const Config> config) {
  // Threads inherit the mask: signals are the main thread's.
  const sigset_t signals = HandledSignals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  auto operator_log = OperatorLog::Open(config->logs.operator_log);
  auto access_log = LogWriter::Open(config->logs.access);
  if (!operator_log.ok() || !access_log.ok()) {
    const std::string& error =
        operator_log.ok() ? access_log.error() : operator_log.error();
    std::fprintf(stderr, "whichhop: %s\n", error.c_str());
    return Exit::kFailed;
  }
  const auto connections = ReserveDescriptors(config->limits.connections);
  if (!connections.ok()) {
    operator_log.value()->Write(connections.error());
    return Exit::kFailed;
  }
  Server server(std::move(config), std::move(access_log.value()),
                *operator_log.value());
  if (!server.Bind()) return Exit::kCannotListen;
  server.Start(connections.value());
  return server.WaitAndDrain();
}

}  // namespace whichhop
