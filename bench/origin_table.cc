#include "bench/origin_table.h"

#include <algorithm>
#include <string>
#include <thread>

#include "bench/origin_fault.h"
#include "bench/origin_healthy.h"

namespace origin {
namespace {

using namespace std::string_view_literals;

After Index(Exchange& exchange);
After Delay(Exchange& exchange);

constexpr BodyUse kRead = BodyUse::kDiscard;
constexpr BodyUse kLeave = BodyUse::kHandler;

// The first row is "/" alone; of the others the longest path that fits is
// taken.
constexpr Route kRoutes[] = {
    {"/", "", "this page", Index},
    {"/bytes", "/N[?chunked|close|chunk=SIZE]",
     "N bytes (B, KiB, MiB, GiB), by length, chunked or until close", Bytes},
    {"/echo", "[?raw]", "the request as received; raw: body with its chunks",
     Echo, kLeave},
    {"/status", "/NNN[?server=S&type=T&body=B&field=Name:Value...]",
     "that status; empty and without Server unless asked", Status},
    {"/delay", "/TIME[/...]", "waits, then answers the rest of the path", Delay,
     kLeave},
    {"/early-hints", "", "103, then 200", EarlyHints},
    {"/trailers", "", "chunked, with a trailer section", Trailers},
    {"/sink", "", "reads the body; its size and FNV-1a hash", Sink, kLeave},
    {"/slow", "/BYTES/RATE", "so many bytes, at RATE bytes a second", Slow},
    {"/head-field", "/SIZE", "one response field of that size", HeadField},
    {"/cookies", "/N", "N Set-Cookie fields", Cookies},
    {"/count", "", "how many requests and connections were served", Count},

    // Ends instead of answers.
    {"/fault/reset-before-head", "", "reads the request, RST", Canned, kRead,
     "", After::kReset},
    {"/fault/empty", "", "reads the request, FIN", Canned, kRead, "",
     After::kClose},
    {"/fault/hang", "", "never answers", Canned, kRead, "", After::kHold},
    {"/fault/half-close", "[?empty]",
     "200 (empty: nothing), FIN, and the socket stays open", HalfClose},
    {"/fault/stale-reset", "", "200; RST on the connection's next request",
     StaleReset},
    {"/fault/stale-fin", "", "200; FIN on the connection's next request",
     StaleFin},
    {"/fault/close-after-response", "", "200, FIN: not announced", Canned,
     kRead, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", After::kClose},
    {"/fault/idle-408", "", "200; an unasked 408 and FIN 200 ms later",
     Idle408},

    // While the request is written.
    {"/fault/early-413", "", "413 before the body is read, then RST",
     EarlyAnswer, kLeave},
    {"/fault/read-then-reset", "[/N]", "reads N (100) bytes of body, RST",
     ReadThenReset, kLeave},
    {"/fault/no-read", "", "never reads the body, never answers", Canned,
     kLeave, "", After::kHold},
    {"/fault/unacked", "", "the kernel drops the body: never acknowledged",
     Unacked, kLeave},

    // The head: cut, stalled, not HTTP.
    {"/fault/truncate-head", "", "half a head, FIN", Canned, kRead,
     "HTTP/1.1 200 OK\r\nContent-Le", After::kClose},
    {"/fault/truncate-head-reset", "", "half a head, RST", Canned, kRead,
     "HTTP/1.1 200 OK\r\nContent-Le", After::kReset},
    {"/fault/hang-head", "", "half a head, then nothing", Canned, kRead,
     "HTTP/1.1 200 OK\r\nContent-Le", After::kHold},
    {"/fault/drip", "", "a valid head, one byte every 100 ms", Drip},
    {"/fault/garbage", "", "not HTTP, FIN", Canned, kRead,
     "XYZZY\x01\x02\xff\xfe\r\nnothing happens\r\n"sv, After::kClose},
    {"/fault/smtp", "", "a mail server's banner, FIN", Canned, kRead,
     "220 mail.example ESMTP ready\r\n", After::kClose},
    {"/fault/http09", "", "a page without a head, FIN", Canned, kRead,
     "<html>hello</html>\r\n", After::kClose},
    {"/fault/bad-status", "/TOKEN", "`HTTP/1.1 TOKEN Odd`: abc, 20, 1000, 099",
     BadStatus},
    {"/fault/bad-version", "[/VERSION]", "`VERSION 200 OK`: HTTP/2.0 or so",
     BadVersion},
    {"/fault/bad-field", "", "a field line without a colon", Canned, kRead,
     "HTTP/1.1 200 OK\r\nXBad\r\nContent-Length: 2\r\n\r\nok", After::kClose},
    {"/fault/empty-name", "", "a field line that begins with its colon", Canned,
     kRead, "HTTP/1.1 200 OK\r\n: v\r\nContent-Length: 2\r\n\r\nok",
     After::kClose},
    {"/fault/nul", "", "NUL in a field value", Canned, kRead,
     "HTTP/1.1 200 OK\r\nX-Nul: a\0b\r\nContent-Length: 2\r\n\r\nok"sv,
     After::kClose},
    {"/fault/space-before-colon", "", "`X-Bad : 1`: to be mended, not refused",
     Canned, kRead,
     "HTTP/1.1 200 OK\r\nX-Bad : 1\r\nContent-Length: 2\r\n\r\nok"},
    {"/fault/obs-fold", "", "a folded field line: to be mended, not refused",
     Canned, kRead,
     "HTTP/1.1 200 OK\r\nX-Fold: a\r\n b\r\nContent-Length: 2\r\n\r\nok"},
    {"/fault/head-too-large", "[/SIZE]", "fields of 1 KiB, 300 KiB in all",
     HeadTooLarge},
    {"/fault/many-fields", "[/N]", "N (2000) small fields", ManyFields},

    // The head: framing that can't be trusted.
    {"/fault/cl-twice", "", "Content-Length 2 and 3", Canned, kRead,
     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
     After::kClose},
    {"/fault/cl-negative", "", "Content-Length -2", Canned, kRead,
     "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok", After::kClose},
    {"/fault/cl-overflow", "", "Content-Length over 2^64", Canned, kRead,
     "HTTP/1.1 200 OK\r\nContent-Length: 36893488147419103234\r\n\r\nok",
     After::kClose},
    {"/fault/cl-te", "", "Content-Length and chunked", Canned, kRead,
     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n"
     "\r\n2\r\nok\r\n0\r\n\r\n",
     After::kClose},
    {"/fault/te-unknown", "", "Transfer-Encoding: foo", Canned, kRead,
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: foo\r\n\r\nok", After::kClose},
    {"/fault/te-gzip", "", "Transfer-Encoding: gzip, chunked", Canned, kRead,
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
     "2\r\nok\r\n0\r\n\r\n",
     After::kClose},

    // Interim and unasked answers.
    {"/fault/unsolicited-101", "", "101 that nobody asked for", Canned, kRead,
     "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
     "Upgrade: websocket\r\n\r\n",
     After::kHold},
    {"/fault/unsolicited-206", "", "206 without a Range", Canned, kRead,
     "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/10\r\n"
     "Content-Length: 2\r\n\r\nok"},
    {"/fault/unsolicited-304", "", "304 without a condition", Canned, kRead,
     "HTTP/1.1 304 Not Modified\r\nETag: \"e\"\r\n\r\n"},
    {"/fault/1xx-flood", "[/N]", "N (2000) times 102, then 200", InterimFlood},
    {"/fault/1xx-close", "", "100, FIN", Canned, kRead,
     "HTTP/1.1 100 Continue\r\n\r\n", After::kClose},
    {"/fault/1xx-hang", "", "a 102 every second and nothing else", InterimHang},
    {"/fault/two-responses", "", "two answers to one request", Canned, kRead,
     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
     "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"},
    {"/fault/204-with-body", "", "204 with Content-Length and body", Canned,
     kRead, "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok"},

    // The body.
    {"/fault/truncate", "", "2 of 100 bytes, FIN", Canned, kRead,
     "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok", After::kClose},
    {"/fault/truncate-reset", "", "2 of 100 bytes, RST", Canned, kRead,
     "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok", After::kReset},
    {"/fault/stall-body", "", "2 of 100 bytes, then nothing", Canned, kRead,
     "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok", After::kHold},
    {"/fault/truncate-chunked", "", "a chunk, FIN instead of the last", Canned,
     kRead, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
     After::kClose},
    {"/fault/truncate-chunked-reset", "", "a chunk, RST instead of the last",
     Canned, kRead,
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
     After::kReset},
    {"/fault/chunk-bad", "", "chunk size ZZ, at once", Canned, kRead,
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nok\r\n",
     After::kClose},
    {"/fault/chunk-bad-late", "", "a good chunk, 200 ms later size ZZ",
     CannedInPieces, kRead,
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
     "2\r\nok\r\n|ZZ\r\nok\r\n",
     After::kClose},
    {"/fault/chunk-overflow", "", "a chunk size over 2^64", Canned, kRead,
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
     "FFFFFFFFFFFFFFFFF\r\nok\r\n",
     After::kClose},
    {"/fault/chunk-long", "", "a chunk, 200 ms later more than its size",
     CannedInPieces, kRead,
     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok|XX\r\n",
     After::kClose},
    {"/fault/close-cut", "", "neither length nor chunks, RST", Canned, kRead,
     "HTTP/1.1 200 OK\r\n\r\nthis is only the beginning", After::kReset},
    {"/fault/excess", "", "Content-Length 2 and 7 bytes", Canned, kRead,
     "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokEXTRA"},
    {"/fault/bad-gzip", "", "Content-Encoding: gzip, but it isn't", Canned,
     kRead,
     "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: "
     "2\r\n\r\nok"},
};

const Route* FindRoute(std::string_view path) {
  if (path == "/" || path == "*") return &kRoutes[0];
  const Route* best = nullptr;
  for (const Route& route : kRoutes) {
    if (path.substr(0, route.path.size()) != route.path) continue;
    std::string_view rest = path.substr(route.path.size());
    if (!rest.empty() && rest[0] != '/') continue;
    if (!best || route.path.size() > best->path.size()) best = &route;
  }
  return best;
}

std::vector<Field> ParseQuery(std::string_view query) {
  std::vector<Field> parameters;
  while (!query.empty()) {
    size_t end = std::min(query.find('&'), query.size());
    std::string_view pair = query.substr(0, end);
    size_t equals = std::min(pair.find('='), pair.size());
    std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
    parameters.push_back(
        {PercentDecode(pair.substr(0, equals)), PercentDecode(value)});
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  return parameters;
}

// "http://host/path" -> "/path"; other forms stay as they are.
std::string_view OriginForm(std::string_view target) {
  size_t scheme = target.find("://");
  if (target[0] == '/' || scheme == std::string_view::npos) return target;
  size_t path = target.find('/', scheme + 3);
  return path == std::string_view::npos ? "/" : target.substr(path);
}

After Index(Exchange& exchange) {
  constexpr size_t kColumn = 46;
  std::string page = "whichhop-origin answers to:\n\n";
  for (const Route& route : kRoutes) {
    std::string usage = std::string(route.path) + std::string(route.args);
    if (usage.size() < kColumn) usage.resize(kColumn, ' ');
    page += usage + "  " + std::string(route.says) + "\n";
  }
  return Respond(exchange, {.body = std::move(page)});
}

After Delay(Exchange& exchange) {
  std::string_view time = exchange.Segment(0, "");
  auto delay = ParseTime(time);
  if (!delay) return Respond(exchange, {.status = 400, .body = "no time\n"});
  std::this_thread::sleep_for(*delay);
  std::string_view rest =
      exchange.target.substr(exchange.route.path.size() + 1 + time.size());
  bool more = rest.size() > 1 && rest[0] == '/';
  return Dispatch(exchange.wire, exchange.request, more ? rest : "/bytes/2");
}

}  // namespace

After Dispatch(Wire& wire, const Request& request, std::string_view target) {
  target = OriginForm(target);
  size_t question = std::min(target.find('?'), target.size());
  std::string_view path = target.substr(0, question);
  static constexpr Route kNone = {"", "", "no such path", nullptr};
  const Route* route = FindRoute(path);
  bool found = route != nullptr;
  if (!found) route = &kNone;
  if (route->body == BodyUse::kDiscard) {
    BodyFacts facts = ReadBody(wire, request, {});
    if (!facts.broken.empty()) return Refuse(wire, facts.broken);
  }
  size_t rest = std::min(path.size(), route->path.size());
  Exchange exchange{
      wire,
      request,
      *route,
      target,
      path.substr(rest),
      ParseQuery(target.substr(std::min(question + 1, target.size())))};
  if (found) return route->handler(exchange);
  return Respond(exchange, {.status = 404, .body = "no such path\n"});
}

}  // namespace origin
