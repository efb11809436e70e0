// The diagram as SVG. A cell of the layout is 8 by 20 units.

#include <array>
#include <vector>

#include "diagnostics/append.h"
#include "diagnostics/diagram.h"

namespace whichhop::diagnostics {
namespace {

constexpr unsigned kCellWidth = 8;
constexpr unsigned kCellHeight = 20;
constexpr unsigned kBoxGap = 10;  // below each box, beside the empty rows
constexpr unsigned kMargin = 4;   // for strokes
constexpr unsigned kIndent = 10;  // of a box's words

unsigned X(unsigned column) { return column * kCellWidth + kMargin; }
unsigned Y(unsigned row) { return row * kCellHeight + kMargin; }

std::string_view ClassOf(const Diagram& diagram, Hop hop) {
  switch (LookOf(diagram, hop)) {
    case Look::kUnknown:
      return "unknown";
    case Look::kCleared:
      return "cleared";
    case Look::kReporter:
      return "reporter";
    case Look::kCause:
      return diagram.reporter.contains(hop) ? "cause reporter" : "cause";
  }
  return "unknown";
}

// The middle of a box of three rows, where a line meets its side.
unsigned SideY(const Cell& cell) {
  return Y(cell.row) + (kCellHeight - kBoxGap) / 2;
}

// Down from the lower edge of one box to the upper edge of the next, with the
// head of an arrow.
void AppendDown(const Link& link, std::string& out) {
  const Decimal x(X(link.cells[0].column) + kCellWidth / 2);
  const unsigned end = Y(link.cells[1].row + 1u);
  AppendAll(out, "M", x.view(), " ",
            Decimal(Y(link.cells[0].row) - kBoxGap).view(), "V",
            Decimal(end - 1).view(), "m-5-6 5 6 5-6");
}

void AppendAside(const Link& link, std::string& out) {
  const std::span<const Cell> path = link.path();
  AppendAll(out, "M", Decimal(X(path[0].column)).view(), " ",
            Decimal(SideY(path[0])).view());
  if (path.size() == 4) {
    AppendAll(out, "H", Decimal(X(path[1].column) + kCellWidth / 2).view(), "V",
              Decimal(SideY(path[2])).view());
  }
  AppendAll(out, "H", Decimal(X(path.back().column + 1u)).view());
}

void AppendLinks(const Layout& layout, std::string& out) {
  out += "<path class=\"link\" d=\"";
  for (const Link& link : layout.links()) {
    const bool down = link.cells[0].column == link.cells[1].column;
    down ? AppendDown(link, out) : AppendAside(link, out);
  }
  out += "\"/>\n";
}

// A box inside of another stands a little lower: what holds it says its words
// above it.
unsigned TopOf(const Box& box) {
  unsigned y = Y(box.top);
  for (Hop hop = box.hop; HolderOf(hop) != hop; hop = HolderOf(hop)) y += 6;
  return y;
}

// Where a box and its words stand. Whatever stands where is composed once, and
// all that a verdict adds are classes and words.
struct BoxText {
  std::string name;   // behind its class: up to its label
  std::string here;   // which box this proxy is: up to the word
  std::string state;  // behind the label: up to what is known of it
};

std::string TextAt(std::string_view attributes, unsigned x, unsigned y) {
  std::string text;
  AppendAll(text, "<text", attributes, " x=\"", Decimal(x).view(), "\" y=\"",
            Decimal(y).view(), "\">");
  return text;
}

BoxText TextOf(const Box& box) {
  const unsigned left = X(box.left);
  const unsigned top = TopOf(box);
  const unsigned width = box.width * kCellWidth;
  BoxText text;
  AppendAll(text.name, "\" data-hop=\"", HopName(box.hop), "\"><rect x=\"",
            Decimal(left).view(), "\" y=\"", Decimal(top).view(), "\" width=\"",
            Decimal(width).view(), "\" height=\"",
            Decimal(box.height * kCellHeight - kBoxGap).view(), "\"/>",
            TextAt("", left + kIndent, top + 20));
  text.here =
      "</text>" + TextAt(" class=\"here\"", left + width - kIndent, top + 20);
  text.here += "\u25C0 ";
  text.state = "</text>" + TextAt(" class=\"state\"", left + kIndent, top + 39);
  return text;
}

// A diagram of these boxes, without their words.
struct Frame {
  Frame(HopSet drawn, Hop here);

  std::string size;            // up to the title
  std::string links;           // behind the title
  std::vector<Hop> hops;       // whose boxes it has, in their order
  std::vector<BoxText> boxes;  // one each
};

Frame::Frame(HopSet drawn, Hop here) {
  const Layout layout(drawn, here);
  AppendAll(size, "\" viewBox=\"0 0 ",
            Decimal(kDiagramColumns * kCellWidth + 2 * kMargin).view(), " ",
            Decimal(layout.rows() * kCellHeight - kBoxGap + 2 * kMargin).view(),
            "\">\n<title id=\"diagram-title\">");
  AppendLinks(layout, links);
  for (const Box& box : layout.boxes()) {
    hops.push_back(box.hop);
    boxes.push_back(TextOf(box));
  }
}

// The boxes that only some diagrams have, and which of two asks the DNS.
constexpr std::array<Hop, 3> kSometimes = {Hop::kCdn, Hop::kDns, Hop::kTeapot};
constexpr size_t kFrames = size_t{1} << (kSometimes.size() + 1);

std::vector<Frame> AllFrames() {
  std::vector<Frame> frames;
  for (size_t at = 0; at < kFrames; ++at) {
    HopSet drawn;
    for (size_t i = 0; i < kHopCount; ++i) drawn.Add(static_cast<Hop>(i));
    for (size_t i = 0; i < kSometimes.size(); ++i) {
      if ((at >> i & 1) == 0) drawn.Remove(kSometimes[i]);
    }
    const bool cdn_asks = (at >> kSometimes.size() & 1) != 0;
    frames.emplace_back(drawn, cdn_asks ? Hop::kCdn : Hop::kLb);
  }
  return frames;
}

// Requires: `drawn` has all other hops, as Diagram::Drawn() has.
const Frame& FrameOf(HopSet drawn, Hop here) {
  static const std::vector<Frame> kAll = AllFrames();
  size_t at = 0;
  for (size_t i = 0; i < kSometimes.size(); ++i) {
    if (drawn.contains(kSometimes[i])) at |= size_t{1} << i;
  }
  if (here == Hop::kCdn) at |= size_t{1} << kSometimes.size();
  return kAll[at];
}

void AppendBox(const Diagram& diagram, Hop hop, const BoxText& text,
               const Wording& words, std::string& out) {
  const std::string_view label = words.labels[Index(hop)];
  AppendAll(out, "<g class=\"box ", ClassOf(diagram, hop), text.name, label);
  if (diagram.here == hop) AppendAll(out, text.here, words.here);
  out += text.state;
  AppendState(diagram, hop, words, out);
  out += "</text></g>\n";
}

}  // namespace

void AppendSvg(const Diagram& diagram, const Wording& words,
               std::string_view described_by, std::string& out) {
  const Frame& frame =
      FrameOf(diagram.Drawn(), diagram.here.value_or(Hop::kLb));
  AppendAll(out,
            "<svg class=\"diagram\" role=\"img\" "
            "aria-labelledby=\"diagram-title\" aria-describedby=\"",
            described_by, frame.size, words.diagram, "</title>\n");
  out += frame.links;
  for (size_t i = 0; i < frame.hops.size(); ++i) {
    AppendBox(diagram, frame.hops[i], frame.boxes[i], words, out);
  }
  out += "</svg>\n";
}

}  // namespace whichhop::diagnostics
