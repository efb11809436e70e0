#pragma once
// What the rows of config_loader.cc are made of: how a value of each type
// lands in the member that the row names. Each is a Row<Owner>::read.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "proxy/net/address.h"
#include "proxy/server/config.h"
#include "proxy/server/config_checks.h"
#include "proxy/server/schema.h"

namespace whichhop {

inline constexpr milliseconds kMaxDuration = std::chrono::hours(30 * 24);

template <auto kMember, typename Owner, typename Value>
void Assign(Owner& owner, const std::optional<Value>& value) {
  using Member = std::remove_reference_t<decltype(owner.*kMember)>;
  if (value) owner.*kMember = static_cast<Member>(*value);
}

template <auto kMember, typename Owner>
void Bool(const ConfigNode& node, Owner& owner, ConfigErrors& errors) {
  Assign<kMember>(owner, ReadBool(node, errors));
}

template <auto kMember, uint64_t kLow, uint64_t kHigh, typename Owner>
void Integer(const ConfigNode& node, Owner& owner, ConfigErrors& errors) {
  const Range<uint64_t> range{kLow, kHigh};
  Assign<kMember>(owner, ReadInteger(node, range, errors));
}

template <auto kMember, uint64_t kLow, uint64_t kHigh, typename Owner>
void Size(const ConfigNode& node, Owner& owner, ConfigErrors& errors) {
  const Range<uint64_t> range{kLow, kHigh};
  Assign<kMember>(owner, ReadSize(node, range, errors));
}

template <auto kMember, typename Owner>
void SizeOrUnlimited(const ConfigNode& node, Owner& owner,
                     ConfigErrors& errors) {
  const Range<uint64_t> range{0, kUnlimited - 1};
  const Word<uint64_t> unlimited{"unlimited", kUnlimited};
  Assign<kMember>(owner, ReadSize(node, range, errors, unlimited));
}

// A duration of at least `kLow` milliseconds.
template <auto kMember, int kLow = 1, typename Owner>
void Interval(const ConfigNode& node, Owner& owner, ConfigErrors& errors) {
  const Range<milliseconds> range{milliseconds(kLow), kMaxDuration};
  Assign<kMember>(owner, ReadDuration(node, range, errors));
}

// One word of the array `kWords`.
template <auto kMember, const auto& kWords, typename Owner>
void Choice(const ConfigNode& node, Owner& owner, ConfigErrors& errors) {
  Assign<kMember>(owner, ReadWord(node, kWords, errors));
}

// Text in which `kProblem` finds none.
using Problem = std::string (*)(std::string_view);

inline std::optional<std::string> ReadChecked(const ConfigNode& node,
                                              Problem problem,
                                              ConfigErrors& errors) {
  std::optional<std::string> text = ReadText(node, errors);
  if (!text) return std::nullopt;
  const std::string found = problem(*text);
  if (found.empty()) return text;
  errors.push_back({node.place, found});
  return std::nullopt;
}

template <auto kMember, Problem kProblem, typename Owner>
void Text(const ConfigNode& node, Owner& owner, ConfigErrors& errors) {
  Assign<kMember>(owner, ReadChecked(node, kProblem, errors));
}

template <auto kMember, Problem kProblem, typename Owner>
void AddressText(const ConfigNode& node, Owner& owner, ConfigErrors& errors) {
  const auto text = ReadChecked(node, kProblem, errors);
  if (text) owner.*kMember = *Address::Parse(*text);
}

template <auto kMember, typename Owner>
void Networks(const ConfigNode& node, Owner& owner, ConfigErrors& errors) {
  for (const ConfigNode& item : ReadList(node, AtLeast::kNone, errors)) {
    const auto text = ReadChecked(item, NetworkProblem, errors);
    if (text) (owner.*kMember).push_back(*Network::Parse(*text));
  }
}

// A map with the table `kRows`.
template <auto kMember, const auto& kRows, typename Owner>
void Block(const ConfigNode& node, Owner& owner, ConfigErrors& errors) {
  ReadMap(node, kRows, owner.*kMember, errors);
}

// The same, where the block's absence means something: it is off.
template <auto kMember, const auto& kRows, typename Owner>
void OptionalBlock(const ConfigNode& node, Owner& owner, ConfigErrors& errors) {
  ReadMap(node, kRows, (owner.*kMember).emplace(), errors);
}

template <const auto& kRows>
void KeysOf(const std::string& path, std::vector<std::string>& paths) {
  ListKeys(kRows, path, paths);
}

// Adds an error if `seen` has `key`; `what` names it. Otherwise remembers it.
inline void RefuseTwice(std::map<std::string, size_t>& seen,
                        const std::string& key, const std::string& what,
                        ConfigPlace place, ConfigErrors& errors) {
  const auto [first, is_new] = seen.emplace(key, place.line);
  if (is_new) return;
  errors.push_back({place, what + " is a duplicate; the first is on line " +
                               std::to_string(first->second)});
}

// A key of the configuration that this version has not.
template <typename Owner>
constexpr Row<Owner> NotYet(std::string_view key) {
  return {{key, Presence::kNotYet}, nullptr};
}

}  // namespace whichhop
