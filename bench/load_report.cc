#include "bench/load_report.h"

#include <algorithm>
#include <cstdio>

namespace load {

namespace {

using Whole = unsigned long long;

constexpr std::pair<const char*, double> kQuantiles[] = {
    {"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}};

double Micros(std::chrono::nanoseconds value) {
  return static_cast<double>(value.count()) / 1000;
}

double PerSecond(const Tally& tally, double seconds) {
  return static_cast<double>(tally.all()) / std::max(seconds, 1e-9);
}

// The log's fault, if no client is told it; "-" if there is none.
std::string FaultOf(const Case& request) {
  const std::string_view fault =
      request.logged.empty() ? request.verdict.fault : request.logged;
  return std::string(fault.empty() ? "-" : fault);
}

void PrintRow(size_t row, uint64_t count) {
  const Case& request = CaseAt(row);
  std::printf("%8llu  %d  %-4s %s  %s\n", static_cast<Whole>(count),
              request.status, std::string(request.method).c_str(),
              std::string(request.target).c_str(), FaultOf(request).c_str());
}

void PrintRows(const Tally& tally) {
  for (size_t row = 0; row < tally.rows().size(); ++row) {
    if (tally.rows()[row] > 0) PrintRow(row, tally.rows()[row]);
  }
  const std::chrono::duration<double> slowest = tally.slowest();
  std::printf("slowest: %.3f s, %s\n", slowest.count(),
              std::string(CaseAt(tally.slowest_row()).target).c_str());
}

void PrintStatuses(const Tally& tally) {
  for (const auto& [status, count] : tally.statuses()) {
    std::printf("%8llu  %s\n", static_cast<Whole>(count),
                status == 0 ? "no answer" : std::to_string(status).c_str());
  }
}

void PrintLatency(const char* name, const Histogram& histogram) {
  std::printf("%s", name);
  for (const auto& [label, share] : kQuantiles) {
    std::printf(" %s %.3f ms", label, Micros(histogram.Quantile(share)) / 1000);
  }
  std::printf("\n");
}

void WriteLatency(std::FILE* file, const char* name,
                  const Histogram& histogram) {
  std::fprintf(file, " \"%s\": {", name);
  for (const auto& [label, share] : kQuantiles) {
    std::fprintf(file, "\"%s\": %.3f, ", label,
                 Micros(histogram.Quantile(share)));
  }
  std::fprintf(file, "\"mean\": %.3f},\n", Micros(histogram.Mean()));
}

void WriteStatuses(std::FILE* file, const Tally& tally) {
  const char* comma = "";
  std::fprintf(file, " \"statuses\": {");
  for (const auto& [status, count] : tally.statuses()) {
    std::fprintf(file, "%s\"%d\": %llu", comma, status,
                 static_cast<Whole>(count));
    comma = ", ";
  }
  std::fprintf(file, "},\n");
}

// The table's own strings: nothing in them needs an escape.
void WriteRows(std::FILE* file, const Tally& tally) {
  const char* comma = "";
  std::fprintf(file, " \"rows\": [");
  for (size_t row = 0; row < tally.rows().size(); ++row) {
    const uint64_t count = tally.rows()[row];
    if (count == 0) continue;
    const Case& request = CaseAt(row);
    std::fprintf(file,
                 "%s\n  {\"method\": \"%s\", \"target\": \"%s\", "
                 "\"status\": %d, \"fault\": \"%s\", \"count\": %llu}",
                 comma, std::string(request.method).c_str(),
                 std::string(request.target).c_str(), request.status,
                 FaultOf(request).c_str(), static_cast<Whole>(count));
    comma = ",";
  }
  std::fprintf(file, "],\n");
}

}  // namespace

bool IsGood(const Options& options, const Tally& tally) {
  const bool short_of = !options.timed() && tally.all() < options.requests;
  return tally.of(Outcome::kLost) + tally.of(Outcome::kCrossed) +
                 tally.of(Outcome::kMislabelled) + tally.unsent() ==
             0 &&
         !short_of;
}

void PrintReport(const Options& options, const Tally& tally, double seconds) {
  if (options.path.empty()) {
    PrintRows(tally);
  } else {
    PrintStatuses(tally);
  }
  PrintLatency("latency:", tally.latency());
  if (options.open_loop()) PrintLatency("of that, sent:", tally.service());
  std::printf("%llu stale\n", static_cast<Whole>(tally.of(Outcome::kStale)));
  std::printf("%llu requests, %llu lost, %llu crossed, %llu mislabelled\n",
              static_cast<Whole>(tally.all()),
              static_cast<Whole>(tally.of(Outcome::kLost)),
              static_cast<Whole>(tally.of(Outcome::kCrossed)),
              static_cast<Whole>(tally.of(Outcome::kMislabelled)));
  std::printf("%.0f requests/s, %.1f s\n", PerSecond(tally, seconds), seconds);
  const bool short_of = !options.timed() && tally.all() < options.requests;
  if (short_of || tally.unsent() > 0) {
    std::printf("the deadline came first: %llu were due and never sent\n",
                static_cast<Whole>(tally.unsent()));
  }
}

bool WriteReport(const Options& options, const Tally& tally, double seconds) {
  std::FILE* file = std::fopen(options.json.c_str(), "w");
  if (file == nullptr) return false;
  std::fprintf(file, "{\n \"requests\": %llu, \"seconds\": %.6f,\n",
               static_cast<Whole>(tally.all()), seconds);
  std::fprintf(file, " \"per_second\": %.3f, \"rate\": %.3f,\n",
               PerSecond(tally, seconds), options.rate);
  std::fprintf(file, " \"connections\": %u, \"verified\": %s,\n",
               options.connections, options.verify ? "true" : "false");
  for (const auto& [name, outcome] : {std::pair{"stale", Outcome::kStale},
                                      {"lost", Outcome::kLost},
                                      {"crossed", Outcome::kCrossed},
                                      {"mislabelled", Outcome::kMislabelled}}) {
    std::fprintf(file, " \"%s\": %llu,\n", name,
                 static_cast<Whole>(tally.of(outcome)));
  }
  WriteLatency(file, "latency_us", tally.latency());
  WriteLatency(file, "service_us", tally.service());
  WriteStatuses(file, tally);
  if (options.path.empty()) WriteRows(file, tally);
  std::fprintf(file, " \"unsent\": %llu\n}\n",
               static_cast<Whole>(tally.unsent()));
  return std::fclose(file) == 0;
}

}  // namespace load
