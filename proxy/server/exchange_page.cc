// An error's own page: its beginning is held back for a moment, so that who
// wrote it can be told, and whether ours takes its place; all of it, where
// something of ours is to be added.

#include <algorithm>

#include "diagnostics/fingerprint.h"
#include "proxy/server/exchange.h"
#include "proxy/server/generation.h"
#include "proxy/server/loops_seen.h"
#include "proxy/server/page_head.h"
#include "proxy/server/worker.h"

namespace whichhop {

using diagnostics::BodyForm;
using diagnostics::Fault;

namespace {

// How long a page is waited for, of which some is missing. Those who send
// errors by drops see them this much later, once.
constexpr Duration kPageWait = std::chrono::milliseconds(100);
// And one that is to be whole.
constexpr Duration kWholePageWait = std::chrono::seconds(1);

// Of a page that is to be whole, with the framing of its chunks.
constexpr size_t kHeldBytes = diagnostics::kAugmentBytes + 16 * 1024;

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
  const bool augment = config().errors.body == BodyPolicy::kAugment;
  page_form_ = augment ? FormToAugment(head, up_in_.data()) : BodyForm::kOther;
  page_->Start(head.framing, head.content_length,
               page_form_ == BodyForm::kOther ? diagnostics::kPageBytes
                                              : diagnostics::kAugmentBytes);
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
    if (page_->settled() || !HasRoomForPage()) break;
    if (!up_readable_) return AwaitPage();
    const IoResult got = ReceiveUpstream();
    if (got.kind == IoResult::Kind::kAgain) return AwaitPage();
    if (got.kind != IoResult::Kind::kBytes) return OnPageEnd(got);
  }
  EndPage();
}

// A page that is to be whole may take more than a block, as far as there is
// room for what is held of messages at all (limits.request_buffers).
bool Exchange::HasRoomForPage() {
  if (up_in_.space_size() > 0) return true;
  const size_t bound = response_parser_.head_bytes() + kHeldBytes;
  const bool may_grow = page_form_ != BodyForm::kOther &&
                        up_in_.capacity() < bound && worker_.may_buffer();
  if (!may_grow) return false;
  const size_t before = up_in_.capacity();
  up_in_.Grow(worker_.buffers(), std::min(2 * before, bound));
  page_room_ += up_in_.capacity() - before;
  worker_.AddBuffered(static_cast<int64_t>(up_in_.capacity() - before));
  return true;
}

// What a long page took is not kept for the next.
void Exchange::ForgetPageRoom() {
  if (page_room_ == 0) return;
  worker_.AddBuffered(-static_cast<int64_t>(page_room_));
  page_room_ = 0;
  page_.reset();
  replacement_ = std::string();
  up_in_.Release(worker_.buffers());
}

void Exchange::AwaitPage() {
  if (page_wait_ == PageWait::kRunning) return;
  if (page_wait_ == PageWait::kMay) {
    page_wait_ = PageWait::kRunning;
    StopWaitingUpstream();
    probe_time_ = {};
    upstream_timer_.Arm(
        worker_.loop().wheel(),
        page_form_ == BodyForm::kOther ? kPageWait : kWholePageWait, *this);
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
         !IsGrpc(response_parser_.head(), up_in_.view().data()) &&
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
  if (IsMasked(response_parser_.head().line.status)) return BeginMasked();
  switch (config().errors.body) {
    case BodyPolicy::kKeep:
      return BeginResponse(BodyOf::kUpstream);
    case BodyPolicy::kReplace:
      return BeginResponse(BodyOf::kUs);
    case BodyPolicy::kAugment:
      return BeginResponse(AugmentedBody(stock));
  }
}

// Whose it is to be. Requires: `augment`.
Exchange::BodyOf Exchange::AugmentedBody(bool stock) const {
  const ResponseHead& head = response_parser_.head();
  const char* const data = up_in_.view().data();
  if (IsGrpc(head, data)) return BodyOf::kUpstream;
  if (IsEmptyPage()) return BodyOf::kUs;
  if (stock && MayTransform(head, data)) return BodyOf::kUs;
  if (head.framing == Framing::kNone && MayBeStock(head, data)) {
    return BodyOf::kBoth;
  }
  return page_form_ == BodyForm::kOther ? BodyOf::kUpstream : BodyOf::kBoth;
}

bool Exchange::IsEmptyPage() const {
  const ResponseHead& head = response_parser_.head();
  if (head.framing != Framing::kNone) {
    return page_->whole() && page_->text().empty();
  }
  // The response of a HEAD: what it says of the body that a GET would get.
  return FirstValue(head, up_in_.view().data(), FieldId::kContentLength) == "0";
}

// The part that evidence is looked for in, however much there is.
std::string_view Exchange::PageBeginning() const {
  return page_->text().substr(0, diagnostics::kPageBytes);
}

// Who wrote it, into writer_. True: it is a product's stock page.
bool Exchange::RecognizePage() {
  const ResponseHead& head = response_parser_.head();
  const bool stock =
      RecognizeWriter(head,
                      {up_in_.view().substr(0, response_parser_.head_bytes()),
                       page_->text(), page_->whole()},
                      recorder_.attempt(), &writer_);
  writer_.usual = recorder_.attempt().endpoint->usual_server();
  AddRemarks();
  return stock;
}

MaskSigns::Url Exchange::Url() const {
  return {request_->host.In(request_data()),
          request_->line.target.In(request_data())};
}

// What is remarkable in it, and moves nothing.
void Exchange::AddRemarks() {
  const ResponseHead& head = response_parser_.head();
  const char* const data = up_in_.view().data();
  if (head.line.status != 404) return;
  writer_.varies_by_user = VariesByUser(head, data);
  MaskSigns& signs = worker_.mask_signs();
  writer_.answered_before = signs.AnsweredLately(Url(), worker_.loop().now());
  if (head.framing == Framing::kNone || !IsPlain(head, data)) return;
  writer_.unlike_sibling =
      signs.NoteMissing(recorder_.route()->label, Url(), PageBeginning());
}

}  // namespace whichhop
