#include "bench/load_tally.h"

#include <cstdio>

namespace load {

namespace {
constexpr size_t kShownFailures = 20;
}  // namespace

Tally::Tally(const Options& options)
    : options_(options), rows_(HealthyCases().size() + FaultyCases().size()) {}

void Tally::Add(size_t row, uint64_t number, const Answer& answer,
                const Times& times, Judgement judgement) {
  const std::lock_guard lock(mutex_);
  ++rows_[row];
  ++statuses_[answer.status];
  ++all_;
  if (answer.status != 0) {
    latency_.Add(times.done - times.due);
    service_.Add(times.done - times.sent);
  }
  if (times.done - times.due > slowest_) {
    slowest_ = times.done - times.due;
    slowest_row_ = row;
  }
  if (options_.verify) {
    const std::string id = answer.Value("Error-Id");
    if (!id.empty() && !error_ids_.insert(id).second) {
      judgement = {Outcome::kMislabelled, "the Error-Id of another: " + id};
    }
  }
  ++outcomes_[static_cast<size_t>(judgement.outcome)];
  if (judgement.outcome > Outcome::kStale) {
    Show(row, number, answer.status, judgement.why);
  }
}

void Tally::AddUnsent() {
  const std::lock_guard lock(mutex_);
  ++unsent_;
}

void Tally::Show(size_t row, uint64_t number, int status,
                 const std::string& why) {
  if (shown_++ >= kShownFailures) return;
  const bool of_table = options_.path.empty();
  const Case& request = CaseAt(row);
  const std::string asked =
      of_table ? std::string(request.method) + ' ' + std::string(request.target)
               : "GET " + options_.path;
  std::printf("request %llu, %s: %s (status %d)\n",
              static_cast<unsigned long long>(number), asked.c_str(),
              why.c_str(), status);
}

}  // namespace load
