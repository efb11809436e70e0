#pragma once
// The strict, typed layer over a ConfigNode. A map is described by a table of
// rows, one a key: its name and how its value lands in a struct. A reader adds
// one error at the value and leaves the default when the value is not of its
// type; nothing is converted or guessed. All of it is silent on kBroken nodes,
// which had their error.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/server/config_error.h"
#include "proxy/server/config_tree.h"

namespace whichhop {

// Both ends belong to it.
template <typename T>
struct Range {
  T low;
  T high;
};

// A word of an enumeration and what it stands for.
template <typename T>
struct Word {
  std::string_view text;
  T value;
};

// Any text but the empty one.
std::optional<std::string> ReadText(const ConfigNode& node,
                                    ConfigErrors& errors);
// `true` or `false`.
std::optional<bool> ReadBool(const ConfigNode& node, ConfigErrors& errors);
// An integer, or `other` where that is a word.
std::optional<uint64_t> ReadInteger(const ConfigNode& node,
                                    Range<uint64_t> range, ConfigErrors& errors,
                                    Word<uint64_t> other = {});
std::optional<std::chrono::milliseconds> ReadDuration(
    const ConfigNode& node, Range<std::chrono::milliseconds> range,
    ConfigErrors& errors);
// A size, or `other` where that is a word.
std::optional<uint64_t> ReadSize(const ConfigNode& node, Range<uint64_t> range,
                                 ConfigErrors& errors,
                                 Word<uint64_t> other = {});
// The index of the word in `words`.
std::optional<size_t> ReadWordIndex(const ConfigNode& node,
                                    std::span<const std::string_view> words,
                                    ConfigErrors& errors);

template <typename T, size_t kCount>
std::optional<T> ReadWord(const ConfigNode& node,
                          const Word<T> (&words)[kCount],
                          ConfigErrors& errors) {
  std::vector<std::string_view> texts;
  for (const Word<T>& word : words) texts.push_back(word.text);
  const std::optional<size_t> index = ReadWordIndex(node, texts, errors);
  if (!index) return std::nullopt;
  return words[*index].value;
}

enum class AtLeast : uint8_t { kNone, kOne };

// The items of a list; none, and an error, if it is no list or too short.
std::span<const ConfigNode> ReadList(const ConfigNode& node, AtLeast least,
                                     ConfigErrors& errors);
// The members of a map whose keys are free; none, and an error, if it is none.
std::span<const ConfigNode> ReadMembers(const ConfigNode& node,
                                        ConfigErrors& errors);

enum class Presence : uint8_t {
  kOptional,
  kRequired,
  kNotYet,  // the configuration has this key, this version has not
};

// A key of a map.
struct Key {
  std::string_view name;
  Presence presence = Presence::kOptional;
};

// Adds errors for members that are no keys of the map and for required keys
// that are no members. False if `node` is no map at all.
bool CheckKeys(const ConfigNode& node, std::span<const Key> keys,
               ConfigErrors& errors);

// A row of a map's table. Rows are read in the order of the table, so that a
// reader may rely on the rows before its own.
template <typename Owner>
struct Row {
  Key key;
  void (*read)(const ConfigNode& value, Owner& owner, ConfigErrors& errors);
  // Adds the paths of the keys below this one; null if there are none.
  void (*list_keys)(const std::string& path,
                    std::vector<std::string>& paths) = nullptr;
};

template <typename Owner, size_t kCount>
void ReadMap(const ConfigNode& node, const Row<Owner> (&rows)[kCount],
             Owner& owner, ConfigErrors& errors) {
  std::vector<Key> keys;
  for (const Row<Owner>& row : rows) keys.push_back(row.key);
  if (!CheckKeys(node, keys, errors)) return;
  for (const Row<Owner>& row : rows) {
    const ConfigNode* value = node.Find(row.key.name);
    const bool known = row.key.presence != Presence::kNotYet;
    if (value != nullptr && known) row.read(*value, owner, errors);
  }
}

// The paths of all keys of a table: "timeouts", "timeouts.connect". A key
// under a list or under a free name has the path of that list or map.
template <typename Owner, size_t kCount>
void ListKeys(const Row<Owner> (&rows)[kCount], const std::string& path,
              std::vector<std::string>& paths) {
  for (const Row<Owner>& row : rows) {
    if (row.key.presence == Presence::kNotYet) continue;
    const std::string own = path + std::string(row.key.name);
    paths.push_back(own);
    if (row.list_keys != nullptr) row.list_keys(own + ".", paths);
  }
}

}  // namespace whichhop
