#include "proxy/http/request_line.h"

#include <algorithm>
#include <cstring>

#include "proxy/base/text.h"
#include "proxy/http/authority.h"
#include "proxy/http/octets.h"

namespace whichhop {
namespace {

constexpr size_t kMethodMax = 64;
constexpr std::string_view kVersion = "HTTP/1.1";

Slice MakeSlice(size_t begin, size_t end) {
  return {static_cast<uint32_t>(begin), static_cast<uint32_t>(end - begin)};
}

// Octets of "http://" or "https://" that `target` begins with, in any case.
size_t SchemeSize(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (EqualsIgnoreCase(target.substr(0, scheme.size()), scheme)) {
      return scheme.size();
    }
  }
  return 0;
}

// Where `text` has a % without two hex digits; npos: nowhere.
size_t FindBadEscape(std::string_view text) {
  for (size_t at = text.find('%'); at != std::string_view::npos;
       at = text.find('%', at + 3)) {
    if (text.size() - at < 3 || !Is(kHexOctet, text[at + 1]) ||
        !Is(kHexOctet, text[at + 2])) {
      return at;
    }
  }
  return std::string_view::npos;
}

}  // namespace

void RequestLineParser::Reset() {
  state_ = State::kStart;
  version_at_ = 0;
  at_ = 0;
}

ParseStatus RequestLineParser::Pause(State state, size_t at) {
  state_ = state;
  at_ = at;
  return ParseStatus::kNeedMore;
}

ParseStatus RequestLineParser::Refuse(ParseRule rule, size_t offset) {
  rule_ = rule;
  error_offset_ = offset;
  return ParseStatus::kError;
}

// One pass over the cases in their order reads the line. The state is stored
// only where the input ends. Longer than other functions: it is the machine.
ParseStatus RequestLineParser::Parse(const char* data, size_t size,
                                     RequestLine* line) {
  const char* const end = data + size;
  const char* p = data + at_;
  const auto at = [&] { return static_cast<size_t>(p - data); };
  const auto window = [&](size_t max) {
    return data + std::min(size, token_at_ + max);
  };
  for (;;) {
    switch (state_) {
      case State::kStart:
        if (p == end) return Pause(State::kStart, at());
        if (*p != '\r') {
          token_at_ = at();
          state_ = State::kMethod;
          continue;
        }
        ++p;
        [[fallthrough]];
      case State::kStartLf:
        if (p == end) return Pause(State::kStartLf, at());
        if (*p != '\n') return Refuse(ParseRule::kBareCr, at() - 1);
        ++p;
        [[fallthrough]];
      case State::kMethodStart:
        if (p == end) return Pause(State::kMethodStart, at());
        if (*p == '\r') return Refuse(ParseRule::kEmptyLines, at());
        token_at_ = at();
        state_ = State::kMethod;
        [[fallthrough]];
      case State::kMethod:
        p = SkipPlain(kTokenOctet, p, window(kMethodMax));
        if (p == end) return Pause(State::kMethod, at());
        if (*p != ' ' || at() == token_at_) return RefuseMethod(*p, at());
        line->method_token = MakeSlice(token_at_, at());
        ++p;
        [[fallthrough]];
      case State::kTargetStart:
        if (p == end) return Pause(State::kTargetStart, at());
        token_at_ = at();
        [[fallthrough]];
      case State::kTarget:
        p = SkipTarget(p, window(target_max_));
        if (p == end) return Pause(State::kTarget, at());
        if (*p != ' ' || at() == token_at_) return RefuseTarget(*p, at());
        line->target = MakeSlice(token_at_, at());
        ++p;
        [[fallthrough]];
      case State::kVersion:
        return ParseVersion(data, size, at(), line);
      case State::kCr:
      case State::kLf:
        return ParseLineEnd(data, size, at(), line);
    }
  }
}

ParseStatus RequestLineParser::RefuseMethod(char octet, size_t offset) {
  if (octet == '\n') return Refuse(ParseRule::kBareLf, offset);
  if (octet == '\r') return Refuse(ParseRule::kTargetMissing, offset);
  const bool too_long = Is(kTokenOctet, octet);
  return Refuse(too_long ? ParseRule::kMethodTooLong : ParseRule::kMethodOctet,
                offset);
}

ParseStatus RequestLineParser::RefuseTarget(char octet, size_t offset) {
  if (octet == '\n') return Refuse(ParseRule::kBareLf, offset);
  if (octet == ' ') return Refuse(ParseRule::kTargetMissing, offset);
  if (octet == '\r') {
    return Refuse(offset == token_at_ ? ParseRule::kTargetMissing
                                      : ParseRule::kVersionSyntax,
                  offset);
  }
  const bool too_long = Is(kTargetOctet, octet);
  return Refuse(too_long ? ParseRule::kTargetTooLong : ParseRule::kTargetOctet,
                offset);
}

ParseStatus RequestLineParser::ParseVersion(const char* data, size_t size,
                                            size_t at, RequestLine* line) {
  if (version_at_ == 0 && size - at >= kVersion.size() &&
      std::memcmp(data + at, kVersion.data(), kVersion.size()) == 0) {
    line->minor_version = 1;
    return ParseLineEnd(data, size, at + kVersion.size(), line);
  }
  for (; version_at_ < kVersion.size(); ++version_at_, ++at) {
    if (at == size) return Pause(State::kVersion, at);
    const bool digit = version_at_ == 5 || version_at_ == 7;
    const char octet = data[at];
    if (digit ? !Is(kDigitOctet, octet) : octet != kVersion[version_at_]) {
      return Refuse(ParseRule::kVersionSyntax, at);
    }
  }
  if (data[at - 3] != '1') return Refuse(ParseRule::kVersionMajor, at - 3);
  line->minor_version = data[at - 1] == '0' ? 0 : 1;
  return ParseLineEnd(data, size, at, line);
}

ParseStatus RequestLineParser::ParseLineEnd(const char* data, size_t size,
                                            size_t at, RequestLine* line) {
  if (state_ != State::kLf) {
    if (at == size) return Pause(State::kCr, at);
    if (data[at] == '\n') return Refuse(ParseRule::kBareLf, at);
    if (data[at] != '\r') return Refuse(ParseRule::kVersionSyntax, at);
    ++at;
  }
  if (at == size) return Pause(State::kLf, at);
  if (data[at] != '\n') return Refuse(ParseRule::kBareCr, at - 1);
  at_ = at + 1;
  line->method = LookUpMethod(line->method_token.In(data));
  return ReadTarget(data, line);
}

ParseStatus RequestLineParser::ReadTarget(const char* data, RequestLine* line) {
  const std::string_view target = line->target.In(data);
  const size_t at = line->target.at;
  line->authority = {};
  // No form has one, and readers that cut it off would see another path.
  const char* const target_end = target.data() + target.size();
  const size_t mark = static_cast<size_t>(
      SkipToMark(target.data(), target_end) - target.data());
  if (const size_t hash = target.find('#', mark); hash != target.npos) {
    return Refuse(ParseRule::kTargetFragment, at + hash);
  }
  const size_t query_at = at + mark;  // or the end
  if (line->method == Method::kConnect) {
    line->form = TargetForm::kAuthority;
    line->authority = line->target;
    SplitPath(at + target.size(), query_at, line);
    return IsAuthority(target, PortNeed::kRequired)
               ? ParseStatus::kDone
               : Refuse(ParseRule::kTargetForm, at);
  }
  if (target[0] == '/') {
    line->form = TargetForm::kOrigin;
    SplitPath(at, query_at, line);
  } else if (const size_t scheme = SchemeSize(target); scheme != 0) {
    line->form = TargetForm::kAbsolute;
    const size_t end =
        std::min(target.find_first_of("/?", scheme), target.size());
    line->authority = MakeSlice(at + scheme, at + end);
    if (!IsAuthority(line->authority.In(data), PortNeed::kOptional)) {
      return Refuse(ParseRule::kTargetAuthority, at + scheme);
    }
    SplitPath(at + end, query_at, line);
  } else {
    line->form = TargetForm::kAsterisk;
    SplitPath(at + target.size(), query_at, line);
    return target == "*" && line->method == Method::kOptions
               ? ParseStatus::kDone
               : Refuse(ParseRule::kTargetForm, at);
  }
  return CheckEscapes(data, *line);
}

// The path begins at `at`, and the query behind the target's first question
// mark: none stands before a path.
void RequestLineParser::SplitPath(size_t at, size_t query_at,
                                  RequestLine* line) {
  const size_t end = size_t{line->target.at} + line->target.size;
  line->has_query = at <= query_at && query_at < end;
  const size_t path_end = line->has_query ? query_at : end;
  line->path = MakeSlice(at, path_end);
  line->query = MakeSlice(line->has_query ? path_end + 1 : end, end);
}

ParseStatus RequestLineParser::CheckEscapes(const char* data,
                                            const RequestLine& line) {
  if (!strict_escapes_) return ParseStatus::kDone;
  const size_t bad = FindBadEscape(line.target.In(data));
  if (bad == std::string_view::npos) return ParseStatus::kDone;
  return Refuse(ParseRule::kTargetEscape, line.target.at + bad);
}

}  // namespace whichhop
