#include "proxy/server/exposition.h"

#include <algorithm>
#include <charconv>

#include "diagnostics/text.h"
#include "proxy/base/text.h"

namespace whichhop {

using diagnostics::AppendInteger;
using Type = MetricFamily::Type;

namespace {

constexpr std::string_view kOpenMetrics = "application/openmetrics-text";

// A media range with its weight in thousandths (RFC 9110, section 12.4.2).
struct Range {
  std::string_view type;
  std::string_view version;
  int weight = 1000;
};

// 0, 1, 0.5, 0.25, 0.125; 0 for what is none of these.
int Weight(std::string_view text) {
  double weight = 0;
  const char* const end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, weight);
  if (error != std::errc() || last != end || !(weight >= 0 && weight <= 1)) {
    return 0;
  }
  return static_cast<int>(weight * 1000);
}

std::string_view NextParameter(std::string_view& member) {
  const size_t end = std::min(member.find(';'), member.size());
  const std::string_view parameter = TrimOws(member.substr(0, end));
  member.remove_prefix(std::min(end + 1, member.size()));
  return parameter;
}

Range ReadRange(std::string_view member) {
  Range range;
  range.type = NextParameter(member);
  while (!member.empty()) {
    const std::string_view parameter = NextParameter(member);
    const size_t equals = std::min(parameter.find('='), parameter.size());
    const std::string_view name = parameter.substr(0, equals);
    const std::string_view value =
        parameter.substr(std::min(equals + 1, parameter.size()));
    if (EqualsIgnoreCase(name, "version")) range.version = value;
    if (EqualsIgnoreCase(name, "q")) range.weight = Weight(value);
  }
  return range;
}

std::string_view TypeName(Type type, bool openmetrics) {
  switch (type) {
    case Type::kCounter:
      return "counter";
    case Type::kGauge:
      return "gauge";
    case Type::kHistogram:
      return "histogram";
    case Type::kInfo:
      break;
  }
  return openmetrics ? "info" : "gauge";
}

}  // namespace

ExpositionFormat ChooseExposition(std::string_view accept) {
  int openmetrics = 0;
  int other = 0;
  for (;;) {
    const std::string_view member = NextListMember(accept);
    if (member.empty()) break;
    const Range range = ReadRange(member);
    const bool ours = range.version.empty() || range.version == "1.0.0";
    if (!EqualsIgnoreCase(range.type, kOpenMetrics)) {
      other = std::max(other, range.weight);
    } else if (ours) {
      openmetrics = std::max(openmetrics, range.weight);
    }
  }
  return openmetrics > 0 && openmetrics >= other
             ? ExpositionFormat::kOpenMetrics
             : ExpositionFormat::kPrometheus;
}

std::string_view ContentType(ExpositionFormat format) {
  return format == ExpositionFormat::kOpenMetrics
             ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
             : "text/plain; version=0.0.4; charset=utf-8";
}

// What the names of a family's samples end in. OpenMetrics leaves it out of
// the family's own name.
std::string_view Exposition::Suffix() const {
  if (family_->type == Type::kCounter) return "_total";
  if (family_->type == Type::kInfo) return "_info";
  return {};
}

void Exposition::AppendName(std::string_view suffix) {
  out_ += family_->name;
  out_ += suffix;
}

void Exposition::Begin(const MetricFamily& family) {
  family_ = &family;
  const std::string_view suffix = openmetrics_ ? "" : Suffix();
  out_ += "# HELP ";
  AppendName(suffix);
  out_ += ' ';
  out_ += family.help;
  out_ += "\n# TYPE ";
  AppendName(suffix);
  out_ += ' ';
  out_ += TypeName(family.type, openmetrics_);
  out_ += '\n';
  if (!openmetrics_ || family.unit.empty()) return;
  out_ += "# UNIT ";
  AppendName({});
  out_ += ' ';
  out_ += family.unit;
  out_ += '\n';
}

void Exposition::AppendLabels(std::string_view labels) {
  if (labels.empty()) return;
  out_ += '{';
  out_ += labels;
  out_ += '}';
}

void Exposition::Add(std::string_view labels, int64_t value) {
  AppendName(Suffix());
  AppendLabels(labels);
  out_ += ' ';
  if (value < 0) out_ += '-';
  AppendInteger(out_, static_cast<uint64_t>(value < 0 ? -value : value));
  out_ += '\n';
}

void Exposition::AddSeconds(std::string_view labels, uint64_t nanoseconds) {
  AppendName(Suffix());
  AppendLabels(labels);
  out_ += ' ';
  AppendNanoseconds(nanoseconds);
  out_ += '\n';
}

// As seconds: 0.000123456.
void Exposition::AppendNanoseconds(uint64_t nanoseconds) {
  constexpr uint64_t kSecond = 1'000'000'000;
  AppendInteger(out_, nanoseconds / kSecond);
  char digits[10] = {'.'};
  uint64_t rest = nanoseconds % kSecond;
  for (size_t i = 9; i > 0; --i, rest /= 10) {
    digits[i] = static_cast<char>('0' + rest % 10);
  }
  out_.append(digits, sizeof(digits));
}

void Exposition::AppendBucket(std::string_view labels, std::string_view bound,
                              uint64_t count) {
  AppendName("_bucket");
  out_ += '{';
  out_ += labels;
  out_ += labels.empty() ? "le=\"" : ",le=\"";
  out_ += bound;
  out_ += "\"} ";
  AppendInteger(out_, count);
  out_ += '\n';
}

void Exposition::Add(std::string_view labels, const HistogramTotals& totals) {
  uint64_t count = 0;
  for (size_t i = 0; i < kBuckets; ++i) {
    count += totals.counts[i];
    const bool last = i == kBucketBounds.size();
    AppendBucket(labels, last ? "+Inf" : kBucketBounds[i].seconds, count);
  }
  AppendName("_sum");
  AppendLabels(labels);
  out_ += ' ';
  AppendNanoseconds(totals.nanoseconds);
  out_ += '\n';
  AppendName("_count");
  AppendLabels(labels);
  out_ += ' ';
  AppendInteger(out_, count);
  out_ += '\n';
}

void Exposition::End() {
  if (openmetrics_) out_ += "# EOF\n";
}

}  // namespace whichhop
