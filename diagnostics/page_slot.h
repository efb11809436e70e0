#pragma once
// What an operator's own page of an error may have put into it: the slots, by
// name, and what a verdict puts there.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "diagnostics/page.h"
#include "diagnostics/verdict.h"

namespace whichhop::diagnostics {

enum class Slot : uint8_t {
  kStatus,
  kTitle,
  kSentence,
  kWhom,
  kCause,
  kReporter,
  kCleared,
  kVisitor,
  kErrorId,
  kFault,
  kRow,
  kBasis,
  kHost,
  kLanguage,
  kSummary,  // the blocks, in the order of PagePart
  kDiagram,
  kAdvice,
  kReport,
  kDocumented,
  kEvidence,
  kStyle,
};

// What stands there.
enum class SlotForm : uint8_t {
  kText,   // words, to be escaped
  kBlock,  // elements of ours, made of escaped words
  kStyle,  // our stylesheet, for a <style>
};

struct SlotInfo {
  std::string_view name;
  SlotForm form;
};
inline constexpr std::array<SlotInfo, 21> kSlots = {{
    {"status", SlotForm::kText},       // 502
    {"title", SlotForm::kText},        // Bad Gateway; English, as in HTTP
    {"sentence", SlotForm::kText},     // what happened
    {"whom", SlotForm::kText},         // whom to page
    {"cause", SlotForm::kText},        // the suspects: App (app)
    {"reporter", SlotForm::kText},     // who reported it: LB (lb)
    {"cleared", SlotForm::kText},      // who is known to have worked
    {"visitor", SlotForm::kText},      // what a visitor may do
    {"error_id", SlotForm::kText},     // 01JD7Z8T7Q3V5K9M2N4P6R8S0T
    {"fault", SlotForm::kText},        // connect-refused-rst
    {"row", SlotForm::kText},          // of the model: 502A
    {"basis", SlotForm::kText},        // how it is known
    {"host", SlotForm::kText},         // as the client asked for it
    {"language", SlotForm::kText},     // that the words are in: en
    {"summary", SlotForm::kBlock},     // PagePart::kSummary, and so on
    {"diagram", SlotForm::kBlock},     //
    {"advice", SlotForm::kBlock},      //
    {"report", SlotForm::kBlock},      // the id among it
    {"documented", SlotForm::kBlock},  //
    {"evidence", SlotForm::kBlock},    // nothing for the public
    {"style", SlotForm::kStyle},       // what the blocks look like
}};
constexpr const SlotInfo& GetSlot(Slot slot) {
  return kSlots[static_cast<size_t>(slot)];
}
std::optional<Slot> ParseSlot(std::string_view name);

// Appends what stands in a slot of form kText, not escaped: at most 512 bytes.
// Lists that are empty are a word for it.
void AppendSlotText(Slot slot, const Verdict& verdict, const PageInput& input,
                    std::string& out);
// The same of form kBlock: whole elements, below 24 KiB in all.
void AppendSlotBlock(Slot slot, const Verdict& verdict, const PageInput& input,
                     std::string& out);

}  // namespace whichhop::diagnostics
