#include "proxy/server/config_tree.h"

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <sstream>
#include <unordered_map>
#include <utility>

#include "proxy/base/text.h"
#include "proxy/server/config_text.h"

namespace whichhop {

namespace {

using Kind = ConfigNode::Kind;

constexpr size_t kMaxDepth = 16;  // maps and lists inside each other
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

ConfigPlace PlaceOf(const YAML::Mark& mark) {
  if (mark.line < 0 || mark.column < 0) return {};
  return {static_cast<size_t>(mark.line) + 1,
          static_cast<size_t>(mark.column) + 1};
}

// Just behind the last character.
ConfigPlace EndOf(std::string_view yaml) {
  const auto line_ends = std::ranges::count(yaml, '\n');
  const size_t last = yaml.rfind('\n');
  const size_t start = last == std::string_view::npos ? 0 : last + 1;
  return {static_cast<size_t>(line_ends) + 1, yaml.size() - start + 1};
}

// Why a node can't be the key of a map; empty if it can, or had its error.
std::string KeyProblem(const ConfigNode& key) {
  if (key.kind == Kind::kBroken) return {};
  if (key.kind == Kind::kMap || key.kind == Kind::kList) {
    return "a key can't be " + Describe(key) +
           "; quote a word that begins with a bracket";
  }
  if (key.text.empty()) return "a key is missing here";
  if (key.text == "<<" && !key.quoted) return "merge keys are not supported";
  return {};
}

// Whether the quotes that `text` begins with never close: yaml-cpp lets them
// end with the file. In double quotes, a backslash hides the next character;
// in single ones, two quotes are one that closes and one that opens.
bool LacksClosingQuote(std::string_view text) {
  const char quote = text[0];
  for (size_t at = 1; at < text.size(); ++at) {
    const bool doubled = quote == '\'' && text.substr(at).starts_with("''");
    const bool escape = quote == '"' && text[at] == '\\';
    if (doubled || escape) {
      ++at;
    } else if (text[at] == quote) {
      return false;
    }
  }
  return true;
}

// Turns yaml-cpp's events into a tree. A bottom-up stack: the node on top is
// the one whose children arrive.
class TreeBuilder : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view yaml, ConfigErrors& errors)
      : yaml_(yaml), errors_(errors) {}

  ConfigNode TakeRoot() {
    if (torn_) root_.kind = Kind::kBroken;
    return std::move(root_);
  }
  // Where the innermost open map or list starts.
  ConfigPlace open_place() const {
    return open_.empty() ? ConfigPlace{} : open_.back().node.place;
  }

  void OnDocumentStart(const YAML::Mark& mark) override;
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnScalar(const YAML::Mark& mark, const std::string& tag,
                YAML::anchor_t anchor, const std::string& text) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(Kind::kList, mark, tag, anchor);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag,
                  YAML::anchor_t anchor, YAML::EmitterStyle::value) override {
    Open(Kind::kMap, mark, tag, anchor);
  }
  void OnMapEnd() override { Close(); }

 private:
  // A map or a list whose end has not come.
  struct OpenNode {
    ConfigNode node;
    bool has_key = false;  // of a map: the key stands, its value comes next
    bool keep_value = true;
    std::string key;
    ConfigPlace key_place;
    std::unordered_map<std::string, size_t> key_lines;
  };

  void Open(Kind kind, const YAML::Mark& mark, const std::string& tag,
            YAML::anchor_t anchor);
  void Close();
  void Add(ConfigNode node);
  void TakeKey(OpenNode& map, const ConfigNode& key);
  void TakeValue(OpenNode& map, ConfigNode value);
  // Adds the error if there is a tag or an anchor.
  bool IsDecorated(const YAML::Mark& mark, const std::string& tag,
                   YAML::anchor_t anchor);
  // Of a null in a map: whether it is a word there, not an absent value.
  bool IsNullWord(const YAML::Mark& mark) const;
  bool ignoring() const { return documents_ > 1 || ignored_depth_ > 0; }
  std::string_view Rest(const YAML::Mark& mark) const;  // from there on
  char CharAt(const YAML::Mark& mark) const {
    const std::string_view rest = Rest(mark);
    return rest.empty() ? '\0' : rest[0];
  }
  void Fail(ConfigPlace place, std::string message) {
    errors_.push_back({place, std::move(message)});
  }

  const std::string_view yaml_;
  ConfigErrors& errors_;
  std::vector<OpenNode> open_;
  ConfigNode root_;
  size_t documents_ = 0;
  size_t ignored_depth_ = 0;  // open maps and lists that are too deep
  bool too_deep_ = false;
  bool torn_ = false;  // quotes swallowed the rest
};

void TreeBuilder::OnDocumentStart(const YAML::Mark& mark) {
  ++documents_;
  if (documents_ != 2) return;
  const bool marked = CharAt(mark) == '-';
  Fail(PlaceOf(mark),
       marked ? "a second document starts here, and a configuration is one"
              : "this belongs to nothing above it; check the brackets and the "
                "indentation");
}

void TreeBuilder::OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) {
  ConfigNode node;
  node.place = PlaceOf(mark);
  if (IsDecorated(mark, "", anchor)) node.kind = Kind::kBroken;
  const bool is_value = !open_.empty() && open_.back().has_key;
  if (is_value && !IsNullWord(mark)) node.place = open_.back().key_place;
  Add(std::move(node));
}

void TreeBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t) {
  ConfigNode node;
  node.kind = Kind::kBroken;
  node.place = PlaceOf(mark);
  if (!ignoring()) {
    Fail(node.place, "aliases are not supported; quote a word with a `*`");
  }
  Add(std::move(node));
}

void TreeBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag,
                           YAML::anchor_t anchor, const std::string& text) {
  if (ignoring()) return;
  ConfigNode node;
  node.kind = Kind::kWord;
  node.place = PlaceOf(mark);
  node.quoted = tag == "!";  // what yaml-cpp tags a quoted word with
  node.text = text;
  const char first = CharAt(mark);
  const bool decorated = IsDecorated(mark, tag, anchor);
  std::string problem;
  if (HasControl(text)) {
    problem = "a word can't hold control characters or line breaks";
  }
  if ((first == '"' || first == '\'') && LacksClosingQuote(Rest(mark))) {
    problem = "these quotes never close";
    torn_ = true;
  }
  if (!decorated && !problem.empty()) Fail(node.place, problem);
  if (decorated || !problem.empty()) node.kind = Kind::kBroken;
  Add(std::move(node));
}

void TreeBuilder::Open(Kind kind, const YAML::Mark& mark,
                       const std::string& tag, YAML::anchor_t anchor) {
  if (documents_ > 1) return;
  if (ignored_depth_ > 0 || open_.size() == kMaxDepth) {
    if (!too_deep_) Fail(PlaceOf(mark), "this is nested too deeply");
    too_deep_ = true;
    ++ignored_depth_;
    return;
  }
  IsDecorated(mark, tag, anchor);
  OpenNode open;
  open.node.kind = kind;
  open.node.place = PlaceOf(mark);
  open_.push_back(std::move(open));
}

void TreeBuilder::Close() {
  if (documents_ > 1) return;
  ConfigNode node;
  node.kind = Kind::kBroken;
  if (ignored_depth_ > 0) {
    --ignored_depth_;
  } else {
    node = std::move(open_.back().node);
    open_.pop_back();
  }
  Add(std::move(node));
}

void TreeBuilder::Add(ConfigNode node) {
  if (ignoring()) return;
  if (open_.empty()) {
    root_ = std::move(node);
    return;
  }
  OpenNode& parent = open_.back();
  if (parent.node.kind == Kind::kList) {
    parent.node.children.push_back(std::move(node));
  } else if (parent.has_key) {
    TakeValue(parent, std::move(node));
  } else {
    TakeKey(parent, node);
  }
}

void TreeBuilder::TakeKey(OpenNode& map, const ConfigNode& key) {
  map.has_key = true;
  map.keep_value = false;
  map.key = key.text;
  map.key_place = key.place;
  const std::string problem = KeyProblem(key);
  if (key.kind == Kind::kBroken || !problem.empty()) {
    map.node.lacks_member = true;
    if (!problem.empty()) Fail(key.place, problem);
    return;
  }
  const auto [first, is_new] = map.key_lines.emplace(key.text, key.place.line);
  map.keep_value = is_new;
  if (is_new) return;
  Fail(key.place, "duplicate key " + Quote(key.text) +
                      "; the first is on line " +
                      std::to_string(first->second));
}

void TreeBuilder::TakeValue(OpenNode& map, ConfigNode value) {
  map.has_key = false;
  if (!map.keep_value) return;
  value.key = std::move(map.key);
  value.key_place = map.key_place;
  map.node.children.push_back(std::move(value));
}

bool TreeBuilder::IsDecorated(const YAML::Mark& mark, const std::string& tag,
                              YAML::anchor_t anchor) {
  if (ignoring()) return false;
  if (anchor != 0) {
    Fail(PlaceOf(mark), "anchors are not supported; quote a word with a `&`");
    return true;
  }
  // yaml-cpp's own tags: "?" for what is plain, "!" for what is quoted. The
  // latter is also what `! word` gets.
  const bool plain = tag.empty() || tag == "?";
  if (plain || (tag == "!" && CharAt(mark) != '!')) return false;
  Fail(PlaceOf(mark), "tags are not supported; quote a word with a `!`");
  return true;
}

// yaml-cpp says OnNull for `~` and `null`, there, and for an empty value,
// wherever the next token is.
bool TreeBuilder::IsNullWord(const YAML::Mark& mark) const {
  if (PlaceOf(mark).line != open_.back().key_place.line) return false;
  const char first = CharAt(mark);
  return first == '~' || LowerAscii(first) == 'n';
}

std::string_view TreeBuilder::Rest(const YAML::Mark& mark) const {
  const auto at = static_cast<size_t>(std::max(mark.pos, 0));
  return at < yaml_.size() ? yaml_.substr(at) : std::string_view();
}

// yaml-cpp's words and what they mean to the reader of a configuration.
constexpr std::pair<std::string_view, std::string_view> kSyntaxErrors[] = {
    {"illegal map value", "a `:` can't stand here; quote a word that holds it"},
    {"end of map not found",
     "this does not fit the map above; check indentation, quotes, brackets"},
    {"end of sequence not found",
     "this does not fit the list above; check indentation, quotes, brackets"},
    {"end of map flow not found", "the `{` has no `}`, or a `,` is missing"},
    {"end of sequence flow not found",
     "the `[` has no `]`, or a `,` is missing"},
    {"illegal flow end", "this bracket closes nothing"},
    {"illegal EOF in scalar", "the file ends inside quotes"},
    {"illegal block entry", "a `-` can't stand here"},
    {"unknown token", "a word with this character needs quotes"},
    {"alias not found after *",
     "aliases are not supported; quote a word with a `*`"},
    {"the referenced anchor is not defined",
     "aliases are not supported; quote a word with a `*`"},
};

std::string SyntaxMessage(const std::string& from_yaml_cpp) {
  for (const auto& [theirs, ours] : kSyntaxErrors) {
    if (from_yaml_cpp == theirs) return std::string(ours);
  }
  return "not YAML: " + Quote(from_yaml_cpp);
}

void HandleDocuments(std::istream& in, TreeBuilder& builder) {
  YAML::Parser parser(in);
  if (!parser.HandleNextDocument(builder)) return;
  parser.HandleNextDocument(builder);  // only to know whether there is one
}

}  // namespace

const ConfigNode* ConfigNode::Find(std::string_view name) const {
  if (kind != Kind::kMap) return nullptr;
  const auto found = std::find_if(
      children.begin(), children.end(),
      [name](const ConfigNode& child) { return child.key == name; });
  return found == children.end() ? nullptr : &*found;
}

std::string Describe(const ConfigNode& node) {
  switch (node.kind) {
    case Kind::kNothing:
      return "nothing";
    case Kind::kWord:
      return Quote(node.text);
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a map";
    case Kind::kBroken:
      return "an error";
  }
  return {};
}

ConfigNode ParseConfigTree(std::string_view yaml, ConfigErrors& errors) {
  ConfigNode broken;
  broken.kind = Kind::kBroken;
  if (yaml.starts_with(kByteOrderMark)) {
    yaml.remove_prefix(kByteOrderMark.size());
  }
  if (!IsParsable(yaml, errors)) return broken;
  TreeBuilder builder(yaml, errors);
  try {
    std::istringstream in{std::string(yaml)};
    HandleDocuments(in, builder);
  } catch (const YAML::DeepRecursion&) {
    return broken;  // from 500 levels on; the builder complained at 16
  } catch (const YAML::Exception& e) {
    // yaml-cpp blames the start of the file for a bracket that never closes,
    // and reads on beyond the end in an escape.
    const ConfigPlace place =
        std::clamp(PlaceOf(e.mark), builder.open_place(), EndOf(yaml));
    errors.push_back({place, SyntaxMessage(e.msg)});
    return broken;
  } catch (const std::exception& e) {
    errors.push_back({{}, SyntaxMessage(e.what())});
    return broken;
  }
  return builder.TakeRoot();
}

}  // namespace whichhop
