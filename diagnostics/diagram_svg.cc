// The diagram as SVG. A cell of the layout is 8 by 20 units.

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

void AppendText(std::string_view attributes, unsigned x, unsigned y,
                std::string& out) {
  AppendAll(out, "<text", attributes, " x=\"", Decimal(x).view(), "\" y=\"",
            Decimal(y).view(), "\">");
}

void AppendBox(const Diagram& diagram, const Box& box, const Wording& words,
               std::string& out) {
  const unsigned left = X(box.left);
  const unsigned top = TopOf(box);
  const unsigned width = box.width * kCellWidth;
  AppendAll(out, "<g class=\"box ", ClassOf(diagram, box.hop), "\" data-hop=\"",
            HopName(box.hop), "\"><rect x=\"", Decimal(left).view(), "\" y=\"",
            Decimal(top).view(), "\" width=\"", Decimal(width).view(),
            "\" height=\"", Decimal(box.height * kCellHeight - kBoxGap).view(),
            "\"/>");
  AppendText("", left + kIndent, top + 20, out);
  AppendAll(out, words.labels[Index(box.hop)], "</text>");
  if (diagram.here == box.hop) {
    AppendText(" class=\"here\"", left + width - kIndent, top + 20, out);
    AppendAll(out, "\u25C0 ", words.here, "</text>");
  }
  AppendText(" class=\"state\"", left + kIndent, top + 39, out);
  AppendState(diagram, box.hop, words, out);
  out += "</text></g>\n";
}

}  // namespace

void AppendSvg(const Diagram& diagram, const Wording& words,
               std::string_view described_by, std::string& out) {
  const Layout layout(diagram.Drawn(), diagram.here.value_or(Hop::kLb));
  AppendAll(out,
            "<svg class=\"diagram\" role=\"img\" "
            "aria-labelledby=\"diagram-title\" aria-describedby=\"",
            described_by, "\" viewBox=\"0 0 ",
            Decimal(kDiagramColumns * kCellWidth + 2 * kMargin).view(), " ",
            Decimal(layout.rows() * kCellHeight - kBoxGap + 2 * kMargin).view(),
            "\">\n<title id=\"diagram-title\">", words.diagram, "</title>\n");
  AppendLinks(layout, out);
  for (const Box& box : layout.boxes()) AppendBox(diagram, box, words, out);
  out += "</svg>\n";
}

}  // namespace whichhop::diagnostics
