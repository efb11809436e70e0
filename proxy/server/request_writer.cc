#include "proxy/server/request_writer.h"

#include <algorithm>
#include <cassert>

#include "proxy/http/head_writer.h"
#include "proxy/http/octets.h"
#include "proxy/http/upgrade.h"

namespace whichhop {

namespace {

constexpr size_t kRequestIdMax = 128;
constexpr std::string_view kUnixClient = "unix:";  // as Address::Host() says it

bool IsToken(std::string_view text) {
  const char* const end = text.data() + text.size();
  return SkipToken(text.data(), end) == end;
}

void WriteRequestLine(const RequestHead& head, const char* data,
                      HeadWriter* out) {
  const RequestLine& line = head.line;
  out->Append(line.method_token.In(data));
  out->Append(" ");
  out->Append(EffectivePath(line, data));
  if (line.has_query) {
    out->Append("?");
    out->Append(line.query.In(data));
  }
  out->Append(" HTTP/1.1\r\nHost: ");
  out->Append(head.host.In(data));
  out->Append("\r\n");
}

void WriteFraming(const RequestHead& head, HeadWriter* out) {
  if (head.framing == Framing::kChunked) {
    out->Append("Transfer-Encoding: chunked\r\n");
  } else if (head.framing == Framing::kLength) {
    out->Append("Content-Length: ");
    out->AppendDecimal(head.content_length);
    out->Append("\r\n");
  }
}

// What is said to the next hop alone (RFC 9110, section 7.6.1).
void WriteConnection(const RequestHead& head, const char* data,
                     const ForwardedBy& by, HeadWriter* out) {
  if (head.te_trailers) out->Append("TE: trailers\r\n");
  if (by.upgrade) WriteUpgrade(data, head.fields, out);
  if (head.te_trailers && by.upgrade) {
    out->Append("Connection: TE, Upgrade\r\n");
  } else if (head.te_trailers) {
    out->Append("Connection: TE\r\n");
  } else if (by.upgrade) {
    out->Append("Connection: Upgrade\r\n");
  }
}

// The client's forwarding fields, which are believed of a trusted one alone.
bool SpeaksOfClient(FieldId id) {
  switch (id) {
    case FieldId::kForwarded:
    case FieldId::kXForwardedFor:
    case FieldId::kXForwardedProto:
    case FieldId::kXForwardedHost:
    case FieldId::kXRealIp:
    case FieldId::kCfConnectingIp:
      return true;
    default:  // FieldId is http's vocabulary: most of it does not matter here
      return false;
  }
}

bool IsRewritten(const Field& field, const char* data, const ForwardedBy& by) {
  if (field.hop_by_hop || field.id == FieldId::kHost ||
      field.id == FieldId::kContentLength) {
    return true;
  }
  if (field.id == FieldId::kOther) return IsTwin(NameOf(data, field));
  if (field.id == FieldId::kXRequestId) return !by.request_id.empty();
  if (field.id == FieldId::kXForwardedFor) return true;
  return !by.trusted && SpeaksOfClient(field.id);
}

// That it came through here; the next hop's next hop may be this one again.
void WriteVia(const RequestHead& head, const ForwardedBy& by, HeadWriter* out) {
  out->Append(head.line.minor_version == 0 ? "Via: 1.0 " : "Via: 1.1 ");
  out->Append(by.via);
  out->Append("\r\n");
  if (!by.cdn_loop.empty()) out->Field("CDN-Loop", by.cdn_loop);
}

void WriteForwardedFor(const RequestHead& head, const char* data,
                       const ForwardedBy& by, HeadWriter* out) {
  out->Append("X-Forwarded-For: ");
  if (by.trusted && head.fields.Has(FieldId::kXForwardedFor)) {
    for (const Field& field : head.fields.all()) {
      if (field.id != FieldId::kXForwardedFor || field.value_size == 0)
        continue;
      out->Append(ValueOf(data, field));
      out->Append(", ");
    }
  }
  out->Append(by.client);
  out->Append("\r\n");
}

// A value of a forwarded-pair, quoted where it is no token (RFC 7239, 4). A
// host has no quote or backslash: the parser saw to that.
void WritePair(std::string_view name, std::string_view value, HeadWriter* out) {
  const bool quote = !IsToken(value);
  out->Append(name);
  if (quote) out->Append("\"");
  out->Append(value);
  if (quote) out->Append("\"");
}

void WriteForwarded(const RequestHead& head, const char* data,
                    const ForwardedBy& by, HeadWriter* out) {
  const std::string_view host = head.host.In(data);
  const bool v6 = by.client.find(':') != std::string_view::npos;
  if (by.client == kUnixClient) {
    out->Append("Forwarded: for=unknown");
  } else if (v6) {
    out->Append("Forwarded: for=\"[");
    out->Append(by.client);
    out->Append("]\"");
  } else {
    out->Append("Forwarded: for=");
    out->Append(by.client);  // of IPv4: a token always
  }
  if (!host.empty()) WritePair(";host=", host, out);
  out->Append(";proto=");
  out->Append(by.scheme);
  out->Append("\r\n");
  const FieldTable& fields = head.fields;
  if (!by.trusted || !fields.Has(FieldId::kXForwardedProto)) {
    out->Field("X-Forwarded-Proto", by.scheme);
  }
  if (!host.empty() && (!by.trusted || !fields.Has(FieldId::kXForwardedHost))) {
    out->Field("X-Forwarded-Host", host);
  }
}

}  // namespace

bool IsRequestId(std::string_view text) {
  if (text.empty() || text.size() > kRequestIdMax) return false;
  return IsToken(text);
}

void WriteRequestHead(const RequestHead& head, const char* data,
                      const ForwardedBy& by, BufferPool& pool, Buffer* out) {
  // Each field at most once, and what we add: names, two hosts, the client.
  size_t bytes = 512 + by.via.size() + by.cdn_loop.size() +
                 2 * by.client.size() + 3 * head.host.size +
                 by.request_id.size() + head.line.target.size +
                 head.fields.written_bytes();
  // Its list may come out wider, by a space a comma.
  if (head.fields.Has(FieldId::kUpgrade)) bytes += head.fields.written_bytes();
  if (bytes > out->space_size()) out->Grow(pool, out->size() + bytes);
  HeadWriter writer(out->space(), out->space_size());
  WriteRequestLine(head, data, &writer);
  for (const Field& field : head.fields.all()) {
    if (IsRewritten(field, data, by)) continue;
    writer.Rewrite(data, field);
  }
  WriteFraming(head, &writer);
  WriteConnection(head, data, by, &writer);
  WriteVia(head, by, &writer);
  WriteForwardedFor(head, data, by, &writer);
  WriteForwarded(head, data, by, &writer);
  if (!by.request_id.empty()) writer.Field("X-Request-Id", by.request_id);
  writer.Append("\r\n");
  assert(!writer.overflowed());
  out->Append(writer.size());
}

}  // namespace whichhop
