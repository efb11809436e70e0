// Response heads as they go to the client.

#include "proxy/server/response_writer.h"

#include <string>

#include "tests/catch.h"
#include "tests/proxy/server/heads.h"

namespace whichhop {
namespace {

constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

ResponseOptions Options(Framing framing, uint64_t length = 0) {
  ResponseOptions options;
  options.framing = framing;
  options.length = length;
  options.date = kDate;
  return options;
}

std::string Written(std::string_view response, const ResponseOptions& options,
                    Method method = Method::kGet) {
  const ParsedResponse parsed(response, method);
  HeldBuffer out;
  WriteResponseHead(parsed.head(), parsed.bytes.data(), options, out.pool,
                    &out);
  return std::string(out.view());
}

struct Row {
  const char* received;
  const char* written;
};

void Check(const Row& row, const ResponseOptions& options,
           Method method = Method::kGet) {
  CAPTURE(row.received);
  CHECK(Written(row.received, options, method) == row.written);
}

#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

constexpr Row kFields[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
     "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 5\r\n\r\n"},
    // The origin's Date stays.
    {"HTTP/1.1 200 OK\r\ndate: x\r\nContent-Length: 05\r\n\r\n",
     "HTTP/1.1 200 OK\r\ndate: x\r\nContent-Length: 5\r\n\r\n"},
    // Our version, the origin's reason, be it empty or of other octets.
    {"HTTP/1.0 404 Nope \xe9\r\nContent-Length: 5\r\n\r\n",
     "HTTP/1.1 404 Nope \xe9\r\n" DATE "Content-Length: 5\r\n\r\n"},
    {"HTTP/1.1 599 \r\nContent-Length: 5\r\n\r\n",
     "HTTP/1.1 599 \r\n" DATE "Content-Length: 5\r\n\r\n"},
    // Order, case and repetition.
    {"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nb: 2\r\nSet-Cookie: c=3\r\n"
     "Content-Length: 5\r\n\r\n",
     "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nb: 2\r\nSet-Cookie: c=3\r\n" DATE
     "Content-Length: 5\r\n\r\n"},
    // Hop-by-hop, known and named.
    {"HTTP/1.1 200 OK\r\nConnection: close, x-own\r\nX-Own: 1\r\n"
     "Keep-Alive: timeout=5\r\nProxy-Connection: close\r\nUpgrade: h2c\r\n"
     "Content-Length: 5\r\n\r\n",
     "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 5\r\n\r\n"},
    // A length that was said twice is said once.
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
     "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 5\r\n\r\n"},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
     "HTTP/1.1 200 OK\r\n" DATE "Content-Length: 5\r\n\r\n"},
    // What the parser mends is written mended.
    {"HTTP/1.1 200 OK\r\nX:a\r\nY: \t b\r\nContent-Length:5\r\n\r\n",
     "HTTP/1.1 200 OK\r\nX: a\r\nY: b\r\n" DATE "Content-Length: 5\r\n\r\n"},
    {"HTTP/1.1 200 OK\r\nX : a\r\n  b\r\nContent-Length: 5\r\n\r\n",
     "HTTP/1.1 200 OK\r\nX: a    b\r\n" DATE "Content-Length: 5\r\n\r\n"},
    // Nobody else speaks of blame in our name; Proxy-Status may pass.
    {"HTTP/1.1 200 OK\r\nError-Cause: app\r\nError-Reporter: x\r\n"
     "Error-Cleared: x\r\nError-Fault: x\r\nError-Id: x\r\nError-Hops: x\r\n"
     "Proxy-Status: cdn\r\nContent-Length: 5\r\n\r\n",
     "HTTP/1.1 200 OK\r\nProxy-Status: cdn\r\n" DATE
     "Content-Length: 5\r\n\r\n"},
};

TEST_CASE("fields of a response pass as they came, but for those of this hop") {
  for (const Row& row : kFields) Check(row, Options(Framing::kLength, 5));
}

TEST_CASE("framing is written anew, as the client is to see it") {
  const char* const chunked =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nDate: x\r\n\r\n";
  Check({chunked,
         "HTTP/1.1 200 OK\r\nDate: x\r\nTransfer-Encoding: chunked\r\n\r\n"},
        Options(Framing::kChunked));
  Check({chunked, "HTTP/1.1 200 OK\r\nDate: x\r\n\r\n"},
        Options(Framing::kUntilClose));
  Check({"HTTP/1.0 200 OK\r\nDate: x\r\n\r\n",
         "HTTP/1.1 200 OK\r\nDate: x\r\nTransfer-Encoding: chunked\r\n\r\n"},
        Options(Framing::kChunked));
}

TEST_CASE("the length of a body that is not sent may be said") {
  const Row length = {
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nDate: x\r\n\r\n",
      "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 5\r\n\r\n"};
  Check(length, Options(Framing::kNone), Method::kHead);
  const Row unsaid = {"HTTP/1.1 200 OK\r\nDate: x\r\n\r\n",
                      "HTTP/1.1 200 OK\r\nDate: x\r\n\r\n"};
  Check(unsaid, Options(Framing::kNone), Method::kHead);
  Check({"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nDate: x\r\n\r\n",
         "HTTP/1.1 304 Not Modified\r\nDate: x\r\nContent-Length: 5\r\n\r\n"},
        Options(Framing::kNone));
  Check({"HTTP/1.1 204 No\r\nContent-Length: 0\r\nDate: x\r\n\r\n",
         "HTTP/1.1 204 No\r\nDate: x\r\n\r\n"},
        Options(Framing::kNone));
}

// RFC 9112, section 6.1: a HEAD's answer may say what a GET's would.
TEST_CASE("the chunks of a body that is not sent are not announced") {
  Check({"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nDate: x\r\n\r\n",
         "HTTP/1.1 200 OK\r\nDate: x\r\n\r\n"},
        Options(Framing::kNone), Method::kHead);
}

TEST_CASE("the connection's fate is told") {
  const char* const received = "HTTP/1.1 200 OK\r\nDate: x\r\n\r\n";
  ResponseOptions close = Options(Framing::kUntilClose);
  close.close = true;
  Check({received, "HTTP/1.1 200 OK\r\nDate: x\r\nConnection: close\r\n\r\n"},
        close);
  ResponseOptions keep = Options(Framing::kLength, 0);
  keep.keep_alive = true;
  Check({received,
         "HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 0\r\n"
         "Connection: keep-alive\r\n\r\n"},
        keep);
}

TEST_CASE("a diagnosis replaces the origin's Proxy-Status") {
  ResponseOptions options = Options(Framing::kLength, 5);
  options.diagnosis = "Proxy-Status: cdn, hop\r\nError-Cause: app\r\n";
  options.replaces_proxy_status = true;
  Check({"HTTP/1.1 503 No\r\nProxy-Status: cdn\r\nError-Cause: lb\r\n"
         "Proxy-Status: other\r\nDate: x\r\nContent-Length: 5\r\n\r\n",
         "HTTP/1.1 503 No\r\nDate: x\r\nContent-Length: 5\r\n"
         "Proxy-Status: cdn, hop\r\nError-Cause: app\r\n\r\n"},
        options);
}

TEST_CASE("our Cache-Control replaces the origin's") {
  ResponseOptions options = Options(Framing::kLength, 5);
  const char* const received =
      "HTTP/1.1 503 No\r\nDate: x\r\nCache-Control: max-age=9\r\n"
      "Cache-Control: public\r\nContent-Length: 5\r\n\r\n";
  Check({received,
         "HTTP/1.1 503 No\r\nDate: x\r\nCache-Control: max-age=9\r\n"
         "Cache-Control: public\r\nContent-Length: 5\r\n\r\n"},
        options);
  options.cache_control = "private, no-store";
  Check({received,
         "HTTP/1.1 503 No\r\nDate: x\r\nContent-Length: 5\r\n"
         "Cache-Control: private, no-store\r\n\r\n"},
        options);
}

TEST_CASE(
    "of a replaced body nothing is told that the origin said of its own") {
  ResponseOptions options = Options(Framing::kLength, 7);
  options.replaced_fields =
      "Content-Type: text/html; charset=utf-8\r\nVary: Accept\r\n";
  options.cache_control = "no-store";
  Check({"HTTP/1.1 503 No\r\nDate: x\r\nContent-Type: text/plain\r\n"
         "Content-Encoding: gzip\r\nContent-Security-Policy: x\r\n"
         "Content-Range: bytes 0-1/2\r\n"
         "Content-Disposition: attachment\r\nContent-MD5: x\r\n"
         "Content-Digest: x\r\nDigest: x\r\nRepr-Digest: x\r\nETag: \"x\"\r\n"
         "Last-Modified: x\r\nAccept-Ranges: bytes\r\nRetry-After: 5\r\n"
         "Transfer-Encoding: chunked\r\n\r\n",
         "HTTP/1.1 503 No\r\nDate: x\r\nRetry-After: 5\r\n"
         "Content-Length: 7\r\nContent-Type: text/html; charset=utf-8\r\n"
         "Vary: Accept\r\nCache-Control: no-store\r\n\r\n"},
        options);
}

// RFC 9110, sections 8.5 and 8.7: both are of the body that was sent.
TEST_CASE("a replaced body has not the language or the place of the origin's") {
  ResponseOptions options = Options(Framing::kLength, 7);
  options.replaced_fields = "Content-Type: text/plain\r\n";
  const std::string written = Written(
      "HTTP/1.1 503 No\r\nContent-Language: de\r\nContent-Location: /de\r\n"
      "Content-Length: 0\r\n\r\n",
      options);
  CAPTURE(written);
  CHECK(written.find("Content-Language") == std::string::npos);
  CHECK(written.find("Content-Location") == std::string::npos);
}

TEST_CASE("an interim head passes with its fields and nothing of ours") {
  const Row rows[] = {
      {"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n"},
      {"HTTP/1.0 103 Early Hints\r\nLink: </a>\r\nConnection: x\r\nX: 1\r\n"
       "Content-Length: 0\r\nError-Cause: app\r\n\r\n",
       "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"},
      {"HTTP/1.1 102 \r\n\r\n", "HTTP/1.1 102 \r\n\r\n"},
      // Which protocol follows is said by us, of this hop.
      {"HTTP/1.1 101 Go\r\nUpgrade: a,b\r\nX: 1\r\nConnection: upgrade\r\n"
       "\r\n",
       "HTTP/1.1 101 Go\r\nX: 1\r\nUpgrade: a, b\r\nConnection: Upgrade\r\n"
       "\r\n"},
  };
  for (const Row& row : rows) {
    const ParsedResponse parsed(row.received);
    HeldBuffer out;
    WriteInterimHead(parsed.head(), parsed.bytes.data(), out.pool, &out);
    CHECK(out.view() == row.written);
  }
}

TEST_CASE("the protocols that an upstream asks for are told if wanted") {
  ResponseOptions options = Options(Framing::kNone);
  const char* const received =
      "HTTP/1.1 426 No\r\nDate: x\r\nUpgrade: h2c, a\r\n"
      "Connection: Upgrade\r\n\r\n";
  Check({received, "HTTP/1.1 426 No\r\nDate: x\r\n\r\n"}, options);
  options.upgrade = true;
  Check({received,
         "HTTP/1.1 426 No\r\nDate: x\r\nUpgrade: a\r\n"
         "Connection: Upgrade\r\n\r\n"},
        options);
}

TEST_CASE("a response head of any size is written whole") {
  for (const size_t size : {100u, 32'500u, 32'768u, 200'000u}) {
    CAPTURE(size);
    const std::string fields =
        "HTTP/1.1 200 OK\r\nDate: x\r\nX: " + std::string(size, 'v') + "\r\n";
    const std::string written = Written(fields + "Content-Length: 5\r\n\r\n",
                                        Options(Framing::kLength, 5));
    CHECK((written == fields + "Content-Length: 5\r\n\r\n"));
  }
}

TEST_CASE("a long diagnosis and many short fields are written whole") {
  ResponseOptions options = Options(Framing::kLength, UINT64_MAX);
  const std::string diagnosis = "X: " + std::string(50'000, 'd') + "\r\n";
  options.diagnosis = diagnosis;
  options.close = true;
  options.cache_control = "private, no-store";
  options.replaced_fields =
      "Content-Type: text/html; charset=utf-8\r\nVary: Accept\r\n";
  std::string fields;
  for (int i = 0; i < 120; ++i) fields += "a:\r\n";
  const std::string written = Written(
      "HTTP/1.1 503 " + std::string(500, 'r') + "\r\n" + fields + "\r\n",
      options);
  CHECK(written.ends_with("Connection: close\r\n" + diagnosis + "\r\n"));
}

TEST_CASE("a response head is written behind what the buffer holds") {
  const std::string before(kBlockBytes - 50, '.');
  const ParsedResponse parsed("HTTP/1.1 200 OK\r\nDate: x\r\n\r\n");
  HeldBuffer out;
  std::copy(before.begin(), before.end(), out.space());
  out.Append(before.size());
  WriteResponseHead(parsed.head(), parsed.bytes.data(),
                    Options(Framing::kUntilClose), out.pool, &out);
  CHECK((out.view() == before + "HTTP/1.1 200 OK\r\nDate: x\r\n\r\n"));
}

}  // namespace
}  // namespace whichhop
