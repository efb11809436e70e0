#include "proxy/http/field_section.h"

#include <cstring>
#include <limits>

#include "proxy/http/octets.h"

namespace whichhop {
namespace {

constexpr size_t kNameMax = std::numeric_limits<uint16_t>::max();

constexpr bool IsOws(char c) { return c == ' ' || c == '\t'; }

const char* SkipOws(const char* p, const char* end) {
  while (p != end && IsOws(*p)) ++p;
  return p;
}

const char* SkipBackOws(const char* begin, const char* end) {
  while (end != begin && IsOws(end[-1])) --end;
  return end;
}

// Adds the field lines from `p` that are complete and usual, and returns where
// the first other one begins: for FieldSection::Parse to judge. What this
// takes, that takes the same way: this is only faster. Flat, or the vectors
// that octets are compared with would be loaded anew behind each call.
[[gnu::flatten]] const char* TakeWholeLines(const char* data, const char* p,
                                            const char* end,
                                            FieldTable* table) {
  while (!table->full()) {
    const char* const colon = SkipToken(p, end);
    const size_t name_size = static_cast<size_t>(colon - p);
    if (name_size - 1 >= kNameMax || end - colon < 2 || *colon != ':') break;
    const char* const value = colon[1] == ' ' ? colon + 2 : colon + 1;
    if (value == end || IsOws(*value)) break;
    const char* const cr = SkipValue(value, end);
    if (end - cr < 2 || cr[0] != '\r' || cr[1] != '\n') break;
    const char* const value_end = IsOws(cr[-1]) ? SkipBackOws(value, cr) : cr;
    const FieldId id = LookUpField({p, name_size});
    table->Add({static_cast<uint32_t>(p - data),
                static_cast<uint32_t>(value - data),
                static_cast<uint32_t>(value_end - value),
                static_cast<uint16_t>(name_size), id, IsHopByHop(id)});
    p = cr + 2;
  }
  return p;
}

}  // namespace

void FieldSection::Start(size_t at) {
  state_ = State::kLineStart;
  folded_ = false;
  at_ = at;
}

ParseStatus FieldSection::Pause(State state, size_t at) {
  state_ = state;
  at_ = at;
  return ParseStatus::kNeedMore;
}

ParseStatus FieldSection::Refuse(ParseRule rule, size_t offset) {
  rule_ = rule;
  error_offset_ = offset;
  return ParseStatus::kError;
}

// At the LF of the empty line.
ParseStatus FieldSection::EndSection(const char* data, size_t size, size_t at) {
  if (at == size) return Pause(State::kLastLf, at);
  if (data[at] != '\n') return Refuse(ParseRule::kBareCr, at - 1);
  at_ = at + 1;
  return ParseStatus::kDone;
}

// One pass over the cases in their order reads one line. The state is stored
// only where the input ends. Longer than other functions: it is the machine.
ParseStatus FieldSection::Parse(char* data, size_t size, FieldTable* table) {
  const char* const end = data + size;
  const char* p = data + at_;
  const auto at = [&] { return static_cast<size_t>(p - data); };
  for (;;) {
    switch (state_) {
      case State::kLineStart:
        p = TakeWholeLines(data, p, end, table);
        if (p == end) return Pause(State::kLineStart, at());
        if (*p == '\r') return EndSection(data, size, at() + 1);
        if (IsOws(*p)) {
          if (!OpenFold(data, at(), table)) return ParseStatus::kError;
          state_ = State::kBeforeValue;
          continue;
        }
        if (table->full()) return Refuse(ParseRule::kTooManyFields, at());
        field_.name_at = static_cast<uint32_t>(at());
        [[fallthrough]];
      case State::kName:
        p = SkipToken(p, end);
        if (p == end) return Pause(State::kName, at());
        if (!CloseName(*p, at())) return ParseStatus::kError;
        if (*p != ':') {
          state_ = State::kSpaceBeforeColon;
          continue;
        }
        ++p;
        [[fallthrough]];
      case State::kBeforeValue:
        p = SkipOws(p, end);
        if (p == end) return Pause(State::kBeforeValue, at());
        field_.value_at = static_cast<uint32_t>(at());
        [[fallthrough]];
      case State::kValue:
        p = SkipValue(p, end);
        if (p == end) return Pause(State::kValue, at());
        if (*p != '\r') return RefuseValue(*p, at());
        ++p;
        [[fallthrough]];
      case State::kLineLf:
        if (p == end) return Pause(State::kLineLf, at());
        if (*p != '\n') return Refuse(ParseRule::kBareCr, at() - 1);
        CloseLine(data, at() - 1, table);
        ++p;
        state_ = State::kLineStart;
        continue;
      case State::kSpaceBeforeColon:
        p = SkipOws(p, end);
        if (p == end) return Pause(State::kSpaceBeforeColon, at());
        if (!CloseSpacedName(data, at())) return ParseStatus::kError;
        ++p;
        state_ = State::kBeforeValue;
        continue;
      case State::kLastLf:
        return EndSection(data, size, at());
    }
  }
}

// The name ends where `octet` stands. False: refused.
bool FieldSection::CloseName(char octet, size_t end) {
  const size_t size = end - field_.name_at;
  const bool fits = size - 1 < kNameMax;
  if (!fits || (octet != ':' && !IsOws(octet))) {
    RefuseName(octet, end);
    return false;
  }
  field_.name_size = static_cast<uint16_t>(size);
  return true;
}

void FieldSection::RefuseName(char octet, size_t end) {
  const bool empty = end == field_.name_at;
  if (octet == '\n') {
    Refuse(ParseRule::kBareLf, end);
  } else if (octet == '\r') {
    Refuse(ParseRule::kColonMissing, end);
  } else if (octet == ':' && empty) {
    Refuse(ParseRule::kFieldNameEmpty, end);
  } else if (octet == ':' || IsOws(octet)) {
    Refuse(ParseRule::kHeadTooLarge, end);  // a name of 64 KiB
  } else {
    Refuse(ParseRule::kFieldNameOctet, end);
  }
}

// Whitespace stood behind the name, and `colon` is where it ends. Moves the
// name up to the colon. False: refused.
bool FieldSection::CloseSpacedName(char* data, size_t colon) {
  const size_t name_end = size_t{field_.name_at} + field_.name_size;
  if (data[colon] != ':') {
    const char octet = data[colon];
    Refuse(octet == '\r'   ? ParseRule::kColonMissing
           : octet == '\n' ? ParseRule::kBareLf
                           : ParseRule::kFieldNameOctet,
           colon);
    return false;
  }
  if (leniency_ == Leniency::kStrict) {
    Refuse(ParseRule::kSpaceBeforeColon, name_end);
    return false;
  }
  char* const name = data + field_.name_at;
  std::memmove(name + (colon - name_end), name, field_.name_size);
  field_.name_at += static_cast<uint32_t>(colon - name_end);
  return true;
}

ParseStatus FieldSection::RefuseValue(char octet, size_t offset) {
  if (octet == '\n') return Refuse(ParseRule::kBareLf, offset);
  if (octet == '\0') return Refuse(ParseRule::kNul, offset);
  return Refuse(ParseRule::kFieldValueOctet, offset);
}

// The line in progress is complete; its CR stands at `cr`.
void FieldSection::CloseLine(const char* data, size_t cr, FieldTable* table) {
  const char* const value = data + field_.value_at;
  const char* const end = SkipBackOws(value, data + cr);
  field_.value_size = static_cast<uint32_t>(end - value);
  if (folded_) {
    folded_ = false;
    LengthenLast(data, cr, table);
    return;
  }
  field_.id = LookUpField(NameOf(data, field_));
  field_.hop_by_hop = IsHopByHop(field_.id);
  table->Add(field_);
}

// The last field goes on up to `cr`, and began with nothing perhaps.
void FieldSection::LengthenLast(const char* data, size_t cr,
                                FieldTable* table) {
  Field& last = table->all().back();
  const char* const begin = SkipOws(data + last.value_at, data + cr);
  const char* const end = SkipBackOws(begin, data + cr);
  last.value_at = static_cast<uint32_t>(begin - data);
  last.value_size = static_cast<uint32_t>(end - begin);
}

// A line begins with whitespace, `at`. Makes the CRLF before it and that
// octet spaces. False: refused.
bool FieldSection::OpenFold(char* data, size_t at, FieldTable* table) {
  if (table->size() == 0) {
    Refuse(ParseRule::kSpaceBeforeFields, at);
    return false;
  }
  if (leniency_ == Leniency::kStrict) {
    Refuse(ParseRule::kObsFold, at);
    return false;
  }
  std::memset(data + at - 2, ' ', 3);
  field_ = table->all().back();
  folded_ = true;
  return true;
}

BiggestField FieldSection::Biggest(const FieldTable& table) const {
  BiggestField biggest;
  const auto consider = [&biggest](Slice name, size_t line_size) {
    if (line_size > biggest.line_size) biggest = {name, line_size};
  };
  for (const Field& field : table.all()) {
    consider({field.name_at, field.name_size},
             field.value_at + field.value_size - field.name_at);
  }
  if (state_ == State::kName) {
    consider({field_.name_at, static_cast<uint32_t>(at_ - field_.name_at)},
             at_ - field_.name_at);
  } else if (state_ != State::kLineStart && state_ != State::kLastLf) {
    consider({field_.name_at, field_.name_size}, at_ - field_.name_at);
  }
  return biggest;
}

}  // namespace whichhop
