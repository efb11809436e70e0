#pragma once
// The text in which metrics are told: Prometheus' format 0.0.4 and OpenMetrics
// 1.0, which differ in the names of counters, in units and in the end.

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/server/histogram.h"

namespace whichhop {

enum class ExpositionFormat : uint8_t { kPrometheus, kOpenMetrics };

// What this Accept value (several joined by ", "; empty: none was sent) asks
// for (RFC 9110, section 12.5.1). Prometheus' own format where it asks for
// neither.
ExpositionFormat ChooseExposition(std::string_view accept);
std::string_view ContentType(ExpositionFormat format);

// A family of series.
struct MetricFamily {
  enum class Type : uint8_t { kCounter, kGauge, kHistogram, kInfo };
  Type type;
  std::string_view name;  // without `_total` and `_info`
  std::string_view unit;  // which the name ends in; may be empty
  std::string_view help;
};

// Writes families, one after the other, and the end.
class Exposition {
 public:
  // Appends to `out`, which must outlive it.
  Exposition(ExpositionFormat format, std::string& out)
      : openmetrics_(format == ExpositionFormat::kOpenMetrics), out_(out) {}

  // The series that follow are of this family, which must outlive them.
  void Begin(const MetricFamily& family);
  // `labels` as Labels::text() has them; may be empty.
  void Add(std::string_view labels, int64_t value);
  void AddSeconds(std::string_view labels, uint64_t nanoseconds);
  void Add(std::string_view labels, const HistogramTotals& totals);
  void End();

 private:
  void AppendName(std::string_view suffix);
  void AppendBucket(std::string_view labels, std::string_view bound,
                    uint64_t count);
  void AppendLabels(std::string_view labels);
  void AppendNanoseconds(uint64_t nanoseconds);
  std::string_view Suffix() const;

  const bool openmetrics_;
  std::string& out_;
  const MetricFamily* family_ = nullptr;
};

}  // namespace whichhop
