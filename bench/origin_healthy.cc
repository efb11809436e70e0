#include "bench/origin_healthy.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <thread>
#include <utility>

namespace origin {
namespace {

constexpr uint64_t kMaxBytes = uint64_t{10} << 30;
constexpr size_t kMaxEcho = 64 << 20;
constexpr size_t kPiece = 64 << 10;
constexpr uint64_t kFnvBasis = 0xcbf29ce484222325;
constexpr uint64_t kFnvPrime = 0x100000001b3;

std::string Hex(uint64_t number) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%llx",
                static_cast<unsigned long long>(number));
  return digits;
}

bool WriteChunk(Wire& wire, std::string_view content) {
  std::string chunk = Hex(content.size()) + "\r\n";
  chunk.append(content).append("\r\n");
  return wire.Write(chunk);
}

// Writes `bytes` of content in pieces. False once the peer has gone.
bool WriteContent(Wire& wire, uint64_t bytes, size_t piece, bool chunked) {
  for (uint64_t offset = 0; offset < bytes;) {
    size_t size =
        static_cast<size_t>(std::min<uint64_t>(piece, bytes - offset));
    std::string content = ContentAt(offset, size);
    if (!(chunked ? WriteChunk(wire, content) : wire.Write(content))) {
      return false;
    }
    offset += size;
  }
  return !chunked || wire.Write("0\r\n\r\n");
}

After BadArgument(Exchange& exchange) {
  return Respond(exchange,
                 {.status = 400,
                  .body = "usage: " + std::string(exchange.route.path) +
                          std::string(exchange.route.args) + "\n"});
}

// Pieces of one second's tenth, or single bytes where the rate is below ten.
bool WriteAtRate(Wire& wire, uint64_t bytes, uint64_t rate) {
  uint64_t piece = std::max<uint64_t>(rate / 10, 1);
  auto pause = std::chrono::microseconds(1'000'000 * piece / rate);
  for (uint64_t offset = 0; offset < bytes;) {
    uint64_t size = std::min(piece, bytes - offset);
    std::string content = ContentAt(offset, static_cast<size_t>(size));
    if (!wire.Write(content)) return false;
    offset += size;
    if (offset < bytes) std::this_thread::sleep_for(pause);
  }
  return true;
}

}  // namespace

std::string ContentAt(uint64_t offset, size_t bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string content;
  content.reserve(bytes + 32);
  uint64_t record = offset & ~uint64_t{15};
  while (content.size() < bytes + (offset & 15)) {
    char text[16];
    for (int i = 0; i < 15; ++i) {
      text[i] = kDigits[(record >> (4 * (14 - i))) & 15];
    }
    text[15] = '\n';
    content.append(text, sizeof text);
    record += 16;
  }
  return content.substr(offset & 15, bytes);
}

After Bytes(Exchange& exchange) {
  auto bytes = ParseSize(exchange.Segment(0, ""));
  auto chunk = ParseSize(exchange.Param("chunk").value_or("16KiB"));
  if (!bytes || *bytes > kMaxBytes || !chunk || *chunk == 0 ||
      *chunk > kMaxBytes) {
    return BadArgument(exchange);
  }
  bool chunked = exchange.Param("chunked") || exchange.Param("chunk");
  bool until_close = !chunked && exchange.Param("close");
  std::vector<Field> fields = {{"Content-Type", "text/plain"}};
  if (chunked) {
    fields.push_back({"Transfer-Encoding", "chunked"});
  } else if (until_close) {
    fields.push_back({"Connection", "close"});
  } else {
    fields.push_back({"Content-Length", std::to_string(*bytes)});
  }
  std::string head = HeadOf(exchange, 200, fields);
  size_t piece = static_cast<size_t>(chunked ? *chunk : kPiece);
  uint64_t content = exchange.request.method == "HEAD" ? 0 : *bytes;
  if (!chunked && content <= piece) {
    // At once: whoever kills this process never sees a head alone.
    head += ContentAt(0, static_cast<size_t>(std::exchange(content, 0)));
  }
  if (!exchange.wire.Write(head)) return After::kClose;
  bool has_rest = content > 0 || (chunked && exchange.request.method != "HEAD");
  if (has_rest && !WriteContent(exchange.wire, content, piece, chunked)) {
    return After::kClose;
  }
  return until_close ? After::kLinger : AfterAnswer(exchange);
}

After Echo(Exchange& exchange) {
  std::string text = exchange.request.head;
  bool raw = exchange.Param("raw").has_value();
  bool full = false;
  BodySink sink;
  auto keep = [&](std::string_view bytes) {
    full = full || text.size() + bytes.size() > kMaxEcho;
    if (!full) text.append(bytes);
  };
  (raw ? sink.raw : sink.content) = keep;
  BodyFacts facts = ReadBody(exchange.wire, exchange.request, sink);
  if (!facts.broken.empty()) return Refuse(exchange.wire, facts.broken);
  if (full) return Respond(exchange, {.status = 413});
  if (!raw && !facts.trailers.empty()) text += "\r\n" + facts.trailers;
  return Respond(exchange,
                 {.fields = {{"X-Body-Bytes", std::to_string(facts.bytes)},
                             {"X-Body-Chunks", std::to_string(facts.chunks)}},
                  .body = std::move(text)});
}

After Status(Exchange& exchange) {
  std::string_view text = exchange.Segment(0, "");
  int status = 0;
  std::from_chars(text.data(), text.data() + text.size(), status);
  if (text.size() != 3 || status < 100) return BadArgument(exchange);
  Response response{.status = status};
  response.body = exchange.Param("body").value_or("");
  response.type = exchange.Param("type").value_or("text/plain");
  for (const Field& parameter : exchange.query) {
    if (parameter.name == "server") {
      response.fields.push_back({"Server", parameter.value});
    }
    size_t colon = parameter.value.find(':');
    if (parameter.name == "field" && colon != std::string::npos) {
      response.fields.push_back({parameter.value.substr(0, colon),
                                 parameter.value.substr(colon + 1)});
    }
  }
  return Respond(exchange, response);
}

After EarlyHints(Exchange& exchange) {
  exchange.wire.Write(
      HeadOf(exchange, 103, {{"Link", "</style.css>; rel=preload; as=style"}}));
  return Respond(exchange, {.body = "after the hints\n"});
}

After Trailers(Exchange& exchange) {
  exchange.wire.Write(HeadOf(exchange, 200,
                             {{"Content-Type", "text/plain"},
                              {"Trailer", "X-Checksum, X-Last"},
                              {"Transfer-Encoding", "chunked"}}));
  if (exchange.request.method == "HEAD") return AfterAnswer(exchange);
  exchange.wire.Write(
      "8\r\ntrailers\r\n0\r\n"
      "X-Checksum: 0123456789abcdef\r\nX-Last: yes\r\n\r\n");
  return AfterAnswer(exchange);
}

After Sink(Exchange& exchange) {
  uint64_t hash = kFnvBasis;
  BodySink sink;
  sink.content = [&](std::string_view bytes) {
    for (char c : bytes) {
      hash = (hash ^ static_cast<unsigned char>(c)) * kFnvPrime;
    }
  };
  BodyFacts facts = ReadBody(exchange.wire, exchange.request, sink);
  if (!facts.broken.empty()) return Refuse(exchange.wire, facts.broken);
  return Respond(exchange, {.body = "bytes=" + std::to_string(facts.bytes) +
                                    " fnv1a64=" + Hex(hash) + "\n"});
}

After Slow(Exchange& exchange) {
  auto bytes = ParseSize(exchange.Segment(0, ""));
  auto rate = ParseSize(exchange.Segment(1, ""));
  if (!bytes || !rate || *rate == 0) return BadArgument(exchange);
  exchange.wire.Write(
      HeadOf(exchange, 200, {{"Content-Length", std::to_string(*bytes)}}));
  if (exchange.request.method != "HEAD" &&
      !WriteAtRate(exchange.wire, *bytes, *rate)) {
    return After::kClose;
  }
  return AfterAnswer(exchange);
}

After HeadField(Exchange& exchange) {
  auto bytes = ParseSize(exchange.Segment(0, ""));
  if (!bytes || *bytes > kMaxEcho) return BadArgument(exchange);
  std::string value(static_cast<size_t>(*bytes), 'x');
  return Respond(exchange, {.fields = {{"X-Big", value}}, .body = "ok"});
}

After Cookies(Exchange& exchange) {
  auto many = ParseSize(exchange.Segment(0, ""));
  if (!many || *many > 1'000'000) return BadArgument(exchange);
  Response response{.body = "ok"};
  for (uint64_t i = 0; i < *many; ++i) {
    std::string pair = "c" + std::to_string(i) + "=v" + std::to_string(i);
    response.fields.push_back({"Set-Cookie", pair + "; Path=/"});
  }
  return Respond(exchange, response);
}

After Count(Exchange& exchange) {
  return Respond(
      exchange,
      {.body = "requests=" + std::to_string(counts().requests) +
               " connections=" + std::to_string(counts().connections) + "\n"});
}

}  // namespace origin
