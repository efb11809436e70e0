#include "diagnostics/page_markup.h"

#include <algorithm>
#include <array>

#include "diagnostics/field_name.h"
#include "diagnostics/html_end.h"
#include "diagnostics/weighted_list.h"

namespace whichhop::diagnostics {
namespace {

using Kind = PageToken::Kind;

constexpr std::string_view kSpace = " \t\n\f";

// What is inside of these is text up to their own end tag.
constexpr std::array<std::string_view, 9> kRawText = {
    "script", "style",   "title",    "textarea", "xmp",
    "iframe", "noembed", "noframes", "noscript"};

bool IsAlpha(char c) { return LowerCase(c) >= 'a' && LowerCase(c) <= 'z'; }

}  // namespace

bool PageMarkup::AtMarkup() const {
  const std::string_view text = rest();
  if (text.size() < 2 || text[0] != '<') return false;
  return IsAlpha(text[1]) || text[1] == '/' || text[1] == '!' || text[1] == '?';
}

bool PageMarkup::Next(PageToken* token) {
  token->attributes.clear();
  token->name = {};
  if (at_ == page_.size() && raw_.empty()) return false;
  const size_t begin = at_;
  if (!raw_.empty()) {
    token->name = raw_;
    token->kind = ReadRaw() ? Kind::kRaw : Kind::kCut;
    raw_ = {};
  } else if (AtMarkup()) {
    token->kind = ReadMarkup(token);
  } else {
    token->kind = Kind::kText;
    do {
      at_ = std::min(page_.find('<', at_ + 1), page_.size());
    } while (at_ < page_.size() && !AtMarkup());
  }
  if (token->kind == Kind::kCut) at_ = page_.size();
  token->text = page_.substr(begin, at_ - begin);
  return true;
}

std::string_view PageMarkup::TakeUntil(std::string_view ends) {
  const size_t end = std::min(page_.find_first_of(ends, at_), page_.size());
  const std::string_view taken = page_.substr(at_, end - at_);
  at_ = end;
  return taken;
}

bool PageMarkup::SkipPast(std::string_view mark) {
  const size_t found = page_.find(mark, at_);
  if (found == page_.npos) return false;
  at_ = found + mark.size();
  return true;
}

Kind PageMarkup::ReadMarkup(PageToken* token) {
  const std::string_view text = rest();
  const bool end_tag = text[1] == '/';
  if (IsAlpha(text[1]) || (end_tag && text.size() > 2 && IsAlpha(text[2]))) {
    return ReadTag(token);
  }
  if (text.starts_with("<!--")) {
    at_ = EndOfComment(page_, at_);
    return at_ == page_.npos ? Kind::kCut : Kind::kComment;
  }
  const bool doctype = NameIs(text.substr(1, 8), "!doctype");
  if (!SkipPast(">")) return Kind::kCut;
  return doctype ? Kind::kDoctype : Kind::kComment;
}

Kind PageMarkup::ReadTag(PageToken* token) {
  const bool end_tag = rest()[1] == '/';
  at_ += end_tag ? 2 : 1;
  token->name = TakeUntil(" \t\n\f/>");
  while (ReadAttribute(token)) continue;
  if (!rest().starts_with(">")) return Kind::kCut;
  ++at_;
  if (end_tag) return Kind::kEndTag;
  const bool raw = std::ranges::any_of(kRawText, [&](std::string_view each) {
    return NameIs(token->name, each);
  });
  if (raw) raw_ = token->name;
  return Kind::kStartTag;
}

// False: there is none, or the page ends in it.
bool PageMarkup::ReadAttribute(PageToken* token) {
  at_ = std::min(page_.find_first_not_of(" \t\n\f/", at_), page_.size());
  if (at_ == page_.size() || page_[at_] == '>') return false;
  PageAttribute attribute;
  const size_t begin = at_++;  // a `=` that comes first belongs to the name
  TakeUntil(" \t\n\f/>=");
  attribute.name = page_.substr(begin, at_ - begin);
  const size_t sign =
      std::min(page_.find_first_not_of(kSpace, at_), page_.size());
  if (page_.substr(sign, 1) == "=") {
    at_ = sign + 1;
    if (!ReadValue(&attribute)) return false;
  }
  token->attributes.push_back(attribute);
  return true;
}

bool PageMarkup::ReadValue(PageAttribute* attribute) {
  at_ = std::min(page_.find_first_not_of(kSpace, at_), page_.size());
  if (rest().starts_with('"') || rest().starts_with('\'')) {
    attribute->quote = page_[at_++];
    attribute->value = TakeUntil({&attribute->quote, 1});
    if (at_ == page_.size()) return false;
    ++at_;
    return true;
  }
  attribute->value = TakeUntil(" \t\n\f>");
  return at_ < page_.size();
}

// To the end tag of `raw_`.
bool PageMarkup::ReadRaw() {
  while (SkipPast("</")) {
    const std::string_view after = rest();
    if (!EqualsIgnoringCase(after.substr(0, raw_.size()), raw_)) continue;
    if (after.size() == raw_.size()) return false;
    const char next = after[raw_.size()];
    if (next != '/' && next != '>' && kSpace.find(next) == kSpace.npos) {
      continue;
    }
    at_ -= 2;
    return true;
  }
  return false;
}

}  // namespace whichhop::diagnostics
