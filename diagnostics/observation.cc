#include "diagnostics/observation.h"

#include "diagnostics/field_name.h"

namespace whichhop::diagnostics {
namespace {

constexpr std::string_view kClientFields[] = {
    "accept",  "accept-encoding", "accept-language", "authorization",
    "cookie",  "if-match",        "if-none-match",   "origin",
    "referer", "user-agent",
};
constexpr std::string_view kMiddleFields[] = {
    "cdn-loop", "forwarded", "true-client-ip", "via", "x-real-ip",
};
constexpr std::string_view kMiddlePrefixes[] = {
    "cf-",
    "x-amz-cf-",
    "x-amzn-trace-",
    "x-forwarded-",
};

}  // namespace

FieldWriter WriterOf(std::string_view field_name) {
  for (std::string_view name : kClientFields) {
    if (NameIs(field_name, name)) return FieldWriter::kClient;
  }
  for (std::string_view name : kMiddleFields) {
    if (NameIs(field_name, name)) return FieldWriter::kMiddles;
  }
  for (std::string_view prefix : kMiddlePrefixes) {
    if (NameStartsWith(field_name, prefix)) return FieldWriter::kMiddles;
  }
  return FieldWriter::kUnknown;
}

}  // namespace whichhop::diagnostics
