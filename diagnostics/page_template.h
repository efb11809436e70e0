#pragma once
// An operator's own page of an error: a whole HTML document with slots, as
// {{error_id}}, that a verdict fills. It is read once; filling it parses
// nothing. conf/README.md says what may stand where.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/language.h"
#include "diagnostics/page.h"
#include "diagnostics/page_slot.h"
#include "diagnostics/verdict.h"

namespace whichhop::diagnostics {

// What is wrong with a page, and where.
struct TemplateError {
  size_t line = 1;      // from 1
  size_t column = 1;    // from 1; counts bytes
  std::string message;  // one sentence of printable ASCII
  // A name that no slot has, as it stands there (letters, digits and `_`);
  // else empty.
  std::string unknown_slot;
};

// Immutable; may be shared between threads.
class PageTemplate {
 public:
  static constexpr size_t kMostBytes = 128 * 1024;  // of the source
  static constexpr size_t kMostSlots = 64;
  static constexpr size_t kMostStyles = 8;
  static constexpr size_t kMostErrors = 100;  // that are told of one page
  // No page is larger, whatever is put into it.
  static constexpr size_t kMostFilled = 384 * 1024;

  // The page that `source` says; otherwise nothing, and all that is wrong with
  // it, in the order of the file. Requires: `source` is UTF-8 of at most
  // kMostBytes.
  [[nodiscard]] static std::optional<PageTemplate> Parse(
      std::string_view source, std::vector<TemplateError>* errors);

  // Appends the document. As for AppendBody, a text from outside is escaped for
  // where it stands, and evidence is for operators alone.
  void Append(const Verdict& verdict, const PageInput& input,
              std::string& out) const;

  // The field lines of the page for a client who reads `language`: its type,
  // its language, its Vary and its Content-Security-Policy, by which it applies
  // its own <style> elements, shows what it has in data: URLs, and nothing
  // else. Each ends with CRLF.
  std::string_view Fields(Language language) const {
    return fields_[static_cast<size_t>(language)];
  }

 private:
  friend class TemplateReader;

  // How a text is escaped for where it stands.
  enum class Escape : uint8_t { kHtml, kUrl };

  // A slot behind `text_` up to `at`.
  struct Piece {
    size_t at;
    Slot slot;
    Escape escape;
  };

  PageTemplate() = default;
  void Fill(const Piece& piece, const Verdict& verdict, const PageInput& input,
            std::string& memory, std::string& out) const;

  std::string text_;  // without the slots
  std::vector<Piece> pieces_;
  // The language of its slots; nothing: the client's.
  std::optional<Language> language_;
  std::array<std::string, kLanguageCount> fields_;
};

}  // namespace whichhop::diagnostics
