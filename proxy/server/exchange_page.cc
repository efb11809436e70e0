// An error's own page: its beginning is held back for a moment, so that who
// wrote it can be told, and whether ours takes its place.

#include <algorithm>

#include "diagnostics/fingerprint.h"
#include "proxy/base/text.h"
#include "proxy/server/exchange.h"
#include "proxy/server/generation.h"
#include "proxy/server/loops_seen.h"
#include "proxy/server/worker.h"

namespace whichhop {

using diagnostics::ErrorPage;
using diagnostics::Fault;
using diagnostics::Recognized;

namespace {

// How long a page is waited for, of which some is missing. Those who send
// errors by drops see them this much later, once.
constexpr Duration kPageWait = std::chrono::milliseconds(100);

bool StartsWithWord(std::string_view value, std::string_view word) {
  return EqualsIgnoreCase(value.substr(0, word.size()), word);
}

bool Lists(std::string_view value, std::string_view word) {
  for (size_t at = 0; at + word.size() <= value.size(); ++at) {
    if (StartsWithWord(value.substr(at), word)) return true;
  }
  return false;
}

std::string_view FirstValue(const ResponseHead& head, const char* data,
                            FieldId id) {
  const Field* const field = head.fields.First(id);
  return field == nullptr ? std::string_view() : ValueOf(data, *field);
}

// Its bytes are text as it was written.
bool IsPlain(const ResponseHead& head, const char* data) {
  const std::string_view coding =
      FirstValue(head, data, FieldId::kContentEncoding);
  return coding.empty() || EqualsIgnoreCase(coding, "identity");
}

// What comes in events is wanted as it comes.
bool IsStream(const ResponseHead& head, const char* data) {
  return StartsWithWord(FirstValue(head, data, FieldId::kContentType),
                        "text/event-stream");
}

bool MayTransform(const ResponseHead& head, const char* data) {
  for (const Field& field : head.fields.all()) {
    if (field.id == FieldId::kCacheControl &&
        Lists(ValueOf(data, field), "no-transform")) {
      return false;
    }
  }
  return true;
}

bool VariesByUser(const ResponseHead& head, const char* data) {
  for (const Field& field : head.fields.all()) {
    if (field.id != FieldId::kVary) continue;
    const std::string_view names = ValueOf(data, field);
    if (Lists(names, "authorization") || Lists(names, "cookie")) return true;
  }
  return false;
}

}  // namespace

// An error's head is complete.
void Exchange::PeekBody() {
  response_phase_ = ResponsePhase::kPeek;
  const ResponseHead& head = response_parser_.head();
  writer_ = {};
  if (head.line.status == 407) {
    // It speaks to a proxy's user, and may not pass (RFC 9110, 15.5.8).
    writer_.realm =
        FirstValue(head, up_in_.data(), FieldId::kProxyAuthenticate);
    GatherClaims();
    JudgeRelayed(407);
    DropConnection();
    return SendReply();
  }
  if (head.line.status == 502 && TakeLoop(request_id(), worker_.loop().now())) {
    // Our own answer comes back: the loop is closed here.
    DropConnection();
    ended_ = {'P', 'H'};
    return Reply(Fault::kLoopDetected, {}, "the answer is this proxy's own");
  }
  if (page_ == nullptr) {
    page_ = std::make_unique<BodyPeek>(HeadLimits{});
  }
  page_->Start(head.framing, head.content_length, diagnostics::kPageBytes);
  const bool hold =
      IsPlain(head, up_in_.data()) && !IsStream(head, up_in_.data()) &&
      !IsMasked(head.line.status);  // how its body comes would be a sign
  page_wait_ = hold ? PageWait::kMay : PageWait::kOver;
  ReadPage();
}

// Reads on, until the page tells enough or its time is over.
void Exchange::ReadPage() {
  for (;;) {
    page_->Feed(up_in_.view().substr(response_parser_.head_bytes()));
    if (page_->settled() || up_in_.space_size() == 0) break;
    if (!up_readable_) return AwaitPage();
    const IoResult got = ReceiveUpstream();
    if (got.kind == IoResult::Kind::kAgain) return AwaitPage();
    if (got.kind != IoResult::Kind::kBytes) return OnPageEnd(got);
  }
  EndPage();
}

void Exchange::AwaitPage() {
  if (page_wait_ == PageWait::kRunning) return;
  if (page_wait_ == PageWait::kMay) {
    page_wait_ = PageWait::kRunning;
    StopWaitingUpstream();
    probe_time_ = {};
    upstream_timer_.Arm(worker_.loop().wheel(), kPageWait, *this);
    return;
  }
  // Whether it has a body at all is told by its first byte.
  if (!NeedsFirstByte()) return EndPage();
  WaitUpstream(config().timeouts.response_body);
}

void Exchange::OnPageLate() {
  page_wait_ = PageWait::kOver;
  AwaitPage();
}

bool Exchange::NeedsFirstByte() const {
  return config().errors.body == BodyPolicy::kAugment &&
         !IsMasked(response_parser_.head().line.status) &&
         page_->text().empty() && !page_->settled() &&
         response_body_.framing() != Framing::kLength;
}

// What came before the end is relayed first, then the end.
void Exchange::OnPageEnd(const IoResult& end) {
  const bool in_order = end.kind == IoResult::Kind::kEnd &&
                        !connection_->stream().ended_unclean();
  if (in_order) page_->End();
  if (NeedsFirstByte()) return OnUpstreamEnd(end);
  held_end_ = end;
  EndPage();
}

// As much of the page is here as there will be.
void Exchange::EndPage() {
  StopWaitingUpstream();
  page_wait_ = PageWait::kOver;
  const bool stock = RecognizePage();
  const ResponseHead& head = response_parser_.head();
  if (IsMasked(head.line.status)) return BeginMasked();
  switch (config().errors.body) {
    case BodyPolicy::kKeep:
      return BeginResponse(false);
    case BodyPolicy::kReplace:
      return BeginResponse(true);
    case BodyPolicy::kAugment:
      break;
  }
  const bool replaced = stock && MayTransform(head, up_in_.data());
  BeginResponse(replaced || IsEmptyPage());
}

bool Exchange::IsEmptyPage() const {
  const ResponseHead& head = response_parser_.head();
  if (head.framing != Framing::kNone) {
    return page_->whole() && page_->text().empty();
  }
  // The response of a HEAD: what it says of the body that a GET would get.
  return FirstValue(head, up_in_.view().data(), FieldId::kContentLength) == "0";
}

// Who wrote it, into writer_. True: it is a product's stock page.
bool Exchange::RecognizePage() {
  const ResponseHead& head = response_parser_.head();
  const char* const data = up_in_.view().data();
  const AttemptRecord& attempt = recorder_.attempt();
  ErrorPage page;
  page.status = head.line.status;
  page.reason = head.line.reason.In(data);
  const size_t line =
      std::min(up_in_.view().find('\n') + 1, response_parser_.head_bytes());
  page.fields =
      up_in_.view().substr(line, response_parser_.head_bytes() - line);
  if (IsPlain(head, data)) {
    page.body = page_->text();
    page.whole = page_->whole() && head.framing != Framing::kNone;
  }
  if (attempt.written != kNoTime && attempt.first_byte > attempt.written) {
    page.first_byte = std::chrono::duration_cast<std::chrono::microseconds>(
        attempt.first_byte - attempt.written);
  }
  const Recognized seen = Recognize(page);
  writer_.generator = seen.generator;
  writer_.score = seen.score;
  writer_.sub_cause = seen.sub_cause;
  writer_.relayed = seen.relayed;
  writer_.usual = attempt.endpoint->usual_server();
  AddRemarks();
  return seen.stock;
}

MaskSigns::Url Exchange::Url() const {
  return {request_->host.In(request_data()),
          request_->line.target.In(request_data())};
}

// What is remarkable in it, and moves nothing.
void Exchange::AddRemarks() {
  const ResponseHead& head = response_parser_.head();
  const char* const data = up_in_.view().data();
  writer_.portal =
      page_->text().find("<WISPAccessGatewayParam") != std::string_view::npos;
  writer_.no_challenge =
      head.line.status == 401 && !head.fields.Has(FieldId::kWwwAuthenticate);
  if (head.line.status != 404) return;
  writer_.varies_by_user = VariesByUser(head, data);
  MaskSigns& signs = worker_.mask_signs();
  writer_.answered_before = signs.AnsweredLately(Url(), worker_.loop().now());
  if (head.framing == Framing::kNone || !IsPlain(head, data)) return;
  writer_.unlike_sibling =
      signs.NoteMissing(recorder_.route()->label, Url(), page_->text());
}

}  // namespace whichhop
