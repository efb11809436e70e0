#include "proxy/http/response_parser.h"

#include <string>

#include "tests/catch.h"
#include "tests/proxy/http/vectors.h"

namespace whichhop {
namespace {

void Check(const Vector& vector, Method method = Method::kGet) {
  CheckEveryCut(vector, [method](std::string_view input, const Cuts& cuts) {
    return DumpResponse(input, cuts, method);
  });
}

TEST_CASE("a response head is read and mended the same however it is cut") {
  const Vector vectors[] = {
      {WIRE("HTTP/1.1 200 OK\r\n"
            "Server: nginx\r\n"
            "Content-Length: 2\r\n"
            "\r\n"
            "ok"),
       "200 OK 1.1 length 2 keep | Server: nginx; Content-Length: 2; left=2"},
      {WIRE("HTTP/1.1 200\r\n"
            "Content-Length: 0\r\n"
            "\r\n"),
       "200  1.1 length 0 keep | Content-Length: 0;"},
      {WIRE("HTTP/1.1 200 \r\n"
            "Content-Length: 0\r\n"
            "\r\n"),
       "200  1.1 length 0 keep | Content-Length: 0;"},
      {WIRE("HTTP/1.1 404 Not \t Found \351\r\n"
            "\r\n"
            "body"),
       "404 Not \t Found \351 1.1 until-close | left=4"},
      {WIRE("HTTP/1.0 200 OK\r\n"
            "\r\n"),
       "200 OK 1.0 until-close |"},
      {WIRE("HTTP/1.0 200 OK\r\n"
            "Content-Length: 1\r\n"
            "\r\n"),
       "200 OK 1.0 length 1 | Content-Length: 1;"},
      {WIRE("HTTP/1.0 200 OK\r\n"
            "Content-Length: 1\r\n"
            "Connection: keep-alive\r\n"
            "\r\n"),
       "200 OK 1.0 length 1 keep | Content-Length: 1; -Connection: keep-ali"
       "ve;"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "Connection: close\r\n"
            "Content-Length: 1\r\n"
            "\r\n"),
       "200 OK 1.1 length 1 | -Connection: close; Content-Length: 1;"},
      {WIRE("HTTP/1.2 200 OK\r\n"
            "Transfer-Encoding: chunked\r\n"
            "\r\n"),
       "200 OK 1.1 chunked keep | -Transfer-Encoding: chunked;"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "Content-Length: 2\r\n"
            "Content-Length: 2\r\n"
            "\r\n"),
       "200 OK 1.1 length 2 keep | Content-Length: 2; -Content-Length: 2;"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "Content-Length: 2, 2\r\n"
            "\r\n"),
       "200 OK 1.1 length 2 keep | Content-Length: 2;"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "Content-Length: 02\r\n"
            "X: y\r\n"
            "Content-Length: 2 ,2\r\n"
            "\r\n"),
       "200 OK 1.1 length 2 keep | Content-Length: 02; X: y; -Content-Lengt"
       "h: 2 ,2;"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "X-Bad : 1\r\n"
            "Y\t \t:2\r\n"
            "Content-Length: 0\r\n"
            "\r\n"),
       "200 OK 1.1 length 0 keep | X-Bad: 1; Y: 2; Content-Length: 0;"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "X: a\r\n"
            " b\r\n"
            "Content-Length: 0\r\n"
            "\r\n"),
       "200 OK 1.1 length 0 keep | X: a   b; Content-Length: 0;"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "X:\r\n"
            "\t b \r\n"
            "  c\t\r\n"
            "Content-Length: 0\r\n"
            "\r\n"),
       "200 OK 1.1 length 0 keep | X: b     c; Content-Length: 0;"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "X: a\r\n"
            " \r\n"
            "Content-Length: 0\r\n"
            "\r\n"),
       "200 OK 1.1 length 0 keep | X: a; Content-Length: 0;"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "Content-Length: 1\r\n"
            " 2\r\n"
            "\r\n"),
       "kContentLengthSyntax@33 kContentLength"},
      {WIRE("HTTP/1.1 100 Continue\r\n"
            "\r\n"
            "HTTP/1.1 200 OK"),
       "100 Continue 1.1 none keep | left=15"},
      {WIRE("HTTP/1.1 103 Early Hints\r\n"
            "Link: </a>\r\n"
            "\r\n"),
       "103 Early Hints 1.1 none keep | Link: </a>;"},
      {WIRE("HTTP/1.1 101 Switching Protocols\r\n"
            "Connection: upgrade\r\n"
            "Upgrade: websocket\r\n"
            "\r\n"),
       "101 Switching Protocols 1.1 none keep upgrade | -Connection: upgrad"
       "e; -Upgrade: websocket;"},
      {WIRE("HTTP/1.1 204 No Content\r\n"
            "Content-Length: 5\r\n"
            "\r\n"),
       "204 No Content 1.1 none keep | -Content-Length: 5;"},
      {WIRE("HTTP/1.1 304 Not Modified\r\n"
            "Content-Length: 5\r\n"
            "\r\n"),
       "304 Not Modified 1.1 none keep | Content-Length: 5;"},
      {WIRE("HTTP/1.1 599 X\r\n"
            "Connection: X-Foo\r\n"
            "x-foo: 1\r\n"
            "Error-Cause: app\r\n"
            "\r\n"),
       "599 X 1.1 until-close | -Connection: X-Foo; -x-foo: 1; Error-Cause:"
       " app;"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "Content-Le"),
       "more"},
      {WIRE("HTTP/1.1 2"), "more"},
      {WIRE(""), "more"},
  };
  for (const Vector& vector : vectors) Check(vector);
}

TEST_CASE("what is no HTTP/1 response is refused as soon as it shows") {
  const Vector vectors[] = {
      {WIRE("220 mail ESMTP\r\n"), "kNotHttp@0 kNotHttp"},
      {WIRE("SSH-2.0-OpenSSH\r\n"), "kNotHttp@0 kNotHttp"},
      {WIRE("XYZZY"), "kNotHttp@0 kNotHttp"},
      {WIRE("ICY 200 OK\r\n"
            "\r\n"),
       "kNotHttp@0 kNotHttp"},
      {WIRE("http/1.1 200 OK\r\n"
            "\r\n"),
       "kNotHttp@0 kNotHttp"},
      {WIRE("HTTPS/1.1 200 OK\r\n"
            "\r\n"),
       "kNotHttp@4 kNotHttp"},
      {WIRE("HTTP/x\r\n"), "kNotHttp@5 kNotHttp"},
      {WIRE("<html>hello</html>"), "kNoStatusLine@0 kHttp09"},
      {WIRE("{\"a\":1}"), "kNoStatusLine@0 kHttp09"},
      {WIRE("\r\n"
            "HTTP/1.1 200 OK\r\n"
            "\r\n"),
       "kNotHttp@0 kNotHttp"},
      {WIRE("HTTP/2.0 200 OK\r\n"
            "\r\n"),
       "kResponseVersion@5 kBadVersion"},
      {WIRE("HTTP/2 200 OK\r\n"
            "\r\n"),
       "kResponseVersion@5 kBadVersion"},
      {WIRE("HTTP/3 200\r\n"
            "\r\n"),
       "kResponseVersion@5 kBadVersion"},
      {WIRE("HTTP/0.9 200 OK\r\n"
            "\r\n"),
       "kResponseVersion@5 kBadVersion"},
      {WIRE("HTTP/1 200 OK\r\n"
            "\r\n"),
       "kResponseVersion@6 kBadVersion"},
      {WIRE("HTTP/1.x 200 OK\r\n"
            "\r\n"),
       "kResponseVersion@7 kBadVersion"},
      {WIRE("HTTP/1.10 200 OK\r\n"
            "\r\n"),
       "kResponseVersion@8 kBadVersion"},
      {WIRE("HTTP/1.1\r\n"
            "\r\n"),
       "kStatusSyntax@8 kBadStatus"},
      {WIRE("HTTP/1.1  200 OK\r\n"
            "\r\n"),
       "kStatusSyntax@9 kBadStatus"},
      {WIRE("HTTP/1.1 abc\r\n"
            "\r\n"),
       "kStatusSyntax@9 kBadStatus"},
      {WIRE("HTTP/1.1 20\r\n"
            "\r\n"),
       "kStatusSyntax@11 kBadStatus"},
      {WIRE("HTTP/1.1 20 OK\r\n"
            "\r\n"),
       "kStatusSyntax@11 kBadStatus"},
      {WIRE("HTTP/1.1 1000 X\r\n"
            "\r\n"),
       "kStatusSyntax@12 kBadStatus"},
      {WIRE("HTTP/1.1 2000 X\r\n"
            "\r\n"),
       "kStatusSyntax@12 kBadStatus"},
      {WIRE("HTTP/1.1 099 X\r\n"
            "\r\n"),
       "kStatusRange@9 kBadStatus"},
      {WIRE("HTTP/1.1 600 X\r\n"
            "\r\n"),
       "kStatusRange@9 kBadStatus"},
      {WIRE("HTTP/1.1 999 X\r\n"
            "\r\n"),
       "kStatusRange@9 kBadStatus"},
      {WIRE("HTTP/1.1 -20 X\r\n"
            "\r\n"),
       "kStatusSyntax@9 kBadStatus"},
      {WIRE("HTTP/1.1 200\tOK\r\n"
            "\r\n"),
       "kStatusSyntax@12 kBadStatus"},
  };
  for (const Vector& vector : vectors) Check(vector);
}

TEST_CASE("a bad line or framing of a response is refused at its octet") {
  const Vector vectors[] = {
      {WIRE("HTTP/1.1 200 OK\n"
            "\n"),
       "kBareLf@15 kBadField"},
      {WIRE("HTTP/1.1 200\n"
            "\n"),
       "kBareLf@12 kBadField"},
      {WIRE("HTTP/1.1 200 O\000K\r\n"
            "\r\n"),
       "kReasonOctet@14 kBadField"},
      {WIRE("HTTP/1.1 200 OK\rX"), "kBareCr@15 kBadField"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "XBad\r\n"
            "\r\n"),
       "kColonMissing@21 kBadField"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "X: a\000b\r\n"
            "\r\n"),
       "kNul@21 kBadField"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "X: a\n"
            "Y: b\r\n"
            "\r\n"),
       "kBareLf@21 kBadField"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            " : b\r\n"
            "\r\n"),
       "kSpaceBeforeFields@17 kBadField"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            ": b\r\n"
            "\r\n"),
       "kFieldNameEmpty@17 kBadField"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "X Y: b\r\n"
            "\r\n"),
       "kFieldNameOctet@19 kBadField"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "X \r\n"
            "\r\n"),
       "kColonMissing@19 kBadField"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "Content-Length: 2\r\n"
            "Content-Length: 3\r\n"
            "\r\n"),
       "kContentLengthsDiffer@52 kContentLength"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "Content-Length: 2, 3\r\n"
            "\r\n"),
       "kContentLengthsDiffer@33 kContentLength"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "Content-Length: -2\r\n"
            "\r\n"),
       "kContentLengthSyntax@33 kContentLength"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "Content-Length: 2,\r\n"
            "\r\n"),
       "kContentLengthSyntax@33 kContentLength"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "Content-Length: abc\r\n"
            "\r\n"),
       "kContentLengthSyntax@33 kContentLength"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "Content-Length: 2\r\n"
            "Transfer-Encoding: chunked\r\n"
            "\r\n"),
       "kContentLengthAndTransferEncoding@17 kContentLengthWithTransferEnco"
       "ding"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "Transfer-Encoding: foo\r\n"
            "\r\n"),
       "kTransferCodingUnknown@36 kTransferCoding"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "Transfer-Encoding: gzip, chunked\r\n"
            "\r\n"),
       "kTransferCodingUnknown@36 kTransferCoding"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "Transfer-Encoding: chunked\r\n"
            "Transfer-Encoding: chunked\r\n"
            "\r\n"),
       "kTransferEncodingRepeated@17 kTransferCoding"},
      {WIRE("HTTP/1.0 200 OK\r\n"
            "Transfer-Encoding: chunked\r\n"
            "\r\n"),
       "kTransferEncodingInHttp10@17 kTransferCoding"},
      {WIRE("HTTP/1.1 200 OK\r\n"
            "Transfer-Encoding: chunked,\r\n"
            "\r\n"),
       "kTransferEncodingNotChunked@36 kTransferCoding"},
  };
  for (const Vector& vector : vectors) Check(vector);
}

TEST_CASE("the method of the request says whether a response has a body") {
  constexpr std::string_view kHead =
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
  Check({kHead, "200 OK 1.1 none keep | Content-Length: 5;"}, Method::kHead);
  Check({kHead, "200 OK 1.1 none keep | Content-Length: 5;"}, Method::kConnect);
  Check({kHead, "200 OK 1.1 length 5 keep | Content-Length: 5;"},
        Method::kPost);
  Check({"HTTP/1.1 200 OK\r\n\r\n", "200 OK 1.1 none keep |"}, Method::kHead);
}

TEST_CASE("one parser reads interim and final heads one after the other") {
  ResponseParser parser(HeadLimits{});
  std::string early = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
  CHECK(parser.Parse(early.data(), early.size()) == ParseStatus::kDone);
  CHECK(parser.head().fields.size() == 1);
  parser.Reset(Method::kGet);
  CHECK_FALSE(parser.has_status());
  std::string final_head = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n";
  CHECK(parser.Parse(final_head.data(), 20) == ParseStatus::kNeedMore);
  CHECK(parser.has_status());
  CHECK(parser.Parse(final_head.data(), final_head.size()) ==
        ParseStatus::kDone);
  CHECK(parser.head().fields.size() == 1);
  CHECK(parser.head().content_length == 7);
  CHECK_FALSE(parser.head().fields.Has(FieldId::kServer));
}

TEST_CASE("the field that makes a response head too large is named") {
  HeadLimits limits;
  limits.header_bytes = 60;
  ResponseParser parser(limits);
  std::string head =
      "HTTP/1.1 200 OK\r\nA: b\r\nX-Big : " + std::string(100, 'x');
  CHECK(parser.Parse(head.data(), head.size()) == ParseStatus::kError);
  CHECK(parser.error().kind == RuleClass::kResponseHeadTooLarge);
  CHECK(parser.error().offset == 60);
  CHECK(parser.biggest_field().name.In(head.data()) == "X-Big");
}

}  // namespace
}  // namespace whichhop
