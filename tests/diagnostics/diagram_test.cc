#include "diagnostics/diagram.h"

#include <algorithm>
#include <map>
#include <vector>

#include "diagnostics/diagnose.h"
#include "tests/catch.h"
#include "tests/diagnostics/sightings.h"

namespace whichhop::diagnostics {
namespace {

HopSet Everything() {
  HopSet all;
  for (size_t i = 0; i < kHopCount; ++i) all.Add(static_cast<Hop>(i));
  return all;
}

// Every set of boxes that can be drawn, with who asks the DNS in each.
std::vector<Layout> AllLayouts() {
  std::vector<Layout> layouts;
  for (unsigned without = 0; without < 8; ++without) {
    HopSet drawn = Everything();
    if (without & 1) drawn.Remove(Hop::kCdn);
    if (without & 2) drawn.Remove(Hop::kDns);
    if (without & 4) drawn.Remove(Hop::kTeapot);
    layouts.emplace_back(drawn, Hop::kLb);
    if (drawn.contains(Hop::kCdn)) layouts.emplace_back(drawn, Hop::kCdn);
  }
  return layouts;
}

const Box& BoxOf(const Layout& layout, Hop hop) {
  const auto boxes = layout.boxes();
  const auto found = std::ranges::find(boxes, hop, &Box::hop);
  REQUIRE(found != boxes.end());
  return *found;
}

bool Holds(const Box& outer, const Box& inner) {
  return outer.left < inner.left && outer.right() > inner.right() &&
         outer.top < inner.top && outer.bottom() > inner.bottom();
}

bool Apart(const Box& a, const Box& b) {
  return a.right() < b.left || b.right() < a.left || a.bottom() < b.top ||
         b.bottom() < a.top;
}

bool Covers(const Box& box, const Cell& cell) {
  return cell.column >= box.left && cell.column <= box.right() &&
         cell.row >= box.top && cell.row <= box.bottom();
}

// Whether the cell stands right below or right beside the box, its corners
// left out.
bool Touches(const Box& box, const Cell& cell) {
  const bool beside =
      (cell.column == box.right() + 1 || cell.column + 1 == box.left) &&
      cell.row > box.top && cell.row < box.bottom();
  const bool below =
      (cell.row == box.bottom() + 1 || cell.row + 1 == box.top) &&
      cell.column > box.left && cell.column < box.right();
  return beside || below;
}

// Every cell on the straight lines between the cells of a path.
std::vector<Cell> CellsOf(const Link& link) {
  std::vector<Cell> cells;
  for (size_t i = 1; i < link.path().size(); ++i) {
    Cell at = link.path()[i - 1];
    const Cell end = link.path()[i];
    REQUIRE((at.column == end.column || at.row == end.row));
    for (; at != end; cells.push_back(at)) {
      at.column = static_cast<uint8_t>(at.column + (at.column < end.column) -
                                       (at.column > end.column));
      at.row = static_cast<uint8_t>(at.row + (at.row < end.row) -
                                    (at.row > end.row));
    }
    cells.push_back(end);
  }
  return cells;
}

TEST_CASE("every hop that is drawn has exactly one box, inside of the page") {
  for (const Layout& layout : AllLayouts()) {
    std::map<Hop, int> seen;
    for (const Box& box : layout.boxes()) {
      ++seen[box.hop];
      CHECK(box.right() < kDiagramColumns);
      CHECK(box.bottom() < layout.rows());
    }
    CHECK(layout.rows() <= kDiagramRows);
    for (const auto& [hop, count] : seen) CHECK(count == 1);
    const bool cdn = seen.contains(Hop::kCdn);
    CHECK(layout.rows() == (cdn ? 36u : 32u));
  }
}

TEST_CASE("boxes hold each other as the model says, or stand apart") {
  const std::map<Hop, Hop> inside = {
      {Hop::kBrowserApp, Hop::kBrowser},  {Hop::kBrowser, Hop::kDevice},
      {Hop::kApp, Hop::kServer},          {Hop::kDb, Hop::kDbHost},
      {Hop::kDatastore, Hop::kStoreHost}, {Hop::kAuth, Hop::kAuthHost}};
  for (size_t i = 0; i < kHopCount; ++i) {
    const Hop hop = static_cast<Hop>(i);
    CHECK(HolderOf(hop) == (inside.contains(hop) ? inside.at(hop) : hop));
  }
  const auto within = [](Hop inner, Hop outer) {
    for (Hop hop = inner; HolderOf(hop) != hop; hop = HolderOf(hop)) {
      if (HolderOf(hop) == outer) return true;
    }
    return false;
  };
  for (const Layout& layout : AllLayouts()) {
    for (const Box& a : layout.boxes()) {
      for (const Box& b : layout.boxes()) {
        if (a.hop == b.hop) continue;
        INFO(HopName(a.hop) << " " << HopName(b.hop));
        CHECK(Holds(a, b) == within(b.hop, a.hop));
        CHECK((Holds(a, b) || Holds(b, a) || Apart(a, b)));
      }
    }
  }
}

TEST_CASE("links lead from box to box, and through none") {
  for (const Layout& layout : AllLayouts()) {
    for (const Link& link : layout.links()) {
      INFO(HopName(link.from) << " to " << HopName(link.to));
      CHECK(Touches(BoxOf(layout, link.from), link.path().front()));
      CHECK(Touches(BoxOf(layout, link.to), link.path().back()));
      for (const Cell& cell : CellsOf(link)) {
        for (const Box& box : layout.boxes()) CHECK_FALSE(Covers(box, cell));
      }
    }
  }
}

// What the model links, less what stands inside of each other.
TEST_CASE("a request's way is linked from the device to the app's server") {
  const auto linked = [](const Layout& layout, Hop from, Hop to) {
    return std::ranges::any_of(layout.links(), [&](const Link& link) {
      return link.from == from && link.to == to;
    });
  };
  const Layout without(Everything() - HopSet{Hop::kCdn}, Hop::kLb);
  const Layout with(Everything(), Hop::kCdn);
  for (const Layout* layout : {&without, &with}) {
    CHECK(linked(*layout, Hop::kDevice, Hop::kRouter));
    CHECK(linked(*layout, Hop::kIsp, Hop::kTor));
    CHECK(linked(*layout, Hop::kTor, Hop::kLb));
    CHECK(linked(*layout, Hop::kLb, Hop::kServer));
    CHECK(linked(*layout, Hop::kDevice, Hop::kTeapot));
    for (Hop host : {Hop::kDbHost, Hop::kStoreHost, Hop::kAuthHost}) {
      CHECK(linked(*layout, Hop::kTor, host));
    }
    CHECK(layout->links().size() == (layout == &with ? 12u : 11u));
  }
  CHECK(linked(without, Hop::kRouter, Hop::kIsp));
  CHECK(linked(without, Hop::kDevice, Hop::kImageHost));
  CHECK(linked(without, Hop::kLb, Hop::kDns));
  CHECK(linked(with, Hop::kRouter, Hop::kCdn));
  CHECK(linked(with, Hop::kCdn, Hop::kIsp));
  CHECK(linked(with, Hop::kRouter, Hop::kImageHost));
  CHECK(linked(with, Hop::kCdn, Hop::kDns));
}

TEST_CASE("cdn, dns and teapot are drawn where something is said of them") {
  for (size_t i = 0; i < kRowCount; ++i) {
    const RowId id = static_cast<RowId>(i);
    const HopSet drawn = DiagramOf(GetRow(id)).Drawn();
    INFO(GetRow(id).id);
    CHECK(drawn.contains(Hop::kCdn) ==
          (id == RowId::k407 || GetRow(id).status >= 520));
    CHECK(drawn.contains(Hop::kTeapot) == (id == RowId::k418));
    CHECK_FALSE(drawn.contains(Hop::kDns));
    CHECK(drawn.size() >= kHopCount - 3);
  }
  Verdict at_cdn;
  at_cdn.position = Position::kCdn;
  CHECK(DiagramOf(at_cdn).Drawn().contains(Hop::kCdn));
  at_cdn.cause = {Hop::kDns};
  CHECK(DiagramOf(at_cdn).Drawn().contains(Hop::kDns));
}

// The group of a hop's box, up to its end.
std::string_view GroupOf(std::string_view svg, Hop hop) {
  std::string mark("\" data-hop=\"");
  mark.append(HopName(hop)).append("\"");
  const size_t at = svg.find(mark);
  if (at == svg.npos) return {};
  const size_t begin = svg.rfind("<g class=\"box ", at);
  return svg.substr(begin, svg.find("</g>", at) - begin);
}

bool Has(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

void CheckSvg(const Diagram& diagram, const Wording& words) {
  std::string svg;
  AppendSvg(diagram, words, "hops", svg);
  for (const Hop hop : Everything()) {
    const std::string_view group = GroupOf(svg, hop);
    INFO(HopName(hop) << ": " << group);
    REQUIRE(group.empty() != diagram.Drawn().contains(hop));
    if (group.empty()) continue;
    const bool cause = diagram.cause.contains(hop);
    const bool reporter = diagram.reporter.contains(hop);
    const bool cleared = diagram.cleared.contains(hop) && !cause && !reporter;
    const std::string_view classes = group.substr(10, group.find('"', 10) - 10);
    CHECK(Has(classes, " cause") == cause);
    CHECK(Has(classes, " reporter") == reporter);
    CHECK(Has(classes, " cleared") == cleared);
    CHECK(Has(classes, " unknown") == !(cause || reporter || cleared));
    CHECK(Has(group, words.cause) == cause);
    CHECK(Has(group, words.reporter) == reporter);
    CHECK(Has(group, words.cleared) == cleared);
    CHECK(Has(group, words.unknown) == !(cause || reporter || cleared));
    CHECK(Has(group, words.here) == (diagram.here == hop));
  }
}

TEST_CASE(
    "the boxes of every row and every verdict say what is known of them") {
  for (const Wording* words : {&kEnglish, &kGerman}) {
    for (const Row& row : kModel) CheckSvg(DiagramOf(row), *words);
    for (const Sighting& sighting : AllSightings()) {
      for (Position position : {Position::kLb, Position::kCdn}) {
        Observation o;
        o.position = position;
        See(sighting.name, o);
        CheckSvg(DiagramOf(Diagnose(o)), *words);
      }
    }
  }
}

std::vector<std::string_view> LinesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines;
}

size_t CharactersIn(std::string_view line) {
  return static_cast<size_t>(
      std::ranges::count_if(line, [](char c) { return (c & 0xC0) != 0x80; }));
}

size_t CountOf(std::string_view part, std::string_view text) {
  size_t count = 0;
  for (size_t at = 0; (at = text.find(part, at)) != text.npos; ++count) {
    at += part.size();
  }
  return count;
}

TEST_CASE("a terminal's diagram has every box once, with its word") {
  for (const Row& row : kModel) {
    const Diagram diagram = DiagramOf(row);
    std::string text;
    AppendTextDiagram(diagram, Colour::kNone, text);
    INFO(text);
    for (std::string_view line : LinesOf(text)) {
      CHECK(CharactersIn(line) <= kDiagramColumns);
      CHECK_FALSE(line.ends_with(' '));
    }
    const HopSet green = diagram.cleared - diagram.cause - diagram.reporter;
    const size_t known = (diagram.cause | diagram.reporter | green).size();
    CHECK(CountOf("✗ cause", text) == diagram.cause.size());
    CHECK(CountOf("! reporter", text) == diagram.reporter.size());
    CHECK(CountOf("✓ cleared", text) == green.size());
    CHECK(CountOf("? unknown", text) == diagram.Drawn().size() - known);
    CHECK_FALSE(Has(text, "\x1b"));
    for (const Hop hop : diagram.Drawn()) {
      std::string title(" ");
      title.append(HopLabel(hop)).append(" ");
      CHECK(Has(text, title));
    }
  }
}

TEST_CASE("a border tells what its colour would") {
  Diagram diagram = DiagramOf(GetRow(RowId::k500));  // one box, both at once
  diagram.here = Hop::kLb;
  std::string text;
  AppendTextDiagram(diagram, Colour::kNone, text);
  INFO(text);
  CHECK(Has(text, "│ ╔═ App ═══════════════╗│") == false);
  CHECK(Has(text, "╔═ App ═══════════════╗"));
  CHECK(Has(text, "║ ✗ cause ! reporter  ║"));
  CHECK(Has(text, "┌─ LB ─── you are here ─┐"));
  CHECK(Has(text, "┌╌ Server/Serverless ╌╌╌┐"));
  CHECK(Has(text, "└───────────────────────┘"));
}

TEST_CASE("colours end where their box ends, and no line leaves one on") {
  std::string plain;
  std::string coloured;
  AppendTextDiagram(DiagramOf(GetRow(RowId::k522)), Colour::kNone, plain);
  AppendTextDiagram(DiagramOf(GetRow(RowId::k522)), Colour::kAnsi, coloured);
  for (std::string_view line : LinesOf(coloured)) {
    const size_t last = line.rfind("\x1b[");
    if (last == line.npos) continue;
    CHECK(line.substr(last).starts_with("\x1b[0m"));
  }
  for (std::string_view colour :
       {"\x1b[1;31m", "\x1b[1;33m", "\x1b[32m", "\x1b[0m"}) {
    CHECK(Has(coloured, colour));
    for (size_t at; (at = coloured.find(colour)) != coloured.npos;) {
      coloured.erase(at, colour.size());
    }
  }
  CHECK(coloured == plain);
}

TEST_CASE("a line that crosses another, and one that turns, are drawn so") {
  Diagram diagram;
  diagram.cause = {Hop::kDns};
  diagram.here = Hop::kLb;
  std::string text;
  AppendTextDiagram(diagram, Colour::kNone, text);
  INFO(text);
  CHECK(Has(text, "╎──┼┤ ┌╌ Data Store"));  // the racks' and the DNS's
  CHECK(Has(text, "╎──┘│"));
  CHECK(Has(text, "┌──║ ✗ cause"));
}

}  // namespace
}  // namespace whichhop::diagnostics
