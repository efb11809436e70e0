// The text in which metrics are told.

#include "proxy/server/exposition.h"

#include "proxy/server/labels.h"
#include "tests/catch.h"

namespace whichhop {

namespace {

using std::chrono::milliseconds;
using Type = MetricFamily::Type;

constexpr auto kPrometheus = ExpositionFormat::kPrometheus;
constexpr auto kOpenMetrics = ExpositionFormat::kOpenMetrics;

std::string LabelsOf(std::string_view value) {
  Labels labels;
  labels.Add("name", value);
  return std::string(labels.text());
}

HistogramTotals TotalsOf(std::initializer_list<Duration> durations) {
  Histogram histogram;
  for (const Duration one : durations) histogram.Observe(one);
  HistogramTotals totals;
  totals.Add(histogram);
  return totals;
}

}  // namespace

TEST_CASE("a counter is named _total, its family too but in OpenMetrics") {
  const MetricFamily family{Type::kCounter, "cpu_seconds", "seconds", "Time."};
  std::string text;
  Exposition page(kPrometheus, text);
  page.Begin(family);
  page.AddSeconds({}, 1'002'000'000);
  page.End();
  CHECK(text ==
        "# HELP cpu_seconds_total Time.\n"
        "# TYPE cpu_seconds_total counter\n"
        "cpu_seconds_total 1.002000000\n");
  text.clear();
  Exposition open(kOpenMetrics, text);
  open.Begin(family);
  open.AddSeconds({}, 1'002'000'000);
  open.End();
  CHECK(text ==
        "# HELP cpu_seconds Time.\n"
        "# TYPE cpu_seconds counter\n"
        "# UNIT cpu_seconds seconds\n"
        "cpu_seconds_total 1.002000000\n"
        "# EOF\n");
}

TEST_CASE("an info is a gauge where there is no info") {
  const MetricFamily family{Type::kInfo, "build", "", "What."};
  std::string text;
  Exposition page(kPrometheus, text);
  page.Begin(family);
  page.Add("version=\"1\"", 1);
  CHECK(text ==
        "# HELP build_info What.\n# TYPE build_info gauge\n"
        "build_info{version=\"1\"} 1\n");
  text.clear();
  Exposition open(kOpenMetrics, text);
  open.Begin(family);
  open.Add("version=\"1\"", 1);
  CHECK(text ==
        "# HELP build What.\n# TYPE build info\n"
        "build_info{version=\"1\"} 1\n");
}

TEST_CASE("a gauge may be below zero") {
  const MetricFamily family{Type::kGauge, "level", "", "Level."};
  std::string text;
  Exposition page(kPrometheus, text);
  page.Begin(family);
  page.Add({}, -3);
  CHECK(text == "# HELP level Level.\n# TYPE level gauge\nlevel -3\n");
}

TEST_CASE("a bucket holds what the buckets below it hold") {
  const MetricFamily family{Type::kHistogram, "took_seconds", "seconds", "T."};
  std::string text;
  Exposition page(kPrometheus, text);
  page.Begin(family);
  page.Add("a=\"b\"", TotalsOf({milliseconds(5), milliseconds(6),
                                milliseconds(70), milliseconds(10'001)}));
  const auto has = [&text](const char* line) {
    return text.find(std::string("\n") + line + "\n") != std::string::npos;
  };
  CHECK(has("took_seconds_bucket{a=\"b\",le=\"0.005\"} 1"));
  CHECK(has("took_seconds_bucket{a=\"b\",le=\"0.01\"} 2"));
  CHECK(has("took_seconds_bucket{a=\"b\",le=\"0.05\"} 2"));
  CHECK(has("took_seconds_bucket{a=\"b\",le=\"0.075\"} 3"));
  CHECK(has("took_seconds_bucket{a=\"b\",le=\"10.0\"} 3"));
  CHECK(has("took_seconds_bucket{a=\"b\",le=\"+Inf\"} 4"));
  CHECK(has("took_seconds_sum{a=\"b\"} 10.082000000"));
  CHECK(has("took_seconds_count{a=\"b\"} 4"));
}

TEST_CASE("a histogram without labels has the bucket's alone") {
  const MetricFamily family{Type::kHistogram, "took_seconds", "seconds", "T."};
  std::string text;
  Exposition page(kPrometheus, text);
  page.Begin(family);
  page.Add({}, HistogramTotals());
  CHECK(text.find("took_seconds_bucket{le=\"0.005\"} 0\n") !=
        std::string::npos);
  CHECK(text.find("took_seconds_count 0\n") != std::string::npos);
}

TEST_CASE("a label's value can't leave its quotes, nor be no UTF-8") {
  CHECK(LabelsOf("plain") == "name=\"plain\"");
  CHECK(LabelsOf("") == "");
  CHECK(LabelsOf("a\"b\\c\nd") == "name=\"a\\\"b\\\\c\\nd\"");
  CHECK(LabelsOf("caf\xC3\xA9") == "name=\"caf\xC3\xA9\"");
  CHECK(LabelsOf("\xFFx") == "name=\"\\\\xffx\"");
}

TEST_CASE("the format is the one that Accept prefers") {
  struct Row {
    const char* accept;
    ExpositionFormat format;
  };
  const Row rows[] = {
      {"", kPrometheus},
      {"*/*", kPrometheus},
      {"text/plain", kPrometheus},
      {"text/html, */*;q=0.1", kPrometheus},
      {"application/openmetrics-text", kOpenMetrics},
      {"Application/OpenMetrics-Text; Version=1.0.0", kOpenMetrics},
      {"application/openmetrics-text;version=1.0.0,"
       "application/openmetrics-text;version=0.0.1;q=0.75,"
       "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
       kOpenMetrics},
      {"application/openmetrics-text;version=0.0.1", kPrometheus},
      {"application/openmetrics-text;version=2.0.0, */*;q=0.1", kPrometheus},
      {"application/openmetrics-text;q=0.4, text/plain;q=0.5", kPrometheus},
      {"application/openmetrics-text;q=0", kPrometheus},
      {"application/openmetrics-text;q=nonsense", kPrometheus},
      {"application/openmetrics-text;q=7", kPrometheus},
      {";;;=,=;q", kPrometheus},
  };
  for (const Row& row : rows) {
    INFO(row.accept);
    CHECK(ChooseExposition(row.accept) == row.format);
  }
}

}  // namespace whichhop
