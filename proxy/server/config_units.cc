#include "proxy/server/config_units.h"

#include <cstddef>
#include <limits>
#include <span>

#include "proxy/base/text.h"

namespace whichhop {

namespace {

using std::chrono::milliseconds;

struct Unit {
  std::string_view name;
  uint64_t factor;  // in milliseconds or in bytes
};

constexpr uint64_t kSecond = 1000;
constexpr uint64_t kMinute = 60 * kSecond;
constexpr uint64_t kHour = 60 * kMinute;
constexpr uint64_t kKiB = 1024;
constexpr uint64_t kMiB = 1024 * kKiB;
constexpr uint64_t kGiB = 1024 * kMiB;

// The first is the one for zero.
constexpr Unit kDurations[] = {
    {"s", kSecond}, {"ms", 1}, {"m", kMinute}, {"h", kHour}};
constexpr Unit kSizes[] = {
    {"B", 1}, {"KiB", kKiB}, {"MiB", kMiB}, {"GiB", kGiB}};

// What people write instead, in any case. The first is for a bare number.
constexpr Unit kDurationGuesses[] = {
    {"", kSecond},        {"ms", 1},
    {"msec", 1},          {"millis", 1},
    {"milliseconds", 1},  {"s", kSecond},
    {"sec", kSecond},     {"secs", kSecond},
    {"second", kSecond},  {"seconds", kSecond},
    {"m", kMinute},       {"min", kMinute},
    {"mins", kMinute},    {"minute", kMinute},
    {"minutes", kMinute}, {"h", kHour},
    {"hr", kHour},        {"hrs", kHour},
    {"hour", kHour},      {"hours", kHour},
    {"d", 24 * kHour},    {"day", 24 * kHour},
    {"days", 24 * kHour},
};
constexpr Unit kSizeGuesses[] = {
    {"", 1},     {"b", 1},     {"byte", 1},   {"bytes", 1},
    {"k", kKiB}, {"kb", kKiB}, {"kib", kKiB}, {"ki", kKiB},
    {"m", kMiB}, {"mb", kMiB}, {"mib", kMiB}, {"mi", kMiB},
    {"g", kGiB}, {"gb", kGiB}, {"gib", kGiB}, {"gi", kGiB},
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes the digits that `text` begins with.
std::string_view TakeDigits(std::string_view& text) {
  size_t count = 0;
  while (count < text.size() && IsDigit(text[count])) ++count;
  const std::string_view digits = text.substr(0, count);
  text.remove_prefix(count);
  return digits;
}

std::optional<uint64_t> ParseWithUnit(std::string_view text,
                                      std::span<const Unit> units,
                                      uint64_t most) {
  const std::optional<uint64_t> count = ParseInteger(TakeDigits(text));
  if (!count) return std::nullopt;
  for (const Unit& unit : units) {
    if (text != unit.name) continue;
    if (*count > most / unit.factor) return std::nullopt;
    return *count * unit.factor;
  }
  return std::nullopt;
}

std::string Format(uint64_t amount, std::span<const Unit> units) {
  const Unit* best = nullptr;
  for (const Unit& unit : units) {
    if (amount % unit.factor != 0) continue;
    const bool better =
        best == nullptr || (amount != 0 && unit.factor > best->factor);
    if (better) best = &unit;
  }
  return std::to_string(amount / best->factor) + std::string(best->name);
}

// Thousandths of the number that `text` begins with, which it loses.
std::optional<uint64_t> TakeThousandths(std::string_view& text) {
  constexpr size_t kMaxDigits = 6;  // so that nothing here overflows
  std::string_view whole = TakeDigits(text);
  while (whole.size() > 1 && whole[0] == '0') whole.remove_prefix(1);
  std::string_view fraction;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = TakeDigits(text);
    if (fraction.empty()) return std::nullopt;
  }
  if (whole.empty() || whole.size() > kMaxDigits || fraction.size() > 3) {
    return std::nullopt;
  }
  std::string thousandths(whole);
  thousandths += fraction;
  thousandths.append(3 - fraction.size(), '0');
  return ParseDecimal(thousandths);
}

std::string Suggest(std::string_view text, std::span<const Unit> guesses,
                    std::span<const Unit> units) {
  const std::optional<uint64_t> thousandths = TakeThousandths(text);
  if (!thousandths) return {};
  text = TrimOws(text);
  for (const Unit& guess : guesses) {
    if (!EqualsIgnoreCase(text, guess.name)) continue;
    const uint64_t amount = *thousandths * guess.factor;
    return amount % 1000 == 0 ? Format(amount / 1000, units) : "";
  }
  return {};
}

}  // namespace

std::optional<uint64_t> ParseInteger(std::string_view text) {
  if (text.size() > 1 && text[0] == '0') return std::nullopt;
  return ParseDecimal(text);
}

std::optional<milliseconds> ParseDuration(std::string_view text) {
  constexpr auto kMost = std::numeric_limits<milliseconds::rep>::max();
  const auto amount = ParseWithUnit(text, kDurations, uint64_t{kMost});
  if (!amount) return std::nullopt;
  return milliseconds(static_cast<milliseconds::rep>(*amount));
}

std::optional<uint64_t> ParseSize(std::string_view text) {
  constexpr auto kMost = std::numeric_limits<uint64_t>::max() - 1;
  return ParseWithUnit(text, kSizes, kMost);
}

std::string FormatDuration(milliseconds duration) {
  return Format(static_cast<uint64_t>(duration.count()), kDurations);
}

std::string FormatSize(uint64_t bytes) { return Format(bytes, kSizes); }

std::string SuggestDuration(std::string_view text) {
  return Suggest(text, kDurationGuesses, kDurations);
}

std::string SuggestSize(std::string_view text) {
  return Suggest(text, kSizeGuesses, kSizes);
}

}  // namespace whichhop
