#include "proxy/server/walk_report.h"

#include <system_error>

#include "diagnostics/text.h"

namespace whichhop {

namespace {

using diagnostics::AppendJsonKey;
using diagnostics::AppendJsonString;

std::string_view KindName(PathHop::Kind kind) {
  switch (kind) {
    case PathHop::Kind::kSilent:
      return "silent";
    case PathHop::Kind::kPassed:
      return "passed";
    case PathHop::Kind::kRefused:
      return "unreachable";
    case PathHop::Kind::kTarget:
      return "target";
  }
  return "silent";
}

void AppendSeconds(Duration duration, std::string& out) {
  char text[32];
  const double seconds = std::chrono::duration<double>(duration).count();
  out.append(
      text, static_cast<size_t>(snprintf(text, sizeof(text), "%.6f", seconds)));
}

void AppendHop(size_t ttl, const PathHop& hop,
               const std::vector<TopologyConfig>& topology, std::string& out) {
  out += "{\"ttl\":";
  out += std::to_string(ttl);
  AppendJsonKey(out, "answer");
  AppendJsonString(out, KindName(hop.kind));
  if (hop.kind != PathHop::Kind::kSilent) {
    AppendJsonKey(out, "address");
    AppendJsonString(out, hop.from.Host());
    if (const auto known = HopAt(topology, hop.from)) {
      AppendJsonKey(out, "hop");
      AppendJsonString(out, diagnostics::HopName(*known));
    }
    AppendJsonKey(out, "seconds");
    AppendSeconds(hop.took, out);
  }
  out += '}';
}

void AppendWalk(const PathReport& report,
                const std::vector<TopologyConfig>& topology, Time now,
                std::string& out) {
  out += "{\"target\":";
  AppendJsonString(out, report.target.ToString());
  AppendJsonKey(out, "age_seconds");
  AppendSeconds(now - report.ended, out);
  if (report.error != 0) {
    AppendJsonKey(out, "error");
    AppendJsonString(out, std::generic_category().message(report.error));
  }
  AppendJsonKey(out, "hops");
  AppendPathHops(report, topology, out);
  out += '}';
}

}  // namespace

void AddWalk(const PathReport& report, const std::optional<Address>& next,
             const std::vector<TopologyConfig>& topology, Time now,
             diagnostics::SiblingFacts* facts) {
  facts->walk_age =
      std::chrono::duration_cast<diagnostics::Seconds>(now - report.ended);
  const PathHop* const last = report.last();
  if (last != nullptr && last->kind == PathHop::Kind::kTarget) return;
  // Who refuses, behind somebody who was silent, may have been that one: its
  // word on the packet whose time ended there was lost, or never said.
  const bool refused = last != nullptr && last->kind == PathHop::Kind::kRefused;
  if (refused && !report.last_passed() && !report.last_follows()) return;
  if (last != nullptr) facts->walk_last = HopAt(topology, last->from);
  if (refused) {
    facts->walk_refused = !report.last_passed();
    facts->walk_no_neighbour = report.last_passed();
  } else if (next && report.error == 0) {
    facts->walk_mute = HopAt(topology, *next);
  }
}

void AppendPathHops(const PathReport& report,
                    const std::vector<TopologyConfig>& topology,
                    std::string& out) {
  out += '[';
  for (size_t i = 0; i < report.hops.size(); ++i) {
    if (i > 0) out += ',';
    AppendHop(i + 1, report.hops[i], topology, out);
  }
  out += ']';
}

void AppendWalks(const std::vector<std::shared_ptr<const PathReport>>& reports,
                 const std::vector<TopologyConfig>& topology, Time now,
                 std::string& out) {
  out += '[';
  for (const auto& report : reports) {
    if (out.size() > 1) out += ',';
    AppendWalk(*report, topology, now, out);
  }
  out += "]\n";
}

}  // namespace whichhop
