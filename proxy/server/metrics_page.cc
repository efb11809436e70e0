#include "proxy/server/metrics_page.h"

#include <algorithm>

namespace whichhop {

using Type = MetricFamily::Type;

namespace {

constexpr MetricFamily kServerDuration = {
    Type::kHistogram, "http_server_request_duration_seconds", "seconds",
    "Requests of clients, from the first byte to the end of the answer."};
constexpr MetricFamily kClientDuration = {
    Type::kHistogram, "http_client_request_duration_seconds", "seconds",
    "Attempts at an upstream, retries too, from the choice of a server to the "
    "last byte of its answer."};
constexpr MetricFamily kPhaseDuration = {
    Type::kHistogram, "whichhop_upstream_phase_duration_seconds", "seconds",
    "Phases of attempts that came to their end: looking the name up, "
    "connecting, agreeing on TLS, waiting for the first byte of the answer."};
constexpr MetricFamily kErrors = {
    Type::kCounter, "whichhop_errors", "",
    "Verdicts: which hops may have caused an error, and which reported it."};
constexpr MetricFamily kActiveRequests = {
    Type::kGauge, "http_server_active_requests", "",
    "Requests of which a byte came and that are not over."};
constexpr MetricFamily kConnections = {Type::kGauge, "whichhop_connections", "",
                                       "Open connections."};
constexpr MetricFamily kHandshakes = {Type::kCounter, "whichhop_tls_handshakes",
                                      "",
                                      "Handshakes of TLS that were completed."};
constexpr MetricFamily kServerUp = {
    Type::kGauge, "whichhop_upstream_up", "",
    "Whether requests are sent to a server of an upstream."};
constexpr MetricFamily kLogDropped = {
    Type::kCounter, "whichhop_log_dropped", "",
    "Lines of the access log that its target did not take in time."};
constexpr MetricFamily kReloadSuccessful = {
    Type::kGauge, "whichhop_config_last_reload_successful", "",
    "Whether the last reload of the configuration, or the start, succeeded."};
constexpr MetricFamily kReloadTime = {
    Type::kGauge, "whichhop_config_last_reload_success_timestamp_seconds",
    "seconds", "When the configuration that serves was loaded."};
constexpr MetricFamily kBuild = {Type::kInfo, "whichhop_build", "",
                                 "What this is."};
constexpr MetricFamily kCpu = {Type::kCounter, "process_cpu_seconds", "seconds",
                               "User and system CPU time."};
constexpr MetricFamily kResident = {
    Type::kGauge, "process_resident_memory_bytes", "bytes", "Resident memory."};
constexpr MetricFamily kVirtual = {Type::kGauge, "process_virtual_memory_bytes",
                                   "bytes", "Virtual memory."};
constexpr MetricFamily kOpenFds = {Type::kGauge, "process_open_fds", "",
                                   "Open file descriptors."};
constexpr MetricFamily kMaxFds = {Type::kGauge, "process_max_fds", "",
                                  "The soft limit of file descriptors."};
constexpr MetricFamily kStarted = {Type::kGauge, "process_start_time_seconds",
                                   "seconds",
                                   "When the process began, since the epoch."};

std::string Label(std::string_view name, std::string_view value) {
  Labels labels;
  labels.Add(name, value);
  return std::string(labels.text());
}

void AppendOne(Exposition& out, const MetricFamily& family, int64_t value) {
  out.Begin(family);
  out.Add({}, value);
}

// `microseconds` since the epoch.
void AppendTime(Exposition& out, const MetricFamily& family,
                int64_t microseconds) {
  out.Begin(family);
  out.AddSeconds({}, static_cast<uint64_t>(microseconds) * 1000);
}

}  // namespace

MetricsPage::MetricsPage(std::vector<const WorkerMetrics*> workers,
                         const ProcessState& state, const ServerHealth& health)
    : workers_(std::move(workers)),
      state_(state),
      health_(health),
      server_(WorkerMetrics::kMaxServerSeries, WorkerMetrics::kServerOverflow),
      client_(WorkerMetrics::kMaxClientSeries, WorkerMetrics::kClientOverflow),
      errors_(WorkerMetrics::kMaxErrorSeries, WorkerMetrics::kErrorOverflow) {}

void MetricsPage::Append(ExpositionFormat format, std::string& out) {
  Exposition page(format, out);
  AppendDurations(page);
  AppendErrors(page);
  AppendPhases(page);
  AppendHandshakes(page);
  AppendGauges(page);
  AppendServers(page);
  AppendReloads(page);
  AppendProcess(page);
  page.End();
}

void MetricsPage::AppendDurations(Exposition& out) {
  server_.Clear();
  client_.Clear();
  for (const WorkerMetrics* worker : workers_) {
    worker->server().ForEach(
        [this](std::string_view labels, const Histogram& histogram) {
          server_[labels].Add(histogram);
        });
    worker->client().ForEach(
        [this](std::string_view labels, const Histogram& histogram) {
          client_[labels].Add(histogram);
        });
  }
  out.Begin(kServerDuration);
  for (const auto& [labels, totals] : server_) out.Add(labels, totals);
  out.Begin(kClientDuration);
  for (const auto& [labels, totals] : client_) out.Add(labels, totals);
}

void MetricsPage::AppendErrors(Exposition& out) {
  errors_.Clear();
  for (const WorkerMetrics* worker : workers_) {
    worker->errors().ForEach(
        [this](std::string_view labels, const Counter& counter) {
          errors_[labels] += static_cast<int64_t>(counter.value());
        });
  }
  out.Begin(kErrors);
  for (const auto& [labels, count] : errors_) out.Add(labels, count);
}

void MetricsPage::AppendPhases(Exposition& out) {
  out.Begin(kPhaseDuration);
  for (size_t i = 0; i < std::size(kUpstreamPhases); ++i) {
    HistogramTotals totals;
    for (const WorkerMetrics* worker : workers_) {
      totals.Add(worker->phase(static_cast<UpstreamPhase>(i)));
    }
    out.Add(Label("phase", kUpstreamPhases[i]), totals);
  }
}

void MetricsPage::AppendHandshakes(Exposition& out) {
  using Counters = HandshakeCounters;
  out.Begin(kHandshakes);
  for (size_t i = 0; i < 8; ++i) {
    const size_t side = i / 4;
    const size_t version = i / 2 % 2;
    const size_t resumed = i % 2;
    uint64_t count = 0;
    for (const WorkerMetrics* worker : workers_) {
      count += worker->handshakes.value(side, version, resumed);
    }
    Labels labels;
    labels.Add("resumed", Counters::kResumed[resumed]);
    labels.Add("side", Counters::kSides[side]);
    labels.Add("version", Counters::kVersions[version]);
    out.Add(labels.text(), static_cast<int64_t>(count));
  }
}

int64_t MetricsPage::Sum(Gauge WorkerMetrics::*gauge) const {
  int64_t sum = 0;
  for (const WorkerMetrics* worker : workers_) sum += (worker->*gauge).value();
  return sum;
}

void MetricsPage::AppendGauges(Exposition& out) {
  AppendOne(out, kActiveRequests, Sum(&WorkerMetrics::active_requests));
  out.Begin(kConnections);
  out.Add(Label("side", "downstream"),
          Sum(&WorkerMetrics::downstream_connections));
  out.Add(Label("side", "upstream"), Sum(&WorkerMetrics::upstream_connections));
  uint64_t dropped = 0;
  for (const WorkerMetrics* worker : workers_) {
    dropped += worker->log_dropped.value();
  }
  AppendOne(out, kLogDropped, static_cast<int64_t>(dropped));
}

void MetricsPage::AppendServers(Exposition& out) {
  out.Begin(kServerUp);
  for (const UpstreamConfig& upstream : config_->upstreams) {
    for (const ServerConfig& server : upstream.servers) {
      Labels labels;
      labels.Add("upstream", upstream.name);
      labels.Add("server", server.text);
      out.Add(labels.text(), health_.IsUp(upstream, server) ? 1 : 0);
    }
  }
}

void MetricsPage::AppendReloads(Exposition& out) {
  AppendOne(out, kReloadSuccessful, state_.last_reload_successful() ? 1 : 0);
  AppendTime(out, kReloadTime, state_.reloaded_at());
  out.Begin(kBuild);
  out.Add(Label("version", WHICHHOP_VERSION), 1);
}

void MetricsPage::AppendProcess(Exposition& out) {
  out.Begin(kCpu);
  out.AddSeconds({}, ProcessStats::CpuNanoseconds());
  if (const auto memory = stats_.ReadMemory()) {
    AppendOne(out, kResident, memory->resident_bytes);
    AppendOne(out, kVirtual, memory->virtual_bytes);
  }
  if (const auto open = stats_.CountDescriptors()) {
    AppendOne(out, kOpenFds, *open);
  }
  AppendOne(out, kMaxFds, ProcessStats::MaxDescriptors());
  AppendTime(out, kStarted, stats_.started_at());
}

}  // namespace whichhop
