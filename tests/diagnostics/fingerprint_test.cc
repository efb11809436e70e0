// Error pages of products: those that were captured (samples/, each the raw
// answer of the running product), and those that are documented.

#include "diagnostics/fingerprint.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "tests/catch.h"

namespace whichhop::diagnostics {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A raw response as a page; keeps its text.
class Response {
 public:
  explicit Response(std::string raw) : raw_(std::move(raw)) {
    const size_t line = raw_.find("\r\n");
    const size_t head = raw_.find("\r\n\r\n") + 4;
    const std::string_view all = raw_;
    page_.status = static_cast<uint16_t>(std::stoi(raw_.substr(9, 3)));
    page_.reason = line > 13 ? all.substr(13, line - 13) : "";
    page_.fields = all.substr(line + 2, head - line - 4);
    body_ = Dechunked(all.substr(head), page_.fields);
    page_.body = body_;
    page_.whole = body_.size() <= kPageBytes;
  }
  ErrorPage& page() { return page_; }
  const ErrorPage& page() const { return page_; }

 private:
  // The first chunk is enough here.
  static std::string Dechunked(std::string_view body, std::string_view fields) {
    if (fields.find("chunked") == std::string_view::npos) {
      return std::string(body);
    }
    const size_t size = std::stoul(std::string(body), nullptr, 16);
    return std::string(body.substr(body.find("\r\n") + 2, size));
  }

  std::string raw_;
  std::string body_;
  ErrorPage page_;
};

Response Sample(const std::string& name) {
  std::ifstream file(std::string(WHICHHOP_SAMPLES "/") + name + ".http",
                     std::ios::binary);
  return Response({std::istreambuf_iterator<char>(file), {}});
}

struct Expected {
  const char* sample;
  Generator generator;
  SubCause sub_cause;
  int score;
  bool stock;
};

constexpr Expected kSamples[] = {
    {"nginx-refused", Generator::kNginx, SubCause::kNone, 100, true},
    {"nginx-hung", Generator::kNginx, SubCause::kNone, 120, true},
    {"nginx-reset", Generator::kNginx, SubCause::kNone, 100, true},
    {"nginx-own-404", Generator::kNginx, SubCause::kNone, 100, true},
    {"nginx-own-403", Generator::kNginx, SubCause::kNone, 100, true},
    {"nginx-own-500", Generator::kNginx, SubCause::kNone, 100, true},
    {"nginx-own-503", Generator::kNginx, SubCause::kNone, 120, true},
    {"nginx-huge-head", Generator::kNginx, SubCause::kNone, 100, true},
    {"nginx-malformed", Generator::kNginx, SubCause::kNone, 100, true},
    {"haproxy-refused", Generator::kHaproxy, SubCause::kNone, 80, true},
    {"haproxy-own-503", Generator::kHaproxy, SubCause::kNone, 80, true},
    {"haproxy-hung", Generator::kHaproxy, SubCause::kResponseTimeout, 80, true},
    {"haproxy-reset", Generator::kHaproxy, SubCause::kNone, 80, true},
    {"haproxy-garbage", Generator::kHaproxy, SubCause::kNone, 80, true},
    {"haproxy-own-403", Generator::kHaproxy, SubCause::kNone, 80, true},
    {"haproxy-own-500", Generator::kHaproxy, SubCause::kOwnError, 80, true},
    {"haproxy-malformed", Generator::kHaproxy, SubCause::kNone, 80, true},
    {"apache-refused", Generator::kApacheProxy, SubCause::kNone, 100, true},
    {"apache-hung", Generator::kApacheProxy, SubCause::kNoAnswer, 120, true},
    {"apache-reset", Generator::kApacheProxy, SubCause::kNoAnswer, 120, true},
    {"apache-dns", Generator::kApacheProxy, SubCause::kDns, 120, true},
    {"apache-own-404", Generator::kApache, SubCause::kNone, 100, true},
    {"apache-own-403", Generator::kApache, SubCause::kNone, 100, true},
    {"apache-own-500", Generator::kApache, SubCause::kOwnOrApp, 100, true},
    {"apache-malformed", Generator::kApache, SubCause::kNone, 100, true},
    {"varnish-refused", Generator::kVarnish, SubCause::kNone, 150, true},
    {"varnish-hung", Generator::kVarnish, SubCause::kNone, 150, true},
    {"varnish-reset", Generator::kVarnish, SubCause::kNone, 150, true},
    {"varnish-own-404", Generator::kVarnish, SubCause::kNone, 130, true},
    {"h2o-refused", Generator::kH2o, SubCause::kNoConnection, 80, true},
    {"h2o-hung", Generator::kH2o, SubCause::kResponseTimeout, 80, true},
    {"h2o-reset", Generator::kH2o, SubCause::kReset, 80, true},
    {"h2o-garbage", Generator::kH2o, SubCause::kInvalid, 80, true},
    {"h2o-own-404", Generator::kH2o, SubCause::kNone, 60, false},
    {"trafficserver-refused", Generator::kTrafficServer, SubCause::kRefused,
     150, true},
    {"trafficserver-hung", Generator::kTrafficServer,
     SubCause::kResponseTimeout, 150, true},
    {"trafficserver-reset", Generator::kTrafficServer, SubCause::kNoAnswer, 150,
     true},
    {"trafficserver-garbage", Generator::kTrafficServer, SubCause::kInvalid,
     150, true},
    {"trafficserver-dns", Generator::kTrafficServer, SubCause::kDns, 150, true},
    {"trafficserver-own-404", Generator::kTrafficServer, SubCause::kNone, 150,
     true},
    {"caddy-refused", Generator::kCaddy, SubCause::kNone, 60, false},
    {"caddy-hung", Generator::kCaddy, SubCause::kNone, 60, false},
    {"caddy-reset", Generator::kCaddy, SubCause::kNone, 60, false},
    {"caddy-garbage", Generator::kCaddy, SubCause::kNone, 60, false},
    {"caddy-own-404", Generator::kCaddy, SubCause::kNone, 60, false},
    {"squid-refused", Generator::kSquid, SubCause::kNone, 130, true},
    {"squid-hung", Generator::kSquid, SubCause::kResponseTimeout, 130, true},
    {"squid-reset", Generator::kSquid, SubCause::kReset, 130, true},
    {"squid-denied", Generator::kSquid, SubCause::kNone, 130, true},
    {"lighttpd-refused", Generator::kLighttpd, SubCause::kNone, 100, true},
    {"lighttpd-hung", Generator::kLighttpd, SubCause::kNone, 100, true},
    {"lighttpd-reset", Generator::kLighttpd, SubCause::kNone, 100, true},
    {"lighttpd-garbage", Generator::kLighttpd, SubCause::kNone, 100, true},
    {"lighttpd-own-404", Generator::kLighttpd, SubCause::kNone, 100, true},
    {"lighttpd-own-403", Generator::kLighttpd, SubCause::kNone, 100, true},
    {"lighttpd-malformed", Generator::kLighttpd, SubCause::kNone, 100, true},
    {"express-own-404", Generator::kExpress, SubCause::kNone, 130, false},
    {"express-own-500", Generator::kExpress, SubCause::kAppError, 130, false},
    {"express-database", Generator::kExpress, SubCause::kDatabase, 130, false},
    {"express-database-502", Generator::kExpress, SubCause::kDatabase, 100,
     false},
    {"gunicorn-own-500", Generator::kGunicorn, SubCause::kAppError, 60, false},
    {"gunicorn-malformed", Generator::kGunicorn, SubCause::kNone, 60, false},
    {"django-own-404", Generator::kDjango, SubCause::kNone, 60, false},
    {"django-own-500", Generator::kDjango, SubCause::kAppError, 60, false},
    {"django-debug-database", Generator::kDjango, SubCause::kDatabase, 60,
     false},
    {"werkzeug-own-404", Generator::kWerkzeug, SubCause::kNone, 100, false},
    {"werkzeug-own-500", Generator::kWerkzeug, SubCause::kNone, 100, false},
    {"werkzeug-own-502", Generator::kWerkzeug, SubCause::kNone, 100, false},
    {"werkzeug-own-503", Generator::kWerkzeug, SubCause::kNone, 100, false},
    {"uvicorn-own-404", Generator::kUvicorn, SubCause::kNone, 60, false},
    {"uvicorn-own-500", Generator::kUvicorn, SubCause::kAppError, 60, false},
    {"uvicorn-malformed", Generator::kUvicorn, SubCause::kNone, 60, false},
    {"puma-own-500", Generator::kPuma, SubCause::kAppError, 60, false},
    {"php-fpm-own-404", Generator::kPhpFpm, SubCause::kNone, 60, false},
    {"php-fpm-own-500", Generator::kPhpFpm, SubCause::kAppError, 60, false},
    {"php-fpm-down", Generator::kNginx, SubCause::kNone, 100, true},
    {"tomcat-own-404", Generator::kTomcat, SubCause::kNone, 60, false},
    {"tomcat-own-500", Generator::kTomcat, SubCause::kNone, 60, false},
    {"tomcat-malformed", Generator::kTomcat, SubCause::kNone, 60, false},
    {"jdk-httpserver-own-404", Generator::kJdk, SubCause::kNone, 60, false},
    // Likenesses: too little to name anybody.
    {"uwsgi-own-500", Generator::kUwsgi, SubCause::kAppError, 40, false},
    {"node-malformed", Generator::kNode, SubCause::kNone, 20, false},
    {"node-huge-head", Generator::kNode, SubCause::kNone, 20, false},
    {"caddy-no-host", Generator::kGo, SubCause::kNone, 20, false},
};

TEST_CASE("each captured page is its product's, with what it says") {
  for (const Expected& expected : kSamples) {
    INFO(expected.sample);
    const Recognized seen = Recognize(Sample(expected.sample).page());
    CHECK(GetGenerator(seen.generator).name ==
          GetGenerator(expected.generator).name);
    CHECK(GetSubCause(seen.sub_cause).name ==
          GetSubCause(expected.sub_cause).name);
    CHECK(int{seen.score} == expected.score);
    CHECK(seen.stock == expected.stock);
  }
}

TEST_CASE("no captured page is left out, but those that are no error") {
  const std::set<std::string> other = {"apache-garbage", "squid-garbage",
                                       // No mark is left on these.
                                       "h2o-malformed", "puma-malformed"};
  std::set<std::string> expected;
  for (const Expected& each : kSamples) expected.insert(each.sample);
  for (const auto& entry :
       std::filesystem::directory_iterator(WHICHHOP_SAMPLES)) {
    if (entry.path().extension() != ".http") continue;
    const std::string name = entry.path().stem().string();
    INFO(name);
    // Django's pages for developers say nothing of their own but a database's
    // error.
    if (name.starts_with("django-debug-own")) continue;
    CHECK(expected.contains(name) != other.contains(name));
  }
}

TEST_CASE("twelve products and more were captured, as they are marked") {
  std::set<Generator> captured;
  for (const Expected& each : kSamples) {
    if (each.score >= kNamed) captured.insert(each.generator);
  }
  CHECK(captured.size() >= 12);
  for (const Generator generator : captured) {
    CHECK(GetGenerator(generator).proof == 'M');
  }
}

struct Documented {
  const char* raw;
  Generator generator;
  SubCause sub_cause;
  int score;
};

#define HEAD(status) "HTTP/1.1 " status "\r\nDate: x\r\n"

constexpr Documented kDocumented[] = {
    {HEAD("502 Bad Gateway") "Server: awselb/2.0\r\n\r\n<html>\r\n<head><title>"
                             "502 Bad "
                             "Gateway</title></"
                             "head>\r\n<body>\r\n<center><h1>502 Bad Gateway"
                             "</h1></center>\r\n</body>\r\n</html>\r\n",
     Generator::kAwsAlb, SubCause::kNone, 100},
    {HEAD("503 Service Unavailable") "server: envoy\r\n\r\nno healthy upstream",
     Generator::kEnvoy, SubCause::kNoServer, 100},
    {HEAD("503 Service Unavailable") "server: envoy\r\n\r\nupstream connect "
                                     "error or disconnect/reset before "
                                     "headers. reset reason: connection "
                                     "failure, transport failure reason: "
                                     "delayed connect error: 111",
     Generator::kEnvoy, SubCause::kRefused, 100},
    {HEAD("503 Service Unavailable") "server: envoy\r\n\r\nupstream connect "
                                     "error or disconnect/reset before "
                                     "headers. retried and the latest reset "
                                     "reason: remote reset",
     Generator::kEnvoy, SubCause::kReset, 100},
    {HEAD("504 Gateway Timeout") "server: envoy\r\n\r\nupstream request "
                                 "timeout",
     Generator::kEnvoy, SubCause::kResponseTimeout, 100},
    {HEAD(
         "503 Service Unavailable") "Server: Microsoft-HTTPAPI/2.0\r\n\r\n"
                                    "<BODY><h2>Service "
                                    "Unavailable</h2>\r\n<hr><p>HTTP Error "
                                    "503. The service "
                                    "is unavailable.</p>\r\n</BODY></HTML>\r\n",
     Generator::kHttpSys, SubCause::kAppDown, 100},
    {HEAD("500 Internal Server Error") "X-Redirect-By: WordPress\r\n\r\n<h1>"
                                       "Error establishing a database "
                                       "connection</h1>",
     Generator::kWordpress, SubCause::kDatabase, 90},
    {HEAD("502 Bad Gateway") "Server: squid/5.7\r\nX-Squid-Error: "
                             "ERR_CONNECT_FAIL 111\r\n\r\n",
     Generator::kSquid, SubCause::kRefused, 70},
    {HEAD("522 Connection Timed Out") "Server: cloudflare\r\nCF-RAY: x\r\n"
                                      "cf-error-type: origin\r\n\r\n",
     Generator::kCloudflare, SubCause::kNone, 70},
    {HEAD("502 Bad Gateway") "Server: CloudFront\r\nX-Amz-Cf-Id: x\r\n\r\n"
                             "<H2>The request could not be satisfied.</H2>",
     Generator::kCloudfront, SubCause::kNone, 130},
    {HEAD("503 Service Unavailable") "Server: AkamaiGHost\r\n\r\nReference "
                                     "#97.2f.1",
     Generator::kAkamai, SubCause::kConnectTimeout, 100},
    {HEAD("503 Service Unavailable") "Content-Type: text/html\r\n\r\n<html>"
                                     "<body><b>Http/1.1 Service "
                                     "Unavailable</b></body> </html>",
     Generator::kNetscaler, SubCause::kNone, 60},
    {HEAD("502 Bad Gateway") "Server: Microsoft-IIS/10.0\r\n\r\n<h2>502 - Web "
                             "server received an invalid response while acting "
                             "as a gateway or proxy "
                             "server.</h2>",
     Generator::kIisArr, SubCause::kNone, 100},
    {HEAD("502 Bad Gateway") "Server: Microsoft-IIS/10.0\r\n\r\n<title>HTTP "
                             "Error 502.5 - ANCM Out-Of-Process Startup "
                             "Failure</title>",
     Generator::kIisModule, SubCause::kAppDown, 100},
    {HEAD("502 Bad Gateway") "Via: 1.1 google\r\n\r\n<title>Error 502 (Server "
                             "Error)!!1</title>",
     Generator::kGoogle, SubCause::kNone, 90},
    {HEAD("504 Gateway Timeout") "x-vercel-error: FUNCTION_INVOCATION_TIMEOUT"
                                 "\r\n\r\n504: GATEWAY_TIMEOUT\nCode: "
                                 "FUNCTION_INVOCATION_TIMEOUT\nID: x",
     Generator::kVercel, SubCause::kResponseTimeout, 90},
    {HEAD("502 Bad Gateway") "X: y\r\n\r\nERR_NGROK_8012", Generator::kNgrok,
     SubCause::kRefused, 60},
    {HEAD("503 Service Unavailable") "Server: Jetty(9.4.57)\r\n\r\n<h2>HTTP "
                                     "ERROR 503 Service Unavailable</h2>",
     Generator::kJetty, SubCause::kNone, 100},
    {HEAD("502 Bad Gateway") "X: y\r\n\r\nSqlException (0x80131904): A network"
                             "-related error",
     Generator::kDatabaseText, SubCause::kDatabase, 60},
};

TEST_CASE("each documented page is its product's, with what it says") {
  for (const Documented& each : kDocumented) {
    INFO(each.raw);
    const Recognized seen = Recognize(Response(each.raw).page());
    CHECK(GetGenerator(seen.generator).name ==
          GetGenerator(each.generator).name);
    CHECK(GetSubCause(seen.sub_cause).name == GetSubCause(each.sub_cause).name);
    CHECK(int{seen.score} == each.score);
  }
}

TEST_CASE("what a product adds to all that it relays names nobody") {
  for (const char* raw :
       {HEAD("502 Bad Gateway") "Server: nginx/1.22.1\r\n\r\n",
        HEAD("502 Bad Gateway") "Server: ATS/9.2.9\r\nVia: http/1.1 x "
                                "(ApacheTrafficServer/9.2.9)\r\n\r\noops",
        HEAD("502 Bad Gateway") "Server: CloudFront\r\nX-Amz-Cf-Id: x\r\n\r\n",
        HEAD("502 Bad Gateway") "x-envoy-upstream-service-time: 12\r\n\r\n",
        HEAD("502 Bad Gateway") "Server: Caddy\r\nContent-Type: text/plain\r\n"
                                "Content-Length: 0\r\n\r\n",
        HEAD("502 Bad Gateway") "Server: cloudflare\r\nCF-RAY: x\r\n\r\n<div "
                                "id=\"cf-error-details\">"}) {
    INFO(raw);
    CHECK(Recognize(Response(raw).page()).score < kNamed);
  }
}

TEST_CASE("a page is its writer's, whoever relayed it") {
  const Recognized seen = Recognize(
      Response(
          HEAD("502 Bad Gateway") "server: envoy\r\nx-envoy-upstream-"
                                  "service-time: 3\r\n\r\n<center><h1>502 Bad "
                                  "Gateway</h1>"
                                  "</center>\r\n<hr><center>nginx</center>")
          .page());
  CHECK(seen.generator == Generator::kNginx);
  CHECK(seen.relayed);
}

TEST_CASE("a product's own mark does not say that another relayed its page") {
  CHECK_FALSE(Recognize(Sample("varnish-refused").page()).relayed);
  CHECK_FALSE(Recognize(Sample("trafficserver-refused").page()).relayed);
}

TEST_CASE("only 4 KiB of a body are looked at, and a part is no stock page") {
  Response late(HEAD("502 Bad Gateway") "Server: nginx\r\n\r\n" +
                std::string(kPageBytes - 10, ' ') +
                "</h1></center>\r\n<hr><center>nginx</center>");
  CHECK(Recognize(late.page()).score < kNamed);
  Response part = Sample("nginx-refused");
  part.page().whole = false;
  CHECK(Recognize(part.page()).score == 100);
  CHECK_FALSE(Recognize(part.page()).stock);
}

TEST_CASE("a default timer's time counts within 2 %") {
  Response page(HEAD("504 Gateway Timeout") "Server: awselb/2.0\r\n\r\n");
  const auto score = [&](auto first_byte) {
    page.page().first_byte = first_byte;
    return int{Recognize(page.page()).score};
  };
  CHECK(score(milliseconds(60'900)) == 60);
  CHECK(score(milliseconds(61'300)) == 40);
  CHECK(score(seconds(10)) == 60);
  CHECK(score(seconds(30)) == 40);
}

TEST_CASE("names of fields and of products are told in any case") {
  Response page(HEAD("502 Bad Gateway") "SERVER: NGINX/1.1\r\n\r\n</h1>"
                "</center>\r\n<hr><center>nginx");
  CHECK(int{Recognize(page.page()).score} == 100);
  CHECK(CallsItself(Generator::kNginx, "NgInX"));
  CHECK_FALSE(CallsItself(Generator::kNginx, "nginx2"));
  CHECK_FALSE(CallsItself(Generator::kHaproxy, ""));
  CHECK(ProductOf("Apache/2.4.71 (Debian)") == "Apache");
}

TEST_CASE("who stands before apps says so in Server") {
  for (const char* product : {"nginx", "Apache", "lighttpd", "envoy"}) {
    INFO(product);
    CHECK(StandsBeforeApps(product));
  }
  // Apps, and what nobody knows.
  for (const char* product : {"gunicorn", "Kestrel", "", "my-shop"}) {
    INFO(product);
    CHECK_FALSE(StandsBeforeApps(product));
  }
}

}  // namespace
}  // namespace whichhop::diagnostics
