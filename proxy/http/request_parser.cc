#include "proxy/http/request_parser.h"

#include <algorithm>

#include "proxy/base/text.h"
#include "proxy/http/authority.h"
#include "proxy/http/connection_options.h"
#include "proxy/http/framing.h"

namespace whichhop {

RequestParser::RequestParser(const HeadLimits& limits)
    : limits_(Clamp(limits)),
      line_parser_(limits_),
      section_(Leniency::kStrict),
      head_(limits_.header_fields) {
  Reset();
}

void RequestParser::Reset() {
  status_ = ParseStatus::kNeedMore;
  in_fields_ = false;
  line_parser_.Reset();
  section_.Start(0);
  head_.fields.Clear();
}

ParseStatus RequestParser::Parse(char* data, size_t size) {
  if (status_ != ParseStatus::kNeedMore) return status_;
  const size_t bounded = std::min(size, limits_.header_bytes);
  if (!in_fields_) {
    const ParseStatus line = line_parser_.Parse(data, bounded, &head_.line);
    if (line == ParseStatus::kError) {
      return Refuse(line_parser_.rule(), line_parser_.error_offset());
    }
    if (line == ParseStatus::kNeedMore) return NeedMore(bounded);
    in_fields_ = true;
    section_.Start(line_parser_.position());
  }
  switch (section_.Parse(data, bounded, &head_.fields)) {
    case ParseStatus::kNeedMore:
      return NeedMore(bounded);
    case ParseStatus::kError:
      return Refuse(section_.rule(), section_.error_offset());
    case ParseStatus::kDone:
      return Finish(data);
  }
  return status_;
}

ParseStatus RequestParser::Refuse(ParseRule rule, size_t offset) {
  error_ = {rule, ClassInRequest(rule), offset};
  return status_ = ParseStatus::kError;
}

// A head that is as long as it may be and not complete is too long.
ParseStatus RequestParser::NeedMore(size_t size) {
  if (size < limits_.header_bytes) return ParseStatus::kNeedMore;
  const bool in_target = !in_fields_ && line_parser_.in_target();
  return Refuse(
      in_target ? ParseRule::kTargetTooLong : ParseRule::kHeadTooLarge, size);
}

ParseStatus RequestParser::Finish(const char* data) {
  if (!FinishHost(data)) return status_;
  const ConnectionOptions options = ReadConnection(data, &head_.fields);
  if (options.too_many) {
    const Field* field = head_.fields.First(FieldId::kConnection);
    return Refuse(ParseRule::kTooManyOptions, field->value_at);
  }
  const uint8_t minor = head_.line.minor_version;
  BodyFraming body;
  if (const auto broken =
          ReadRequestFraming(data, head_.fields, minor, &body)) {
    return Refuse(broken->rule, broken->offset);
  }
  head_.framing = body.framing;
  head_.content_length = body.content_length;
  head_.keep_alive = !options.close && (minor == 1 || options.keep_alive);
  head_.upgrade =
      minor == 1 && options.upgrade && head_.fields.Has(FieldId::kUpgrade);
  FinishWishes(data);
  return status_ = ParseStatus::kDone;
}

// Checks Host, also where the authority of the target replaces it. False:
// refused.
bool RequestParser::FinishHost(const char* data) {
  const RequestLine& line = head_.line;
  const Field* const field = head_.fields.First(FieldId::kHost);
  const bool in_target = line.form == TargetForm::kAbsolute;
  head_.host = in_target ? line.authority : Slice{};
  if (field == nullptr) {
    if (line.minor_version == 0) return true;
    Refuse(ParseRule::kHostMissing, section_.position() - 2);
    return false;
  }
  if (head_.fields.Repeated(FieldId::kHost)) {
    Refuse(ParseRule::kHostRepeated, field->name_at);
    return false;
  }
  if (!IsAuthority(ValueOf(data, *field), PortNeed::kOptional)) {
    Refuse(ParseRule::kHostInvalid, field->value_at);
    return false;
  }
  if (!in_target) head_.host = {field->value_at, field->value_size};
  return true;
}

// Expect and TE: what the client would like.
void RequestParser::FinishWishes(const char* data) {
  head_.expect = Expect::kNothing;
  head_.te_trailers = false;
  const FieldTable& fields = head_.fields;
  if (const Field* expect = fields.First(FieldId::kExpect);
      expect != nullptr && head_.line.minor_version == 1) {
    const bool usual = !fields.Repeated(FieldId::kExpect) &&
                       EqualsIgnoreCase(ValueOf(data, *expect), "100-continue");
    head_.expect = usual ? Expect::kContinue : Expect::kUnknown;
  }
  if (!fields.Has(FieldId::kTe)) return;
  for (const Field& field : fields.all()) {
    if (field.id != FieldId::kTe) continue;
    std::string_view list = ValueOf(data, field);
    for (auto coding = NextListMember(list); !coding.empty();
         coding = NextListMember(list)) {
      if (EqualsIgnoreCase(coding, "trailers")) head_.te_trailers = true;
    }
  }
}

}  // namespace whichhop
