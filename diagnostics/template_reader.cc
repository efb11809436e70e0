#include "diagnostics/template_reader.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "diagnostics/append.h"
#include "diagnostics/field_name.h"
#include "diagnostics/page_style.h"
#include "diagnostics/sha256.h"

namespace whichhop::diagnostics {
namespace {

constexpr std::string_view kSpace = " \t\n\f";

// Elements that would do nothing under the page's policy, or in which text and
// markup can't be told apart.
struct Refused {
  std::string_view name;
  std::string_view why;
};
constexpr std::string_view kNoScript = "no script runs on this page";
constexpr std::string_view kNoLoad = "nothing is loaded by this page";
constexpr std::string_view kNoSending = "nothing is sent by this page";
constexpr std::string_view kObsolete = "no markup can be told in it";
constexpr std::array<Refused, 16> kRefused = {
    {{"script", kNoScript},
     {"noscript", kNoScript},
     {"iframe", kNoLoad},
     {"frame", kNoLoad},
     {"frameset", kNoLoad},
     {"object", kNoLoad},
     {"embed", kNoLoad},
     {"applet", kNoLoad},
     {"portal", kNoLoad},
     {"base", "no address of this page is relative to another"},
     {"form", kNoSending},
     {"xmp", kObsolete},
     {"noembed", kObsolete},
     {"noframes", kObsolete},
     {"plaintext", kObsolete},
     {"isindex", kObsolete}}};

// Attributes that name what is loaded, on any element; `href` is one but for
// links.
constexpr std::array<std::string_view, 8> kLoads = {
    "src",  "srcset",      "poster", "background",
    "data", "imagesrcset", "ping",   "manifest"};
constexpr std::array<std::string_view, 2> kSends = {"action", "formaction"};
// What a link that has slots may begin with, so that they are words in it.
constexpr std::array<std::string_view, 7> kPlainLinks = {
    "https:", "http:", "mailto:", "tel:", "/", "?", "#"};
constexpr std::array<std::string_view, 2> kHrefs = {"href", "xlink:href"};
constexpr std::array<std::string_view, 2> kLinks = {"a", "area"};
constexpr std::array<std::string_view, 2> kForeign = {"svg", "math"};

constexpr std::array<std::string_view, 9> kVoid = {
    "br", "img", "hr", "wbr", "input", "meta", "link", "col", "source"};
// Elements that hold words, not sections.
constexpr std::array<std::string_view, 19> kOfWords = {
    "p",  "h1",   "h2",     "h3",    "h4",   "h5", "h6", "pre",   "a",     "b",
    "em", "span", "strong", "small", "code", "i",  "q",  "label", "button"};

bool IsOneOf(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::any_of(
      names, [name](std::string_view each) { return NameIs(name, each); });
}

std::string_view Trim(std::string_view text) {
  const size_t begin = std::min(text.find_first_not_of(kSpace), text.size());
  text.remove_prefix(begin);
  return text.substr(0, text.find_last_not_of(kSpace) + 1);
}

bool IsNameOctet(char c) {
  return c == '_' || c == '-' || (c >= '0' && c <= '9') ||
         (LowerCase(c) >= 'a' && LowerCase(c) <= 'z');
}

// Of a page, for a message.
std::string Printable(std::string_view text) {
  constexpr size_t kShown = 32;
  std::string shown(text.substr(0, kShown));
  std::ranges::replace_if(
      shown, [](char c) { return c < ' ' || c >= 0x7F || c == '`'; }, '?');
  if (text.size() > kShown) shown += "...";
  return shown;
}

std::string Quoted(std::string_view text) {
  return '`' + Printable(text) + '`';
}

std::string Tag(std::string_view name) { return '<' + Printable(name) + '>'; }

// Lines as a browser's parser, and so its digest of a style, has them.
std::string WithLineFeeds(std::string_view source) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (source.starts_with(kByteOrderMark)) {
    source.remove_prefix(kByteOrderMark.size());
  }
  std::string text;
  text.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      text += source[i];
    } else if (source.substr(i + 1, 1) != "\n") {
      text += '\n';
    }
  }
  return text;
}

// A language tag, as far as it has to be looked at to stand in a field.
bool IsLanguageTag(std::string_view tag) {
  return !tag.empty() && tag.size() <= 35 && tag.find('_') == tag.npos &&
         std::ranges::all_of(tag, IsNameOctet);
}

// `{{ language }}` and nothing else.
bool IsLanguageSlot(std::string_view value) {
  value = Trim(value);
  if (!value.starts_with("{{") || !value.ends_with("}}")) return false;
  if (value.size() < 4) return false;
  return Trim(value.substr(2, value.size() - 4)) == "language";
}

bool BeginsWith(std::string_view text, std::string_view lower_case) {
  return NameStartsWith(Trim(text), lower_case);
}

}  // namespace

TemplateReader::TemplateReader(std::string_view source, PageTemplate& page,
                               std::vector<TemplateError>& errors)
    : source_(WithLineFeeds(source)),
      page_(page),
      errors_(errors),
      copied_(source_.data()),
      used_(kSlots.size()) {}

void TemplateReader::Read() {
  errors_.clear();
  PageMarkup markup(source_);
  PageToken token;
  while (markup.Next(&token)) ReadToken(token);
  CopyTo(source_.data() + source_.size());
  CheckWhole();
  MakeFields();
  std::ranges::stable_sort(errors_, {}, [](const TemplateError& error) {
    return std::pair(error.line, error.column);
  });
}

void TemplateReader::ReadToken(const PageToken& token) {
  using Kind = PageToken::Kind;
  switch (token.kind) {
    case Kind::kText:
      anything_ = anything_ || !Trim(token.text).empty();
      return ReadSlots(token.text, in_head_ ? Place::kNowhere : Place::kBody,
                       "in <head>, which is not shown");
    case Kind::kStartTag:
      return ReadStartTag(token);
    case Kind::kEndTag:
      return ReadEndTag(token);
    case Kind::kRaw:
      return ReadRaw(token);
    case Kind::kDoctype:
      return ReadDoctype(token);
    case Kind::kComment:
      if (token.text.starts_with("<![")) {
        Complain(token.text,
                 "`<![` means one thing in <svg> and another "
                 "elsewhere: leave it out");
      }
      return ReadSlots(token.text, Place::kNowhere,
                       "in a comment, where nobody would see it");
    case Kind::kCut:
      return Complain(token.text, "what begins here never ends");
  }
}

void TemplateReader::ReadDoctype(const PageToken& token) {
  const std::string_view name = Trim(token.text.substr(9));
  if (!anything_ && NameStartsWith(name, "html")) doctype_ = true;
  anything_ = true;
  ReadSlots(token.text, Place::kNowhere, "in the <!DOCTYPE>");
}

void TemplateReader::ReadStartTag(const PageToken& token) {
  anything_ = true;
  for (const Refused& refused : kRefused) {
    if (!NameIs(token.name, refused.name)) continue;
    Complain(token.text,
             std::string(refused.why) + ": " + Tag(token.name) + " is refused");
  }
  ReadSlots(token.name, Place::kNowhere,
            "in the name of an element, where it would be markup");
  for (const PageAttribute& attribute : token.attributes) {
    ReadAttribute(token, attribute);
  }
  if (NameIs(token.name, "html")) ReadLanguage(token);
  if (NameIs(token.name, "head")) in_head_ = true;
  if (NameIs(token.name, "body")) in_head_ = false;
  const bool ends_itself = token.text.ends_with("/>");
  if (IsOneOf(token.name, kForeign) && !ends_itself) ++foreign_;
  if (!IsOneOf(token.name, kVoid)) open_ = token.name;
}

void TemplateReader::ReadEndTag(const PageToken& token) {
  ReadSlots(token.text, Place::kNowhere, "in an end tag");
  if (NameIs(token.name, "head")) in_head_ = false;
  if (IsOneOf(token.name, kForeign) && foreign_ > 0) --foreign_;
  open_ = {};
}

void TemplateReader::ReadRaw(const PageToken& token) {
  if (NameIs(token.name, "style")) return ReadStyle(token.text);
  if (NameIs(token.name, "title") || NameIs(token.name, "textarea")) {
    CheckTags(token.text, token.name);
    return ReadSlots(token.text, Place::kWords, {});
  }
  const std::string where =
      "inside of " + Tag(token.name) + ", where it would be code";
  ReadSlots(token.text, Place::kNowhere, where);
}

// What is text here would be markup inside of <svg>.
void TemplateReader::CheckTags(std::string_view text,
                               std::string_view element) {
  for (size_t at = 0; (at = text.find('<', at)) != text.npos; ++at) {
    const char next = at + 1 < text.size() ? LowerCase(text[at + 1]) : ' ';
    const bool tag = (next >= 'a' && next <= 'z') || next == '/' ||
                     next == '!' || next == '?';
    if (!tag) continue;
    return Complain(text.substr(at), "there are no tags in " + Tag(element) +
                                         ": leave a blank behind the `<`");
  }
}

void TemplateReader::ReadStyle(std::string_view text) {
  CheckTags(text, "style");
  CheckStyle(text);
  CopyTo(text.data());
  const size_t begin = page_.text_.size();
  ReadSlots(text, Place::kStyle, {});
  CopyTo(text.data() + text.size());
  if (++styles_ == PageTemplate::kMostStyles + 1) {
    Complain(text, "a page has at most 8 <style> elements");
  }
  const auto digest =
      Base64(Sha256(std::string_view(page_.text_).substr(begin)));
  AppendAll(digests_, " 'sha256-",
            std::string_view(digest.data(), digest.size()), "'");
}

void TemplateReader::CheckStyle(std::string_view text) {
  for (size_t at = 0; at < text.size(); ++at) {
    const std::string_view rest = text.substr(at);
    if (NameStartsWith(rest, "@import")) {
      Complain(rest, std::string(kNoLoad) + ": `@import` is refused");
    }
    if (!NameStartsWith(rest, "url(")) continue;
    std::string_view url = Trim(rest.substr(4, 64));
    if (url.starts_with('"') || url.starts_with('\'')) url.remove_prefix(1);
    if (BeginsWith(url, "data:") || BeginsWith(url, "#")) continue;
    Complain(rest, std::string(kNoLoad) + ": `url(` takes a data: URL");
  }
}

void TemplateReader::ReadAttribute(const PageToken& tag,
                                   const PageAttribute& attribute) {
  const std::string_view name = attribute.name;
  ReadSlots(name, Place::kNowhere,
            "in a tag without quotes around it, where it would be markup");
  if (attribute.quote == '\0') {
    ReadSlots(attribute.value, Place::kNowhere,
              "in a value without quotes, which its first blank would end");
  }
  const bool quoted = attribute.quote != '\0';
  const auto refuse = [&](std::string_view why, std::string_view where) {
    Complain(name, std::string(why));
    if (quoted) ReadSlots(attribute.value, Place::kNowhere, where);
  };
  if (NameStartsWith(name, "on") && name.size() > 2) {
    return refuse(std::string(kNoScript) + ": " + Quoted(name) + " is refused",
                  "in a handler, where it would be code");
  }
  if (NameIs(name, "style")) {
    return refuse(
        "a `style` attribute is not applied: give it a class, and a "
        "rule in <style>",
        "in a `style`, where it would be a rule");
  }
  if (IsOneOf(name, kSends)) {
    return refuse(std::string(kNoSending) + ": " + Quoted(name) + " is refused",
                  "in the address of a form");
  }
  const bool href = IsOneOf(name, kHrefs);
  if (href && IsOneOf(tag.name, kLinks)) return ReadLink(attribute);
  if (href || IsOneOf(name, kLoads)) return CheckLoaded(attribute);
  if (!quoted) return;
  const bool order = NameIs(name, "content") &&
                     std::ranges::any_of(tag.attributes, [](const auto& each) {
                       return NameIs(each.name, "http-equiv");
                     });
  ReadSlots(attribute.value, order ? Place::kNowhere : Place::kAttribute,
            "in a <meta http-equiv>, which is an order to the browser");
}

// Where a link leads, the page says; what it tells there, a slot may.
void TemplateReader::ReadLink(const PageAttribute& attribute) {
  if (BeginsWith(attribute.value, "javascript:")) {
    Complain(attribute.value,
             std::string(kNoScript) + ": `javascript:` is refused");
  }
  if (attribute.quote == '\0') return;
  const bool plain =
      std::ranges::any_of(kPlainLinks, [&](std::string_view begin) {
        return NameStartsWith(attribute.value, begin);
      });
  if (!plain) {
    return ReadSlots(attribute.value, Place::kNowhere,
                     "in a link that is not one of http, https, mailto or tel");
  }
  const size_t told =
      std::min(attribute.value.find_first_of("?#"), attribute.value.size());
  ReadSlots(attribute.value.substr(0, told), Place::kNowhere,
            "before the `?` or `#` of a link: it would say where that leads");
  ReadSlots(attribute.value.substr(told), Place::kUrl, {});
}

void TemplateReader::CheckLoaded(const PageAttribute& attribute) {
  const std::string_view value = Trim(attribute.value);
  const bool here =
      value.empty() || value.starts_with('#') || NameStartsWith(value, "data:");
  if (!here) {
    Complain(attribute.name, std::string(kNoLoad) + ": " +
                                 Quoted(attribute.name) + " takes a data: URL");
  }
  if (attribute.quote == '\0') return;
  ReadSlots(attribute.value, Place::kNowhere,
            "in the address of what is loaded");
}

void TemplateReader::ReadLanguage(const PageToken& tag) {
  for (const PageAttribute& attribute : tag.attributes) {
    if (!NameIs(attribute.name, "lang") || language_seen_) continue;
    language_seen_ = true;
    if (IsLanguageSlot(attribute.value)) return;
    if (IsLanguageTag(attribute.value)) {
      language_tag_ = attribute.value;
      return;
    }
    Complain(attribute.name,
             "`lang` is {{language}}, or the tag of a language: en, de-AT");
  }
}

void TemplateReader::CheckWhole() {
  const std::string_view begin = std::string_view(source_).substr(0, 0);
  if (!doctype_) {
    Complain(begin, "this is no page: it has to begin with <!DOCTYPE html>");
  }
  if (!language_seen_) {
    Complain(begin,
             "<html> needs a `lang`: {{language}} for the reader's own, or the "
             "tag of the language that the page is written in");
  }
  if (!has_id_) {
    Complain(begin,
             "`{{error_id}}`, or `{{report}}` which has it, is missing in the "
             "text of the page: by it a visitor's error is found in the log");
  }
}

void TemplateReader::ReadSlots(std::string_view text, Place place,
                               std::string_view where) {
  for (size_t at = 0; (at = text.find("{{", at)) != text.npos;) {
    at += ReadSlot(text.substr(at), place, where);
  }
}

size_t TemplateReader::ReadSlot(std::string_view text, Place place,
                                std::string_view where) {
  constexpr size_t kBraces = 2;
  constexpr size_t kLongestName = 40;
  const size_t end = text.find("}}", kBraces);
  const std::string_view name =
      end == text.npos ? "" : Trim(text.substr(kBraces, end - kBraces));
  if (name.empty() || !std::ranges::all_of(name, IsNameOctet)) {
    Complain(text,
             "`{{` begins a slot, as {{error_id}}; braces themselves are "
             "&#123;");
    return kBraces;
  }
  const std::string_view whole = text.substr(0, end + kBraces);
  const std::optional<Slot> slot = ParseSlot(name);
  if (slot) {
    PutSlot(*slot, whole, place, where);
  } else {
    Complain(whole, "unknown slot " + Quoted(name),
             std::string(name.substr(0, kLongestName)));
  }
  return whole.size();
}

void TemplateReader::PutSlot(Slot slot, std::string_view text, Place place,
                             std::string_view where) {
  const SlotInfo& info = GetSlot(slot);
  const bool words = place == Place::kBody || place == Place::kWords;
  if (words && text.data() != source_.data() && text.data()[-1] == '<') {
    where = "behind a `<`, with which its words would be a tag: that is &lt;";
    place = Place::kNowhere;
  }
  const std::string_view why_not = WhyNot(slot, place, where);
  const std::string shown = Quoted(text);
  if (!why_not.empty()) {
    return Complain(text, shown + " can't stand " + std::string(why_not));
  }
  const bool again = used_[static_cast<size_t>(slot)];
  used_[static_cast<size_t>(slot)] = true;
  if (again && info.form != SlotForm::kText) {
    return Complain(text, shown + " stands here again: its ids are there once");
  }
  const bool shows_id = slot == Slot::kErrorId || slot == Slot::kReport;
  if (shows_id && place == Place::kBody) has_id_ = true;
  CopyTo(text.data());
  copied_ = text.data() + text.size();
  if (slot == Slot::kStyle) {
    page_.text_ += kPageStyle;
    return;
  }
  if (page_.pieces_.size() == PageTemplate::kMostSlots) {
    return Complain(text, "a page has at most 64 slots");
  }
  using Escape = PageTemplate::Escape;
  page_.pieces_.push_back(
      {page_.text_.size(), slot,
       place == Place::kUrl ? Escape::kUrl : Escape::kHtml});
}

std::string_view TemplateReader::WhyNot(Slot slot, Place place,
                                        std::string_view where) const {
  const SlotForm form = GetSlot(slot).form;
  if (place == Place::kNowhere) return where;
  if (form == SlotForm::kStyle) {
    return place == Place::kStyle ? "" : "outside of <style>";
  }
  if (place == Place::kStyle) {
    return "in <style>, where it would be a rule";
  }
  if (form == SlotForm::kText) return {};
  if (place == Place::kWords) return "among words: it is made of elements";
  if (place != Place::kBody) return "in an attribute: it is made of elements";
  if (foreign_ > 0) return "in <svg> or <math>: it is made of HTML";
  return IsOneOf(open_, kOfWords) ? "in an element of words, as <p>: it is "
                                    "made of sections"
                                  : "";
}

void TemplateReader::CopyTo(const char* end) {
  page_.text_.append(copied_, static_cast<size_t>(end - copied_));
  copied_ = end;
}

void TemplateReader::MakeFields() {
  const bool clients = language_tag_.empty();
  if (!clients) page_.language_ = NegotiateLanguage(language_tag_);
  for (size_t i = 0; i < kLanguageCount; ++i) {
    std::string& lines = page_.fields_[i];
    AppendAll(lines,
              "Content-Type: text/html; charset=utf-8\r\nContent-Language: ",
              clients ? kLanguageTags[i] : language_tag_, "\r\nVary: Accept",
              clients ? ", Accept-Language" : "",
              "\r\nContent-Security-Policy: default-src 'none'; img-src data:; "
              "font-src data:");
    if (!digests_.empty()) AppendAll(lines, "; style-src", digests_);
    lines += "; base-uri 'none'; form-action 'none'\r\n";
  }
}

void TemplateReader::Complain(std::string_view at, std::string message,
                              std::string unknown_slot) {
  if (errors_.size() == PageTemplate::kMostErrors) return;
  const std::string_view before(
      source_.data(), static_cast<size_t>(at.data() - source_.data()));
  TemplateError& error = errors_.emplace_back();
  error.line += static_cast<size_t>(std::ranges::count(before, '\n'));
  error.column = before.size() - (before.rfind('\n') + 1) + 1;
  error.message = std::move(message);
  error.unknown_slot = std::move(unknown_slot);
}

}  // namespace whichhop::diagnostics
