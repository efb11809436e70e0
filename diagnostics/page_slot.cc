#include "diagnostics/page_slot.h"

#include <algorithm>
#include <cassert>

#include "diagnostics/append.h"
#include "diagnostics/fixed_text.h"
#include "diagnostics/html_page.h"
#include "diagnostics/summary.h"
#include "diagnostics/text.h"

namespace whichhop::diagnostics {
namespace {

constexpr size_t kMostBytes = 512;
constexpr size_t kHostShown = 256;

// "App (app), Server (server)": a label alone would be of several hops.
template <typename Hops>
void AppendLabels(const Hops& hops, std::string_view none, const Wording& words,
                  std::string& out) {
  if (hops.empty()) out += none;
  bool first = true;
  for (const Hop hop : hops) {
    if (!first) out += ", ";
    first = false;
    AppendAll(out, words.labels[Index(hop)], " (", HopName(hop), ")");
  }
}

void AppendRows(const Verdict& verdict, const Wording& words,
                std::string& out) {
  if (verdict.rows.empty()) out += words.none;
  bool first = true;
  for (const RowId row : verdict.rows) {
    if (!first) out += ", ";
    first = false;
    out += GetRow(row).id;
  }
}

void AppendText(Slot slot, const Verdict& verdict, const PageInput& input,
                const Wording& words, std::string& out) {
  switch (slot) {
    case Slot::kStatus:
      return AppendInteger(out, verdict.status);
    case Slot::kTitle:
      return void(out += ReasonPhrase(verdict.status));
    case Slot::kSentence:
      return AppendWhatHappened(verdict, words, out);
    case Slot::kWhom:
      return AppendWhomToPage(verdict, words, out);
    case Slot::kCause:
      return AppendLabels(verdict.cause, words.unknown, words, out);
    case Slot::kReporter:
      return AppendLabels(verdict.reporter, words.unknown, words, out);
    case Slot::kCleared:
      return AppendLabels(verdict.cleared, words.none, words, out);
    case Slot::kVisitor:
      return void(out += VisitorAdvice(verdict, words));
    case Slot::kErrorId:
      return void(out += input.error_id);
    case Slot::kFault:
      return void(out += verdict.id.view());
    case Slot::kRow:
      return AppendRows(verdict, words, out);
    case Slot::kBasis:
      return void(out += words.bases[static_cast<size_t>(verdict.basis)]);
    case Slot::kHost:
      return void(out +=
                  input.host.substr(0, CutLength(input.host, kHostShown)));
    case Slot::kLanguage:
      return void(out += LanguageTag(input.language));
    case Slot::kSummary:
    case Slot::kDiagram:
    case Slot::kAdvice:
    case Slot::kReport:
    case Slot::kDocumented:
    case Slot::kEvidence:
    case Slot::kStyle:
      return;
  }
}

// The blocks stand in the order of the parts.
constexpr PagePart PartOf(Slot slot) {
  return static_cast<PagePart>(static_cast<size_t>(slot) -
                               static_cast<size_t>(Slot::kSummary));
}
static_assert(PartOf(Slot::kDiagram) == PagePart::kDiagram &&
              PartOf(Slot::kAdvice) == PagePart::kAdvice &&
              PartOf(Slot::kReport) == PagePart::kId &&
              PartOf(Slot::kDocumented) == PagePart::kDocumented &&
              PartOf(Slot::kEvidence) == PagePart::kEvidence);

}  // namespace

std::optional<Slot> ParseSlot(std::string_view name) {
  const auto found = std::ranges::find(kSlots, name, &SlotInfo::name);
  if (found == kSlots.end()) return std::nullopt;
  return static_cast<Slot>(found - kSlots.begin());
}

void AppendSlotText(Slot slot, const Verdict& verdict, const PageInput& input,
                    std::string& out) {
  const size_t before = out.size();
  AppendText(slot, verdict, input, WordingOf(input.language), out);
  const std::string_view said = std::string_view(out).substr(before);
  out.resize(before + CutLength(said, kMostBytes));
}

void AppendSlotBlock(Slot slot, const Verdict& verdict, const PageInput& input,
                     std::string& out) {
  assert(GetSlot(slot).form == SlotForm::kBlock);
  AppendPagePart(PartOf(slot), verdict, input, out);
}

}  // namespace whichhop::diagnostics
