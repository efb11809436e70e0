#include "proxy/http/status_line.h"

#include <cstring>

#include "proxy/http/octets.h"

namespace whichhop {
namespace {

constexpr std::string_view kUsual = "HTTP/1.1 ";
constexpr size_t kFixedSize = 12;  // HTTP/d.d SP ddd

// The rule that `octet` breaks at its place in HTTP/1.d SP ddd, if any.
const ParseRule* Judge(size_t at, char octet) {
  static constexpr ParseRule kNotHttp = ParseRule::kNotHttp;
  static constexpr ParseRule kNoLine = ParseRule::kNoStatusLine;
  static constexpr ParseRule kVersion = ParseRule::kResponseVersion;
  static constexpr ParseRule kSyntax = ParseRule::kStatusSyntax;
  static constexpr ParseRule kRange = ParseRule::kStatusRange;
  const bool digit = Is(kDigitOctet, octet);
  switch (at) {
    case 0:
      if (octet == '<' || octet == '{' || octet == '[') return &kNoLine;
      return octet == 'H' ? nullptr : &kNotHttp;
    case 5:
      if (!digit) return &kNotHttp;
      return octet == '1' ? nullptr : &kVersion;
    case 6:
      return octet == '.' ? nullptr : &kVersion;
    case 7:
      return digit ? nullptr : &kVersion;
    case 8:
      if (octet == ' ') return nullptr;
      return digit ? &kVersion : &kSyntax;
    case 9:
      if (!digit) return &kSyntax;
      return octet >= '1' && octet <= '5' ? nullptr : &kRange;
    case 10:
    case 11:
      return digit ? nullptr : &kSyntax;
    default:
      return octet == kUsual[at] ? nullptr : &kNotHttp;
  }
}

uint16_t StatusAt(const char* digits) {
  const auto value = [digits](int i) { return digits[i] - '0'; };
  return static_cast<uint16_t>(value(0) * 100 + value(1) * 10 + value(2));
}

// Whether `line`, of 12 octets, is HTTP/1.1 and a status in range.
bool IsUsual(const char* line) {
  return std::memcmp(line, kUsual.data(), kUsual.size()) == 0 &&
         line[9] >= '1' && line[9] <= '5' && Is(kDigitOctet, line[10]) &&
         Is(kDigitOctet, line[11]);
}

}  // namespace

void StatusLineParser::Reset() {
  state_ = State::kFixed;
  at_ = 0;
}

ParseStatus StatusLineParser::Pause(State state, size_t at) {
  state_ = state;
  at_ = at;
  return ParseStatus::kNeedMore;
}

ParseStatus StatusLineParser::Refuse(ParseRule rule, size_t offset) {
  rule_ = rule;
  error_offset_ = offset;
  return ParseStatus::kError;
}

// One pass over the cases in their order reads the line. The state is stored
// only where the input ends.
ParseStatus StatusLineParser::Parse(const char* data, size_t size,
                                    StatusLine* line) {
  const char* const end = data + size;
  if (state_ == State::kFixed) {
    const ParseStatus fixed = ParseFixed(data, size, line);
    if (fixed != ParseStatus::kDone) return fixed;
  }
  const char* p = data + at_;
  const auto at = [&] { return static_cast<size_t>(p - data); };
  switch (state_) {
    case State::kFixed:
    case State::kReasonSpace:
      if (p == end) return Pause(State::kReasonSpace, at());
      if (*p == '\n') return Refuse(ParseRule::kBareLf, at());
      if (*p != ' ' && *p != '\r') {
        return Refuse(ParseRule::kStatusSyntax, at());
      }
      if (*p == ' ') ++p;
      line->reason = {static_cast<uint32_t>(at()), 0};
      [[fallthrough]];
    case State::kReason:
      p = SkipValue(p, end);
      if (p == end) return Pause(State::kReason, at());
      if (*p == '\n') return Refuse(ParseRule::kBareLf, at());
      if (*p != '\r') return Refuse(ParseRule::kReasonOctet, at());
      line->reason.size = static_cast<uint32_t>(at() - line->reason.at);
      ++p;
      [[fallthrough]];
    case State::kLf:
      if (p == end) return Pause(State::kLf, at());
      if (*p != '\n') return Refuse(ParseRule::kBareCr, at() - 1);
      at_ = at() + 1;
  }
  return ParseStatus::kDone;
}

ParseStatus StatusLineParser::ParseFixed(const char* data, size_t size,
                                         StatusLine* line) {
  if (size < kFixedSize || !IsUsual(data)) {
    for (; at_ < kFixedSize; ++at_) {
      if (at_ == size) return ParseStatus::kNeedMore;
      const ParseRule* const broken = Judge(at_, data[at_]);
      if (broken != nullptr) return Refuse(*broken, at_);
    }
  }
  at_ = kFixedSize;
  line->minor_version = data[7] == '0' ? 0 : 1;
  line->status = StatusAt(data + 9);
  return ParseStatus::kDone;
}

}  // namespace whichhop
