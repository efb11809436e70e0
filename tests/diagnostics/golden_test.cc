#include <sstream>
#include <string>

#include "diagnostics/diagnose.h"
#include "tests/catch.h"
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

template <typename Hops>
std::string Join(const Hops& hops) {
  std::string out;
  for (Hop hop : hops) {
    if (!out.empty()) out += ',';
    out += HopName(hop);
  }
  return out.empty() ? "-" : out;
}

std::string Join(RowSet rows) {
  std::string out;
  for (RowId row : rows) {
    if (!out.empty()) out += ' ';
    out += GetRow(row).id;
  }
  return out.empty() ? "-" : out;
}

std::string OrDash(std::string_view text) {
  return std::string(text.empty() ? "-" : text);
}

// A verdict on one line, and what the table says in the same form.
std::string Dump(const Verdict& v) {
  std::ostringstream out;
  out << v.status << " " << v.id.view() << " row " << Join(v.rows)
      << " | cause " << Join(v.cause) << " | reporter " << Join(v.reporter)
      << " | cleared " << Join(v.cleared) << " | " << BasisName(v.basis) << " "
      << OrDash(ErrorTypeName(v.type));
  return out.str();
}

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
