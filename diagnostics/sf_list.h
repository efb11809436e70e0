#pragma once
// A reader of one Structured Field List (RFC 9651 section 4.2.1) whose members
// are Items, as those of Proxy-Status are. It keeps slices of the input.

#include <string_view>

namespace whichhop::diagnostics {

// Walks a field value member by member, and each member's parameters. The
// value must outlive the reader.
class SfListReader {
 public:
  explicit SfListReader(std::string_view value) : rest_(value) { SkipOws(); }

  // Moves to the next member; false at the end, and where the value is
  // malformed: then failed() is true. Skips parameters that were not read.
  [[nodiscard]] bool NextMember();
  // Moves to the member's next parameter; false after the last.
  [[nodiscard]] bool NextParameter();

  bool failed() const { return failed_; }
  std::string_view item() const { return item_; }    // `"a b"`, `nginx`, `42`
  std::string_view key() const { return key_; }      // `error`
  std::string_view value() const { return value_; }  // empty: Boolean true

 private:
  void SkipOws();
  bool Fail();
  bool TakeKey();
  bool TakeBareItem(std::string_view& item);

  std::string_view rest_;
  std::string_view item_;
  std::string_view key_;
  std::string_view value_;
  bool started_ = false;
  bool failed_ = false;
};

// Whether a whole value parses.
bool IsSfList(std::string_view value);

// Whether a bare item is a Token or String that says `name`.
bool SfItemSays(std::string_view item, std::string_view name);

// Whether a bare item is a Token or a String at all.
bool IsSfTokenOrString(std::string_view item);

}  // namespace whichhop::diagnostics
