#include "diagnostics/observation.h"

namespace whichhop::diagnostics {
namespace {

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool StartsWith(std::string_view name, std::string_view lower_prefix) {
  if (name.size() < lower_prefix.size()) return false;
  for (size_t i = 0; i < lower_prefix.size(); ++i) {
    if (Lower(name[i]) != lower_prefix[i]) return false;
  }
  return true;
}

bool Is(std::string_view name, std::string_view lower) {
  return name.size() == lower.size() && StartsWith(name, lower);
}

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
    if (Is(field_name, name)) return FieldWriter::kClient;
  }
  for (std::string_view name : kMiddleFields) {
    if (Is(field_name, name)) return FieldWriter::kMiddles;
  }
  for (std::string_view prefix : kMiddlePrefixes) {
    if (StartsWith(field_name, prefix)) return FieldWriter::kMiddles;
  }
  return FieldWriter::kUnknown;
}

}  // namespace whichhop::diagnostics
