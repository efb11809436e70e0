// What a page's writer makes of a relayed verdict, beyond the golden ones.

#include "diagnostics/inferred.h"

#include "diagnostics/diagnose.h"
#include "diagnostics/fingerprint.h"
#include "tests/catch.h"
#include "tests/diagnostics/dump.h"

namespace whichhop::diagnostics {
namespace {

Observation Relayed(uint16_t status, Generator generator, Position position,
                    Answers is = Answers::kUnset) {
  Observation o;
  o.position = position;
  o.is = is;
  o.status = status;
  o.writer.generator = generator;
  o.writer.score = 100;
  return o;
}

std::string Short(const Observation& o) {
  const Verdict v = Diagnose(o);
  return Join(v.rows) + " " + Join(v.cause) + " by " + Join(v.reporter) + " " +
         std::string(BasisName(v.basis));
}

bool Says(const Verdict& v, std::string_view text) {
  for (size_t i = 0; i < v.evidence.size(); ++i) {
    if (v.evidence[i].sentence.find(text) != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

TEST_CASE("a page of nginx is a balancer's or a server's until one is usual") {
  Observation o = Relayed(502, Generator::kNginx, Position::kCdn);
  CHECK(Short(o) == "502A 502C app by lb,server inferred");
  CHECK(Join(Diagnose(o).cleared) == "isp,tor");
  o.writer.relayed = true;
  CHECK(Short(o) == "502C app by server inferred");
  CHECK(Join(Diagnose(o).cleared) == "isp,tor,lb");
}

TEST_CASE("where an app answers, no balancer's or server's page moves it") {
  for (const Generator g : {Generator::kNginx, Generator::kHaproxy,
                            Generator::kHttpSys, Generator::kCloudfront}) {
    const Observation o = Relayed(502, g, Position::kLb, Answers::kApp);
    CHECK(Short(o) == "502B db by app documented");
    CHECK(Says(Diagnose(o), GetGenerator(g).name));
  }
}

TEST_CASE("a box at its own limit, or that failed by itself, is the cause") {
  CHECK(Short(Relayed(503, Generator::kNginx, Position::kLb)) ==
        "503 server by server inferred");
  Observation o = Relayed(503, Generator::kNginx, Position::kCdn);
  o.writer.usual = "gunicorn";
  CHECK(Short(o) == "503 lb by lb inferred");
  CHECK(Short(Relayed(500, Generator::kHaproxy, Position::kCdn)) ==
        "500 lb by lb inferred");
  CHECK(Short(Relayed(500, Generator::kNginx, Position::kLb)) ==
        "500 auth,server by server inferred");
}

TEST_CASE("an app's 503 is its own, or its database's") {
  CHECK(Short(Relayed(503, Generator::kJetty, Position::kLb)) ==
        "503 app,db by app inferred");
}

TEST_CASE("another CDN reports for the whole way behind it") {
  CHECK(Short(Relayed(502, Generator::kCloudfront, Position::kCdn)) ==
        "502A app,server,lb by cdn inferred");
  CHECK(Short(Relayed(522, Generator::kCloudflare, Position::kLb)) ==
        "522 isp,tor,lb,app by cdn inferred");
}

TEST_CASE("a status that a client or a file makes is not moved") {
  for (const uint16_t status : std::initializer_list<uint16_t>{
           400, 401, 403, 404, 405, 429, 431, 511}) {
    Observation o = Relayed(status, Generator::kNginx, Position::kLb);
    Observation bare = o;
    bare.writer = {};
    CHECK(Dump(Diagnose(o)) == Dump(Diagnose(bare)));
    CHECK(Says(Diagnose(o), "is nginx's own (100 points)"));
  }
}

TEST_CASE("remarks move nothing and are told") {
  Observation o = Relayed(401, Generator::kNone, Position::kLb);
  o.writer.score = 0;
  o.writer.no_challenge = true;
  CHECK(Remarks(o).view() == "noncompliant-401");
  CHECK(Says(Diagnose(o), "noncompliant-401"));
  o.status = 404;
  o.writer.answered_before = true;
  CHECK(Remarks(o).view().empty());
  CHECK_FALSE(Says(Diagnose(o), "possible-mask"));
  o.writer.varies_by_user = true;
  CHECK(Remarks(o).view() == "possible-mask");
  CHECK(Says(Diagnose(o), "possible-mask"));
}

TEST_CASE("every likeness is told, from 40 points") {
  Observation o = Relayed(502, Generator::kNginx, Position::kLb);
  o.writer.score = 40;
  CHECK(Says(Diagnose(o), "looks like nginx's (40 points)"));
  o.writer.score = 39;
  CHECK_FALSE(Says(Diagnose(o), "nginx"));
}

}  // namespace
}  // namespace whichhop::diagnostics
