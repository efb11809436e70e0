#pragma once
// Reads a PageTemplate: which slot stands where, whether it can be escaped
// there, and what of the page would not happen under the policy that it is sent
// with. Collects all that is wrong.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/page_markup.h"
#include "diagnostics/page_policy.h"
#include "diagnostics/page_template.h"

namespace whichhop::diagnostics {

class TemplateReader {
 public:
  TemplateReader(std::string_view source, PageTemplate& page,
                 std::vector<TemplateError>& errors);

  void Read();

 private:
  // Where a slot stands.
  enum class Place : uint8_t {
    kBody,       // text
    kWords,      // text of <title> or <textarea>: no elements
    kStyle,      // in <style>
    kAttribute,  // in quotes
    kUrl,        // in quotes, behind the `?` or `#` of a link
    kNowhere,    // no escaping is safe there, or nobody would see it
  };

  void ReadToken(const PageToken& token);
  void ReadDoctype(const PageToken& token);
  void ReadStartTag(const PageToken& token);
  void ReadEndTag(const PageToken& token);
  void ReadRaw(const PageToken& token);
  void ReadStyle(std::string_view text);
  void ReadAttribute(const PageToken& tag, const PageAttribute& attribute);
  void CheckAttribute(AttributeUse use, const PageAttribute& attribute);
  void ReadLink(std::string_view url);
  void ReadLanguage(const PageToken& tag);
  void CheckTags(std::string_view text, std::string_view element);
  void CheckStyle(std::string_view text);
  void CheckWhole();

  // `where` ends "`{{host}}` can't stand ..." for kNowhere.
  void ReadSlots(std::string_view text, Place place, std::string_view where);
  // `text` begins with `{{`. Returns how much of it is a slot.
  size_t ReadSlot(std::string_view text, Place place, std::string_view where);
  void PutSlot(Slot slot, std::string_view text, Place place,
               std::string_view where);
  // Ends the same sentence; empty: it may stand there.
  std::string_view WhyNot(Slot slot, Place place, std::string_view where) const;

  // To the page: the source from where it was copied last up to `end`.
  void CopyTo(const char* end);
  void MakeFields();

  // `at` is a part of the source.
  void Complain(std::string_view at, std::string message,
                std::string unknown_slot = {});

  const std::string source_;  // as a browser reads it: lines end with LF
  PageTemplate& page_;
  std::vector<TemplateError>& errors_;

  const char* copied_;             // up to here, of source_
  bool doctype_ = false;           // it begins with one
  bool anything_ = false;          // was read that is shown
  bool in_head_ = false;           // between <head> and </head>
  size_t foreign_ = 0;             // how deep inside of <svg> and <math>
  std::string_view open_;          // the element that was begun last, if that
                                   // is what comes last; else empty
  bool language_seen_ = false;     // of <html>
  std::string_view language_tag_;  // that it says; empty: the client's
  std::vector<bool> used_;         // by Slot
  bool has_id_ = false;            // a reader can see it
  size_t styles_ = 0;
  std::string digests_;  // " 'sha256-...'" of each <style>
};

}  // namespace whichhop::diagnostics
