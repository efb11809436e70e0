#include "proxy/cli/probe_plan.h"

#include <getopt.h>

#include <vector>

#include "tests/catch.h"

namespace whichhop {
namespace {

// "tls authority target", or "" where it is none.
std::string Parsed(std::string_view text) {
  const auto url = ParseProbeUrl(text);
  if (!url) return {};
  return (url->tls ? "https " : "http ") + url->authority + ' ' + url->target;
}

TEST_CASE("a URL is a scheme, an authority, and a path with its query") {
  CHECK(Parsed("http://a.test") == "http a.test /");
  CHECK(Parsed("HTTPS://a.test:8443/x?y=1") == "https a.test:8443 /x?y=1");
  CHECK(Parsed("http://[::1]:80/") == "http [::1]:80 /");
  CHECK(Parsed("http://a.test?y") == "http a.test /?y");
  CHECK(Parsed("http://a.test/x#part?") == "http a.test /x");
  CHECK(Parsed("http://a.test#part") == "http a.test /");
  CHECK(Parsed("http://a.test/http://b") == "http a.test /http://b");
}

TEST_CASE("what is no URL, or no request could bear, is refused") {
  for (const std::string_view text :
       {"", "a.test", "//a.test/", "ftp://a.test/", "http:/a.test", "http://",
        "http:///x", "http://u@a.test/", "http://a.test:66000/", "http://a b/",
        "http://a.test/a b", "http://a.test/\r\nX: y", "http://a.test/\xc3\xa4",
        "http://[::1/", "http://a.test:x/"}) {
    INFO(text);
    CHECK(Parsed(text).empty());
  }
}

std::optional<ProbePlan> Plan(std::vector<std::string> words) {
  words.insert(words.begin(), "probe");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  optind = 0;
  int exit = 0;
  return ReadProbePlan(static_cast<int>(words.size()), argv.data(), &exit);
}

TEST_CASE("a name is looked up, at the scheme's port if there is none") {
  const ServerConfig named =
      Plan({"http://App.Test/"})->config.upstreams[0].servers[0];
  CHECK(named.host == "app.test");
  CHECK(named.port == 80);
  const ServerConfig literal =
      Plan({"http://[::1]"})->config.upstreams[0].servers[0];
  CHECK(literal.address.ToString() == "[::1]:80");
}

TEST_CASE("no step takes longer than it was told") {
  const TimeoutsConfig usual = Plan({"http://a.test/"})->config.timeouts;
  CHECK(usual.connect == milliseconds(3000));
  CHECK(usual.response_head == milliseconds(10000));
  const TimeoutsConfig told =
      Plan({"--timeout", "4s", "http://a.test/"})->config.timeouts;
  CHECK(told.connect == milliseconds(3000));
  CHECK(told.dns == milliseconds(4000));
  CHECK(told.response_head == milliseconds(4000));
  CHECK(told.response_body == milliseconds(4000));
}

TEST_CASE("a field that is given takes the place of the usual one") {
  const std::string head =
      Plan({"-H", "HOST: b.test", "-H", "X-A:1", "http://a.test/x"})
          ->request.head;
  CHECK(head.starts_with("GET /x HTTP/1.1\r\nUser-Agent: whichhop\r\n"));
  CHECK(head.find("a.test") == head.npos);
  CHECK(head.ends_with("HOST: b.test\r\nX-A:1\r\nConnection: close\r\n\r\n"));
}

TEST_CASE("the request's id is reported as the origin has it") {
  const auto own = Plan({"-H", "X-Request-Id: mine", "http://a.test/"});
  CHECK(own->request_id == "mine");
  CHECK(own->request.head.find("X-Request-Id: mine\r\n") != std::string::npos);
  const auto made = Plan({"http://a.test/"});
  CHECK(made->request_id.size() == 26);
  CHECK(made->request.head.find(made->request_id) != std::string::npos);
}

}  // namespace
}  // namespace whichhop
