#include "diagnostics/html_page.h"

#include <array>
#include <vector>

#include "diagnostics/advice.h"
#include "diagnostics/append.h"
#include "diagnostics/diagram.h"
#include "diagnostics/fixed_text.h"
#include "diagnostics/hop_names.h"
#include "diagnostics/page_style.h"
#include "diagnostics/sha256.h"
#include "diagnostics/summary.h"
#include "diagnostics/text.h"

namespace whichhop::diagnostics {
namespace {

// Field lines that are known when compiling.
class Lines {
 public:
  constexpr explicit Lines(std::string_view language_tag) {
    Add("Content-Type: text/html; charset=utf-8\r\nContent-Language: ");
    Add(language_tag);
    Add("\r\nVary: Accept, Accept-Language\r\n"
        "Content-Security-Policy: default-src 'none'; style-src 'sha256-");
    const std::array<char, 44> digest = Base64(Sha256(kPageStyle));
    Add({digest.data(), digest.size()});
    Add("'; base-uri 'none'; form-action 'none'\r\n");
  }
  std::string_view view() const { return {text_.data(), size_}; }

 private:
  constexpr void Add(std::string_view text) {
    for (const char c : text) text_[size_++] = c;
  }

  std::array<char, 320> text_{};
  size_t size_ = 0;
};
constexpr std::array<Lines, kLanguageCount> kFields = {Lines(kLanguageTags[0]),
                                                       Lines(kLanguageTags[1])};

// Of a host or a path: the log has all of it.
constexpr size_t kRequestShown = 256;

// Whether a page is in another language than these words are.
std::string_view InEnglish(const Wording& words) {
  return words.language == Language::kEnglish ? "" : " lang=\"en\"";
}

void AppendStatus(const Ruling& ruling, std::string& out) {
  AppendAll(out, Decimal(ruling.status).view(), " ",
            ReasonPhrase(ruling.status));
}

// "App (<code>app</code>)"
void AppendHop(Hop hop, const Wording& words, std::string& out) {
  AppendAll(out, words.labels[Index(hop)], " (<code>", HopName(hop),
            "</code>)");
}

template <typename Hops>
void AppendHops(const Hops& hops, const Wording& words, std::string& out) {
  bool first = true;
  for (const Hop hop : hops) {
    if (!first) out += ", ";
    first = false;
    AppendHop(hop, words, out);
  }
}

void AppendSection(std::string_view id, std::string_view heading,
                   std::string& out) {
  AppendAll(out, "<section aria-labelledby=\"", id, "\">\n<h2 id=\"", id, "\">",
            heading, "</h2>\n");
}

void AppendSummaryPart(const Ruling& ruling, const Wording& words,
                       std::string& out) {
  AppendAll(out, "<h1", InEnglish(words), ">");
  AppendStatus(ruling, out);
  out += "</h1>\n<p class=\"lead\">";
  AppendWhatHappened(ruling, words, out);
  out += " <strong>";
  AppendWhomToPage(ruling, words, out);
  out += "</strong></p>\n";
}

// One line of the diagram in words, unless it names no hop.
template <typename Hops>
void AppendKnown(std::string_view look, std::string_view mark,
                 std::string_view word, const Hops& hops, const Wording& words,
                 std::string& out) {
  if (hops.empty()) return;
  AppendAll(out, "<dt><span class=\"tag ", look, "\">", mark, word,
            "</span></dt><dd>");
  AppendHops(hops, words, out);
  out += "</dd>\n";
}

void AppendDiagramPart(const Ruling& ruling, const Wording& words,
                       std::string& out) {
  const Diagram diagram = DiagramOf(ruling);
  const HopSet unknown =
      diagram.Drawn() - diagram.cause - diagram.reporter - diagram.cleared;
  out += "<figure>\n";
  AppendSvg(diagram, words, "hops", out);
  out += "<figcaption>\n<dl id=\"hops\">\n";
  AppendKnown("cause", "\u2717 ", words.cause, ruling.cause, words, out);
  AppendKnown("reporter", "! ", words.reporter, ruling.reporter, words, out);
  AppendKnown("cleared", "\u2713 ", words.cleared, ruling.cleared, words, out);
  AppendKnown("unknown", "? ", words.unknown, unknown, words, out);
  AppendAll(out, "<dt>\u25C0 ", words.here, "</dt><dd>");
  AppendHop(SelfHop(ruling.position), words, out);
  out += "</dd>\n</dl>\n</figcaption>\n</figure>\n";
}

void AppendParagraph(std::string_view text, std::string& out) {
  AppendAll(out, "<p>", text, "</p>\n");
}

// What this party does about the suspects that it runs.
void AppendSteps(const Ruling& ruling, Party party, const Wording& words,
                 std::string& out) {
  bool any = false;
  for (const Hop hop : ruling.cause) {
    if (PartyOf(hop) != party) continue;
    if (!any) out += "<ul>\n";
    any = true;
    out += "<li>";
    AppendHop(hop, words, out);
    AppendAll(out, ": ",
              IsOurs(ruling, hop) ? words.our_step : words.steps[Index(hop)],
              "</li>\n");
  }
  any ? void(out += "</ul>\n") : AppendParagraph(words.not_yours, out);
}

void AppendPartyAdvice(const Ruling& ruling, Party party, const Wording& words,
                       std::string& out) {
  AppendAll(out, "<h3>", words.parties[static_cast<size_t>(party)], "</h3>\n");
  if (party == Party::kVisitor) {
    return AppendParagraph(VisitorAdvice(ruling, words), out);
  }
  if (!ruling.cause.empty()) return AppendSteps(ruling, party, words, out);
  if (ruling.rows.contains(RowId::k418)) {
    return AppendParagraph(words.teapot, out);
  }
  AppendParagraph(party == Party::kOwner ? words.look_it_up : words.no_suspect,
                  out);
}

void AppendAdvicePart(const Ruling& ruling, const Wording& words,
                      std::string& out) {
  AppendSection("next", words.next, out);
  for (size_t i = 0; i < kPartyCount; ++i) {
    AppendPartyAdvice(ruling, static_cast<Party>(i), words, out);
  }
  out += "</section>\n";
}

void AppendDocumentedPart(const Ruling& ruling, const Wording& words,
                          std::string& out) {
  if (ruling.rows.empty()) return;
  AppendSection("documented", words.documented, out);
  out += "<ul>\n";
  for (const RowId id : ruling.rows) {
    const Row& row = GetRow(id);
    AppendAll(out, "<li>", words.documented_row, row.id, ": ", words.Says(id),
              " ", words.cause, ": ", HopNames(row.cause).ViewOr(words.none),
              "; ", words.reporter, ": ", HopName(row.reporter), "; ",
              words.cleared, ": ", HopNames(row.cleared).ViewOr(words.none),
              ".</li>\n");
  }
  out += "</ul>\n</section>\n";
}

void AppendTerm(std::string_view term, std::string& out) {
  AppendAll(out, "<dt>", term, "</dt><dd>");
}

// A text from outside.
void AppendPair(std::string_view term, std::string_view text,
                std::string& out) {
  if (text.empty()) return;
  AppendTerm(term, out);
  out += "<code>";
  AppendHtml(out, text);
  out += "</code></dd>\n";
}

void AppendIdPart(const Verdict& verdict, const PageInput& input,
                  const Wording& words, std::string& out) {
  AppendSection("report", words.report, out);
  if (!input.error_id.empty()) AppendParagraph(words.quote, out);
  out += "<dl>\n";
  AppendPair(words.error_id, input.error_id, out);
  AppendPair(words.fault, verdict.id.view(), out);
  AppendTerm(words.basis, out);
  AppendAll(out, words.bases[static_cast<size_t>(verdict.basis)],
            "</dd>\n</dl>\n</section>\n");
}

void AppendEvidencePart(const Verdict& verdict, const PageInput& input,
                        const Wording& words, std::string& out) {
  if (input.audience != Audience::kOperator) return;
  AppendSection("evidence", words.evidence, out);
  out += "<dl>\n";
  AppendPair(words.host,
             input.host.substr(0, CutLength(input.host, kRequestShown)), out);
  AppendPair(words.path,
             input.path.substr(0, CutLength(input.path, kRequestShown)), out);
  AppendPair(words.next_hop, verdict.next_hop.view(), out);
  AppendAll(out, "</dl>\n<ul", InEnglish(words), ">\n");
  std::string sentence;
  for (size_t i = 0; i < verdict.evidence.size(); ++i) {
    sentence.clear();
    AppendEvidence(verdict.evidence[i], sentence);
    out += "<li>";
    AppendHtml(out, sentence);
    out += "</li>\n";
  }
  out += "</ul>\n</section>\n";
}

void AppendHead(const Ruling& ruling, const Wording& words, std::string& out) {
  AppendAll(out, "<!DOCTYPE html>\n<html lang=\"", LanguageTag(words.language),
            "\">\n<head>\n<meta charset=\"utf-8\">\n"
            "<meta name=\"viewport\" content=\"width=device-width, "
            "initial-scale=1\">\n<meta name=\"robots\" content=\"noindex\">\n"
            "<title>");
  AppendStatus(ruling, out);
  AppendAll(out, "</title>\n<style>", kPageStyle, "</style>\n</head>\n");
}

// What all pages have that say the same of the same hops: nearly everything,
// and in an outage there are many of one kind.
struct Frame {
  Ruling ruling;
  Language language = Language::kEnglish;
  std::string head;        // of the page until its part kId
  std::string documented;  // what comes behind that
};

Frame MakeFrame(const Ruling& ruling, Language language) {
  const Wording& words = WordingOf(language);
  Frame frame{ruling, language, {}, {}};
  AppendHead(ruling, words, frame.head);
  frame.head += "<body>\n<main>\n";
  AppendSummaryPart(ruling, words, frame.head);
  frame.head += "<div class=\"columns\">\n";
  AppendDiagramPart(ruling, words, frame.head);
  frame.head += "<div>\n";
  AppendAdvicePart(ruling, words, frame.head);
  AppendDocumentedPart(ruling, words, frame.documented);
  return frame;
}

// The last ones that were made, of one thread: at most kMost times 24 KiB.
class Frames {
 public:
  const Frame& Of(const Ruling& ruling, Language language) {
    for (const Frame& frame : made_) {
      if (frame.language == language && frame.ruling == ruling) return frame;
    }
    if (made_.size() < kMost) {
      return made_.emplace_back(MakeFrame(ruling, language));
    }
    oldest_ = (oldest_ + 1) % kMost;
    return made_[oldest_] = MakeFrame(ruling, language);
  }

 private:
  static constexpr size_t kMost = 16;

  std::vector<Frame> made_;
  size_t oldest_ = kMost - 1;  // or the last one
};

}  // namespace

std::string_view PageStyle() { return kPageStyle; }

std::string_view PageFields(Language language) {
  return kFields[static_cast<size_t>(language)].view();
}

void AppendPagePart(PagePart part, const Verdict& verdict,
                    const PageInput& input, std::string& out) {
  const Wording& words = WordingOf(input.language);
  switch (part) {
    case PagePart::kSummary:
      return AppendSummaryPart(verdict, words, out);
    case PagePart::kDiagram:
      return AppendDiagramPart(verdict, words, out);
    case PagePart::kAdvice:
      return AppendAdvicePart(verdict, words, out);
    case PagePart::kId:
      return AppendIdPart(verdict, input, words, out);
    case PagePart::kDocumented:
      return AppendDocumentedPart(verdict, words, out);
    case PagePart::kEvidence:
      return AppendEvidencePart(verdict, input, words, out);
  }
}

void AppendHtmlBody(const Verdict& verdict, const PageInput& input,
                    std::string& out) {
  thread_local Frames frames;
  const Wording& words = WordingOf(input.language);
  const Frame& frame = frames.Of(verdict, input.language);
  constexpr size_t kRest = 2048;  // more, and it grows once more
  out.reserve(out.size() + frame.head.size() + frame.documented.size() + kRest);
  out += frame.head;
  AppendIdPart(verdict, input, words, out);
  out += frame.documented;
  AppendEvidencePart(verdict, input, words, out);
  out += "</div>\n</div>\n</main>\n</body>\n</html>\n";
}

}  // namespace whichhop::diagnostics
