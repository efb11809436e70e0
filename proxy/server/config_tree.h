#pragma once
// A configuration as YAML says it: maps, lists and words, each with its place,
// no meaning yet. What yaml-cpp lets pass in silence is an error here:
// duplicate keys, anchors, aliases, merge keys, tags, a second document, keys
// that are no words, nesting without end. No type is guessed: `010` and `yes`
// stay the words that they are.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/server/config_error.h"

namespace whichhop {

struct ConfigNode {
  enum class Kind : uint8_t {
    kNothing,  // an empty value, or `null`
    kWord,     // a scalar
    kList,
    kMap,
    kBroken,  // an error was added for it already
  };

  // The member of a map with that key; null if there is none.
  const ConfigNode* Find(std::string_view name) const;

  Kind kind = Kind::kNothing;
  bool quoted = false;        // a word in quotes, or a block
  bool lacks_member = false;  // of a map: an error stands for one of its keys
  ConfigPlace place;          // of the value; of the key where that is nothing
  ConfigPlace key_place;      // of a map's member
  std::string key;            // of a map's member
  std::string text;           // of a word
  std::vector<ConfigNode> children;  // items of a list, members of a map
};

// What a node is, for a message: "a map", "a list", "nothing", "`text`".
std::string Describe(const ConfigNode& node);

// The root of the one document in `yaml`. Adds what is wrong with it; after a
// syntax error the root is kBroken.
ConfigNode ParseConfigTree(std::string_view yaml, ConfigErrors& errors);

}  // namespace whichhop
