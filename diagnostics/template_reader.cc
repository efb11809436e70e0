#include "diagnostics/template_reader.h"

#include <algorithm>
#include <utility>

#include "diagnostics/append.h"
#include "diagnostics/field_name.h"
#include "diagnostics/page_style.h"
#include "diagnostics/sha256.h"

namespace whichhop::diagnostics {
namespace {

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

// Ends "`{{host}}` can't stand ..."; empty: it can.
std::string_view WhereIn(AttributeUse use) {
  switch (use) {
    case AttributeUse::kHandler:
      return "in a handler, where it would be code";
    case AttributeUse::kStyle:
      return "in a `style`, where it would be a rule";
    case AttributeUse::kSends:
      return "in the address of a form";
    case AttributeUse::kLoads:
      return "in the address of what is loaded";
    case AttributeUse::kOrder:
      return "in a <meta http-equiv>, which is an order to the browser";
    case AttributeUse::kLink:
    case AttributeUse::kWords:
      return {};
  }
  return {};
}

// A language tag, as far as it has to be looked at to stand in a field.
bool IsLanguageTag(std::string_view tag) {
  return !tag.empty() && tag.size() <= 35 && tag.find('_') == tag.npos &&
         std::ranges::all_of(tag, IsNameOctet);
}

// `{{ language }}` and nothing else.
bool IsLanguageSlot(std::string_view value) {
  value = TrimSpace(value);
  if (!value.starts_with("{{") || !value.ends_with("}}")) return false;
  if (value.size() < 4) return false;
  return TrimSpace(value.substr(2, value.size() - 4)) == "language";
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
      anything_ = anything_ || !TrimSpace(token.text).empty();
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
  const std::string_view name = TrimSpace(token.text.substr(9));
  if (!anything_ && NameStartsWith(name, "html")) doctype_ = true;
  anything_ = true;
  ReadSlots(token.text, Place::kNowhere, "in the <!DOCTYPE>");
}

void TemplateReader::ReadStartTag(const PageToken& token) {
  anything_ = true;
  const std::string_view why = WhyRefused(token.name);
  if (!why.empty()) {
    Complain(token.text,
             std::string(why) + ": " + Tag(token.name) + " is refused");
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
  if (IsForeign(token.name) && !ends_itself) ++foreign_;
  if (!IsVoid(token.name)) open_ = token.name;
}

void TemplateReader::ReadEndTag(const PageToken& token) {
  ReadSlots(token.text, Place::kNowhere, "in an end tag");
  if (NameIs(token.name, "head")) in_head_ = false;
  if (IsForeign(token.name) && foreign_ > 0) --foreign_;
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
    std::string_view url = TrimSpace(rest.substr(4, 64));
    if (url.starts_with('"') || url.starts_with('\'')) url.remove_prefix(1);
    if (IsHere(url)) continue;
    Complain(rest, std::string(kNoLoad) + ": `url(` takes a data: URL");
  }
}

void TemplateReader::ReadAttribute(const PageToken& tag,
                                   const PageAttribute& attribute) {
  ReadSlots(attribute.name, Place::kNowhere,
            "in a tag without quotes around it, where it would be markup");
  const AttributeUse use = UseOf(tag, attribute);
  CheckAttribute(use, attribute);
  if (attribute.quote == '\0') {
    return ReadSlots(attribute.value, Place::kNowhere,
                     "in a value without quotes, which its first blank would "
                     "end");
  }
  if (use == AttributeUse::kLink) return ReadLink(attribute.value);
  const std::string_view where = WhereIn(use);
  ReadSlots(attribute.value,
            where.empty() ? Place::kAttribute : Place::kNowhere, where);
}

void TemplateReader::CheckAttribute(AttributeUse use,
                                    const PageAttribute& attribute) {
  const auto complain = [&](std::string_view why, const char* what) {
    Complain(attribute.name,
             std::string(why) + ": " + Quoted(attribute.name) + what);
  };
  switch (use) {
    case AttributeUse::kHandler:
      return complain(kNoScript, " is refused");
    case AttributeUse::kSends:
      return complain(kNoSending, " is refused");
    case AttributeUse::kStyle:
      return Complain(attribute.name,
                      "a `style` attribute is not applied: give it a class, "
                      "and a rule in <style>");
    case AttributeUse::kLoads:
      if (attribute.value.empty() || IsHere(attribute.value)) return;
      return complain(kNoLoad, " takes a data: URL");
    case AttributeUse::kLink:
      if (!IsScriptLink(attribute.value)) return;
      return Complain(attribute.value,
                      std::string(kNoScript) + ": `javascript:` is refused");
    case AttributeUse::kWords:
    case AttributeUse::kOrder:
      return;
  }
}

// Where a link leads, the page says; what it tells there, a slot may.
void TemplateReader::ReadLink(std::string_view url) {
  if (!IsPlainLink(url)) {
    return ReadSlots(url, Place::kNowhere,
                     "in a link that is not one of http, https, mailto or tel");
  }
  const size_t told = std::min(url.find_first_of("?#"), url.size());
  ReadSlots(url.substr(0, told), Place::kNowhere,
            "before the `?` or `#` of a link: it would say where that leads");
  ReadSlots(url.substr(told), Place::kUrl, {});
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
      end == text.npos ? "" : TrimSpace(text.substr(kBraces, end - kBraces));
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
  return HoldsWords(open_) ? "in an element of words, as <p>: it is "
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
