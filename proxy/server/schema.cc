#include "proxy/server/schema.h"

#include <algorithm>

#include "proxy/base/text.h"
#include "proxy/server/config_suggest.h"
#include "proxy/server/config_text.h"
#include "proxy/server/config_units.h"

namespace whichhop {

namespace {

using Kind = ConfigNode::Kind;
using std::chrono::milliseconds;

// Adds "`expected` is expected, not ..."; `hint` follows.
void Expect(const ConfigNode& node, std::string_view expected,
            ConfigErrors& errors, std::string_view hint = "") {
  if (node.kind == Kind::kBroken) return;
  errors.push_back({node.place, std::string(expected) + " is expected, not " +
                                    Describe(node) + std::string(hint)});
}

std::string Meant(const std::string& suggestion) {
  return suggestion.empty() ? "" : "; did you mean `" + suggestion + "`?";
}

std::string Between(const std::string& what, const std::string& low,
                    const std::string& high) {
  return what + " from " + low + " to " + high;
}

template <typename T>
bool Contains(Range<T> range, T value) {
  return range.low <= value && value <= range.high;
}

std::string BoolHint(const ConfigNode& node) {
  constexpr std::string_view kYes[] = {"yes", "on", "y", "true"};
  constexpr std::string_view kNo[] = {"no", "off", "n", "false"};
  const auto is_text = [&node](std::string_view word) {
    return EqualsIgnoreCase(node.text, word);
  };
  if (node.text == "true" || node.text == "false") {
    return "; leave the quotes out";
  }
  if (std::ranges::any_of(kYes, is_text)) return Meant("true");
  if (std::ranges::any_of(kNo, is_text)) return Meant("false");
  return {};
}

// Whether the node is that word; an empty one never is.
bool IsWord(const ConfigNode& node, std::string_view word) {
  return node.kind == Kind::kWord && !word.empty() && node.text == word;
}

std::string OrWord(const std::string& expected, std::string_view word) {
  return word.empty() ? expected : '`' + std::string(word) + "` or " + expected;
}

std::string Near(std::string_view text, std::string_view word) {
  return word.empty() ? "" : DidYouMean(text, {&word, 1});
}

std::string IntegerHint(const ConfigNode& node, std::string_view other) {
  std::string_view text = node.text;
  if (node.kind != Kind::kWord) return {};
  if (node.quoted && ParseInteger(text)) return "; leave the quotes out";
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size()));
  if (ParseInteger(text)) return Meant(std::string(text));
  return Near(node.text, other);
}

std::string Alternatives(std::span<const std::string_view> words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " or " : ", ";
    text += '`' + std::string(words[i]) + '`';
  }
  return text;
}

void AddUnknownKey(const ConfigNode& member, std::span<const Key> keys,
                   ConfigErrors& errors) {
  std::vector<std::string_view> names;
  for (const Key& key : keys) {
    if (key.presence != Presence::kNotYet) names.push_back(key.name);
  }
  errors.push_back({member.key_place, "unknown key " + Quote(member.key) +
                                          DidYouMean(member.key, names)});
}

// Whether a member of `map` seems to be `key`, misspelt: one error is enough.
bool IsMisspelt(const ConfigNode& map, const Key& key,
                std::span<const Key> keys) {
  return std::ranges::any_of(map.children, [&](const ConfigNode& member) {
    const bool known =
        std::ranges::find(keys, member.key, &Key::name) != keys.end();
    return !known && !DidYouMean(member.key, {&key.name, 1}).empty();
  });
}

}  // namespace

std::optional<std::string> ReadText(const ConfigNode& node,
                                    ConfigErrors& errors) {
  if (node.kind == Kind::kWord && !node.text.empty()) return node.text;
  Expect(node, "text", errors);
  return std::nullopt;
}

std::optional<bool> ReadBool(const ConfigNode& node, ConfigErrors& errors) {
  const bool plain = node.kind == Kind::kWord && !node.quoted;
  if (plain && node.text == "true") return true;
  if (plain && node.text == "false") return false;
  Expect(node, "true or false", errors, BoolHint(node));
  return std::nullopt;
}

std::optional<uint64_t> ReadInteger(const ConfigNode& node,
                                    Range<uint64_t> range, ConfigErrors& errors,
                                    Word<uint64_t> other) {
  if (IsWord(node, other.text)) return other.value;
  const bool plain = node.kind == Kind::kWord && !node.quoted;
  const std::optional<uint64_t> value =
      plain ? ParseInteger(node.text) : std::nullopt;
  if (value && Contains(range, *value)) return value;
  const std::string expected = Between("an integer", std::to_string(range.low),
                                       std::to_string(range.high));
  Expect(node, OrWord(expected, other.text), errors,
         value ? "" : IntegerHint(node, other.text));
  return std::nullopt;
}

std::optional<milliseconds> ReadDuration(const ConfigNode& node,
                                         Range<milliseconds> range,
                                         ConfigErrors& errors) {
  const std::optional<milliseconds> value =
      node.kind == Kind::kWord ? ParseDuration(node.text) : std::nullopt;
  if (!value) {
    Expect(node, "a duration (an integer with ms, s, m or h)", errors,
           Meant(SuggestDuration(node.text)));
    return std::nullopt;
  }
  if (Contains(range, *value)) return value;
  Expect(node,
         Between("a duration", FormatDuration(range.low),
                 FormatDuration(range.high)),
         errors);
  return std::nullopt;
}

std::optional<uint64_t> ReadSize(const ConfigNode& node, Range<uint64_t> range,
                                 ConfigErrors& errors, Word<uint64_t> other) {
  if (IsWord(node, other.text)) return other.value;
  const std::optional<uint64_t> value =
      node.kind == Kind::kWord ? ParseSize(node.text) : std::nullopt;
  if (value && Contains(range, *value)) return value;
  if (!value) {
    const std::string meant = Meant(SuggestSize(node.text));
    Expect(node,
           OrWord("a size (an integer with B, KiB, MiB or GiB)", other.text),
           errors, meant.empty() ? Near(node.text, other.text) : meant);
    return std::nullopt;
  }
  Expect(node, Between("a size", FormatSize(range.low), FormatSize(range.high)),
         errors);
  return std::nullopt;
}

std::optional<size_t> ReadWordIndex(const ConfigNode& node,
                                    std::span<const std::string_view> words,
                                    ConfigErrors& errors) {
  if (node.kind == Kind::kWord) {
    const auto found = std::ranges::find(words, node.text);
    if (found != words.end()) {
      return static_cast<size_t>(found - words.begin());
    }
  }
  Expect(node, Alternatives(words), errors, DidYouMean(node.text, words));
  return std::nullopt;
}

std::span<const ConfigNode> ReadList(const ConfigNode& node, AtLeast least,
                                     ConfigErrors& errors) {
  if (node.kind != Kind::kList) {
    const bool word = node.kind == Kind::kWord;
    Expect(node, "a list", errors, word ? "; put it in [ ]" : "");
    return {};
  }
  if (node.children.empty() && least == AtLeast::kOne) {
    errors.push_back({node.place, "this list can't be empty"});
  }
  return node.children;
}

std::span<const ConfigNode> ReadMembers(const ConfigNode& node,
                                        ConfigErrors& errors) {
  if (node.kind == Kind::kMap) return node.children;
  Expect(node, "a map", errors);
  return {};
}

bool CheckKeys(const ConfigNode& node, std::span<const Key> keys,
               ConfigErrors& errors) {
  if (node.kind != Kind::kMap) {
    Expect(node, "a map", errors);
    return false;
  }
  for (const ConfigNode& member : node.children) {
    const auto key = std::ranges::find(keys, member.key, &Key::name);
    if (key == keys.end()) {
      AddUnknownKey(member, keys, errors);
    } else if (key->presence == Presence::kNotYet) {
      errors.push_back({member.key_place, '`' + member.key +
                                              "` is not supported by this "
                                              "version"});
    }
  }
  for (const Key& key : keys) {
    if (key.presence != Presence::kRequired || node.lacks_member) continue;
    if (node.Find(key.name) != nullptr) continue;
    if (IsMisspelt(node, key, keys)) continue;
    errors.push_back(
        {node.place, '`' + std::string(key.name) + "` is missing here"});
  }
  return true;
}

}  // namespace whichhop
