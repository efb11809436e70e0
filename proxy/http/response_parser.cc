#include "proxy/http/response_parser.h"

#include <algorithm>

#include "proxy/http/connection_options.h"
#include "proxy/http/framing.h"

namespace whichhop {

ResponseParser::ResponseParser(const HeadLimits& limits)
    : limits_(Clamp(limits)),
      section_(Leniency::kRepair),
      head_(limits_.header_fields) {
  Reset(Method::kGet);
}

void ResponseParser::Reset(Method method) {
  method_ = method;
  status_ = ParseStatus::kNeedMore;
  in_fields_ = false;
  line_parser_.Reset();
  section_.Start(0);
  head_.fields.Clear();
}

ParseStatus ResponseParser::Parse(char* data, size_t size) {
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

ParseStatus ResponseParser::Refuse(ParseRule rule, size_t offset) {
  error_ = {rule, ClassInResponse(rule), offset};
  return status_ = ParseStatus::kError;
}

// A head that is as long as it may be and not complete is too long.
ParseStatus ResponseParser::NeedMore(size_t size) {
  if (size < limits_.header_bytes) return ParseStatus::kNeedMore;
  return Refuse(ParseRule::kHeadTooLarge, size);
}

ParseStatus ResponseParser::Finish(const char* data) {
  const ConnectionOptions options = ReadConnection(data, &head_.fields);
  if (options.too_many) {
    const Field* field = head_.fields.First(FieldId::kConnection);
    return Refuse(ParseRule::kTooManyOptions, field->value_at);
  }
  const uint8_t minor = head_.line.minor_version;
  BodyFraming body;
  if (const auto broken =
          ReadResponseFraming(data, &head_.fields, minor, &body)) {
    return Refuse(broken->rule, broken->offset);
  }
  if (!HasBody()) body.framing = Framing::kNone;
  head_.framing = body.framing;
  head_.content_length = body.content_length;
  head_.upgrade = options.upgrade && head_.fields.Has(FieldId::kUpgrade);
  head_.keep_alive = !options.close && (minor == 1 || options.keep_alive) &&
                     body.framing != Framing::kUntilClose;
  if (IsInterim() || head_.line.status == 204) DropLength();
  return status_ = ParseStatus::kDone;
}

bool ResponseParser::IsInterim() const { return head_.line.status < 200; }

bool ResponseParser::HasBody() const {
  const uint16_t status = head_.line.status;
  const bool tunnel = method_ == Method::kConnect && status / 100 == 2;
  return method_ != Method::kHead && !IsInterim() && status != 204 &&
         status != 304 && !tunnel;
}

// RFC 9110, section 8.6: neither 1xx nor 204 may have a Content-Length.
void ResponseParser::DropLength() {
  if (!head_.fields.Has(FieldId::kContentLength)) return;
  for (Field& field : head_.fields.all()) {
    if (field.id == FieldId::kContentLength) field.hop_by_hop = true;
  }
}

}  // namespace whichhop
