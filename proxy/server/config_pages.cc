#include "proxy/server/config_pages.h"

#include <string_view>
#include <utility>

#include "diagnostics/page_slot.h"
#include "diagnostics/page_template.h"
#include "diagnostics/text.h"
#include "proxy/net/regular_file.h"
#include "proxy/server/config_suggest.h"
#include "proxy/server/schema.h"

namespace whichhop {

namespace {

using diagnostics::PageTemplate;
using diagnostics::TemplateError;

bool IsControl(char c) {
  constexpr std::string_view kAllowed = "\t\n\r\f";
  return static_cast<unsigned char>(c) < ' ' &&
         kAllowed.find(c) == kAllowed.npos;
}

// The length of what of `text` can be read as text.
size_t ReadableLength(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t length = diagnostics::Utf8SequenceLength(text.substr(at));
    if (length == 0 || IsControl(text[at])) break;
    at += length;
  }
  return at;
}

// All of it, which is text.
Result<std::string> ReadPage(const std::string& path) {
  Result<std::string> text = ReadRegularFile(path, PageTemplate::kMostBytes);
  if (!text.ok()) return text;
  const size_t readable = ReadableLength(text.value());
  if (readable == text.value().size()) return text;
  const bool control = IsControl(text.value()[readable]);
  return Error{"cannot read " + path + ": its byte " +
               std::to_string(readable + 1) +
               (control ? " is a control character" : " is no UTF-8")};
}

std::string Suggestion(const std::string& unknown_slot) {
  std::vector<std::string_view> names;
  for (const auto& slot : diagnostics::kSlots) names.push_back(slot.name);
  return DidYouMean(unknown_slot, names);
}

void ReadHtml(const ConfigNode& node, ErrorsConfig& owner,
              ConfigErrors& errors) {
  const auto path = ReadText(node, errors);
  if (!path) return;
  const Result<std::string> text = ReadPage(*path);
  if (!text.ok()) return errors.push_back({node.place, text.error()});
  std::vector<TemplateError> found;
  auto page = PageTemplate::Parse(text.value(), &found);
  for (const TemplateError& error : found) {
    errors.push_back({node.place,
                      error.message + Suggestion(error.unknown_slot),
                      *path,
                      {error.line, error.column}});
  }
  if (!page) return;
  owner.page = std::make_shared<const PageTemplate>(std::move(*page));
}

constexpr Row<ErrorsConfig> kPagesRows[] = {
    {{"html", Presence::kRequired}, ReadHtml},
};

}  // namespace

void ReadPages(const ConfigNode& node, ErrorsConfig& owner,
               ConfigErrors& errors) {
  ReadMap(node, kPagesRows, owner, errors);
}

void ListPagesKeys(const std::string& path, std::vector<std::string>& paths) {
  ListKeys(kPagesRows, path, paths);
}

}  // namespace whichhop
