#include "diagnostics/augment.h"

#include <algorithm>
#include <array>
#include <optional>

#include "diagnostics/append.h"
#include "diagnostics/field_name.h"
#include "diagnostics/fixed_text.h"
#include "diagnostics/hop_names.h"
#include "diagnostics/html_end.h"
#include "diagnostics/json_room.h"
#include "diagnostics/summary.h"
#include "diagnostics/text.h"
#include "diagnostics/weighted_list.h"
#include "diagnostics/wording.h"

namespace whichhop::diagnostics {
namespace {

constexpr std::string_view kSpace = " \t";
constexpr std::string_view kMember = "error_hops";

// In these, octets below 0x80 are ASCII's wherever one of ours could stand or
// is looked for: not so in UTF-16, UTF-32, UTF-7, ISO-2022, HZ and EBCDIC.
constexpr std::array<std::string_view, 20> kLikeAscii = {
    "utf-8",    "utf8",      "us-ascii",  "ascii",     "iso-8859-",
    "iso8859-", "iso_8859-", "latin",     "windows-8", "windows-125",
    "cp125",    "koi8-",     "euc-",      "gb2312",    "gbk",
    "gb18030",  "big5",      "shift_jis", "sjis",      "macintosh"};
constexpr std::array<std::string_view, 4> kOfJson = {"utf-8", "utf8",
                                                     "us-ascii", "ascii"};
// Framed or signed, whatever their names end in.
constexpr std::array<std::string_view, 3> kOpaque = {
    "application/grpc", "application/jose", "application/connect"};

bool IsLikeAscii(std::string_view charset) {
  return std::ranges::any_of(kLikeAscii, [charset](std::string_view each) {
    return NameStartsWith(charset, each);
  });
}

bool IsOfJson(std::string_view charset) {
  return std::ranges::any_of(kOfJson, [charset](std::string_view each) {
    return NameIs(charset, each);
  });
}

std::string_view Trim(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
  return text.substr(0, text.find_last_not_of(kSpace) + 1);
}

BodyForm FormOfName(std::string_view name) {
  constexpr std::string_view kSuffix = "+json";
  if (NameIs(name, "text/html")) return BodyForm::kHtml;
  if (NameIs(name, "text/plain")) return BodyForm::kText;
  if (NameIs(name, "application/json")) return BodyForm::kJson;
  if (name.size() <= kSuffix.size() ||
      !NameIs(name.substr(name.size() - kSuffix.size()), kSuffix)) {
    return BodyForm::kOther;
  }
  const bool opaque = std::ranges::any_of(
      kOpaque,
      [name](std::string_view each) { return NameStartsWith(name, each); });
  return opaque ? BodyForm::kOther : BodyForm::kJson;
}

// `;`, a name, `=` and a value: whether it leaves the body what it is.
bool Suits(BodyForm form, std::string_view parameter) {
  const size_t equals = parameter.find('=');
  if (!NameIs(Trim(parameter.substr(0, equals)), "charset")) return true;
  if (equals == parameter.npos) return false;
  std::string_view value = Trim(parameter.substr(equals + 1));
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
    value = value.substr(1, value.size() - 2);
  }
  return form == BodyForm::kJson ? IsOfJson(value) : IsLikeAscii(value);
}

// Whether its octets are those of such a text. NUL and the marks tell UTF-16
// and UTF-32 that nobody declared, ESC tells ISO-2022.
bool IsText(std::string_view body) {
  // Not find_first_of(), which asks for each octet anew where it stands among
  // the two.
  return body.find('\0') == body.npos && body.find('\x1B') == body.npos &&
         !body.starts_with("\xFE\xFF") && !body.starts_with("\xFF\xFE");
}

bool IsAscii(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// `sequence` is a character of UTF-8, of two octets or more.
void AppendNumbered(std::string_view sequence, std::string& out) {
  uint32_t character =
      static_cast<unsigned char>(sequence[0]) & (0x7Fu >> sequence.size());
  for (const char c : sequence.substr(1)) {
    character = character << 6 | (static_cast<unsigned char>(c) & 0x3Fu);
  }
  AppendAll(out, "&#", Decimal(character).view(), ";");
}

// In any charset that is like ASCII: what is none is said by its number.
void AppendAsciiHtml(std::string_view text, std::string& out) {
  const size_t begin = out.size();
  AppendHtml(out, text);
  if (IsAscii(std::string_view(out).substr(begin))) return;
  const std::string escaped = out.substr(begin);
  out.resize(begin);
  std::string_view rest = escaped;
  while (!rest.empty()) {
    const size_t length = std::max(Utf8SequenceLength(rest), size_t{1});
    if (length == 1) {
      out += rest.front();
    } else {
      AppendNumbered(rest.substr(0, length), out);
    }
    rest.remove_prefix(length);
  }
}

// As AppendTerminal; other characters become \xNN too.
void AppendAsciiText(std::string_view text, std::string& out) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string escaped;
  AppendTerminal(escaped, text);
  for (const char c : escaped) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet < 0x80) {
      out += c;
    } else {
      const char digits[] = {'\\', 'x', kHex[octet >> 4], kHex[octet & 15]};
      out.append(digits, sizeof(digits));
    }
  }
}

// Of a host or a path: the log has all of it.
std::string_view Shown(std::string_view text) {
  return text.substr(0, CutLength(text, 256));
}

// What is styled stands in the element itself: a page's own rules reach it less
// than those of a <style>, which may not stand in a body.
constexpr std::string_view kPanelStyle =
    " style=\"all:revert;display:block;clear:both;position:relative;"
    "box-sizing:border-box;max-width:60rem;margin:2rem auto;padding:1rem;"
    "border:2px solid #57606a;border-radius:4px;background:#fff;color:#1b1f24;"
    "font:1rem/1.5 system-ui,sans-serif;text-align:left;"
    "overflow-wrap:anywhere\"";

// As it begins a line.
void AppendPanelTerm(std::string_view term, std::string& out) {
  std::string capital(term);
  if (capital[0] >= 'a' && capital[0] <= 'z') capital[0] -= 'a' - 'A';
  out += "<li>";
  AppendAsciiHtml(capital, out);
  out += ": ";
}

void AppendPanelLine(std::string_view term, std::string_view text,
                     std::string& out) {
  if (text.empty()) return;
  AppendPanelTerm(term, out);
  out += "<code>";
  AppendAsciiHtml(text, out);
  out += "</code></li>\n";
}

void AppendPanelEvidence(const Verdict& verdict, const PageInput& input,
                         const Wording& words, std::string& out) {
  if (input.audience != Audience::kOperator) return;
  AppendPanelLine(words.host, Shown(input.host), out);
  AppendPanelLine(words.path, Shown(input.path), out);
  AppendPanelLine(words.next_hop, verdict.next_hop.view(), out);
  std::string sentence;
  for (size_t i = 0; i < verdict.evidence.size(); ++i) {
    sentence.clear();
    AppendEvidence(verdict.evidence[i], sentence);
    AppendPanelLine(words.evidence, sentence, out);
  }
}

void AppendPanelSummary(const Verdict& verdict, const Wording& words,
                        std::string& out) {
  std::string summary;
  AppendWhatHappened(verdict, words, summary);
  summary += ' ';
  AppendWhomToPage(verdict, words, summary);
  out += "<p>";
  AppendAsciiHtml(summary, out);
  out += "</p>\n";
}

void AppendPanel(const Verdict& verdict, const PageInput& input, bool styled,
                 std::string& out) {
  const Wording& words = WordingOf(input.language);
  AppendAll(out, "<aside lang=\"", LanguageTag(input.language),
            "\" dir=\"ltr\" aria-label=\"", words.panel, "\"",
            styled ? kPanelStyle : std::string_view(),
            ">\n<p><strong lang=\"en\">", Decimal(verdict.status).view(), " ",
            ReasonPhrase(verdict.status), "</strong></p>\n");
  AppendPanelSummary(verdict, words, out);
  out += "<ul>\n";
  AppendPanelLine(words.cause, HopNames(verdict.cause).ViewOr(words.unknown),
                  out);
  AppendPanelLine(words.reporter,
                  HopNames(verdict.reporter).ViewOr(words.unknown), out);
  AppendPanelLine(words.cleared, HopNames(verdict.cleared).view(), out);
  AppendPanelLine(words.fault, verdict.id.view(), out);
  AppendPanelTerm(words.basis, out);
  AppendAsciiHtml(words.bases[static_cast<size_t>(verdict.basis)], out);
  out += "</li>\n";
  AppendPanelLine(words.error_id, input.error_id, out);
  AppendPanelEvidence(verdict, input, words, out);
  out += "</ul>\n</aside>\n";
}

bool AppendPage(std::string_view body, const Verdict& verdict,
                const PageInput& input, std::string& out) {
  const std::optional<HtmlEnd> end = EndOfHtml(body);
  if (!end) return false;
  out += body.substr(0, end->at);
  AppendPanel(verdict, input, !input.has_policy && !end->has_policy, out);
  out += body.substr(end->at);
  return true;
}

bool AppendObject(std::string_view body, const Verdict& verdict,
                  const PageInput& input, std::string& out) {
  const std::optional<JsonRoom> room = RoomInObject(body, kMember);
  if (!room) return false;
  out += body.substr(0, room->at);
  AppendAll(out, room->first ? "\"" : ",\"", kMember, "\":{");
  AppendVerdictMembers(verdict, input.error_id, input.audience, out);
  out += '}';
  out += body.substr(room->at);
  return true;
}

void AppendLine(std::string_view term, std::string_view text,
                std::string& out) {
  if (text.empty()) return;
  AppendAll(out, term, ": ");
  AppendAsciiText(text, out);
  out += '\n';
}

void AppendParagraph(const Verdict& verdict, const PageInput& input,
                     std::string& out) {
  AppendAll(out, Decimal(verdict.status).view(), " ",
            ReasonPhrase(verdict.status), ": ");
  AppendSummary(verdict, out);
  out += '\n';
  AppendLine("Cause", HopNames(verdict.cause).ViewOr("unknown"), out);
  AppendLine("Reporter", HopNames(verdict.reporter).ViewOr("unknown"), out);
  AppendLine("Cleared", HopNames(verdict.cleared).view(), out);
  AppendAll(out, "Fault: ", verdict.id.view(), " (", BasisName(verdict.basis),
            ")\n");
  AppendLine("Error id", input.error_id, out);
  if (input.audience != Audience::kOperator) return;
  AppendLine("Next hop", verdict.next_hop.view(), out);
  std::string sentence;
  for (size_t i = 0; i < verdict.evidence.size(); ++i) {
    sentence.clear();
    AppendEvidence(verdict.evidence[i], sentence);
    AppendLine("Evidence", sentence, out);
  }
}

// Programs send JSON as text too, and read it as JSON.
bool LooksLikeJson(std::string_view body) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t first = body.find_first_not_of(kBlank);
  if (first == body.npos) return false;
  const char last = body[body.find_last_not_of(kBlank)];
  return (body[first] == '{' && last == '}') ||
         (body[first] == '[' && last == ']');
}

bool AppendText(std::string_view body, const Verdict& verdict,
                const PageInput& input, std::string& out) {
  if (LooksLikeJson(body)) return false;
  AppendAll(out, body, body.ends_with('\n') ? "\n" : "\n\n");
  AppendParagraph(verdict, input, out);
  return true;
}

}  // namespace

BodyForm FormOf(std::string_view content_type) {
  const BodyForm form =
      FormOfName(Trim(content_type.substr(0, content_type.find(';'))));
  if (form == BodyForm::kOther) return form;
  for (size_t at = 0; (at = content_type.find(';', at)) != content_type.npos;) {
    const size_t end = content_type.find(';', ++at);
    if (!Suits(form, content_type.substr(at, end - at))) {
      return BodyForm::kOther;
    }
  }
  return form;
}

bool AppendAugmented(BodyForm form, std::string_view body,
                     const Verdict& verdict, const PageInput& input,
                     std::string& out) {
  if (body.size() > kAugmentBytes || !IsText(body)) return false;
  switch (form) {
    case BodyForm::kOther:
      return false;
    case BodyForm::kHtml:
      return AppendPage(body, verdict, input, out);
    case BodyForm::kJson:
      return AppendObject(body, verdict, input, out);
    case BodyForm::kText:
      return AppendText(body, verdict, input, out);
  }
  return false;
}

}  // namespace whichhop::diagnostics
