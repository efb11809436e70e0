#include "proxy/http/request_parser.h"

#include <string>

#include "tests/catch.h"
#include "tests/proxy/http/vectors.h"

namespace whichhop {
namespace {

void Check(const Vector& vector) {
  CheckEveryCut(vector, [](std::string_view input, const Cuts& cuts) {
    return DumpRequest(input, cuts);
  });
}

TEST_CASE("a request head is read the same however it is cut") {
  const Vector vectors[] = {
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: 127.0.0.1:8080\r\n"
            "\r\n"),
       "GET o / 1.1 host=127.0.0.1:8080 none keep | Host: 127.0.0.1:8080;"},
      {WIRE("GET /a/b?c=d&e HTTP/1.1\r\n"
            "hOST:h\r\n"
            "X: \t y z \t\r\n"
            "\r\n"
            "rest"),
       "GET o /a/b ? c=d&e 1.1 host=h none keep | hOST: h; X: y z; left=4"},
      {WIRE("GET /? HTTP/1.1\r\n"
            "Host: h\r\n"
            "\r\n"),
       "GET o / ?  1.1 host=h none keep | Host: h;"},
      {WIRE("GET /a?b?c HTTP/1.1\r\n"
            "Host: h\r\n"
            "\r\n"),
       "GET o /a ? b?c 1.1 host=h none keep | Host: h;"},
      {WIRE("\r\n"
            "GET / HTTP/1.1\r\n"
            "Host: h\r\n"
            "\r\n"),
       "GET o / 1.1 host=h none keep | Host: h;"},
      {WIRE("GET / HTTP/1.7\r\n"
            "Host: h\r\n"
            "\r\n"),
       "GET o / 1.1 host=h none keep | Host: h;"},
      {WIRE("GET / HTTP/1.0\r\n"
            "\r\n"),
       "GET o / 1.0 host= none |"},
      {WIRE("GET / HTTP/1.0\r\n"
            "Connection: keep-alive\r\n"
            "\r\n"),
       "GET o / 1.0 host= none keep | -Connection: keep-alive;"},
      {WIRE("GET / HTTP/1.0\r\n"
            "Connection: Keep-Alive, close\r\n"
            "Host: h\r\n"
            "\r\n"),
       "GET o / 1.0 host=h none | -Connection: Keep-Alive, close; Host: h;"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Connection: \"a, X, ,close\r\n"
            "X: y\r\n"
            "\r\n"),
       "GET o / 1.1 host=h none | Host: h; -Connection: \"a, X, ,close; -X: y;"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Connection: close\r\n"
            "\r\n"),
       "GET o / 1.1 host=h none | Host: h; -Connection: close;"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Connection: x-a, Close ,,X-B\r\n"
            "X-A: 1\r\n"
            "x-b: 2\r\n"
            "X-C: 3\r\n"
            "\r\n"),
       "GET o / 1.1 host=h none | Host: h; -Connection: x-a, Close ,,X-B; -"
       "X-A: 1; -x-b: 2; X-C: 3;"},
      {WIRE(
           "GET / HTTP/1.1\r\n"
           "Host: h\r\n"
           "Connection: host, via, x-forwarded-for, authorization, content-leng"
           "th\r\n"
           "Via: v\r\n"
           "X-Forwarded-For: f\r\n"
           "Authorization: a\r\n"
           "\r\n"),
       "GET o / 1.1 host=h none keep | Host: h; -Connection: host, via, x-f"
       "orwarded-for, authorization, content-length; Via: v; X-Forwarded-Fo"
       "r: f; Authorization: a;"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Keep-Alive: 5\r\n"
            "Proxy-Connection: x\r\n"
            "TE: trailers\r\n"
            "Trailer: t\r\n"
            "Upgrade: u\r\n"
            "HTTP2-Settings: s\r\n"
            "Proxy-Authorization: p\r\n"
            "\r\n"),
       "GET o / 1.1 host=h none keep trailers | Host: h; -Keep-Alive: 5; -P"
       "roxy-Connection: x; -TE: trailers; Trailer: t; -Upgrade: u; -HTTP2-"
       "Settings: s; Proxy-Authorization: p;"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Connection: Upgrade\r\n"
            "Upgrade: websocket\r\n"
            "\r\n"),
       "GET o / 1.1 host=h none keep upgrade | Host: h; -Connection: Upgrad"
       "e; -Upgrade: websocket;"},
      {WIRE("GET / HTTP/1.0\r\n"
            "Host: h\r\n"
            "Connection: Upgrade\r\n"
            "Upgrade: websocket\r\n"
            "\r\n"),
       "GET o / 1.0 host=h none | Host: h; -Connection: Upgrade; -Upgrade: "
       "websocket;"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: h\r\n"
            "TE: deflate;q=0.5, trailers\r\n"
            "\r\n"),
       "GET o / 1.1 host=h none keep trailers | Host: h; -TE: deflate;q=0.5"
       ", trailers;"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Content-Length: 3\r\n"
            "\r\n"
            "abc"),
       "POST o / 1.1 host=h length 3 keep | Host: h; Content-Length: 3; lef"
       "t=3"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Content-Length: 0\r\n"
            "\r\n"),
       "POST o / 1.1 host=h length 0 keep | Host: h; Content-Length: 0;"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Content-Length: 9223372036854775807\r\n"
            "Expect: 100-Continue\r\n"
            "\r\n"),
       "POST o / 1.1 host=h length 9223372036854775807 keep continue | Host"
       ": h; Content-Length: 9223372036854775807; Expect: 100-Continue;"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Expect: 200-ok\r\n"
            "\r\n"),
       "POST o / 1.1 host=h none keep expects | Host: h; Expect: 200-ok;"},
      {WIRE("POST / HTTP/1.0\r\n"
            "Host: h\r\n"
            "Expect: 100-continue\r\n"
            "\r\n"),
       "POST o / 1.0 host=h none | Host: h; Expect: 100-continue;"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Transfer-Encoding: Chunked\r\n"
            "\r\n"
            "0\r\n"
            "\r\n"),
       "POST o / 1.1 host=h chunked keep | Host: h; -Transfer-Encoding: Chu"
       "nked; left=5"},
      {WIRE("GET http://example.com/p?q HTTP/1.1\r\n"
            "Host: other\r\n"
            "\r\n"),
       "GET a /p ? q 1.1 host=example.com none keep | Host: other;"},
      {WIRE("GET HTTPS://[::1]:80?q HTTP/1.1\r\n"
            "Host: h\r\n"
            "\r\n"),
       "GET a  ? q 1.1 host=[::1]:80 none keep | Host: h;"},
      {WIRE("GET http://h? HTTP/1.0\r\n\r\n"), "GET a  ?  1.0 host=h none |"},
      {WIRE("OPTIONS http://h HTTP/1.0\r\n"
            "\r\n"),
       "OPTIONS a  1.0 host=h none |"},
      {WIRE("OPTIONS * HTTP/1.1\r\n"
            "Host: h\r\n"
            "\r\n"),
       "OPTIONS *  1.1 host=h none keep | Host: h;"},
      {WIRE("CONNECT h.example:443 HTTP/1.1\r\n"
            "Host: h.example\r\n"
            "\r\n"),
       "CONNECT u  1.1 host=h.example none keep | Host: h.example;"},
      {WIRE("TRACE / HTTP/1.1\r\n"
            "Host: h\r\n"
            "\r\n"),
       "TRACE o / 1.1 host=h none keep | Host: h;"},
      {WIRE("BREW /pot HTTP/1.1\r\n"
            "Host: h\r\n"
            "\r\n"),
       "~BREW o /pot 1.1 host=h none keep | Host: h;"},
      {WIRE("M-SEARCH!#$ / HTTP/1.1\r\n"
            "Host: h:\r\n"
            "\r\n"),
       "~M-SEARCH!#$ o / 1.1 host=h: none keep | Host: h:;"},
      {WIRE("get / HTTP/1.1\r\n"
            "Host: a%20b.c_d~e:65535\r\n"
            "\r\n"),
       "~get o / 1.1 host=a%20b.c_d~e:65535 none keep | Host: a%20b.c_d~e:6"
       "5535;"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: h\r\n"
            "X: \200\377\r\n"
            "E:\r\n"
            "F: \t\r\n"
            "\r\n"),
       "GET o / 1.1 host=h none keep | Host: h; X: \200\377; E: ; F: ;"},
      {WIRE("GET //a/../%zz HTTP/1.1\r\n"
            "Host: h\r\n"
            "\r\n"),
       "GET o //a/../%zz 1.1 host=h none keep | Host: h;"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Cookie: a\r\n"
            "Cookie: b\r\n"
            "X-Y_Z.!~: token octets\r\n"
            "\r\n"),
       "GET o / 1.1 host=h none keep | Host: h; Cookie: a; Cookie: b; X-Y_Z"
       ".!~: token octets;"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: h\r\n"),
       "more"},
      {WIRE("GET / HTT"), "more"},
  };
  for (const Vector& vector : vectors) Check(vector);
}

TEST_CASE("a bad request line is refused at its octet, however it is cut") {
  const Vector vectors[] = {
      {WIRE(""), "more"},
      {WIRE("\r\n"
            "\r\n"
            "GET / HTTP/1.1\r\n"
            "Host: h\r\n"
            "\r\n"),
       "kEmptyLines@2 kLineBad"},
      {WIRE("\n"
            "GET / HTTP/1.1\r\n"
            "\r\n"),
       "kBareLf@0 kLineBad"},
      {WIRE("\rGET / HTTP/1.1\r\n"
            "\r\n"),
       "kBareCr@0 kLineBad"},
      {WIRE(" GET / HTTP/1.1\r\n"
            "\r\n"),
       "kMethodOctet@0 kLineBad"},
      {WIRE("\026\003\001\002\000\001"), "kMethodOctet@0 kLineBad"},
      {WIRE("GARBAGE\r\n"
            "\r\n"),
       "kTargetMissing@7 kLineBad"},
      {WIRE("GARBAGE\n"), "kBareLf@7 kLineBad"},
      {WIRE("GET\t/ HTTP/1.1\r\n"
            "\r\n"),
       "kMethodOctet@3 kLineBad"},
      {WIRE("GE(T / HTTP/1.1\r\n"
            "\r\n"),
       "kMethodOctet@2 kLineBad"},
      {WIRE(
           "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA /"
           " HTTP/1.1\r\n"
           "\r\n"),
       "kMethodTooLong@64 kLineBad"},
      {WIRE("GET  / HTTP/1.1\r\n"
            "\r\n"),
       "kTargetMissing@4 kLineBad"},
      {WIRE("GET \r\n"
            "\r\n"),
       "kTargetMissing@4 kLineBad"},
      {WIRE("GET /\r\n"
            "\r\n"),
       "kVersionSyntax@5 kLineBad"},
      {WIRE("GET /\n"), "kBareLf@5 kLineBad"},
      {WIRE("GET / \r\n"), "kVersionSyntax@6 kLineBad"},
      {WIRE("GET /  HTTP/1.1\r\n"
            "\r\n"),
       "kVersionSyntax@6 kLineBad"},
      {WIRE("GET /a\tb HTTP/1.1\r\n"
            "\r\n"),
       "kTargetOctet@6 kLineBad"},
      {WIRE("GET /a\000b HTTP/1.1\r\n"
            "\r\n"),
       "kTargetOctet@6 kLineBad"},
      {WIRE("GET /\200 HTTP/1.1\r\n"
            "\r\n"),
       "kTargetOctet@5 kLineBad"},
      {WIRE("GET /\177 HTTP/1.1\r\n"
            "\r\n"),
       "kTargetOctet@5 kLineBad"},
      {WIRE("GET / http/1.1\r\n"
            "\r\n"),
       "kVersionSyntax@6 kLineBad"},
      {WIRE("GET / HTTP/1\r\n"
            "\r\n"),
       "kVersionSyntax@12 kLineBad"},
      {WIRE("GET / HTTP/11\r\n"
            "\r\n"),
       "kVersionSyntax@12 kLineBad"},
      {WIRE("GET / HTTP/1.10\r\n"
            "\r\n"),
       "kVersionSyntax@14 kLineBad"},
      {WIRE("GET / HTTP/1.1 \r\n"
            "\r\n"),
       "kVersionSyntax@14 kLineBad"},
      {WIRE("GET / HTTP/1.1\n"
            "\r\n"),
       "kBareLf@14 kLineBad"},
      {WIRE("GET / HTTP/1.1\rX"), "kBareCr@14 kLineBad"},
      {WIRE("GET / HTTP/9.9\r\n"
            "\r\n"),
       "kVersionMajor@11 kVersion"},
      {WIRE("GET / HTTP/0.9\r\n"
            "\r\n"),
       "kVersionMajor@11 kVersion"},
      {WIRE("GET / HTTP/10.1\r\n"
            "\r\n"),
       "kVersionSyntax@12 kLineBad"},
      {WIRE("PRI * HTTP/2.0\r\n"
            "\r\n"
            "SM\r\n"
            "\r\n"),
       "kVersionMajor@11 kVersion"},
      {WIRE("GET * HTTP/1.1\r\n"
            "Host: h\r\n"
            "\r\n"),
       "kTargetForm@4 kLineBad"},
      {WIRE("GET a/b HTTP/1.1\r\n"
            "Host: h\r\n"
            "\r\n"),
       "kTargetForm@4 kLineBad"},
      {WIRE("GET ftp://h/ HTTP/1.1\r\n"
            "Host: h\r\n"
            "\r\n"),
       "kTargetForm@4 kLineBad"},
      {WIRE("GET http:/h/ HTTP/1.1\r\n"
            "Host: h\r\n"
            "\r\n"),
       "kTargetForm@4 kLineBad"},
      {WIRE("GET http:///p HTTP/1.1\r\n"
            "Host: h\r\n"
            "\r\n"),
       "kTargetAuthority@11 kLineBad"},
      {WIRE("GET http://u@h/ HTTP/1.1\r\n"
            "Host: h\r\n"
            "\r\n"),
       "kTargetAuthority@11 kLineBad"},
      {WIRE("GET /a?b#c HTTP/1.1\r\n"
            "Host: h\r\n"
            "\r\n"),
       "kTargetFragment@8 kLineBad"},
      {WIRE("GET http://h#/a HTTP/1.1\r\n"
            "Host: h\r\n"
            "\r\n"),
       "kTargetFragment@12 kLineBad"},
  };
  for (const Vector& vector : vectors) Check(vector);
}

TEST_CASE("a bad field of a request is refused at its octet") {
  const Vector vectors[] = {
      {WIRE("GET http://h:99999/ HTTP/1.1\r\n"
            "Host: h\r\n"
            "\r\n"),
       "kTargetAuthority@11 kLineBad"},
      {WIRE("CONNECT h HTTP/1.1\r\n"
            "Host: h\r\n"
            "\r\n"),
       "kTargetForm@8 kLineBad"},
      {WIRE("CONNECT h: HTTP/1.1\r\n"
            "Host: h\r\n"
            "\r\n"),
       "kTargetForm@8 kLineBad"},
      {WIRE("CONNECT / HTTP/1.1\r\n"
            "Host: h\r\n"
            "\r\n"),
       "kTargetForm@8 kLineBad"},
      {WIRE("OPTIONS *a HTTP/1.1\r\n"
            "Host: h\r\n"
            "\r\n"),
       "kTargetForm@8 kLineBad"},
      {WIRE("GET / HTTP/1.1\r\n"
            " Host: h\r\n"
            "\r\n"),
       "kSpaceBeforeFields@16 kLineBad"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: h\r\n"
            "X: a\r\n"
            " b\r\n"
            "\r\n"),
       "kObsFold@31 kLineBad"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host : h\r\n"
            "\r\n"),
       "kSpaceBeforeColon@20 kLineBad"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host\t: h\r\n"
            "\r\n"),
       "kSpaceBeforeColon@20 kLineBad"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host h\r\n"
            "\r\n"),
       "kFieldNameOctet@21 kLineBad"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host\r\n"
            "\r\n"),
       "kColonMissing@20 kLineBad"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host \r\n"
            "\r\n"),
       "kColonMissing@21 kLineBad"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host\n"),
       "kBareLf@20 kLineBad"},
      {WIRE("GET / HTTP/1.1\r\n"
            ": h\r\n"
            "\r\n"),
       "kFieldNameEmpty@16 kLineBad"},
      {WIRE("GET / HTTP/1.1\r\n"
            "H\303st: h\r\n"
            "\r\n"),
       "kFieldNameOctet@17 kLineBad"},
      {WIRE("GET / HTTP/1.1\r\n"
            "H(st: h\r\n"
            "\r\n"),
       "kFieldNameOctet@17 kLineBad"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: h\r\n"
            "X: a\000b\r\n"
            "\r\n"),
       "kNul@29 kLineBad"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: h\r\n"
            "X: a\001b\r\n"
            "\r\n"),
       "kFieldValueOctet@29 kLineBad"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: h\r\n"
            "X: a\177\r\n"
            "\r\n"),
       "kFieldValueOctet@29 kLineBad"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: h\r\n"
            "X: a\rb\r\n"
            "\r\n"),
       "kBareCr@29 kLineBad"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: h\n"
            "\r\n"),
       "kBareLf@23 kLineBad"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: h\r\n"
            "\n"),
       "kBareLf@25 kLineBad"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: h\r\n"
            "\rX"),
       "kBareCr@25 kLineBad"},
      {WIRE("GET / HTTP/1.1\r\n"
            "\r\n"),
       "kHostMissing@16 kHost"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Host: h\r\n"
            "\r\n"),
       "kHostRepeated@16 kHost"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: \r\n"
            "\r\n"),
       "kHostInvalid@22 kHost"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: a b\r\n"
            "\r\n"),
       "kHostInvalid@22 kHost"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: a,b/c\r\n"
            "\r\n"),
       "kHostInvalid@22 kHost"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: h:8a\r\n"
            "\r\n"),
       "kHostInvalid@22 kHost"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: h:65536\r\n"
            "\r\n"),
       "kHostInvalid@22 kHost"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: [::1\r\n"
            "\r\n"),
       "kHostInvalid@22 kHost"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: [::1]x\r\n"
            "\r\n"),
       "kHostInvalid@22 kHost"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: u@h\r\n"
            "\r\n"),
       "kHostInvalid@22 kHost"},
      {WIRE("GET / HTTP/1.1\r\n"
            "Host: a%2\r\n"
            "\r\n"),
       "kHostInvalid@22 kHost"},
      {WIRE("GET http://h/ HTTP/1.1\r\n"
            "Host: a b\r\n"
            "\r\n"),
       "kHostInvalid@30 kHost"},
      {WIRE("GET / HTTP/1.0\r\n"
            "Host: a b\r\n"
            "\r\n"),
       "kHostInvalid@22 kHost"},
  };
  for (const Vector& vector : vectors) Check(vector);
}

TEST_CASE("a request whose end two readers could see differently is refused") {
  const Vector vectors[] = {
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Content-Length: -1\r\n"
            "\r\n"),
       "kContentLengthSyntax@42 kFraming"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Content-Length: +1\r\n"
            "\r\n"),
       "kContentLengthSyntax@42 kFraming"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Content-Length: 1 \r\n"
            "\r\n"),
       "POST o / 1.1 host=h length 1 keep | Host: h; Content-Length: 1;"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Content-Length: 0x1\r\n"
            "\r\n"),
       "kContentLengthSyntax@42 kFraming"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Content-Length:\r\n"
            "\r\n"),
       "kContentLengthSyntax@41 kFraming"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Content-Length: 1, 1\r\n"
            "\r\n"),
       "kContentLengthSyntax@42 kFraming"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Content-Length: 1\r\n"
            "Content-Length: 1\r\n"
            "\r\n"),
       "kContentLengthRepeated@26 kFraming"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Content-Length: 9223372036854775808\r\n"
            "\r\n"),
       "kContentLengthSyntax@42 kFraming"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Content-Length: 99999999999999999999999\r\n"
            "\r\n"),
       "kContentLengthSyntax@42 kFraming"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Content-Length: 3\r\n"
            "Transfer-Encoding: chunked\r\n"
            "\r\n"),
       "kContentLengthAndTransferEncoding@26 kFraming"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Transfer-Encoding: foo\r\n"
            "\r\n"),
       "kTransferCodingUnknown@45 kRequestTransferCoding"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Transfer-Encoding: foo, chunked\r\n"
            "\r\n"),
       "kTransferCodingUnknown@45 kRequestTransferCoding"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Transfer-Encoding: gzip, chunked\r\n"
            "\r\n"),
       "kTransferCodingUnknown@45 kRequestTransferCoding"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Transfer-Encoding: gzip\r\n"
            "\r\n"),
       "kTransferEncodingNotChunked@45 kFraming"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Transfer-Encoding: chunked, gzip\r\n"
            "\r\n"),
       "kTransferEncodingNotChunked@45 kFraming"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Transfer-Encoding: chunked, chunked\r\n"
            "\r\n"),
       "kTransferEncodingNotChunked@45 kFraming"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Transfer-Encoding: ,chunked\r\n"
            "\r\n"),
       "kTransferEncodingNotChunked@45 kFraming"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Transfer-Encoding: chunked;a=b\r\n"
            "\r\n"),
       "kTransferEncodingNotChunked@45 kFraming"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Transfer-Encoding: \r\n"
            "\r\n"),
       "kTransferEncodingNotChunked@45 kFraming"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Transfer-Encoding: identity\r\n"
            "\r\n"),
       "kTransferCodingUnknown@45 kRequestTransferCoding"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Transfer-Encoding: chunked\r\n"
            "Transfer-Encoding: chunked\r\n"
            "\r\n"),
       "kTransferEncodingRepeated@26 kFraming"},
      {WIRE("POST / HTTP/1.0\r\n"
            "Host: h\r\n"
            "Transfer-Encoding: chunked\r\n"
            "\r\n"),
       "kTransferEncodingInHttp10@26 kFraming"},
      {WIRE("POST / HTTP/1.1\r\n"
            "Host: h\r\n"
            "Transfer-Encoding: \013chunked\r\n"
            "\r\n"),
       "kFieldValueOctet@45 kLineBad"},
  };
  for (const Vector& vector : vectors) Check(vector);
}

}  // namespace
}  // namespace whichhop
