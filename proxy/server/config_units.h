#pragma once
// Numbers, durations and sizes as a configuration writes them: decimal
// integers, with a unit where there is one. `10s`, `512ms`, `32KiB`, `8`; never
// `010`, `+1`, `1.5s`, `10 s` or `5MB`.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace whichhop {

// Digits without a sign or leading zeros. Nothing on overflow.
std::optional<uint64_t> ParseInteger(std::string_view text);

// An integer and ms, s, m or h.
std::optional<std::chrono::milliseconds> ParseDuration(std::string_view text);

// An integer and B, KiB, MiB or GiB. In bytes, always below 2^64 - 1.
std::optional<uint64_t> ParseSize(std::string_view text);

// In the largest unit that says it exactly.
std::string FormatDuration(std::chrono::milliseconds duration);
std::string FormatSize(uint64_t bytes);

// How to write what `text` seems to mean: `10s` for "10 sec", `1500ms` for
// "1.5s", `5MiB` for "5MB". Empty if that is unclear.
std::string SuggestDuration(std::string_view text);
std::string SuggestSize(std::string_view text);

}  // namespace whichhop
