#include <iterator>

#include "bench/load_case.h"

namespace load {

namespace {

constexpr Case Get(std::string_view target, size_t bytes) {
  return {.target = target, .bytes = bytes, .content = Content::kBytes};
}

constexpr Case Head(std::string_view target) {
  return {.target = target, .method = "HEAD", .content = Content::kText};
}

constexpr Case Body(std::string_view method, std::string_view target,
                    Content content, size_t bytes, bool chunked) {
  return {.target = target,
          .method = method,
          .bytes = bytes,
          .chunked = chunked,
          .content = content};
}

// A healthy answer without X-Test-Id, or one that is odd and must pass.
constexpr Case Odd(std::string_view target, int status, std::string_view text,
                   bool echoes_id = false) {
  return {.target = target,
          .status = status,
          .content = Content::kText,
          .text = text,
          .echoes_id = echoes_id};
}

constexpr Case Relayed(std::string_view target, int status,
                       const Verdict& verdict) {
  return {.target = target, .status = status, .verdict = verdict};
}

// Of our own making. A switch that carried an answer is not what failed.
constexpr Case Failed(std::string_view target, std::string_view fault,
                      std::string_view cause = "app") {
  return {.target = target,
          .status = 502,
          .verdict = {fault, "502A", cause, "lb", "tor"}};
}

// Its head was on its way before anything was wrong.
constexpr Case Cut(std::string_view target, std::string_view fault,
                   std::string_view text) {
  return {.target = target,
          .logged = fault,
          .content = Content::kText,
          .text = text,
          .ending = Ending::kCut,
          .echoes_id = false};
}

constexpr std::string_view kClientSide =
    "browser-app, browser, device, router, image-host, isp, tor";
constexpr std::string_view kClientSideAndLb =
    "browser-app, browser, device, router, image-host, isp, tor, lb";

constexpr Case kHealthy[] = {
    Get("/bytes/0", 0),
    Get("/bytes/1", 1),
    Get("/bytes/100", 100),
    Get("/bytes/100?chunked", 100),
    Get("/bytes/100?chunk=7", 100),
    Get("/bytes/100?close", 100),
    Get("/bytes/1KiB", 1 << 10),
    Get("/bytes/1KiB?chunked", 1 << 10),
    Get("/bytes/10KiB", 10 << 10),
    Get("/bytes/10KiB?chunk=999", 10 << 10),
    Get("/bytes/16384", 16 << 10),
    Get("/bytes/16385?chunk=16385", 16385),
    Get("/bytes/65536", 64 << 10),
    Get("/bytes/100000?chunked", 100000),
    Get("/bytes/200KiB?close", 200 << 10),
    Head("/bytes/100"),
    Head("/bytes/1KiB?chunked"),
    Odd("/early-hints", 200, "after the hints\n", true),
    Odd("/cookies/3", 200, "ok", true),
    Odd("/head-field/4KiB", 200, "ok", true),
    Body("POST", "/sink", Content::kSink, 0, false),
    Body("POST", "/sink", Content::kSink, 100, false),
    Body("PUT", "/sink", Content::kSink, 20000, true),
    Body("POST", "/sink", Content::kSink, 100000, false),
    Body("POST", "/echo", Content::kEcho, 300, false),
    Body("POST", "/echo", Content::kEcho, 40000, true),
};

constexpr Case kFaulty[] = {
    // What the origin says, and what the model says of it.
    Relayed("/status/404", 404,
            {"relay-404", "404", "image-host, datastore", "browser",
             "browser-app, device, router, isp, tor, lb, server, app, db-host, "
             "db, store-host, auth-host, auth"}),
    Relayed("/status/404?body=gone&server=nginx", 404,
            {"relay-404", "404", "image-host, datastore", "browser",
             "browser-app, device, router, isp, tor, lb, server, app, db-host, "
             "db, store-host, auth-host, auth"}),
    Relayed("/status/429", 429,
            {"relay-429", "429", "server", "app", kClientSideAndLb}),
    Relayed("/status/500?body=oops", 500,
            {"relay-500", "500", "app", "app", kClientSideAndLb}),
    Relayed("/status/502", 502,
            {"relay-502", "502B 502C", "app, db", "server, app", ""}),
    Relayed("/status/503", 503,
            {"relay-503", "503", "server", "server", kClientSide}),
    Relayed("/status/504", 504,
            {"relay-504", "504B 504C", "app, db", "server, app", ""}),
    Relayed("/status/410", 410, {"relay-410", "", "", "server", ""}),

    // What it does instead of answering.
    Failed("/fault/reset-before-head", "resp-rst", "app, server"),
    Failed("/fault/empty", "resp-empty-fin"),
    Failed("/fault/half-close?empty", "resp-empty-fin"),
    Failed("/fault/truncate-head", "head-truncated", "app, server"),
    Failed("/fault/truncate-head-reset", "head-truncated", "app, server"),
    Failed("/fault/garbage", "head-not-http", "server, app"),
    Failed("/fault/smtp", "head-not-http", "server, app"),
    Failed("/fault/http09", "head-http09"),
    Failed("/fault/bad-status/abc", "head-bad-status"),
    Failed("/fault/bad-status/1000", "head-bad-status"),
    Failed("/fault/bad-version", "head-bad-version", "app, server"),
    Failed("/fault/bad-field", "head-bad-field"),
    Failed("/fault/nul", "head-bad-field"),
    Failed("/fault/cl-twice", "head-cl-invalid"),
    Failed("/fault/cl-overflow", "head-cl-invalid"),
    Failed("/fault/cl-te", "head-cl-te"),
    Failed("/fault/te-unknown", "head-te-unsupported"),
    Failed("/fault/te-gzip", "head-te-unsupported"),
    Failed("/fault/head-too-large", "head-too-large"),
    Failed("/fault/many-fields", "head-too-large"),
    Failed("/fault/unsolicited-101", "head-unsolicited-101"),
    Failed("/fault/1xx-close", "resp-1xx-then-close"),
    Failed("/fault/chunk-bad", "body-chunk-malformed"),

    // What it leaves unfinished.
    Cut("/fault/truncate", "body-cl-short-fin", "ok"),
    Cut("/fault/truncate-reset", "body-cl-short-rst", "ok"),
    Cut("/fault/truncate-chunked", "body-chunk-truncated", "ok"),
    Cut("/fault/truncate-chunked-reset", "body-chunk-truncated", "ok"),
    Cut("/fault/close-cut", "body-close-delimited-cut",
        "this is only the beginning"),

    // What spoils its connection: the next request must not notice.
    Odd("/fault/close-after-response", 200, "ok"),
    Odd("/fault/stale-fin", 200, "ok"),
    Odd("/fault/stale-reset", 200, "ok"),
    Odd("/fault/half-close", 200, "ok"),
    Odd("/fault/two-responses", 200, "ok"),
    Odd("/fault/excess", 200, "ok"),
    Odd("/fault/204-with-body", 204, ""),
    Odd("/fault/1xx-flood/5", 200, "after the flood\n", true),
};

// splitmix64: number to number, evenly.
uint64_t Mixed(uint64_t number) {
  number += 0x9e3779b97f4a7c15;
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
  number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
  return number ^ (number >> 31);
}

}  // namespace

std::span<const Case> HealthyCases() { return kHealthy; }
std::span<const Case> FaultyCases() { return kFaulty; }

size_t CaseOf(uint64_t number, double faults) {
  const uint64_t mixed = Mixed(number);
  const bool faulty =
      static_cast<double>(mixed >> 40) < faults * static_cast<double>(1 << 24);
  const uint64_t choice = Mixed(mixed);
  return faulty ? std::size(kHealthy) + choice % std::size(kFaulty)
                : choice % std::size(kHealthy);
}

const Case& CaseAt(size_t row) {
  const size_t healthy = std::size(kHealthy);
  return row < healthy ? kHealthy[row] : kFaulty[row - healthy];
}

}  // namespace load
