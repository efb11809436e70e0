// Request heads as they go upstream.

#include "proxy/server/request_writer.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string>

#include "tests/catch.h"
#include "tests/proxy/server/heads.h"

namespace whichhop {
namespace {

constexpr ForwardedBy kStranger{"hop", "203.0.113.7", false, "http", ""};
constexpr ForwardedBy kTrusted{"hop", "203.0.113.7", true, "http", ""};

// What hop adds to a request of host h from a stranger.
#define ADDED                                        \
  "Via: 1.1 hop\r\n"                                 \
  "X-Forwarded-For: 203.0.113.7\r\n"                 \
  "Forwarded: for=203.0.113.7;host=h;proto=http\r\n" \
  "X-Forwarded-Proto: http\r\n"                      \
  "X-Forwarded-Host: h\r\n\r\n"

std::string Written(std::string_view request, const ForwardedBy& by) {
  const ParsedRequest parsed(request);
  HeldBuffer out;
  WriteRequestHead(parsed.head(), parsed.bytes.data(), by, out.pool, &out);
  return std::string(out.view());
}

struct Row {
  const char* received;
  const char* written;
};

void Check(const Row& row, const ForwardedBy& by) {
  CAPTURE(row.received);
  CHECK(Written(row.received, by) == row.written);
}

constexpr Row kLines[] = {
    {"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: h\r\n" ADDED},
    {"GET /a/../b?q=1?2 HTTP/1.1\r\nHost: h\r\n\r\n",  // as it is
     "GET /a/../b?q=1?2 HTTP/1.1\r\nHost: h\r\n" ADDED},
    {"GET /? HTTP/1.1\r\nhost:   h  \r\n\r\n",
     "GET /? HTTP/1.1\r\nHost: h\r\n" ADDED},
    {"GET / HTTP/1.1\r\nHost: h\r\nA:b\r\nC: \t d\r\nE:\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\nC: d\r\nE: \r\n" ADDED},
    {"GET / HTTP/1.1\r\nHost: h\r\nX_Forwarded_For: a\r\nX-Forwarded_For: b\r\n"
     "content_length: 5\r\nX_Y: c\r\n_: d\r\n\r\n",  // to CGI, others' names
     "GET / HTTP/1.1\r\nHost: h\r\nX_Y: c\r\n_: d\r\n" ADDED},
    {"PURGE /x HTTP/1.1\r\nHost: h\r\n\r\n",
     "PURGE /x HTTP/1.1\r\nHost: h\r\n" ADDED},
    {"GET http://h/x?y HTTP/1.1\r\nHost: h\r\n\r\n",
     "GET /x?y HTTP/1.1\r\nHost: h\r\n" ADDED},
    {"GET http://h HTTP/1.1\r\nHost: h\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: h\r\n" ADDED},
    {"GET http://h?q HTTP/1.1\r\nHost: h\r\n\r\n",
     "GET /?q HTTP/1.1\r\nHost: h\r\n" ADDED},
    {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
     "OPTIONS * HTTP/1.1\r\nHost: h\r\n" ADDED},
    {"OPTIONS http://h HTTP/1.1\r\nHost: h\r\n\r\n",
     "OPTIONS * HTTP/1.1\r\nHost: h\r\n" ADDED},
    {"OPTIONS http://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
     "OPTIONS / HTTP/1.1\r\nHost: h\r\n" ADDED},
};

TEST_CASE("the request line is written in origin form, of HTTP/1.1") {
  for (const Row& row : kLines) Check(row, kStranger);
}

TEST_CASE("an absolute target's host replaces the field") {
  const std::string written =
      Written("GET http://h:81/ HTTP/1.1\r\nHost: other\r\n\r\n", kStranger);
  CHECK(written.starts_with("GET / HTTP/1.1\r\nHost: h:81\r\n"));
  CHECK(written.find("other") == std::string::npos);
  CHECK(written.find(";host=\"h:81\";") != std::string::npos);
}

TEST_CASE("a request of HTTP/1.0 is told in Via, with an empty Host") {
  CHECK(Written("GET / HTTP/1.0\r\n\r\n", kStranger) ==
        "GET / HTTP/1.1\r\nHost: \r\n"
        "Via: 1.0 hop\r\n"
        "X-Forwarded-For: 203.0.113.7\r\n"
        "Forwarded: for=203.0.113.7;proto=http\r\n"
        "X-Forwarded-Proto: http\r\n\r\n");
}

constexpr Row kFields[] = {
    // As they came: case, order, repetition, inner space.
    {"GET / HTTP/1.1\r\nb: 2\r\nHost: h\r\nA: 1\r\nb: a  b\r\nEmpty:\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: h\r\nb: 2\r\nA: 1\r\nb: a  b\r\n"
     "Empty: \r\n" ADDED},
    // Hop-by-hop, known and named.
    {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close, X-Own\r\nX-Own: 1\r\n"
     "x-own: 2\r\nKeep-Alive: 5\r\nProxy-Connection: close\r\n"
     "Upgrade: h2c\r\nHTTP2-Settings: AA\r\nX-Other: 3\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: h\r\nX-Other: 3\r\n" ADDED},
    // TE is ours to say.
    {"GET / HTTP/1.1\r\nHost: h\r\nConnection: TE\r\nTE: trailers, "
     "gzip\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nConnection: TE\r\n" ADDED},
    {"GET / HTTP/1.1\r\nHost: h\r\nConnection: TE\r\nTE: gzip\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: h\r\n" ADDED},
    // Framing is written anew.
    {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0005\r\n\r\n",
     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n" ADDED},
    {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n",
     "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n" ADDED},
    // Others' Via stays before ours.
    {"GET / HTTP/1.1\r\nHost: h\r\nVia: 1.1 cdn\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: h\r\nVia: 1.1 cdn\r\n" ADDED},
    // A client's own request id is kept where we made none.
    {"GET / HTTP/1.1\r\nHost: h\r\nX-Request-Id: abc\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: h\r\nX-Request-Id: abc\r\n" ADDED},
    // End-to-end fields that look like ours.
    {"GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nTrailer: X\r\n"
     "Proxy-Authorization: x\r\nCookie: a=b\r\n\r\n",
     "GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nTrailer: X\r\n"
     "Proxy-Authorization: x\r\nCookie: a=b\r\n" ADDED},
};

TEST_CASE("fields of a request pass as they came, but for those of this hop") {
  for (const Row& row : kFields) Check(row, kStranger);
}

TEST_CASE("a POST of no length has Content-Length 0 or none, as it came") {
  CHECK(Written("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n",
                kStranger)
            .find("Content-Length: 0\r\n") != std::string::npos);
  CHECK(Written("POST / HTTP/1.1\r\nHost: h\r\n\r\n", kStranger)
            .find("Content-Length") == std::string::npos);
}

constexpr const char* kClaims =
    "GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 10.0.0.1\r\n"
    "Forwarded: for=10.0.0.1\r\nX-Forwarded-Proto: https\r\n"
    "X-Forwarded-Host: evil\r\nX-Real-IP: 10.0.0.1\r\n"
    "CF-Connecting-IP: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\n\r\n";

TEST_CASE("what a stranger says of a client before it is not believed") {
  Check({kClaims, "GET / HTTP/1.1\r\nHost: h\r\n" ADDED}, kStranger);
}

TEST_CASE("what a trusted client says of those before it is continued") {
  Check({kClaims,
         "GET / HTTP/1.1\r\nHost: h\r\n"
         "Forwarded: for=10.0.0.1\r\nX-Forwarded-Proto: https\r\n"
         "X-Forwarded-Host: evil\r\nX-Real-IP: 10.0.0.1\r\n"
         "CF-Connecting-IP: 10.0.0.1\r\nVia: 1.1 hop\r\n"
         "X-Forwarded-For: 10.0.0.1, 10.0.0.2, 203.0.113.7\r\n"
         "Forwarded: for=203.0.113.7;host=h;proto=http\r\n\r\n"},
        kTrusted);
}

TEST_CASE("a trusted client that says nothing is treated as any") {
  Check({"GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For:\r\n\r\n",
         "GET / HTTP/1.1\r\nHost: h\r\n" ADDED},
        kTrusted);
}

struct ForwardedRow {
  const char* client;
  const char* host;
  const char* forwarded;
};

constexpr ForwardedRow kForwarded[] = {
    {"10.0.0.1", "h.example", "for=10.0.0.1;host=h.example"},
    {"10.0.0.1", "h:80", "for=10.0.0.1;host=\"h:80\""},
    {"10.0.0.1", "[::1]", "for=10.0.0.1;host=\"[::1]\""},
    {"2001:db8::1", "h", "for=\"[2001:db8::1]\";host=h"},
};

TEST_CASE("Forwarded quotes what is no token, and brackets IPv6") {
  for (const ForwardedRow& row : kForwarded) {
    const std::string written =
        Written("GET / HTTP/1.1\r\nHost: " + std::string(row.host) + "\r\n\r\n",
                {"hop", row.client, false, "https", ""});
    CAPTURE(written);
    CHECK(written.find("Forwarded: " + std::string(row.forwarded) +
                       ";proto=https\r\n") != std::string::npos);
    CHECK(written.find("X-Forwarded-For: " + std::string(row.client) +
                       "\r\n") != std::string::npos);
  }
}

TEST_CASE("a request id that we made replaces the client's") {
  const ForwardedBy by{"hop", "203.0.113.7", false, "http", "01ABC"};
  const std::string written =
      Written("GET / HTTP/1.1\r\nHost: h\r\nX-Request-Id: b\200d\r\n\r\n", by);
  CHECK(written.find("X-Request-Id: b") == std::string::npos);
  CHECK(written.ends_with("X-Request-Id: 01ABC\r\n\r\n"));
}

TEST_CASE("a request id is a token of 1 to 128 octets") {
  for (const std::string& id :
       {std::string("a"), std::string("01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        std::string("!#$%&'*+-.^_`|~09azAZ"), std::string(128, 'x')}) {
    CHECK(IsRequestId(id));
  }
  for (const std::string& id :
       {std::string(), std::string(129, 'x'), std::string("a b"),
        std::string("a,b"), std::string("a\"b"), std::string("a=b"),
        std::string("a/b"), std::string("\x80"), std::string("a\0", 2)}) {
    CHECK_FALSE(IsRequestId(id));
  }
}

TEST_CASE("an offer is written if it is to be passed on") {
  ForwardedBy by = kStranger;
  const char* const received =
      "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: a,b, h2c\r\nTE: trailers\r\n"
      "Connection: upgrade, TE\r\nUpgrade: c\r\n\r\n";
  Check({received,
         "GET / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\n"
         "Connection: TE\r\n" ADDED},
        by);
  by.upgrade = true;
  Check({received,
         "GET / HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nUpgrade: a, b, c\r\n"
         "Connection: TE, Upgrade\r\n" ADDED},
        by);
}

TEST_CASE("an offer of many protocols is written whole") {
  ForwardedBy by = kStranger;
  by.upgrade = true;
  std::string list = "a";
  std::string written = "Upgrade: a";
  for (int i = 0; i < 5000; ++i) {
    list += ",b";
    written += ", b";
  }
  CHECK(Written("GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\n"
                "Upgrade: " +
                    list + "\r\n\r\n",
                by)
            .find(written + "\r\nConnection: Upgrade\r\n") !=
        std::string::npos);
}

TEST_CASE("who we are stands in Via, and where it is wanted in CDN-Loop") {
  ForwardedBy by = kStranger;
  by.via = "hop (0123abcd)";
  const std::string request =
      "GET / HTTP/1.1\r\nHost: h\r\nCDN-Loop: a\r\n\r\n";
  const std::string via = "CDN-Loop: a\r\nVia: 1.1 hop (0123abcd)\r\n";
  CHECK(Written(request, by).find(via + "X-F") != std::string::npos);
  by.cdn_loop = "hop; id=0123abcd";
  CHECK(Written(request, by).find(via + "CDN-Loop: hop; id=0123abcd\r\nX-F") !=
        std::string::npos);
}

TEST_CASE("a request head of any size is written whole") {
  for (const size_t size : {100u, 31'000u, 32'400u, 32'768u, 200'000u}) {
    CAPTURE(size);
    const std::string value(size, 'v');
    const std::string written = Written(
        "GET / HTTP/1.1\r\nHost: h\r\nX: " + value + "\r\n\r\n", kStranger);
    CHECK(
        (written == "GET / HTTP/1.1\r\nHost: h\r\nX: " + value + "\r\n" ADDED));
  }
}

TEST_CASE("nothing that a client can choose makes a head too large") {
  const std::string host(30'000, 'h');
  const std::string method(64, 'M');
  std::string request = method + " http://" + host + "/" +
                        std::string(30'000, 'p') +
                        "?q HTTP/1.1\r\nHost: " + host + "\r\n";
  for (int i = 0; i < 60; ++i) request += "x-forwarded-for:1\r\n";
  request += "TE: trailers\r\nConnection: TE\r\nContent-Length: ";
  request += "9223372036854775807\r\n\r\n";
  const std::string id(128, 'i');
  const std::string name(200, 'n');
  const std::string client(39, ':');
  const std::string written =
      Written(request, {name, client, true, "https", id});
  CHECK(written.ends_with("X-Request-Id: " + id + "\r\n\r\n"));
}

TEST_CASE("many short fields are written whole") {
  std::string fields;
  for (int i = 0; i < 120; ++i) fields += "a:\r\n";
  const std::string written =
      Written("GET / HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n", kStranger);
  CHECK(written.ends_with(ADDED));
  CHECK(std::string_view(written).find("\na:") != std::string_view::npos);
}

// Whether `story` is true, told in a process of its own: it may abort.
template <typename Story>
bool SurvivesAs(Story story) {
  const pid_t child = fork();
  if (child == 0) {
    close(STDERR_FILENO);
    std::signal(SIGABRT, SIG_DFL);
    _exit(story() ? 0 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  return status == 0;
}

TEST_CASE("a request head is written behind what the buffer holds") {
  CHECK(SurvivesAs([] {
    const std::string before(kBlockBytes - 100, '.');
    const ParsedRequest parsed("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    HeldBuffer out;
    std::copy(before.begin(), before.end(), out.space());
    out.Append(before.size());
    WriteRequestHead(parsed.head(), parsed.bytes.data(), kStranger, out.pool,
                     &out);
    return out.view() == before + "GET / HTTP/1.1\r\nHost: h\r\n" ADDED;
  }));
}

}  // namespace
}  // namespace whichhop
