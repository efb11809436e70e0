#include "diagnostics/page_policy.h"

#include <algorithm>
#include <array>
#include <span>

#include "diagnostics/field_name.h"

namespace whichhop::diagnostics {
namespace {

struct Refused {
  std::string_view name;
  std::string_view why;
};
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

// On any element; `href` is one too, but for links.
constexpr std::array<std::string_view, 8> kLoads = {
    "src",  "srcset",      "poster", "background",
    "data", "imagesrcset", "ping",   "manifest"};
constexpr std::array<std::string_view, 2> kSends = {"action", "formaction"};
constexpr std::array<std::string_view, 2> kHrefs = {"href", "xlink:href"};
constexpr std::array<std::string_view, 2> kLinks = {"a", "area"};
constexpr std::array<std::string_view, 7> kPlainLinks = {
    "https:", "http:", "mailto:", "tel:", "/", "?", "#"};

constexpr std::array<std::string_view, 2> kForeign = {"svg", "math"};
constexpr std::array<std::string_view, 9> kVoid = {
    "br", "img", "hr", "wbr", "input", "meta", "link", "col", "source"};
constexpr std::array<std::string_view, 19> kOfWords = {
    "p",  "h1",   "h2",     "h3",    "h4",   "h5", "h6", "pre",   "a",     "b",
    "em", "span", "strong", "small", "code", "i",  "q",  "label", "button"};

bool IsOneOf(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::any_of(
      names, [name](std::string_view each) { return NameIs(name, each); });
}

bool IsOrder(const PageToken& tag) {
  return std::ranges::any_of(tag.attributes, [](const PageAttribute& each) {
    return NameIs(each.name, "http-equiv");
  });
}

}  // namespace

std::string_view WhyRefused(std::string_view element) {
  const auto found = std::ranges::find_if(
      kRefused,
      [element](const Refused& each) { return NameIs(element, each.name); });
  return found == kRefused.end() ? std::string_view() : found->why;
}

AttributeUse UseOf(const PageToken& tag, const PageAttribute& attribute) {
  const std::string_view name = attribute.name;
  if (NameStartsWith(name, "on") && name.size() > 2) {
    return AttributeUse::kHandler;
  }
  if (NameIs(name, "style")) return AttributeUse::kStyle;
  if (IsOneOf(name, kSends)) return AttributeUse::kSends;
  if (IsOneOf(name, kLoads)) return AttributeUse::kLoads;
  if (IsOneOf(name, kHrefs)) {
    return IsOneOf(tag.name, kLinks) ? AttributeUse::kLink
                                     : AttributeUse::kLoads;
  }
  return NameIs(name, "content") && IsOrder(tag) ? AttributeUse::kOrder
                                                 : AttributeUse::kWords;
}

bool IsHere(std::string_view url) {
  url = TrimSpace(url);
  return url.starts_with('#') || NameStartsWith(url, "data:");
}

bool IsPlainLink(std::string_view url) {
  return std::ranges::any_of(kPlainLinks, [url](std::string_view begin) {
    return NameStartsWith(url, begin);
  });
}

bool IsScriptLink(std::string_view url) {
  return NameStartsWith(TrimSpace(url), "javascript:");
}

bool HoldsWords(std::string_view element) { return IsOneOf(element, kOfWords); }
bool IsForeign(std::string_view element) { return IsOneOf(element, kForeign); }
bool IsVoid(std::string_view element) { return IsOneOf(element, kVoid); }

std::string_view TrimSpace(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\f";
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  return text.substr(0, text.find_last_not_of(kSpace) + 1);
}

}  // namespace whichhop::diagnostics
