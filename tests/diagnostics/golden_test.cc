#include <sstream>
#include <string>

#include "diagnostics/diagnose.h"
#include "tests/catch.h"
#include "tests/diagnostics/dump.h"
#include "tests/diagnostics/sightings.h"

namespace whichhop::diagnostics {
namespace {

struct Golden {
  std::string_view name;
  Position position;
  Answers is;
  Statuses statuses;
  std::string_view sighting;
  int status;
  std::string_view fault, rows, cause, reporter, cleared, basis, type;
};

constexpr Golden kGolden[] = {
#define GOLDEN(name, position, is, statuses, sighting, ...) \
  {name,           Position::k##position,                   \
   Answers::k##is, Statuses::k##statuses,                   \
   #sighting,      __VA_ARGS__},
#include "tests/diagnostics/golden_verdicts.inc"
#undef GOLDEN
};

// What the table says, in the form of Dump(Verdict).
std::string Dump(const Golden& g) {
  std::ostringstream out;
  out << g.status << " " << g.fault << " row " << g.rows << " | cause "
      << g.cause << " | reporter " << g.reporter << " | cleared " << g.cleared
      << " | " << g.basis << " " << g.type;
  return out.str();
}

Observation Observe(const Golden& g) {
  Observation o;
  o.position = g.position;
  o.is = g.is;
  o.statuses = g.statuses;
  See(g.sighting, o);
  if (g.fault.starts_with("relay-")) {
    o.status = static_cast<uint16_t>(std::stoi(std::string(g.fault.substr(6))));
  }
  return o;
}

TEST_CASE("every golden verdict is what the diagnosis says") {
  for (const Golden& golden : kGolden) {
    INFO(golden.name);
    CHECK(Dump(Diagnose(Observe(golden))) == Dump(golden));
  }
}

}  // namespace
}  // namespace whichhop::diagnostics
