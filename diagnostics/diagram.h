#pragma once
// The model's diagram: its boxes and links as they stand around a request's
// way, and what is known of each hop, as SVG for a page and as Unicode for a
// terminal. One table (diagram_layout.cc) places the boxes; colour, border,
// mark and word of a box all follow from what is known of its hop.

#include <optional>
#include <string>
#include <string_view>

#include "diagnostics/diagram_layout.h"
#include "diagnostics/hop.h"
#include "diagnostics/model.h"
#include "diagnostics/verdict.h"
#include "diagnostics/wording.h"

namespace whichhop::diagnostics {

// What a diagram says of the hops.
struct Diagram {
  HopSet cause;
  HopSet reporter;
  HopSet cleared;
  std::optional<Hop> here;  // which box this proxy is; nothing: no box is

  // The boxes that are drawn: `cdn`, `dns` and `teapot` only where something
  // is said of them.
  HopSet Drawn() const;
};

Diagram DiagramOf(const Ruling& ruling);
Diagram DiagramOf(const Row& row);

// How a box looks: what is known of its hop, the worst of it.
enum class Look : uint8_t { kUnknown, kCleared, kReporter, kCause };
Look LookOf(const Diagram& diagram, Hop hop);

// Appends what the box says of its hop: a mark and a word, "? unknown". One
// that is cause and reporter at once says both.
void AppendState(const Diagram& diagram, Hop hop, const Wording& words,
                 std::string& out);

// Appends one <svg> element. Colours, strokes and fonts are its page's style:
// the classes are `unknown`, `cleared`, `reporter`, `cause`, and `here`; each
// box is a <g> with the hop's name in data-hop. `described_by` is the id of
// the element that says the same in words.
void AppendSvg(const Diagram& diagram, const Wording& words,
               std::string_view described_by, std::string& out);

enum class Colour : uint8_t { kNone, kAnsi };

// Appends lines of at most kDiagramColumns columns, in English: each box says
// in a word what its colour would, and its border differs too.
void AppendTextDiagram(const Diagram& diagram, Colour colour, std::string& out);

}  // namespace whichhop::diagnostics
