#include "diagnostics/html_end.h"

#include <algorithm>
#include <array>

#include "diagnostics/field_name.h"
#include "diagnostics/weighted_list.h"

namespace whichhop::diagnostics {
namespace {

constexpr std::string_view kSpace = " \t\r\n\f";
constexpr std::string_view kEndsName = " \t\r\n\f/>";

// What is inside of these is text up to their own end tag.
constexpr std::array<std::string_view, 8> kRawText = {
    "script", "style",  "title",   "textarea",
    "xmp",    "iframe", "noembed", "noframes"};
constexpr std::array<std::string_view, 3> kOfPages = {"html", "head", "body"};
// Behind these nothing is shown any more.
constexpr std::array<std::string_view, 2> kHides = {"frameset", "plaintext"};

bool IsAlpha(char c) { return LowerCase(c) >= 'a' && LowerCase(c) <= 'z'; }

template <size_t N>
bool IsOneOf(std::string_view name,
             const std::array<std::string_view, N>& names) {
  return std::ranges::any_of(names, [name](std::string_view each) {
    return EqualsIgnoringCase(name, each);
  });
}

bool IsTangled(std::string_view script) {
  const size_t comment = script.find("<!--");
  if (comment == script.npos) return false;
  script.remove_prefix(comment);
  return script.find("<s") != script.npos || script.find("<S") != script.npos;
}

// As it is written by everybody: without character references.
bool NamesPolicy(std::string_view meta) {
  constexpr std::string_view kName = "content-security-policy";
  return std::search(meta.begin(), meta.end(), kName.begin(), kName.end(),
                     [](char a, char b) { return LowerCase(a) == b; }) !=
         meta.end();
}

class PageReader {
 public:
  explicit PageReader(std::string_view html) : html_(html) {}

  std::optional<HtmlEnd> Read();

 private:
  static constexpr size_t kNone = std::string_view::npos;

  std::string_view rest() const { return html_.substr(at_); }
  // To behind the next `mark`; false where there is none.
  bool SkipPast(std::string_view mark);
  std::string_view TakeName();
  bool Markup();
  bool Declaration();
  bool Comment();
  bool StartTag();
  bool EndTag();
  bool Attributes();
  bool AttributeValue();
  bool RawText(std::string_view name);

  std::string_view html_;
  size_t at_ = 0;
  bool page_ = false;
  bool policy_ = false;
  size_t body_end_ = kNone;
  size_t html_end_ = kNone;
};

std::optional<HtmlEnd> PageReader::Read() {
  while ((at_ = html_.find('<', at_)) != kNone) {
    if (!Markup()) return std::nullopt;
  }
  if (!page_) return std::nullopt;
  return HtmlEnd{
      std::min(body_end_ != kNone ? body_end_ : html_end_, html_.size()),
      policy_};
}

bool PageReader::SkipPast(std::string_view mark) {
  const size_t found = html_.find(mark, at_);
  if (found == kNone) return false;
  at_ = found + mark.size();
  return true;
}

std::string_view PageReader::TakeName() {
  const size_t end =
      std::min(html_.find_first_of(kEndsName, at_), html_.size());
  const std::string_view name = html_.substr(at_, end - at_);
  at_ = end;
  return name;
}

// At a '<'. False: nothing can be added to this.
bool PageReader::Markup() {
  const char next = rest().size() > 1 ? rest()[1] : '\0';
  if (next == '!' || next == '?') return Declaration();
  if (IsAlpha(next)) return StartTag();
  if (next != '/') {
    ++at_;
    return true;
  }
  return rest().size() > 2 && IsAlpha(rest()[2]) ? EndTag() : SkipPast(">");
}

bool PageReader::Declaration() {
  if (rest().starts_with("<!--")) return Comment();
  page_ = page_ || EqualsIgnoringCase(rest().substr(2, 7), "doctype");
  return SkipPast(">");
}

bool PageReader::Comment() {
  const size_t end = EndOfComment(html_, at_);
  if (end == html_.npos) return false;
  at_ = end;
  return true;
}

bool PageReader::EndTag() {
  const size_t begin = at_;
  at_ += 2;
  const std::string_view name = TakeName();
  if (!Attributes()) return false;
  if (EqualsIgnoringCase(name, "body")) body_end_ = begin;
  if (EqualsIgnoringCase(name, "html")) html_end_ = begin;
  return true;
}

bool PageReader::StartTag() {
  const size_t begin = ++at_;
  const std::string_view name = TakeName();
  if (IsOneOf(name, kHides) || !Attributes()) return false;
  if (EqualsIgnoringCase(name, "meta")) {
    policy_ = policy_ || NamesPolicy(html_.substr(begin, at_ - begin));
  }
  page_ = page_ || IsOneOf(name, kOfPages);
  return !IsOneOf(name, kRawText) || RawText(name);
}

// To behind the tag's '>'.
bool PageReader::Attributes() {
  while ((at_ = std::min(html_.find_first_of("=>", at_), html_.size())) <
         html_.size()) {
    if (html_[at_++] == '>') return true;
    if (!AttributeValue()) return false;
  }
  return false;
}

bool PageReader::AttributeValue() {
  at_ = std::min(html_.find_first_not_of(kSpace, at_), html_.size());
  if (rest().starts_with("\"")) return ++at_, SkipPast("\"");
  if (rest().starts_with("'")) return ++at_, SkipPast("'");
  at_ = std::min(html_.find_first_of(" \t\r\n\f>", at_), html_.size());
  return at_ < html_.size();
}

// To its end tag. A script that has a comment with a script in it ends
// elsewhere than it seems to: that is not untangled here.
bool PageReader::RawText(std::string_view name) {
  const size_t begin = at_;
  while (SkipPast("</")) {
    if (!EqualsIgnoringCase(rest().substr(0, name.size()), name)) continue;
    const std::string_view text = html_.substr(begin, at_ - begin);
    at_ += name.size();
    if (kEndsName.find(rest().substr(0, 1)) == kNone) continue;
    return !IsTangled(text) && Attributes();
  }
  return false;
}

}  // namespace

std::optional<HtmlEnd> EndOfHtml(std::string_view html) {
  return PageReader(html).Read();
}

size_t EndOfComment(std::string_view html, size_t begin) {
  const size_t text = begin + 4;
  const std::string_view rest = html.substr(text);
  if (rest.starts_with(">")) return text + 1;
  if (rest.starts_with("->")) return text + 2;
  // Of three hyphens the last two count.
  for (size_t at = text; (at = html.find("--", at)) != html.npos; ++at) {
    const std::string_view behind = html.substr(at + 2);
    if (behind.starts_with(">")) return at + 3;
    if (behind.starts_with("!>")) return at + 4;
  }
  return html.npos;
}

}  // namespace whichhop::diagnostics
