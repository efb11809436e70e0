#include "proxy/http/field_section.h"

#include <cstring>
#include <limits>

#include "proxy/http/octets.h"

namespace whichhop {
namespace {

constexpr bool IsOws(char c) { return c == ' ' || c == '\t'; }

const char* SkipOws(const char* p, const char* end) {
  while (p != end && IsOws(*p)) ++p;
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

// One pass over the cases in their order reads one line. The state is stored
// only where the input ends. Longer than other functions: it is the machine.
ParseStatus FieldSection::Parse(char* data, size_t size, FieldTable* table) {
  const char* const end = data + size;
  const char* p = data + at_;
  const auto at = [&] { return static_cast<size_t>(p - data); };
  for (;;) {
    switch (state_) {
      case State::kLineStart:
        if (p == end) return Pause(State::kLineStart, at());
        if (*p == '\r') {
          ++p;
          state_ = State::kLastLf;
          continue;
        }
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
        if (p == end) return Pause(State::kLastLf, at());
        if (*p != '\n') return Refuse(ParseRule::kBareCr, at() - 1);
        at_ = at() + 1;
        return ParseStatus::kDone;
    }
  }
}

// The name ends where `octet` stands. False: refused.
bool FieldSection::CloseName(char octet, size_t end) {
  const size_t size = end - field_.name_at;
  const bool fits = size - 1 < std::numeric_limits<uint16_t>::max();
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
  size_t begin = field_.value_at;
  size_t end = cr;
  while (end > begin && IsOws(data[end - 1])) --end;
  field_.value_size = static_cast<uint32_t>(end - begin);
  if (folded_) {
    folded_ = false;
    LengthenLast(data, end, table);
    return;
  }
  field_.id = LookUpField(NameOf(data, field_));
  field_.hop_by_hop = IsHopByHop(field_.id);
  table->Add(field_);
}

// The last field goes on to `end`, where its text ends.
void FieldSection::LengthenLast(const char* data, size_t end,
                                FieldTable* table) {
  Field& last = table->all().back();
  size_t begin = last.value_at;
  while (begin < end && IsOws(data[begin])) ++begin;
  while (end > begin && IsOws(data[end - 1])) --end;
  last.value_at = static_cast<uint32_t>(begin);
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
