#pragma once
// The page /metrics: what the workers counted, summed up, and what the process
// tells of itself. Made on the admin thread, from numbers that are read while
// they are counted: each is right, two may be a moment apart.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/server/config.h"
#include "proxy/server/exposition.h"
#include "proxy/server/process_metrics.h"
#include "proxy/server/server_health.h"
#include "proxy/server/worker_metrics.h"

namespace whichhop {

// The series of one metric, of all workers. What it has once it keeps: a
// series never vanishes, and which of them are beyond the bound stays so.
template <typename Totals>
class MergedSeries {
 public:
  // As SeriesList's.
  MergedSeries(size_t capacity, std::string_view overflow)
      : capacity_(capacity), overflow_(overflow) {}

  void Clear() {
    for (auto& [labels, totals] : series_) totals = {};
  }

  Totals& operator[](std::string_view labels) {
    const auto known = series_.find(labels);
    if (known != series_.end()) return known->second;
    const bool last = series_.size() + 1 >= capacity_;
    return series_[std::string(last ? overflow_ : labels)];
  }

  auto begin() const { return series_.begin(); }
  auto end() const { return series_.end(); }

 private:
  const size_t capacity_;
  const std::string_view overflow_;
  std::map<std::string, Totals, std::less<>> series_;
};

class MetricsPage {
 public:
  // All must outlive it.
  MetricsPage(std::vector<const WorkerMetrics*> workers,
              const ProcessState& state, const ServerHealth& health);

  // The configuration that serves.
  const Config& config() const { return *config_; }
  void Adopt(std::shared_ptr<const Config> config) {
    config_ = std::move(config);
  }

  void Append(ExpositionFormat format, std::string& out);

 private:
  void AppendDurations(Exposition& out);
  void AppendErrors(Exposition& out);
  void AppendPhases(Exposition& out);
  void AppendHandshakes(Exposition& out);
  void AppendGauges(Exposition& out);
  void AppendServers(Exposition& out);
  void AppendReloads(Exposition& out);
  void AppendProcess(Exposition& out);
  int64_t Sum(Gauge WorkerMetrics::*gauge) const;

  const std::vector<const WorkerMetrics*> workers_;
  const ProcessState& state_;
  const ServerHealth& health_;
  const ProcessStats stats_;
  std::shared_ptr<const Config> config_;
  MergedSeries<HistogramTotals> server_;
  MergedSeries<HistogramTotals> client_;
  MergedSeries<int64_t> errors_;
};

}  // namespace whichhop
