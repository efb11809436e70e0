#include "proxy/server/page_head.h"

#include <algorithm>

#include "diagnostics/fingerprint.h"
#include "proxy/base/text.h"
#include "proxy/server/response_writer.h"

namespace whichhop {

using diagnostics::BodyForm;

namespace {

bool StartsWithWord(std::string_view value, std::string_view word) {
  return EqualsIgnoreCase(value.substr(0, word.size()), word);
}

bool Lists(std::string_view value, std::string_view word) {
  for (size_t at = 0; at + word.size() <= value.size(); ++at) {
    if (StartsWithWord(value.substr(at), word)) return true;
  }
  return false;
}

// Whatever is not known is an attachment (RFC 6266, section 4.2).
bool IsAttachment(const ResponseHead& head, const char* data) {
  const std::string_view value =
      FirstValue(head, data, FieldId::kContentDisposition);
  return !value.empty() &&
         !EqualsIgnoreCase(TrimOws(value.substr(0, value.find(';'))), "inline");
}

// A 416 has the field, and tells how long the whole is.
bool IsPart(const ResponseHead& head) {
  return head.line.status != 416 && head.fields.Has(FieldId::kContentRange);
}

bool IsSigned(const ResponseHead& head, const char* data) {
  return std::ranges::any_of(head.fields.all(), [data](const Field& field) {
    return field.id == FieldId::kOther && IsSignature(NameOf(data, field));
  });
}

bool Repeats(const ResponseHead& head) {
  return head.fields.Repeated(FieldId::kContentType) ||
         head.fields.Repeated(FieldId::kContentEncoding) ||
         head.fields.Repeated(FieldId::kContentDisposition);
}

// As far as its length is known.
bool Fits(const ResponseHead& head) {
  return !head.fields.Has(FieldId::kContentLength) ||
         head.content_length <= diagnostics::kAugmentBytes;
}

}  // namespace

std::string_view FirstValue(const ResponseHead& head, const char* data,
                            FieldId id) {
  const Field* const field = head.fields.First(id);
  return field == nullptr ? std::string_view() : ValueOf(data, *field);
}

bool IsPlain(const ResponseHead& head, const char* data) {
  const std::string_view coding =
      FirstValue(head, data, FieldId::kContentEncoding);
  return coding.empty() || EqualsIgnoreCase(coding, "identity");
}

bool IsStream(const ResponseHead& head, const char* data) {
  return StartsWithWord(FirstValue(head, data, FieldId::kContentType),
                        "text/event-stream");
}

bool IsGrpc(const ResponseHead& head, const char* data) {
  return StartsWithWord(FirstValue(head, data, FieldId::kContentType),
                        "application/grpc");
}

bool MayTransform(const ResponseHead& head, const char* data) {
  for (const Field& field : head.fields.all()) {
    if (field.id == FieldId::kCacheControl &&
        Lists(ValueOf(data, field), "no-transform")) {
      return false;
    }
  }
  return true;
}

bool HasPolicy(const ResponseHead& head, const char* data) {
  return std::ranges::any_of(head.fields.all(), [data](const Field& field) {
    return IsPolicy(data, field);
  });
}

bool MayBeStock(const ResponseHead& head, const char* data) {
  const bool fits = !head.fields.Has(FieldId::kContentLength) ||
                    head.content_length <= diagnostics::kPageBytes;
  return fits && IsPlain(head, data) && MayTransform(head, data);
}

bool VariesByUser(const ResponseHead& head, const char* data) {
  for (const Field& field : head.fields.all()) {
    if (field.id != FieldId::kVary) continue;
    const std::string_view names = ValueOf(data, field);
    if (Lists(names, "authorization") || Lists(names, "cookie")) return true;
  }
  return false;
}

bool IsSignature(std::string_view field_name) {
  return Lists(field_name, "signature");
}

BodyForm FormToAugment(const ResponseHead& head, const char* data) {
  const BodyForm form =
      diagnostics::FormOf(FirstValue(head, data, FieldId::kContentType));
  if (form == BodyForm::kOther || !Fits(head) || Repeats(head) ||
      IsPart(head) || !IsPlain(head, data) || IsAttachment(head, data) ||
      !MayTransform(head, data) || IsSigned(head, data)) {
    return BodyForm::kOther;
  }
  return form;
}

bool RecognizeWriter(const ResponseHead& head, const PageSeen& seen,
                     const AttemptRecord& attempt,
                     diagnostics::WriterFacts* writer) {
  const char* const data = seen.head.data();
  const std::string_view beginning =
      seen.body.substr(0, diagnostics::kPageBytes);
  diagnostics::ErrorPage page;
  page.status = head.line.status;
  page.reason = head.line.reason.In(data);
  page.fields =
      seen.head.substr(std::min(seen.head.find('\n') + 1, seen.head.size()));
  if (IsPlain(head, data)) {
    page.body = beginning;
    page.whole = seen.whole && beginning.size() == seen.body.size() &&
                 head.framing != Framing::kNone;
  }
  if (attempt.written != kNoTime && attempt.first_byte > attempt.written) {
    page.first_byte = std::chrono::duration_cast<diagnostics::Micros>(
        attempt.first_byte - attempt.written);
  }
  const diagnostics::Recognized found = Recognize(page);
  writer->generator = found.generator;
  writer->score = found.score;
  writer->sub_cause = found.sub_cause;
  writer->relayed = found.relayed;
  writer->portal = found.portal;
  writer->no_challenge =
      page.status == 401 && !head.fields.Has(FieldId::kWwwAuthenticate);
  return found.stock;
}

}  // namespace whichhop
