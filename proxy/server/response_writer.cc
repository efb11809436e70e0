#include "proxy/server/response_writer.h"

#include <cassert>

#include "proxy/base/text.h"
#include "proxy/http/head_writer.h"
#include "proxy/http/upgrade.h"

namespace whichhop {

namespace {

// Says something of the body that it came with.
bool DescribesBody(FieldId id) {
  if (DescribesBytes(id)) return true;
  switch (id) {
    case FieldId::kContentType:
    case FieldId::kContentSecurityPolicy:
    case FieldId::kContentEncoding:
    case FieldId::kContentLanguage:
    case FieldId::kContentLocation:
    case FieldId::kContentRange:
    case FieldId::kContentDisposition:
      return true;
    default:  // FieldId is http's vocabulary: the rest is not of the body
      return false;
  }
}

bool IsDropped(const Field& field, const char* data, uint16_t status,
               const ResponseOptions& options) {
  if (field.hop_by_hop || IsClaim(field.id)) return true;
  if (field.id == FieldId::kContentLength) return true;
  if (field.id == FieldId::kCacheControl) return !options.cache_control.empty();
  if (field.id == FieldId::kProxyStatus) return options.replaces_proxy_status;
  if (options.augmented) return DescribesBytes(field.id);
  if (options.replaced_fields.empty()) return false;
  // In a 416 it tells how long the thing is that was asked for.
  if (field.id == FieldId::kContentRange && status == 416) return false;
  return DescribesBody(field.id) || IsPolicy(data, field);
}

void WriteStatusLine(const ResponseHead& head, const char* data,
                     HeadWriter* out) {
  // Three digits: the parser saw to that.
  const unsigned status = head.line.status;
  const char digits[] = {static_cast<char>('0' + status / 100),
                         static_cast<char>('0' + status / 10 % 10),
                         static_cast<char>('0' + status % 10), ' ', '\0'};
  out->Append("HTTP/1.1 ");
  out->Append(digits);
  out->Append(head.line.reason.In(data));
  out->Append("\r\n");
}

// A response of HEAD or a 304 has no body, and may say what it would be.
void WriteFraming(const ResponseHead& head, const ResponseOptions& options,
                  HeadWriter* out) {
  if (options.framing == Framing::kLength) {
    out->Append("Content-Length: ");
    out->AppendDecimal(options.length);
    out->Append("\r\n");
  } else if (options.framing == Framing::kChunked) {
    out->Append("Transfer-Encoding: chunked\r\n");
  } else if (options.framing == Framing::kNone && head.line.status != 204 &&
             !options.augmented && options.replaced_fields.empty()) {
    if (!head.fields.Has(FieldId::kContentLength)) return;
    out->Append("Content-Length: ");
    out->AppendDecimal(head.content_length);
    out->Append("\r\n");
  }
}

// What is said to the client alone (RFC 9110, section 7.6.1).
void WriteConnection(const ResponseHead& head, const char* data,
                     const ResponseOptions& options, HeadWriter* out) {
  if (options.close) out->Append("Connection: close\r\n");
  if (options.keep_alive) out->Append("Connection: keep-alive\r\n");
  if (!options.upgrade) return;
  WriteUpgrade(data, head.fields, out);
  out->Append("Connection: Upgrade\r\n");
}

HeadWriter Reserve(const ResponseHead& head, size_t extra, BufferPool& pool,
                   Buffer* out) {
  size_t bytes = 256 + head.line.reason.size + extra;
  bytes += head.fields.written_bytes();
  // Its list may come out wider, by a space a comma.
  if (head.fields.Has(FieldId::kUpgrade)) bytes += head.fields.written_bytes();
  if (bytes > out->space_size()) out->Grow(pool, out->size() + bytes);
  return {out->space(), out->space_size()};
}

}  // namespace

bool DescribesBytes(FieldId id) {
  constexpr uint64_t kThose =
      FieldBit(FieldId::kContentMd5) | FieldBit(FieldId::kContentDigest) |
      FieldBit(FieldId::kDigest) | FieldBit(FieldId::kReprDigest) |
      FieldBit(FieldId::kEtag) | FieldBit(FieldId::kLastModified) |
      FieldBit(FieldId::kAcceptRanges);
  return (kThose & FieldBit(id)) != 0;
}

bool IsPolicy(const char* data, const Field& field) {
  if (field.id == FieldId::kContentSecurityPolicy) return true;
  return field.id == FieldId::kOther &&
         EqualsIgnoreCase(NameOf(data, field),
                          "content-security-policy-report-only");
}

void WriteResponseHead(const ResponseHead& head, const char* data,
                       const ResponseOptions& options, BufferPool& pool,
                       Buffer* out) {
  HeadWriter writer =
      Reserve(head, options.diagnosis.size() + options.replaced_fields.size(),
              pool, out);
  WriteStatusLine(head, data, &writer);
  for (const Field& field : head.fields.all()) {
    if (IsDropped(field, data, head.line.status, options)) continue;
    writer.Rewrite(data, field);
  }
  if (!head.fields.Has(FieldId::kDate)) writer.Field("Date", options.date);
  WriteFraming(head, options, &writer);
  writer.Append(options.replaced_fields);
  if (options.varies_by_language) writer.Field("Vary", "Accept-Language");
  if (!options.cache_control.empty()) {
    writer.Field("Cache-Control", options.cache_control);
  }
  WriteConnection(head, data, options, &writer);
  writer.Append(options.diagnosis);
  writer.Append("\r\n");
  assert(!writer.overflowed());
  out->Append(writer.size());
}

void WriteInterimHead(const ResponseHead& head, const char* data,
                      BufferPool& pool, Buffer* out) {
  HeadWriter writer = Reserve(head, 0, pool, out);
  WriteStatusLine(head, data, &writer);
  ResponseOptions options;
  options.replaces_proxy_status = true;
  for (const Field& field : head.fields.all()) {
    if (IsDropped(field, data, head.line.status, options)) continue;
    writer.Rewrite(data, field);
  }
  options.upgrade = head.line.status == 101;
  WriteConnection(head, data, options, &writer);
  writer.Append("\r\n");
  assert(!writer.overflowed());
  out->Append(writer.size());
}

}  // namespace whichhop
