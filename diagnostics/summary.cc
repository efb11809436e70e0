#include "diagnostics/summary.h"

#include "diagnostics/advice.h"
#include "diagnostics/append.h"
#include "diagnostics/text.h"

namespace whichhop::diagnostics {
namespace {

constexpr HopSet kClientSide{Hop::kBrowserApp, Hop::kBrowser, Hop::kDevice,
                             Hop::kRouter};

void AppendNames(const HopList& hops, size_t from, std::string_view between,
                 std::string& out) {
  for (size_t i = from; i < hops.size(); ++i) {
    if (i > from) out += between;
    out += HopName(hops[i]);
  }
}

void AppendUnknown(const Ruling& ruling, const Wording& words,
                   std::string& out) {
  if (ruling.rows.contains(RowId::k418)) {
    out += words.teapot;
    return;
  }
  out += words.not_known;
  if (!ruling.reporter.empty()) {
    out += words.ask;
    AppendNames(ruling.reporter, 0, words.or_word, out);
    out += words.who_reported;
  }
  out += '.';
}

}  // namespace

bool IsOurs(const Ruling& ruling, Hop hop) {
  const FaultInfo& info = GetFault(ruling.fault);
  return info.at_lb.self && hop == SelfHop(ruling.position);
}

std::string_view VisitorAdvice(const Ruling& ruling, const Wording& words) {
  const uint16_t status = ruling.unsent != 0 ? ruling.unsent : ruling.status;
  return words.visitor[static_cast<size_t>(StepOfVisitor(status))];
}

void AppendWhatHappened(const Ruling& ruling, const Wording& words,
                        std::string& out) {
  if (ruling.fault != Fault::kRelay) {
    out += words.Sentence(ruling.fault);
    return;
  }
  AppendAll(out, words.upstream_answered, Decimal(ruling.received).view(), " ",
            ReasonPhrase(ruling.received));
  if (ruling.rows.size() == 1) {
    AppendAll(out, ": ", words.Says(*ruling.rows.begin()));
  } else {
    out += '.';
  }
}

void AppendWhomToPage(const Ruling& ruling, const Wording& words,
                      std::string& out) {
  const HopList& cause = ruling.cause;
  if (cause.empty()) return AppendUnknown(ruling, words, out);
  if ((cause.set() - kClientSide).empty()) {
    out += words.client_side;
    AppendNames(cause, 0, ", ", out);
    out += words.nobody_to_page;
    return;
  }
  const bool self = IsOurs(ruling, cause[0]);
  AppendAll(out, words.page,
            self ? words.this_proxy : words.owners[Index(cause[0])], " (",
            HopName(cause[0]), ")");
  if (cause.size() > 1) {
    out += cause.size() > 2 ? words.next_suspects : words.next_suspect;
    AppendNames(cause, 1, ", ", out);
  }
  out += '.';
}

}  // namespace whichhop::diagnostics
