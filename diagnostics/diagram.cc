#include "diagnostics/diagram.h"

#include "diagnostics/append.h"

namespace whichhop::diagnostics {
namespace {

constexpr HopSet kDrawnWhereSaid{Hop::kCdn, Hop::kDns, Hop::kTeapot};

HopSet AllHops() {
  HopSet all;
  for (size_t i = 0; i < kHopCount; ++i) all.Add(static_cast<Hop>(i));
  return all;
}

}  // namespace

HopSet Diagram::Drawn() const {
  HopSet said = cause | reporter | cleared;
  if (here.has_value()) said.Add(*here);
  return AllHops() - (kDrawnWhereSaid - said);
}

Diagram DiagramOf(const Ruling& ruling) {
  return {ruling.cause.set(), ruling.reporter.set(), ruling.cleared,
          SelfHop(ruling.position)};
}

Diagram DiagramOf(const Row& row) {
  return {row.cause.set(), {row.reporter}, row.cleared, std::nullopt};
}

Look LookOf(const Diagram& diagram, Hop hop) {
  if (diagram.cause.contains(hop)) return Look::kCause;
  if (diagram.reporter.contains(hop)) return Look::kReporter;
  return diagram.cleared.contains(hop) ? Look::kCleared : Look::kUnknown;
}

void AppendState(const Diagram& diagram, Hop hop, const Wording& words,
                 std::string& out) {
  switch (LookOf(diagram, hop)) {
    case Look::kUnknown:
      return AppendAll(out, "? ", words.unknown);
    case Look::kCleared:
      return AppendAll(out, "\u2713 ", words.cleared);
    case Look::kReporter:
      return AppendAll(out, "! ", words.reporter);
    case Look::kCause:
      AppendAll(out, "\u2717 ", words.cause);
      if (!diagram.reporter.contains(hop)) return;
      return AppendAll(out, " ! ", words.reporter);
  }
}

}  // namespace whichhop::diagnostics
