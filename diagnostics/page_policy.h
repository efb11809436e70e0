#pragma once
// What an operator's page may have in it, under the Content-Security-Policy
// that it is sent with: nothing that would do nothing, and nothing in which
// words and markup can't be told apart.

#include <cstdint>
#include <string_view>

#include "diagnostics/page_markup.h"

namespace whichhop::diagnostics {

inline constexpr std::string_view kNoScript = "no script runs on this page";
inline constexpr std::string_view kNoLoad = "nothing is loaded by this page";
inline constexpr std::string_view kNoSending = "nothing is sent by this page";

// Why this element is refused; empty: it is not.
std::string_view WhyRefused(std::string_view element);

// What the value of an attribute is.
enum class AttributeUse : uint8_t {
  kWords,    // or whatever does no harm
  kHandler,  // code
  kStyle,    // rules
  kSends,    // where a form goes
  kLoads,    // what is loaded
  kLink,     // where a click leads
  kOrder,    // of <meta http-equiv>: an order to the browser
};
AttributeUse UseOf(const PageToken& tag, const PageAttribute& attribute);

// Whether nothing has to be loaded for it: data:, or a part of this page.
bool IsHere(std::string_view url);
// Whether a slot behind its `?` or `#` is words and nothing else: https, http,
// mailto, tel, a path.
bool IsPlainLink(std::string_view url);
bool IsScriptLink(std::string_view url);

// Elements that hold words, not sections: <p>, headings, links.
bool HoldsWords(std::string_view element);
// Inside of which HTML has other rules: <svg>, <math>.
bool IsForeign(std::string_view element);
// That have no inside: <br>.
bool IsVoid(std::string_view element);

// Without the space around it.
std::string_view TrimSpace(std::string_view text);

}  // namespace whichhop::diagnostics
