#pragma once
// A FieldSection reads field lines up to and with the empty line that ends
// them (RFC 9112, section 5): of a head, or a trailer section. A state machine
// over a growing buffer: any split of the input gives the same fields.

#include <cstddef>
#include <cstdint>

#include "proxy/http/field_table.h"
#include "proxy/http/head.h"
#include "proxy/http/parse_rule.h"

namespace whichhop {

// What is done with the two things that responses may do and requests not.
enum class Leniency : uint8_t {
  kStrict,  // refuse both
  kRepair,  // whitespace before a colon goes, a fold becomes spaces: in place
};

class FieldSection {
 public:
  explicit FieldSection(Leniency leniency) : leniency_(leniency) {}

  // The section begins `at` octets into the buffer.
  void Start(size_t at);

  // `data` and `size` as for RequestParser::Parse. Adds each field to `table`
  // once its line is complete; a fold lengthens the last one.
  ParseStatus Parse(char* data, size_t size, FieldTable* table);

  // Done: the section with its empty line ends here.
  size_t position() const { return at_; }
  ParseRule rule() const { return rule_; }               // once refused
  size_t error_offset() const { return error_offset_; }  // once refused

  // Of the fields in `table` and the one in progress.
  BiggestField Biggest(const FieldTable& table) const;

 private:
  enum class State : uint8_t {
    kLineStart,
    kName,
    kSpaceBeforeColon,
    kBeforeValue,
    kValue,
    kLineLf,  // CR of a field line seen
    kLastLf,  // CR of the empty line seen
  };

  ParseStatus Pause(State state, size_t at);
  ParseStatus Refuse(ParseRule rule, size_t offset);
  ParseStatus EndSection(const char* data, size_t size, size_t at);
  ParseStatus RefuseValue(char octet, size_t offset);
  bool CloseName(char octet, size_t end);
  void RefuseName(char octet, size_t end);
  bool CloseSpacedName(char* data, size_t colon);
  void CloseLine(const char* data, size_t cr, FieldTable* table);
  void LengthenLast(const char* data, size_t cr, FieldTable* table);
  bool OpenFold(char* data, size_t at, FieldTable* table);

  Leniency leniency_;
  State state_ = State::kLineStart;
  ParseRule rule_ = ParseRule::kNul;
  bool folded_ = false;  // the line in progress lengthens the last field
  size_t at_ = 0;
  size_t error_offset_ = 0;
  Field field_{};  // in progress
};

}  // namespace whichhop
