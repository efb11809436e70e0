#pragma once
// The markup of a page that somebody here wrote, as a tokenizer of HTML (WHATWG
// HTML, section 13.2.5) cuts it: tags with their attributes, text, comments.
// For pages of browsers' own trees html_end.h is enough.

#include <cstdint>
#include <string_view>
#include <vector>

namespace whichhop::diagnostics {

// All views are of the page.
struct PageAttribute {
  std::string_view name;
  std::string_view value;  // between its quotes; empty where there is none
  char quote = '\0';       // `"` or `'`; NUL: none
};

struct PageToken {
  enum class Kind : uint8_t {
    kText,      // up to the next markup; character references as they stand
    kStartTag,  // `name`, `attributes`
    kEndTag,    // the same
    kRaw,       // what is inside of the element `name`, where tags are text
    kComment,   // and what is read like one: `<?`, `<!`
    kDoctype,
    kCut,  // the page ends inside of a tag, a comment or a raw element
  };
  Kind kind = Kind::kText;
  std::string_view text;  // all of it
  std::string_view name;  // as it stands there
  std::vector<PageAttribute> attributes;
};

class PageMarkup {
 public:
  explicit PageMarkup(std::string_view page) : page_(page) {}

  // The next token; false at the end. Text between two tokens is never lost.
  bool Next(PageToken* token);

 private:
  std::string_view rest() const { return page_.substr(at_); }
  bool AtMarkup() const;
  PageToken::Kind ReadMarkup(PageToken* token);
  PageToken::Kind ReadTag(PageToken* token);
  bool ReadAttribute(PageToken* token);
  bool ReadValue(PageAttribute* attribute);
  bool SkipPast(std::string_view mark);
  bool ReadRaw();
  std::string_view TakeUntil(std::string_view ends);

  std::string_view page_;
  size_t at_ = 0;
  std::string_view raw_;  // the element whose inside comes next; or empty
};

}  // namespace whichhop::diagnostics
