#include "bench/origin_request.h"

#include <algorithm>
#include <charconv>

namespace origin {
namespace {

constexpr size_t kMaxHead = 4 << 20;
constexpr size_t kMaxLine = 64 << 10;

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool IsTokenChar(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
         (c >= 'A' && c <= 'Z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenChar);
}

std::string_view Trim(std::string_view text) {
  size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool ParseNumber(std::string_view text, int base, uint64_t* number) {
  const char* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, *number, base);
  return error == std::errc() && stop == end && !text.empty();
}

// Whether a comma-separated list has `word`.
bool ListHas(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    size_t comma = std::min(list.find(','), list.size());
    if (SameName(Trim(list.substr(0, comma)), word)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

std::string ParseRequestLine(std::string_view line, Request* request) {
  size_t first = line.find(' ');
  size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return "request line without three parts";
  }
  request->method = line.substr(0, first);
  request->target = line.substr(first + 1, last - first - 1);
  request->version = line.substr(last + 1);
  if (!IsToken(request->method)) return "method is not a token";
  for (char c : request->target) {
    if (c <= 0x20 || c == 0x7f) return "octet in target";
  }
  if (request->target.empty()) return "empty target";
  if (request->version != "HTTP/1.1" && request->version != "HTTP/1.0") {
    return "version is not HTTP/1.x";
  }
  return {};
}

std::string ParseFieldLine(std::string_view line, Request* request) {
  size_t colon = line.find(':');
  if (colon == std::string_view::npos) return "field line without a colon";
  if (!IsToken(line.substr(0, colon))) return "field name is not a token";
  std::string_view value = Trim(line.substr(colon + 1));
  for (char c : value) {
    if ((c >= 0 && c < 0x20 && c != '\t') || c == 0x7f) {
      return "control octet in a field value";
    }
  }
  request->fields.push_back(
      {std::string(line.substr(0, colon)), std::string(value)});
  return {};
}

std::string DecideFraming(Request* request) {
  const std::string* coding = nullptr;
  const std::string* length = nullptr;
  for (const Field& field : request->fields) {
    if (SameName(field.name, "transfer-encoding")) {
      if (coding) return "Transfer-Encoding twice";
      coding = &field.value;
    }
    if (SameName(field.name, "content-length")) {
      if (length) return "Content-Length twice";
      length = &field.value;
    }
  }
  if (coding && length) return "Content-Length and Transfer-Encoding";
  if (coding) {
    if (!SameName(*coding, "chunked")) return "unknown Transfer-Encoding";
    if (request->version == "HTTP/1.0") return "Transfer-Encoding in HTTP/1.0";
    request->framing = Framing::kChunked;
  }
  if (length) {
    if (!ParseNumber(*length, 10, &request->length)) {
      return "Content-Length is not a number";
    }
    if (request->length > 0) request->framing = Framing::kLength;
  }
  return {};
}

void DecideConnection(Request* request) {
  request->keep_alive = request->version == "HTTP/1.1";
  for (const Field& field : request->fields) {
    if (!SameName(field.name, "connection")) continue;
    if (ListHas(field.value, "close")) request->keep_alive = false;
    if (ListHas(field.value, "keep-alive") && request->version == "HTTP/1.0") {
      request->keep_alive = true;
    }
  }
  const std::string* expect = request->Find("expect");
  request->expect_continue = expect && SameName(*expect, "100-continue");
}

// Requires: `request->head` ends with its blank line.
std::string ParseHead(Request* request) {
  std::string_view left = request->head;
  bool first = true;
  while (true) {
    size_t end = left.find("\r\n");
    std::string_view line = left.substr(0, end);
    if (line.find('\n') != std::string_view::npos) return "bare LF in the head";
    left.remove_prefix(end + 2);
    if (line.empty()) break;
    std::string why =
        first ? ParseRequestLine(line, request) : ParseFieldLine(line, request);
    if (!why.empty()) return why;
    first = false;
  }
  std::string why = DecideFraming(request);
  if (why.empty()) DecideConnection(request);
  return why;
}

// Blocks for a line, taken without its CRLF. False if it never ends; then
// `why` says how.
bool ReadLine(Wire& wire, std::string* line, std::string* why) {
  size_t end;
  while ((end = wire.buffered().find("\r\n")) == std::string_view::npos) {
    if (wire.buffered().size() > kMaxLine) *why = "endless line";
    if (why->empty() && !wire.Fill()) *why = "ended inside the body";
    if (!why->empty()) return false;
  }
  line->assign(wire.buffered().substr(0, end));
  wire.Take(end + 2);
  return true;
}

void Give(const std::function<void(std::string_view)>& sink,
          std::string_view bytes) {
  if (sink) sink(bytes);
}

// Passes `bytes` of content on. False if the peer ends before.
bool ReadContent(Wire& wire, uint64_t bytes, const BodySink& sink,
                 BodyFacts* facts) {
  while (bytes > 0) {
    if (wire.buffered().empty() && !wire.Fill()) {
      facts->broken = "ended inside the body";
      return false;
    }
    std::string_view piece = wire.buffered();
    piece = piece.substr(0, std::min<uint64_t>(piece.size(), bytes));
    Give(sink.content, piece);
    Give(sink.raw, piece);
    facts->bytes += piece.size();
    bytes -= piece.size();
    wire.Take(piece.size());
  }
  return true;
}

// One chunk with its framing. False at the last one or where it breaks.
bool ReadChunk(Wire& wire, const BodySink& sink, BodyFacts* facts) {
  std::string line;
  if (!ReadLine(wire, &line, &facts->broken)) return false;
  Give(sink.raw, line + "\r\n");
  uint64_t size = 0;
  std::string_view digits = std::string_view(line).substr(0, line.find(';'));
  if (!ParseNumber(Trim(digits), 16, &size)) {
    facts->broken = "bad chunk size";
    return false;
  }
  if (size == 0) return false;
  ++facts->chunks;
  if (!ReadContent(wire, size, sink, facts)) return false;
  if (!ReadLine(wire, &line, &facts->broken)) return false;
  Give(sink.raw, line + "\r\n");
  if (!line.empty()) facts->broken = "chunk longer than its size";
  return line.empty();
}

void ReadTrailers(Wire& wire, const BodySink& sink, BodyFacts* facts) {
  std::string line;
  while (ReadLine(wire, &line, &facts->broken)) {
    Give(sink.raw, line + "\r\n");
    if (line.empty()) return;
    facts->trailers += line + "\r\n";
  }
}

}  // namespace

bool SameName(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return Lower(x) == Lower(y); });
}

const std::string* Request::Find(std::string_view name) const {
  for (const Field& field : fields) {
    if (SameName(field.name, name)) return &field.value;
  }
  return nullptr;
}

Head ReadHead(Wire& wire) {
  Head head;
  while (wire.buffered().substr(0, 2) == "\r\n") wire.Take(2);
  size_t end;
  while ((end = wire.buffered().find("\r\n\r\n")) == std::string_view::npos) {
    if (wire.buffered().size() > kMaxHead) {
      head.end = HeadEnd::kBroken;
      head.why = "head over 4 MiB";
      return head;
    }
    if (!wire.Fill()) return head;
  }
  head.request.head = wire.buffered().substr(0, end + 4);
  wire.Take(end + 4);
  head.why = ParseHead(&head.request);
  head.end = head.why.empty() ? HeadEnd::kComplete : HeadEnd::kBroken;
  return head;
}

BodyFacts ReadBody(Wire& wire, const Request& request, const BodySink& sink) {
  BodyFacts facts;
  if (request.framing == Framing::kNone) return facts;
  if (request.expect_continue && wire.buffered().empty()) {
    wire.Write("HTTP/1.1 100 Continue\r\n\r\n");
  }
  if (request.framing == Framing::kLength) {
    ReadContent(wire, request.length, sink, &facts);
    return facts;
  }
  while (ReadChunk(wire, sink, &facts)) {
  }
  if (facts.broken.empty()) ReadTrailers(wire, sink, &facts);
  return facts;
}

}  // namespace origin
