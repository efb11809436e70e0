// The files in conf/, and how files are read and checked.

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "proxy/cli/check.h"
#include "proxy/server/config_file.h"
#include "proxy/server/config_loader.h"
#include "proxy/server/config_tree.h"
#include "tests/catch.h"

namespace whichhop {

namespace {

using Kind = ConfigNode::Kind;

const std::string kConf = WHICHHOP_SOURCE_DIR "/conf/";

// A file that exists as long as this does.
class ScratchFile {
 public:
  explicit ScratchFile(const std::string& text) {
    close(mkstemp(path_.data()));
    std::ofstream(path_) << text;
  }
  ~ScratchFile() { unlink(path_.c_str()); }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_ = "/tmp/whichhop-config-XXXXXX";
};

// Keys in comments are those whose default has no word, or whose files are not
// here: "  # key: value", "  #   - key: value" and "  #   {key: value}".
enum class Comments : uint8_t { kComments, kKeys };

std::string WithoutMark(const std::string& line) {
  const size_t mark = line.find_first_not_of(' ');
  const bool comment = mark != 0 && mark != std::string::npos &&
                       line.compare(mark, 2, "# ") == 0;
  if (!comment) return line;
  const std::string rest = line.substr(mark + 2);
  size_t key = rest.find_first_not_of(' ');
  if (key == std::string::npos) return line;
  const bool map = key >= 2 && rest[key] == '{';
  if (rest.compare(key, 2, "- ") == 0) key += 2;
  const size_t end = rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", key);
  const bool named = end != std::string::npos && end > key && rest[end] == ':';
  return map || named ? line.substr(0, mark) + rest : line;
}

std::string TextOf(const std::string& file,
                   Comments comments = Comments::kComments) {
  std::ifstream in(kConf + file);
  std::string text;
  for (std::string line; std::getline(in, line);) {
    text += comments == Comments::kKeys ? WithoutMark(line) : line;
    text += '\n';
  }
  return text;
}

ConfigNode Tree(const std::string& text) {
  ConfigErrors errors;
  ConfigNode root = ParseConfigTree(text, errors);
  for (const ConfigError& error : errors) FAIL_CHECK(error.message);
  return root;
}

// Adds the key paths that a JSON Schema describes, as ConfigKeys() has them.
void AddSchemaKeys(const ConfigNode& schema, const std::string& path,
                   std::set<std::string>& keys) {
  if (const ConfigNode* properties = schema.Find("properties")) {
    for (const ConfigNode& property : properties->children) {
      keys.insert(path + property.key);
      AddSchemaKeys(property, path + property.key + ".", keys);
    }
  }
  for (const char* below : {"items", "additionalProperties"}) {
    const ConfigNode* node = schema.Find(below);
    if (node != nullptr) AddSchemaKeys(*node, path, keys);
  }
  if (const ConfigNode* choices = schema.Find("anyOf")) {
    for (const ConfigNode& choice : choices->children) {
      AddSchemaKeys(choice, path, keys);
    }
  }
}

// Adds the key paths of a configuration. Those of `known` alone: the names of
// upstreams are no keys.
void AddConfigKeys(const ConfigNode& node, const std::string& path,
                   const std::set<std::string>& known,
                   std::set<std::string>& keys) {
  for (const ConfigNode& child : node.children) {
    const std::string own = path + child.key;
    const bool is_key = node.kind == Kind::kMap && known.contains(own);
    if (is_key) keys.insert(own);
    AddConfigKeys(child, is_key ? own + "." : path, known, keys);
  }
}

std::set<std::string> LoaderKeys() {
  const std::vector<std::string> keys = ConfigKeys();
  return {keys.begin(), keys.end()};
}

std::vector<std::string> MessagesOf(const std::string& path) {
  std::vector<std::string> messages;
  REQUIRE_FALSE(LoadConfigFile(path, messages));
  return messages;
}

}  // namespace

TEST_CASE("the configurations that ship load") {
  for (const char* file : {"minimal.yaml", "whichhop.yaml"}) {
    std::vector<std::string> messages;
    CHECK(LoadConfigFile(kConf + file, messages));
    CHECK(messages.empty());
  }
}

TEST_CASE("whichhop.yaml shows the defaults") {
  std::vector<std::string> messages;
  const auto shown = LoadConfigFile(kConf + "whichhop.yaml", messages);
  REQUIRE(shown);
  const Config config;
  CHECK(shown->node == config.node);
  CHECK(shown->timeouts == config.timeouts);
  CHECK(shown->limits == config.limits);
  CHECK(shown->upstreams[0].retry == RetryConfig());
  CHECK(shown->upstreams[0].balance == UpstreamConfig().balance);
  CHECK(shown->upstreams[0].max_connections == 0);
  CHECK(shown->upstreams[0].health_check == HealthCheckConfig());
  CHECK(shown->upstreams[0].eject == EjectConfig());
  CHECK_FALSE(shown->upstreams[0].buffer_request);
  CHECK(shown->errors.statuses == config.errors.statuses);
  CHECK(shown->errors.body == config.errors.body);
  CHECK(shown->errors.fields == config.errors.fields);
  CHECK(shown->errors.details == config.errors.details);
  CHECK(shown->errors.operators.empty());
  CHECK(shown->errors.cors == config.errors.cors);
  CHECK(shown->errors.cdn == config.errors.cdn);
  CHECK(shown->errors.page == config.errors.page);
  CHECK(shown->logs == config.logs);
}

TEST_CASE("whichhop.yaml shows every key") {
  std::set<std::string> keys;
  AddConfigKeys(Tree(TextOf("whichhop.yaml", Comments::kKeys)), "",
                LoaderKeys(), keys);
  CHECK(keys == LoaderKeys());
}

TEST_CASE("schema.json describes the keys that the loader has") {
  std::set<std::string> keys;
  AddSchemaKeys(Tree(TextOf("schema.json")), "", keys);
  CHECK(keys == LoaderKeys());
}

TEST_CASE("errors of a file name it") {
  const ScratchFile file("lissten: []\n");
  CHECK(MessagesOf(file.path()) ==
        std::vector<std::string>{
            file.path() + ":1:1: unknown key `lissten`; did you mean `listen`?",
            file.path() + ":1:1: `routes` is missing here"});
}

TEST_CASE("a file that can't be read says why") {
  CHECK(MessagesOf("/nowhere/whichhop.yaml") ==
        std::vector<std::string>{
            "/nowhere/whichhop.yaml: No such file or directory"});
  CHECK(MessagesOf("/tmp") == std::vector<std::string>{"/tmp: Is a directory"});
}

TEST_CASE("a file has at most 1 MiB") {
  const ScratchFile most("#" + std::string(1024 * 1024 - 1, ' '));
  CHECK(MessagesOf(most.path())[0].ends_with("the configuration is empty"));
  const ScratchFile more("#" + std::string(1024 * 1024, ' '));
  CHECK(MessagesOf(more.path())[0].ends_with("has more than 1 MiB"));
}

TEST_CASE("check says ok and what the configuration holds") {
  std::ostringstream out, err;
  const std::string path = kConf + "minimal.yaml";
  CHECK(Check(path, out, err) == 0);
  CHECK(out.str() == path +
                         ": ok\nposition lb, 1 listener, 1 upstream with "
                         "1 server, 1 route\n");
  CHECK(err.str().empty());
}

TEST_CASE("check says every error, one a line, and fails") {
  const ScratchFile file("listen: [x]\nroutes: []\n");
  std::ostringstream out, err;
  CHECK(Check(file.path(), out, err) == 1);
  CHECK(out.str().empty());
  const std::string lines = err.str();
  CHECK(std::ranges::count(lines, '\n') == 2);
}

}  // namespace whichhop
