#include "diagnostics/page_template.h"

#include "diagnostics/template_reader.h"
#include "diagnostics/text.h"

namespace whichhop::diagnostics {
namespace {

// For the query or the fragment of a URL (RFC 3986, section 2.3).
void AppendPercentEncoded(std::string_view text, std::string& out) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  constexpr std::string_view kUnreserved =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  for (const char c : text) {
    if (kUnreserved.find(c) != kUnreserved.npos) {
      out += c;
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[octet >> 4];
    out += kHex[octet & 15];
  }
}

}  // namespace

std::optional<PageTemplate> PageTemplate::Parse(
    std::string_view source, std::vector<TemplateError>* errors) {
  std::optional<PageTemplate> page = PageTemplate();
  TemplateReader(source, *page, *errors).Read();
  if (!errors->empty()) page.reset();
  return page;
}

void PageTemplate::Append(const Verdict& verdict, const PageInput& input,
                          std::string& out) const {
  PageInput own = input;
  own.language = language_.value_or(input.language);
  std::string memory;
  size_t from = 0;
  for (const Piece& piece : pieces_) {
    out.append(text_, from, piece.at - from);
    from = piece.at;
    Fill(piece, verdict, own, memory, out);
  }
  out.append(text_, from);
}

void PageTemplate::Fill(const Piece& piece, const Verdict& verdict,
                        const PageInput& input, std::string& memory,
                        std::string& out) const {
  if (GetSlot(piece.slot).form == SlotForm::kBlock) {
    return AppendSlotBlock(piece.slot, verdict, input, out);
  }
  memory.clear();
  AppendSlotText(piece.slot, verdict, input, memory);
  switch (piece.escape) {
    case Escape::kHtml:
      return AppendHtml(out, memory);
    case Escape::kUrl:
      return AppendPercentEncoded(memory, out);
  }
}

}  // namespace whichhop::diagnostics
