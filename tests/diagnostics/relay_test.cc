// Relayed errors: every row, at every position, whatever answers there.

#include "diagnostics/diagnose.h"
#include "tests/catch.h"
#include "tests/diagnostics/dump.h"
#include "tests/diagnostics/sightings.h"

namespace whichhop::diagnostics {
namespace {

constexpr Position kPositions[] = {Position::kLb, Position::kCdn};
constexpr Answers kAnswers[] = {Answers::kUnset, Answers::kLb, Answers::kServer,
                                Answers::kApp};

Verdict Relay(Position position, Answers is, int status) {
  Observation o;
  o.position = position;
  o.is = is;
  o.statuses =
      position == Position::kCdn ? Statuses::kEdge : Statuses::kGateway;
  o.status = static_cast<uint16_t>(status);
  return Diagnose(o);
}

template <typename Check>
void ForEachPlace(Check check) {
  for (Position position : kPositions) {
    for (Answers is : kAnswers) check(position, is);
  }
}

TEST_CASE("a single row is relayed as it is documented") {
  for (const Row& row : kModel) {
    if (row.status == 502 || row.status == 504) continue;
    ForEachPlace([&](Position position, Answers is) {
      const Verdict v = Relay(position, is, row.status);
      INFO(Dump(v));
      CHECK(Join(v.rows) == row.id);
      CHECK(v.cause == row.cause);
      CHECK(v.cleared == row.cleared);
      CHECK(v.basis == Basis::kDocumented);
      CHECK(v.received == row.status);
      CHECK(v.status == (row.status != 407            ? row.status
                         : position == Position::kCdn ? 520
                                                      : 502));
    });
  }
}

TEST_CASE("a reporter that would be us becomes the hop that answered") {
  ForEachPlace([](Position position, Answers is) {
    const Verdict v = Relay(position, is, 503);
    const bool balancer = BalancerBehind(position, is);
    const std::string_view answered = is == Answers::kApp ? "app" : "server";
    CHECK(Join(v.reporter) == (balancer ? "lb" : answered));
  });
}

TEST_CASE("a 502 and a 504 keep the rows that what answers leaves open") {
  ForEachPlace([](Position position, Answers is) {
    const bool balancer = BalancerBehind(position, is);
    const std::string_view rows = is == Answers::kApp ? "B"
                                  : balancer          ? "A B C"
                                                      : "B C";
    for (int status : {502, 504}) {
      const Verdict v = Relay(position, is, status);
      std::string open;
      for (RowId row : v.rows) {
        if (!open.empty()) open += ' ';
        open += GetRow(row).id.back();
      }
      CHECK(open == rows);
      CHECK(Join(v.cause) == (is == Answers::kApp ? "db" : "app,db"));
      CHECK(v.cleared.empty());
    }
  });
}

TEST_CASE("a status without a row has no cause and is reported by who spoke") {
  for (int status = 400; status < 600; ++status) {
    if (!RowsOf(status).empty()) continue;
    ForEachPlace([&](Position position, Answers is) {
      const Verdict v = Relay(position, is, status);
      CHECK(v.cause.empty());
      CHECK(v.cleared.empty());
      CHECK(v.basis == Basis::kObserved);
      CHECK(v.status == status);
      const std::string_view answered = is == Answers::kLb    ? "lb"
                                        : is == Answers::kApp ? "app"
                                                              : "server";
      CHECK(Join(v.reporter) == answered);
    });
  }
}

TEST_CASE("nothing of our own leg moves a relayed verdict") {
  for (const Row& row : kModel) {
    Observation bare;
    bare.status = row.status;
    const std::string expected = Dump(Diagnose(bare));
    for (const Sighting& sighting : AllSightings()) {
      Observation o;
      sighting.see(o);
      o.writer = {};  // who wrote it is not of our leg
      o.kind = Kind::kRelayed;
      o.status = row.status;
      o.testimony.reset();  // that is not of our leg: claim_test.cc
      CHECK(Dump(Diagnose(o)) == expected);
    }
  }
}

}  // namespace
}  // namespace whichhop::diagnostics
