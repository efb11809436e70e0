// whichhop-load: many clients at once that believe nothing. Each request is
// one of a table (load_table.cc) and bears an id of its own; each answer is
// held against the table: not lost, not crossed with another's, not
// mislabelled. It shares no code with the proxy.

#include <arpa/inet.h>
#include <getopt.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_set>

#include "bench/load_case.h"
#include "bench/load_wire.h"

namespace load {
namespace {

constexpr size_t kShownFailures = 20;

struct Options {
  std::string host;  // as --target says it
  sockaddr_in target{};
  uint64_t requests = 100'000;
  std::chrono::seconds time{0};  // 0: until all requests are answered
  std::chrono::seconds deadline{600};
  unsigned connections = 64;
  double faults = 0.05;
  bool verify = false;
};

// What all threads add to.
class Tally {
 public:
  explicit Tally(size_t rows) : rows_(rows) {}

  void Add(size_t row, uint64_t number, const Answer& answer,
           Clock::duration took, Judgement judgement) {
    const std::lock_guard lock(mutex_);
    ++rows_[row];
    if (took > slowest_) {
      slowest_ = took;
      slowest_row_ = row;
    }
    const std::string id = answer.Value("Error-Id");
    if (!id.empty() && !error_ids_.insert(id).second) {
      judgement = {Outcome::kMislabelled, "the Error-Id of another: " + id};
    }
    ++outcomes_[static_cast<size_t>(judgement.outcome)];
    const bool bad = judgement.outcome > Outcome::kStale;
    if (!bad || shown_++ >= kShownFailures) return;
    const Case& request = CaseAt(row);
    std::printf("request %llu, %.*s %.*s: %s (status %d)\n",
                static_cast<unsigned long long>(number),
                static_cast<int>(request.method.size()), request.method.data(),
                static_cast<int>(request.target.size()), request.target.data(),
                judgement.why.c_str(), answer.status);
  }

  uint64_t of(Outcome outcome) const {
    return outcomes_[static_cast<size_t>(outcome)];
  }
  const std::vector<uint64_t>& rows() const { return rows_; }
  std::chrono::duration<double> slowest() const { return slowest_; }
  size_t slowest_row() const { return slowest_row_; }

 private:
  std::mutex mutex_;
  std::vector<uint64_t> rows_;
  uint64_t outcomes_[5] = {};
  std::unordered_set<std::string> error_ids_;
  size_t shown_ = 0;
  Clock::duration slowest_{};
  size_t slowest_row_ = 0;
};

struct Run {
  const Options& options;
  const Clock::time_point deadline;  // of the last answer
  const Clock::time_point until;     // no request begins after it
  std::atomic<uint64_t> next = 0;
  Tally tally;
};

// Why an answer that fits the table may still be wrong.
Judgement JudgeAll(const Case& request, uint64_t number, const Answer& answer,
                   const Connection& connection) {
  Judgement judgement = Judge(request, number, answer);
  if (judgement.outcome == Outcome::kRight && !connection.excess().empty()) {
    return {Outcome::kCrossed, "bytes behind the answer"};
  }
  return judgement;
}

void Exchange(Run& run, Connection& connection, uint64_t number) {
  const size_t row = CaseOf(number, run.options.faults);
  const Case& request = CaseAt(row);
  const Clock::time_point begun = Clock::now();
  Answer answer;
  if (connection.open() || connection.Open()) {
    connection.Send(Compose(request, number, run.options.host));
    answer = connection.Read(request.method == "HEAD");
  } else {
    answer.why = "cannot connect";
  }
  Judgement judgement;
  if (run.options.verify) {
    judgement = JudgeAll(request, number, answer, connection);
  } else if (answer.status == 0) {
    judgement = {Outcome::kLost, answer.why};
  }
  run.tally.Add(row, number, answer, Clock::now() - begun,
                std::move(judgement));
  const bool stays =
      answer.complete && connection.excess().empty() &&
      answer.Value("Connection").find("close") == std::string::npos;
  if (!stays) connection.Close();
}

void Work(Run& run) {
  Connection connection(run.options.target, run.deadline);
  const bool timed = run.options.time.count() > 0;
  while (Clock::now() < run.until) {
    const uint64_t number = run.next++;
    if (!timed && number >= run.options.requests) return;
    Exchange(run, connection, number);
  }
}

void PrintRow(size_t row, uint64_t count) {
  const Case& request = CaseAt(row);
  const std::string_view fault =
      request.logged.empty() ? request.verdict.fault : request.logged;
  std::printf("%8llu  %d  %-4s %s  %s\n",
              static_cast<unsigned long long>(count), request.status,
              std::string(request.method).c_str(),
              std::string(request.target).c_str(),
              fault.empty() ? "-" : std::string(fault).c_str());
}

int Report(const Run& run, double seconds) {
  uint64_t all = 0;
  for (size_t row = 0; row < run.tally.rows().size(); ++row) {
    const uint64_t count = run.tally.rows()[row];
    all += count;
    if (count > 0) PrintRow(row, count);
  }
  std::printf("slowest: %.3f s, %s\n", run.tally.slowest().count(),
              std::string(CaseAt(run.tally.slowest_row()).target).c_str());
  const auto lost = run.tally.of(Outcome::kLost);
  const auto crossed = run.tally.of(Outcome::kCrossed);
  const auto mislabelled = run.tally.of(Outcome::kMislabelled);
  std::printf("%llu stale\n",
              static_cast<unsigned long long>(run.tally.of(Outcome::kStale)));
  std::printf("%llu requests, %llu lost, %llu crossed, %llu mislabelled\n",
              static_cast<unsigned long long>(all),
              static_cast<unsigned long long>(lost),
              static_cast<unsigned long long>(crossed),
              static_cast<unsigned long long>(mislabelled));
  std::printf("%.0f requests/s, %.1f s\n",
              static_cast<double>(all) / std::max(seconds, 1e-9), seconds);
  const bool short_of =
      run.options.time.count() == 0 && all < run.options.requests;
  if (short_of) std::printf("the deadline came first\n");
  return lost + crossed + mislabelled > 0 || short_of ? 1 : 0;
}

int Load(const Options& options) {
  const Clock::time_point begun = Clock::now();
  const Clock::time_point deadline = begun + options.deadline;
  const Clock::time_point until = options.time.count() > 0
                                      ? std::min(deadline, begun + options.time)
                                      : deadline;
  const size_t rows = HealthyCases().size() + FaultyCases().size();
  Run run{options, deadline, until, 0, Tally(rows)};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < options.connections; ++i) {
    threads.emplace_back([&run] { Work(run); });
  }
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> took = Clock::now() - begun;
  return Report(run, took.count());
}

int Usage(std::FILE* out, int code) {
  std::fputs(
      "usage: whichhop-load --target ADDRESS:PORT [options]\n\n"
      "  --requests N     100000 if not given\n"
      "  --seconds N      so long instead\n"
      "  --connections N  64; as many requests are on their way at once\n"
      "  --faults N%      5%: the share of faults and error statuses\n"
      "  --verify         hold every answer against the table\n"
      "  --deadline N     600 seconds: ends in any case then\n\n"
      "Exit 1 if an answer was lost, crossed or mislabelled.\n",
      out);
  return code;
}

// False if `text` is no number, or more than one.
template <typename T>
bool ReadNumber(std::string_view text, T* number) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *number);
  return error == std::errc() && stop == end;
}

bool ReadTarget(const std::string& text, Options* options) {
  const size_t colon = std::min(text.rfind(':'), text.size());
  uint16_t port = 0;
  if (colon == text.size() || !ReadNumber(text.substr(colon + 1), &port)) {
    return false;
  }
  options->host = text;
  options->target.sin_family = AF_INET;
  options->target.sin_port = htons(port);
  return inet_pton(AF_INET, text.substr(0, colon).c_str(),
                   &options->target.sin_addr) == 1;
}

bool ReadSeconds(std::string_view text, std::chrono::seconds* seconds) {
  unsigned number = 0;
  if (!ReadNumber(text, &number)) return false;
  *seconds = std::chrono::seconds(number);
  return true;
}

bool ReadShare(std::string_view text, double* share) {
  if (!text.ends_with('%')) return false;
  text.remove_suffix(1);
  if (!ReadNumber(text, share)) return false;
  *share /= 100;
  return true;
}

bool ReadOption(int option, const std::string& value, Options* options) {
  switch (option) {
    case 't':
      return ReadTarget(value, options);
    case 'r':
      return ReadNumber(value, &options->requests);
    case 's':
      return ReadSeconds(value, &options->time);
    case 'c':
      return ReadNumber(value, &options->connections);
    case 'f':
      return ReadShare(value, &options->faults);
    case 'd':
      return ReadSeconds(value, &options->deadline);
    case 'v':
      options->verify = true;
      return true;
    default:
      return false;
  }
}

int Main(int argc, char** argv) {
  const option known[] = {{"target", required_argument, nullptr, 't'},
                          {"requests", required_argument, nullptr, 'r'},
                          {"seconds", required_argument, nullptr, 's'},
                          {"connections", required_argument, nullptr, 'c'},
                          {"faults", required_argument, nullptr, 'f'},
                          {"deadline", required_argument, nullptr, 'd'},
                          {"verify", no_argument, nullptr, 'v'},
                          {"help", no_argument, nullptr, 'h'},
                          {}};
  Options options;
  for (int c; (c = getopt_long(argc, argv, "h", known, nullptr)) != -1;) {
    if (c == 'h') return Usage(stdout, 0);
    if (!ReadOption(c, optarg == nullptr ? "" : optarg, &options)) {
      return Usage(stderr, 2);
    }
  }
  if (optind != argc || options.host.empty()) return Usage(stderr, 2);
  return Load(options);
}

}  // namespace
}  // namespace load

int main(int argc, char** argv) { return load::Main(argc, argv); }
