// The diagram as lines of Unicode, and for a terminal in colour.

#include <algorithm>
#include <array>

#include "diagnostics/diagram.h"

namespace whichhop::diagnostics {
namespace {

// A character of the Basic Multilingual Plane, and whose colour it has.
struct Glyph {
  char16_t character = u' ';
  Look look = Look::kUnknown;
};

// The border of a box, which tells as much as its colour.
struct Border {
  char16_t across;
  char16_t down;
  std::array<char16_t, 4> corners;  // from the upper left, as one reads
};
constexpr std::array<Border, 4> kBorders = {{
    {u'╌', u'╎', {u'┌', u'┐', u'└', u'┘'}},
    {u'─', u'│', {u'┌', u'┐', u'└', u'┘'}},
    {u'━', u'┃', {u'┏', u'┓', u'┗', u'┛'}},
    {u'═', u'║', {u'╔', u'╗', u'╚', u'╝'}},
}};

constexpr std::array<std::string_view, 4> kColours = {
    "", "\x1b[32m", "\x1b[1;33m", "\x1b[1;31m"};
constexpr std::string_view kNoColour = "\x1b[0m";

// Which of its four sides a line in a cell leads to.
enum Side : uint8_t { kUp = 1, kDown = 2, kLeft = 4, kRight = 8 };

char16_t LineGlyph(uint8_t sides) {
  constexpr std::u16string_view kGlyphs = u" ╵╷│╴┘┐┤╶└┌├─┴┬┼";
  return kGlyphs[sides];
}

char* WriteUtf8(char16_t c, char* to) {
  if (c < 0x80) {
    *to++ = static_cast<char>(c);
    return to;
  }
  if (c < 0x800) {
    *to++ = static_cast<char>(0xC0 | c >> 6);
  } else {
    *to++ = static_cast<char>(0xE0 | c >> 12);
    *to++ = static_cast<char>(0x80 | (c >> 6 & 0x3F));
  }
  *to++ = static_cast<char>(0x80 | (c & 0x3F));
  return to;
}

char* WriteText(std::string_view text, char* to) {
  return to + text.copy(to, text.size());
}

// The octets of a row, if each of its characters changed the colour.
constexpr size_t kRowOctets = (kDiagramColumns + 1) * 16;

// The characters of well-formed UTF-8 of up to three octets each: our own
// words.
template <typename Take>
void ForEachCharacter(std::string_view text, Take take) {
  for (size_t i = 0; i < text.size();) {
    const auto byte = [&](size_t at) {
      return static_cast<unsigned char>(text[at]);
    };
    unsigned c = byte(i++);
    if (c >= 0xE0) {
      c = (c & 0x0F) << 12 | (byte(i) & 0x3Fu) << 6 | (byte(i + 1) & 0x3Fu);
      i += 2;
    } else if (c >= 0xC0) {
      c = (c & 0x1F) << 6 | (byte(i++) & 0x3Fu);
    }
    take(static_cast<char16_t>(c));
  }
}

class Canvas {
 public:
  void DrawLink(const Link& link);
  void DrawBox(const Diagram& diagram, const Box& box);
  void Append(size_t rows, Colour colour, std::string& out) const;

 private:
  Glyph& At(size_t column, size_t row) {
    return glyphs_[row * kDiagramColumns + column];
  }
  void Lead(Cell from, Cell to);
  void Mark(size_t column, size_t row, uint8_t sides);
  void Write(size_t column, size_t row, Look look, std::string_view text);
  void AppendRow(size_t row, Colour colour, std::string& out) const;

  std::array<Glyph, kDiagramColumns * kDiagramRows> glyphs_;
  std::array<uint8_t, kDiagramColumns * kDiagramRows> sides_{};
};

void Canvas::Mark(size_t column, size_t row, uint8_t sides) {
  uint8_t& all = sides_[row * kDiagramColumns + column];
  all = static_cast<uint8_t>(all | sides);
  At(column, row) = {LineGlyph(all), Look::kUnknown};
}

// A straight line between two cells of a row or a column.
void Canvas::Lead(Cell from, Cell to) {
  const bool down = from.column == to.column;
  const auto [first, last] = down ? std::minmax(from.row, to.row)
                                  : std::minmax(from.column, to.column);
  for (uint8_t at = first; at <= last; ++at) {
    const uint8_t before = down ? kUp : kLeft;
    const uint8_t behind = down ? kDown : kRight;
    const auto sides = static_cast<uint8_t>((at > first ? before : 0) |
                                            (at < last ? behind : 0));
    down ? Mark(from.column, at, sides) : Mark(at, from.row, sides);
  }
}

void Canvas::DrawLink(const Link& link) {
  const std::span<const Cell> path = link.path();
  if (path[0].column == path[1].column) {  // down, to the next box
    for (uint8_t row = path[0].row; row <= path[1].row; ++row) {
      Mark(path[0].column, row, kUp | kDown);
    }
    At(path[1].column, path[1].row).character = u'▼';
    return;
  }
  for (size_t i = 1; i < path.size(); ++i) Lead(path[i - 1], path[i]);
  Mark(path.front().column, path.front().row, kLeft | kRight);
  Mark(path.back().column, path.back().row, kLeft | kRight);
}

void Canvas::Write(size_t column, size_t row, Look look,
                   std::string_view text) {
  ForEachCharacter(text, [&](char16_t c) { At(column++, row) = {c, look}; });
}

void Canvas::DrawBox(const Diagram& diagram, const Box& box) {
  const Look look = LookOf(diagram, box.hop);
  const Border& border = kBorders[static_cast<size_t>(look)];
  for (size_t column = box.left; column <= box.right(); ++column) {
    At(column, box.top) = {border.across, look};
    At(column, box.bottom()) = {border.across, look};
  }
  for (size_t row = box.top; row <= box.bottom(); ++row) {
    At(box.left, row) = {border.down, look};
    At(box.right(), row) = {border.down, look};
  }
  At(box.left, box.top) = {border.corners[0], look};
  At(box.right(), box.top) = {border.corners[1], look};
  At(box.left, box.bottom()) = {border.corners[2], look};
  At(box.right(), box.bottom()) = {border.corners[3], look};

  std::string words(" ");
  words += HopLabel(box.hop);
  words += ' ';
  Write(box.left + 2u, box.top, look, words);
  if (diagram.here == box.hop) {
    words.assign(" ").append(kEnglish.here).append(" ");
    Write(box.right() - 1u - words.size(), box.top, look, words);
  }
  words.clear();
  AppendState(diagram, box.hop, kEnglish, words);
  Write(box.left + 2u, box.top + 1u, look, words);
}

void Canvas::AppendRow(size_t row, Colour colour, std::string& out) const {
  const Glyph* const begin = &glyphs_[row * kDiagramColumns];
  const Glyph* end = begin + kDiagramColumns;
  while (end != begin && end[-1].character == u' ') --end;
  std::array<char, kRowOctets> room;
  char* to = room.data();
  Look look = Look::kUnknown;
  for (const Glyph* glyph = begin; glyph != end; ++glyph) {
    if (colour == Colour::kAnsi && glyph->look != look) {
      if (look != Look::kUnknown) to = WriteText(kNoColour, to);
      look = glyph->look;
      to = WriteText(kColours[static_cast<size_t>(look)], to);
    }
    to = WriteUtf8(glyph->character, to);
  }
  if (look != Look::kUnknown) to = WriteText(kNoColour, to);
  *to++ = '\n';
  out.append(room.data(), static_cast<size_t>(to - room.data()));
}

void Canvas::Append(size_t rows, Colour colour, std::string& out) const {
  for (size_t row = 0; row < rows; ++row) AppendRow(row, colour, out);
}

}  // namespace

void AppendTextDiagram(const Diagram& diagram, Colour colour,
                       std::string& out) {
  const Layout layout(diagram.Drawn(), diagram.here.value_or(Hop::kLb));
  Canvas canvas;
  for (const Link& link : layout.links()) canvas.DrawLink(link);
  for (const Box& box : layout.boxes()) canvas.DrawBox(diagram, box);
  canvas.Append(layout.rows(), colour, out);
}

}  // namespace whichhop::diagnostics
