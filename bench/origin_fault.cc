#include "bench/origin_fault.h"

#include <algorithm>
#include <thread>

namespace origin {
namespace {

constexpr auto kDripPause = std::chrono::milliseconds(100);
constexpr auto kPiecePause = std::chrono::milliseconds(200);
constexpr auto kIdlePause = std::chrono::milliseconds(200);

constexpr std::string_view kOk =
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

uint64_t NumberOr(Exchange& exchange, uint64_t otherwise) {
  return ParseSize(exchange.Segment(0, "")).value_or(otherwise);
}

// Answers, then blocks until the next request's head has come.
void AnswerOnce(Exchange& exchange) {
  exchange.wire.Write(kOk);
  ReadHead(exchange.wire);
}

}  // namespace

After Canned(Exchange& exchange) {
  if (!exchange.wire.Write(exchange.route.bytes)) return After::kClose;
  if (exchange.route.after == After::kKeep) return AfterAnswer(exchange);
  return exchange.route.after;
}

After CannedInPieces(Exchange& exchange) {
  const std::string_view bytes = exchange.route.bytes;
  const size_t bar = bytes.find('|');
  if (!exchange.wire.Write(bytes.substr(0, bar))) return After::kClose;
  std::this_thread::sleep_for(kPiecePause);
  exchange.wire.Write(bytes.substr(bar + 1));
  return exchange.route.after;
}

After BadStatus(Exchange& exchange) {
  exchange.wire.Write("HTTP/1.1 " + PercentDecode(exchange.Segment(0, "abc")) +
                      " Odd\r\nContent-Length: 2\r\n\r\nok");
  return After::kClose;
}

After BadVersion(Exchange& exchange) {
  // The version holds a slash: it is all that follows.
  std::string_view version = exchange.rest.substr(!exchange.rest.empty());
  if (version.empty()) version = "HTTP/2.0";
  exchange.wire.Write(PercentDecode(version) +
                      " 200 OK\r\nContent-Length: 2\r\n\r\nok");
  return After::kClose;
}

After HeadTooLarge(Exchange& exchange) {
  Response response{.body = "ok"};
  uint64_t fields = NumberOr(exchange, 300 << 10) / 1024;
  for (uint64_t i = 0; i < fields; ++i) {
    response.fields.push_back(
        {"X-Field-" + std::to_string(i), std::string(1010, 'x')});
  }
  return Respond(exchange, response);
}

After ManyFields(Exchange& exchange) {
  Response response{.body = "ok"};
  uint64_t many = std::min<uint64_t>(NumberOr(exchange, 2000), 1'000'000);
  for (uint64_t i = 0; i < many; ++i) {
    response.fields.push_back({"X-" + std::to_string(i), "v"});
  }
  return Respond(exchange, response);
}

After Drip(Exchange& exchange) {
  for (size_t i = 0; i < kOk.size(); ++i) {
    if (!exchange.wire.Write(kOk.substr(i, 1))) return After::kClose;
    std::this_thread::sleep_for(kDripPause);
  }
  return AfterAnswer(exchange);
}

After InterimFlood(Exchange& exchange) {
  uint64_t many = NumberOr(exchange, 2000);
  for (uint64_t i = 0; i < many; ++i) {
    if (!exchange.wire.Write("HTTP/1.1 102 Processing\r\n\r\n")) {
      return After::kClose;
    }
  }
  return Respond(exchange, {.body = "after the flood\n"});
}

After InterimHang(Exchange& exchange) {
  while (exchange.wire.Write("HTTP/1.1 102 Processing\r\n\r\n")) {
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
  return After::kClose;
}

After EarlyAnswer(Exchange& exchange) {
  exchange.wire.Write(
      "HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\n\r\ntoo large");
  // What is left unread makes close() send RST, but a small body may have been
  // read with its head already: say RST outright.
  return After::kReset;
}

After ReadThenReset(Exchange& exchange) {
  uint64_t bytes = NumberOr(exchange, 100);
  if (exchange.request.framing != Framing::kChunked) {
    bytes = std::min(bytes, exchange.request.length);
  }
  while (exchange.wire.buffered().size() < bytes) {
    if (!exchange.wire.Fill()) return After::kClose;
  }
  return After::kReset;
}

After Unacked(Exchange& exchange) {
  exchange.wire.DropArrivals();
  std::this_thread::sleep_for(kHoldMost);
  return After::kClose;
}

After HalfClose(Exchange& exchange) {
  if (!exchange.Param("empty")) exchange.wire.Write(kOk);
  exchange.wire.FinishWriting();
  exchange.wire.Discard(kHoldMost);
  return After::kClose;
}

After StaleReset(Exchange& exchange) {
  AnswerOnce(exchange);
  return After::kReset;
}

After StaleFin(Exchange& exchange) {
  AnswerOnce(exchange);
  return After::kClose;
}

After Idle408(Exchange& exchange) {
  exchange.wire.Write(kOk);
  std::this_thread::sleep_for(kIdlePause);
  exchange.wire.Write(
      "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n"
      "Content-Length: 0\r\n\r\n");
  return After::kClose;
}

}  // namespace origin
