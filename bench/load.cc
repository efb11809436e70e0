// whichhop-load: many clients at once that believe nothing. Each request is
// one of a table (load_table.cc) and bears an id of its own; each answer is
// held against the table: not lost, not crossed with another's, not
// mislabelled. Or all ask for one path, as fast as answers come (closed loop)
// or at a rate of their own (open loop). It shares no code with the proxy.

#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <latch>
#include <thread>

#include "bench/load_case.h"
#include "bench/load_options.h"
#include "bench/load_report.h"
#include "bench/load_tally.h"
#include "bench/load_wire.h"

namespace load {
namespace {

struct Run {
  const Options& options;
  Tally tally;
  std::latch open;               // once all have connected
  std::latch go{1};              // once the times below are set
  Clock::time_point begun = {};  // when request 0 is due
  Clock::time_point until = {};  // none is due after it
  std::atomic<uint64_t> next = 0;
};

// In an open loop the schedule alone says when; else it is now.
Clock::time_point DueAt(const Run& run, uint64_t number) {
  if (!run.options.open_loop()) return Clock::now();
  const std::chrono::duration<double> after(static_cast<double>(number) /
                                            run.options.rate);
  return run.begun + std::chrono::duration_cast<Clock::duration>(after);
}

// Why an answer that fits the table may still be wrong.
Judgement JudgeAll(const Case& request, uint64_t number, const Answer& answer,
                   const Connection& connection) {
  Judgement judgement = Judge(request, number, answer);
  if (judgement.outcome == Outcome::kRight && !connection.excess().empty()) {
    return {Outcome::kCrossed, "bytes behind the answer"};
  }
  return judgement;
}

Judgement JudgeAnswer(const Options& options, const Case& request,
                      uint64_t number, const Answer& answer,
                      const Connection& connection) {
  if (options.verify) return JudgeAll(request, number, answer, connection);
  if (answer.status == 0) return {Outcome::kLost, answer.why};
  // Some of the table's are meant to be cut.
  if (!options.path.empty() && !answer.complete) {
    return {Outcome::kLost, "cut: " + answer.why};
  }
  return {};
}

void Exchange(Run& run, Connection& connection, uint64_t number,
              Clock::time_point due) {
  const Options& options = run.options;
  const bool of_table = options.path.empty();
  const Case one_path{.target = options.path};
  const size_t row = of_table ? CaseOf(number, options.faults) : 0;
  const Case& request = of_table ? CaseAt(row) : one_path;
  Times times{.due = due, .sent = Clock::now(), .done = {}};
  Answer answer;
  if (connection.open() || connection.Open()) {
    connection.Send(Compose(request, number, options.host, options.close));
    answer = connection.Read(request.method == "HEAD");
  } else {
    answer.why = "cannot connect";
  }
  times.done = Clock::now();
  run.tally.Add(row, number, answer, times,
                JudgeAnswer(options, request, number, answer, connection));
  const bool stays =
      answer.complete && connection.excess().empty() &&
      answer.Value("Connection").find("close") == std::string::npos;
  if (!stays) connection.Close();
}

// Each connection takes the next request that is due. If all are busy it is
// late, and its latency says so.
void Work(Run& run, Clock::time_point deadline) {
  prctl(PR_SET_TIMERSLACK, 1UL);  // or each sleep ends 50 us late
  Connection connection(run.options.target, deadline);
  connection.Open();
  run.open.count_down();
  run.go.wait();
  while (true) {
    const uint64_t number = run.next++;
    if (!run.options.timed() && number >= run.options.requests) return;
    const Clock::time_point due = DueAt(run, number);
    if (due >= run.until) return;
    if (run.options.open_loop()) std::this_thread::sleep_until(due);
    if (Clock::now() < deadline) {
      Exchange(run, connection, number, due);
    } else {
      run.tally.AddUnsent();
    }
  }
}

int Load(const Options& options) {
  const Clock::time_point deadline = Clock::now() + options.deadline;
  Run run{.options = options,
          .tally = Tally(options),
          .open = std::latch(options.connections)};
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < options.connections; ++i) {
    threads.emplace_back([&run, deadline] { Work(run, deadline); });
  }
  run.open.wait();
  run.begun = Clock::now();
  run.until =
      options.timed() ? std::min(deadline, run.begun + options.time) : deadline;
  run.go.count_down();
  for (std::thread& thread : threads) thread.join();
  const std::chrono::duration<double> took = Clock::now() - run.begun;
  PrintReport(options, run.tally, took.count());
  if (!options.json.empty() && !WriteReport(options, run.tally, took.count())) {
    std::perror(("whichhop-load: " + options.json).c_str());
    return 2;
  }
  return IsGood(options, run.tally) ? 0 : 1;
}

}  // namespace
}  // namespace load

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // who hung up is told by the call
  int code = 0;
  const auto options = load::ReadOptions(argc, argv, &code);
  return options ? load::Load(*options) : code;
}
