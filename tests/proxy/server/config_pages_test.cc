// `errors.pages`: what is read, and what is refused, where.

#include <sys/stat.h>

#include <string>
#include <utility>
#include <vector>

#include "diagnostics/page_template.h"
#include "tests/proxy/net/authority.h"
#include "tests/proxy/server/config_broken.h"

namespace whichhop {

namespace {

using diagnostics::PageTemplate;

constexpr std::string_view kWhole =
    "<!DOCTYPE html><html lang=\"en\"><p>{{error_id}}</p></html>";

// A page in a file, and the configuration that names it on line 2, column 17.
class PageFile {
 public:
  explicit PageFile(std::string_view page)
      : path_(directory_.Write("page.html", page)) {}

  const std::string& path() const { return path_; }
  std::string yaml() const { return Yaml(path_); }
  // The errors, with PAGE for the path.
  std::string Errors() const {
    std::string errors = ErrorsOf(yaml());
    for (size_t at; (at = errors.find(path_)) != errors.npos;) {
      errors.replace(at, path_.size(), "PAGE");
    }
    return errors;
  }

  static std::string Yaml(const std::string& path) {
    return "errors:\n  pages: {html: " + path +
           "}\n"
           "listen: [\":8080\"]\nroutes: [{respond: 404}]\n";
  }

 private:
  ScratchDirectory directory_;
  std::string path_;
};

std::string ErrorsOf(const PageFile& file) { return file.Errors(); }

// As FormatConfigError has it, for a file of the configuration.
std::vector<std::string> Formatted(const std::string& yaml) {
  ConfigErrors errors;
  CHECK_FALSE(LoadConfig(yaml, errors));
  std::vector<std::string> messages;
  for (const ConfigError& error : errors) {
    messages.push_back(FormatConfigError("whichhop.yaml", error));
  }
  return messages;
}

}  // namespace

TEST_CASE("without errors.pages the page is ours") {
  ConfigErrors errors;
  const auto config =
      LoadConfig("listen: [\":80\"]\nroutes: [{respond: 404}]\n", errors);
  REQUIRE(config);
  CHECK(config->errors.page == nullptr);
  CHECK(config->errors.cdn == diagnostics::Cdn::kNone);
}

TEST_CASE("a page is loaded with the configuration, and shared") {
  const PageFile file(kWhole);
  ConfigErrors errors;
  const auto config = LoadConfig(file.yaml(), errors);
  REQUIRE(config);
  REQUIRE(config->errors.page != nullptr);
  const Config copy = *config;
  CHECK(copy.errors.page == config->errors.page);
}

TEST_CASE("the page that ships loads") {
  ConfigErrors errors;
  CHECK(LoadConfig(PageFile::Yaml(WHICHHOP_SOURCE_DIR "/conf/error.html"),
                   errors));
}

TEST_CASE("what is wrong in a page stands at its own place, all at once") {
  const PageFile file(
      "<!DOCTYPE html>\n<html lang=en>\n<b class={{fault}}>{{errorid}}</b>\n"
      "{{zzz}}");
  CHECK(Formatted("nod: {}\n" + file.yaml()) ==
        std::vector<std::string>{
            "whichhop.yaml:1:1: unknown key `nod`; did you mean `node`?",
            file.path() +
                ":1:1: `{{error_id}}`, or `{{report}}` which has it, is "
                "missing in the text of the page: by it a visitor's error is "
                "found in the log",
            file.path() +
                ":3:10: `{{fault}}` can't stand in a value without quotes, "
                "which its first blank would end",
            file.path() + ":3:20: unknown slot `errorid`; did you mean "
                          "`error_id`?",
            file.path() + ":4:1: unknown slot `zzz`"});
}

TEST_CASE("a file that can't be read as text is an error of its path") {
  const std::pair<std::string, std::string> cases[] = {
      {std::string(kWhole) + std::string(1, '\0'),
       "its byte 58 is a control character"},
      {std::string(kWhole) + "\x1B[2J", "its byte 58 is a control character"},
      {"\xFF" + std::string(kWhole), "its byte 1 is no UTF-8"},
      {std::string(kWhole) + "\xC3", "its byte 58 is no UTF-8"},
      {std::string(PageTemplate::kMostBytes + 1, ' '),
       "it has more than 128 KiB"},
  };
  for (const auto& [page, why] : cases) {
    CHECK(ErrorsOf(PageFile(page)) == "2:17: cannot read PAGE: " + why + '\n');
  }
  std::string most(kWhole);
  most.append(PageTemplate::kMostBytes - most.size(), '\n');
  CHECK(ErrorsOf(PageFile(most)).empty());
}

TEST_CASE("what is no file is an error of its path") {
  CHECK(ErrorsOf(PageFile::Yaml("/nowhere/page.html")) ==
        "2:17: cannot read /nowhere/page.html: No such file or directory\n");
  CHECK(ErrorsOf(PageFile::Yaml("/tmp")) ==
        "2:17: cannot read /tmp: it is not a regular file\n");
  const ScratchDirectory directory;
  const std::string pipe = directory.path() + "/pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(ErrorsOf(PageFile::Yaml(pipe)) ==
        "2:17: cannot read " + pipe + ": it is not a regular file\n");
}

TEST_CASE("the keys are pages.html and cdn") {
  const std::string rest = "listen: [\":80\"]\nroutes: [{respond: 404}]\n";
  CHECK(ErrorsOf("errors: {pages: {}}\n" + rest) ==
        "1:17: `html` is missing here\n");
  CHECK(ErrorsOf("errors: {pages: page.html}\n" + rest) ==
        "1:17: a map is expected, not `page.html`\n");
  CHECK(ErrorsOf("errors: {pages: {htm: a}}\n" + rest) ==
        "1:18: unknown key `htm`; did you mean `html`?\n");
  CHECK(ErrorsOf("errors: {pages: {html: \"\"}}\n" + rest) ==
        "1:24: text is expected, not ``\n");
  CHECK(ErrorsOf("errors: {cdn: cloudfare}\n" + rest) ==
        "1:15: `none` or `cloudflare` is expected, not `cloudfare`; did you "
        "mean `cloudflare`?\n");
  CHECK(ErrorsOf("errors: {cdn: off}\n" + rest) ==
        "1:15: `none` or `cloudflare` is expected, not `off`\n");
}

}  // namespace whichhop
