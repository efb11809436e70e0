#pragma once
// What came back, counted: all threads add to one Tally, the report reads it
// when they are done.

#include <map>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "bench/load_case.h"
#include "bench/load_histogram.h"
#include "bench/load_options.h"

namespace load {

// When a request should have been sent, was, and was answered.
struct Times {
  Clock::time_point due;
  Clock::time_point sent;
  Clock::time_point done;
};

class Tally {
 public:
  explicit Tally(const Options& options);

  // `row` is one of the table's; none of its own where one path is asked for.
  void Add(size_t row, uint64_t number, const Answer& answer,
           const Times& times, Judgement judgement);
  // It was due, but the deadline came first.
  void AddUnsent();

  // To be read when no thread adds any more.
  uint64_t all() const { return all_; }
  uint64_t of(Outcome outcome) const {
    return outcomes_[static_cast<size_t>(outcome)];
  }
  uint64_t unsent() const { return unsent_; }
  const std::vector<uint64_t>& rows() const { return rows_; }
  // 0 stands for no answer.
  const std::map<int, uint64_t>& statuses() const { return statuses_; }
  // Of what was answered at all (a refused connect is quick, and no answer),
  // from when it was due: in an open loop, waiting for a connection counts.
  const Histogram& latency() const { return latency_; }
  // From when it was sent.
  const Histogram& service() const { return service_; }
  Clock::duration slowest() const { return slowest_; }
  size_t slowest_row() const { return slowest_row_; }

 private:
  void Show(size_t row, uint64_t number, int status, const std::string& why);

  const Options& options_;
  std::mutex mutex_;
  std::vector<uint64_t> rows_;
  std::map<int, uint64_t> statuses_;
  uint64_t all_ = 0;
  Histogram latency_;
  Histogram service_;
  uint64_t outcomes_[5] = {};
  uint64_t unsent_ = 0;
  std::unordered_set<std::string> error_ids_;
  size_t shown_ = 0;
  Clock::duration slowest_{};
  size_t slowest_row_ = 0;
};

}  // namespace load
