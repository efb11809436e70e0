// What the client of an exchange is sent of the upstream's response, with what
// a diagnosis adds.

#include <utility>

#include "proxy/http/upgrade.h"
#include "proxy/server/exchange.h"
#include "proxy/server/generation.h"
#include "proxy/server/page_head.h"
#include "proxy/server/worker.h"

namespace whichhop {

using diagnostics::BodyForm;
using diagnostics::BodyType;
using diagnostics::Fault;

namespace {

constexpr size_t kUpstreamBodyKept = 1024;

// Lines, each with its CRLF.
bool TrailersSign(std::string_view lines) {
  while (!lines.empty()) {
    if (IsSignature(lines.substr(0, lines.find(':')))) return true;
    lines.remove_prefix(lines.find("\r\n") + 2);
  }
  return false;
}

}  // namespace

void Exchange::BeginResponse(BodyOf body) {
  const ResponseHead& head = response_parser_.head();
  status_ = head.line.status;
  ResponseOptions options;
  if (!head.fields.Has(FieldId::kDate)) {
    options.date = worker_.wall_text().HttpDate(WallMicroseconds());
  }
  // Which protocol would do, the client learns as the upstream says it.
  options.upgrade = status_ == 426 && request_->line.minor_version > 0 &&
                    NamesProtocol(up_in_.data(), head.fields);
  GatherClaims();
  if (status_ >= 400) {
    JudgeRelayed(status_);
    Describe();
    options.diagnosis = diagnosis_;
    options.replaces_proxy_status = true;
    if (Audience() == diagnostics::Audience::kOperator) {
      options.cache_control = CacheControl();
    }
  } else if (head.fields.Has(FieldId::kProxyStatus)) {
    KeepOthersProxyStatus();
    options.diagnosis = diagnosis_;
    options.replaces_proxy_status = true;
  }
  body = ChooseBody(body, &options);
  response_out_.Acquire(worker_.buffers());
  response_out_.Clear();
  WriteResponseHead(head, up_in_.data(), options, worker_.buffers(),
                    &response_out_);
  up_in_.Consume(response_parser_.head_bytes());
  down_queue_.Add(response_out_.view());
  if (body != BodyOf::kUpstream) return SendReplacement(body);
  response_phase_ = ResponsePhase::kBody;
  PumpResponse();
}

// The body and its framing. Where nothing could be added to it, it stays the
// upstream's.
Exchange::BodyOf Exchange::ChooseBody(BodyOf body, ResponseOptions* options) {
  if (body == BodyOf::kBoth && !AugmentBody(options)) body = BodyOf::kUpstream;
  if (body == BodyOf::kUs) ReplaceBody(options);
  if (body == BodyOf::kUpstream) ChooseFraming(options);
  return body;
}

// In place of the upstream's body, or with it inside.
void Exchange::SendReplacement(BodyOf body) {
  LeaveUpstreamBody();
  if (body == BodyOf::kBoth) upstream_body_.clear();  // nothing of it was lost
  if (request_->line.method != Method::kHead) {
    response_writer_.Add(replacement_, &down_queue_);
    response_writer_.AddEnd(Trailers(body), &down_queue_);
  }
  response_phase_ = ResponsePhase::kReply;
  PumpReply();
}

// How the client learns where the body ends.
void Exchange::ChooseFraming(ResponseOptions* options) {
  const ResponseHead& head = response_parser_.head();
  const bool http11 = request_->line.minor_version > 0;
  const bool unknown_length =
      head.framing == Framing::kChunked || head.framing == Framing::kUntilClose;
  options->framing = head.framing;
  options->length = head.content_length;
  if (unknown_length) {
    options->framing = http11 ? Framing::kChunked : Framing::kUntilClose;
  }
  response_writer_.Start(options->framing == Framing::kChunked);
  splice_down_ = response_body_.left() >= kSpliceFrom &&
                 session_->stream().tls() == nullptr &&
                 connection_->stream().tls() == nullptr;
  close_after_ = !ClientMayStay() || options->framing == Framing::kUntilClose;
  options->close = close_after_;
  options->keep_alive = !close_after_ && !http11;
}

void Exchange::ReplaceBody(ResponseOptions* options) {
  const BodyType type = PreferredBody();
  const diagnostics::Language language = LanguageOf(type);
  MakeErrorBody(type, language);
  options->replaced_fields = BodyFields(type, language);
  FrameReplacement(false, options);
}

// False: this one has no place for it. Of a response to HEAD nobody knows, nor
// whether ours would take its place, and so it says nothing of a body's length.
bool Exchange::AugmentBody(ResponseOptions* options) {
  const bool html = page_form_ == BodyForm::kHtml;
  if (response_body_.framing() == Framing::kNone) {
    options->augmented = true;
    options->varies_by_language = html;
    return false;
  }
  diagnostics::PageInput input = ErrorBodyInput();
  if (html) {
    input.language = PreferredLanguage();
    input.has_policy = HasPolicy(response_parser_.head(), up_in_.data());
  }
  replacement_.clear();
  if (!page_->whole() || TrailersSign(page_->trailers()) ||
      !diagnostics::AppendAugmented(page_form_, page_->text(), Told(), input,
                                    replacement_)) {
    return false;
  }
  options->augmented = true;
  options->varies_by_language = html;
  // Trailers need chunks.
  FrameReplacement(
      !page_->trailers().empty() && request_->line.minor_version > 0, options);
  return true;
}

void Exchange::FrameReplacement(bool chunked, ResponseOptions* options) {
  response_writer_.Start(chunked);
  options->framing = chunked ? Framing::kChunked : Framing::kLength;
  // Of a response to HEAD: unless it is empty, a GET's page may be one that
  // more is seen in.
  if (response_body_.framing() == Framing::kNone && !IsEmptyPage()) {
    options->framing = Framing::kNone;
  }
  options->length = replacement_.size();
  close_after_ = !ClientMayStay();
  options->close = close_after_;
  options->keep_alive = !close_after_ && request_->line.minor_version == 0;
}

// The upstream's body is not sent on: its beginning is kept for the log, and
// its connection if the rest of it is here already.
void Exchange::LeaveUpstreamBody() {
  const BodyReader::Taken taken =
      response_body_.Take(up_in_.data(), up_in_.size());
  upstream_body_.assign(taken.payload.substr(0, kUpstreamBodyKept));
  up_in_.Consume(taken.consumed);
  if (response_body_.done()) return KeepOrDropConnection();
  NoteSuccess();
  DropConnection();
}

// The connection ended, and the body with it: in order, or bytes may be missing
// that only the end would tell of (RFC 9112, section 9.8).
bool Exchange::EndsBody(const IoResult& got) {
  return got.kind == IoResult::Kind::kEnd &&
         !connection_->stream().ended_unclean() && response_body_.EndOfInput();
}

void Exchange::PumpResponse() {
  for (;;) {
    if (!up_in_.empty() && !response_body_.done()) {
      QueueResponseBody();
      if (response_body_.failed()) {
        return OnResponseRefused(response_body_.error());
      }
    }
    if (DownstreamPending() && !FlushDownstream()) return;
    if (response_body_.done()) {
      KeepOrDropConnection();
      return Finish(AfterResponse());
    }
    IoResult got{IoResult::Kind::kAgain};
    if (held_end_) {
      got = *std::exchange(held_end_, std::nullopt);
    } else if (up_readable_) {
      got = ReceiveResponseBody();
    }
    if (got.kind == IoResult::Kind::kBytes) continue;
    if (got.kind == IoResult::Kind::kAgain) break;
    if (!EndsBody(got)) return OnUpstreamEnd(got);
    response_writer_.AddEnd({}, &down_queue_);
  }
  WaitUpstream(config().timeouts.response_body);
}

void Exchange::QueueResponseBody() {
  const BodyReader::Taken taken =
      response_body_.Take(up_in_.data(), up_in_.size());
  up_in_.Consume(taken.consumed);
  response_writer_.Add(taken.payload, &down_queue_);
  if (response_body_.done()) {
    response_writer_.AddEnd(Trailers(BodyOf::kUpstream), &down_queue_);
  }
}

IoResult Exchange::ReceiveResponseBody() {
  if (!splice_down_) return ReceiveUpstream();
  const auto got =
      down_pipe_.Fill(connection_->socket(), response_body_.left());
  if (!got) {
    splice_down_ = false;
    return ReceiveUpstream();
  }
  NoteReceived(*got);
  up_read_short_ = false;
  response_body_.Skip(got->bytes);
  return *got;
}

// As SendQueue::Flush, with what lies in the pipe.
IoResult Exchange::Send(SendQueue& queue, Pipe& pipe, Stream& stream) {
  const IoResult queued = queue.Flush(stream);
  if (queued.kind != IoResult::Kind::kBytes || pipe.empty()) return queued;
  IoResult piped = pipe.Drain(stream.socket());
  piped.bytes += queued.bytes;
  return piped;
}

IoResult Exchange::SendDownstream() {
  return Send(down_queue_, down_pipe_, session_->stream());
}

// What is queued is the last that the client gets on this connection.
bool Exchange::NothingFollows() const {
  const bool whole =
      response_phase_ == ResponsePhase::kReply ||
      (response_phase_ == ResponsePhase::kBody && response_body_.done());
  return close_after_ && whole;
}

// True: nothing is left to write. False: it waits, or the client is gone and
// the exchange over.
bool Exchange::FlushDownstream() {
  if (NothingFollows()) session_->stream().EndWithNextSend();
  const IoResult sent = SendDownstream();
  bytes_out_ += sent.bytes;
  if (response_phase_ == ResponsePhase::kBody && sent.bytes > 0) {
    head_forwarded_ = true;
  }
  switch (sent.kind) {
    case IoResult::Kind::kBytes:
      if (waiting_ == Waiting::kWrite) StopWaiting();
      return true;
    case IoResult::Kind::kAgain:
      StopWaitingUpstream();  // our own reads are paused
      WaitDownstream(Waiting::kWrite, config().timeouts.client_write);
      return false;
    case IoResult::Kind::kEnd:
    case IoResult::Kind::kError:
      break;
  }
  OnClientGone(Fault::kClientAbortBody, {'C', 'D'});
  return false;
}

// The head of a response that is not to be sent. What else may wait there, an
// interim response, was begun and is to be ended.
void Exchange::ForgetUnsentHead() {
  if (response_phase_ == ResponsePhase::kBody) down_queue_.Clear();
}

// The rest of a response that is on its way will not come: the client has to
// see that. Length and chunks tell; where only the end would, it gets a RST.
void Exchange::CutResponse() {
  recorder_.JudgeAttempt();
  DropConnection();
  const bool told = response_writer_.chunked() ||
                    response_body_.framing() == Framing::kLength;
  // What was received before the end is still the client's.
  if (told) bytes_out_ += SendDownstream().bytes;
  Finish(told ? Session::After::kCut : Session::After::kAbort);
}

Session::After Exchange::AfterResponse() const {
  if (request_phase_ != RequestPhase::kDone) return Session::After::kLinger;
  if (!close_after_) return Session::After::kKeepAlive;
  // Closing with something unread would send a RST, and that might overtake
  // the response.
  const bool unread = input_pending_ || body_at_ < in_.size();
  return unread ? Session::After::kLinger : Session::After::kClose;
}

}  // namespace whichhop
