// What the client of an exchange is sent: the upstream's response, with what a
// diagnosis adds, or an answer of our own.

#include <algorithm>

#include "diagnostics/page.h"
#include "diagnostics/proxy_status.h"
#include "proxy/base/text.h"
#include "proxy/server/exchange.h"
#include "proxy/server/generation.h"
#include "proxy/server/worker.h"

namespace whichhop {

using diagnostics::AttemptEnd;
using diagnostics::BodyType;
using diagnostics::Fault;

namespace {

constexpr size_t kUpstreamBodyKept = 1024;

enum class Emptiness : uint8_t { kEmpty, kContent, kUnknown };

// Whether a chunked body, as far as it is here, begins with its last chunk.
Emptiness FirstChunk(std::string_view body) {
  const size_t digit = body.find_first_not_of('0');
  if (digit == std::string_view::npos) return Emptiness::kUnknown;
  const bool zero = digit > 0 && (body[digit] == '\r' || body[digit] == ';');
  return zero ? Emptiness::kEmpty : Emptiness::kContent;
}

Emptiness BodyOf(const ResponseHead& head, std::string_view buffer,
                 size_t head_bytes) {
  const std::string_view body = buffer.substr(head_bytes);
  switch (head.framing) {
    case Framing::kLength:
      return head.content_length == 0 ? Emptiness::kEmpty : Emptiness::kContent;
    case Framing::kChunked:
      return FirstChunk(body);
    case Framing::kUntilClose:
      return body.empty() ? Emptiness::kUnknown : Emptiness::kContent;
    case Framing::kNone:
      break;
  }
  // The response of a HEAD: what it says of the body that a GET would get.
  const Field* length = head.fields.First(FieldId::kContentLength);
  const bool zero = length != nullptr && ValueOf(buffer.data(), *length) == "0";
  return zero ? Emptiness::kEmpty : Emptiness::kContent;
}

}  // namespace

// An error's head is complete. Without a body of its own it gets ours; some
// framings tell that only with their first bytes.
void Exchange::PeekBody() {
  response_phase_ = ResponsePhase::kPeek;
  const ResponseHead& head = response_parser_.head();
  if (head.line.status == 407) {
    // It speaks to a proxy's user, and may not pass (RFC 9110, 15.5.8).
    recorder_.JudgeRelayed(407);
    DropConnection();
    return SendReply();
  }
  const BodyPolicy policy = config().errors.body;
  if (policy == BodyPolicy::kKeep) return BeginResponse(false);
  if (policy == BodyPolicy::kReplace) return BeginResponse(true);
  for (;;) {
    const Emptiness body =
        BodyOf(head, up_in_.view(), response_parser_.head_bytes());
    if (body != Emptiness::kUnknown || up_in_.space_size() == 0) {
      return BeginResponse(body == Emptiness::kEmpty);
    }
    if (!up_readable_) break;
    const IoResult got = ReceiveUpstream();
    if (got.kind == IoResult::Kind::kAgain) break;
    if (got.kind == IoResult::Kind::kEnd && response_body_.EndOfInput()) {
      return BeginResponse(true);
    }
    if (got.kind != IoResult::Kind::kBytes) return OnUpstreamEnd(got);
  }
  WaitUpstream(config().timeouts.response_body);
}

void Exchange::BeginResponse(bool replace_body) {
  const ResponseHead& head = response_parser_.head();
  status_ = head.line.status;
  ResponseOptions options;
  options.date = worker_.wall_text().HttpDate(WallMicroseconds());
  NoteClaims();
  if (status_ >= 400) {
    recorder_.JudgeRelayed(status_);
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
  if (replace_body) {
    ReplaceBody(&options);
  } else {
    ChooseFraming(&options);
  }
  response_out_.Acquire(worker_.buffers());
  response_out_.Clear();
  WriteResponseHead(head, up_in_.data(), options, worker_.buffers(),
                    &response_out_);
  up_in_.Consume(response_parser_.head_bytes());
  down_queue_.Add(response_out_.view());
  if (!replace_body) {
    response_phase_ = ResponsePhase::kBody;
    return PumpResponse();
  }
  LeaveUpstreamBody();
  if (request_->line.method != Method::kHead) down_queue_.Add(replacement_);
  response_phase_ = ResponsePhase::kReply;
  PumpReply();
}

// How the client learns where the body ends.
void Exchange::ChooseFraming(ResponseOptions* options) {
  const ResponseHead& head = response_parser_.head();
  const bool http11 = request_->line.minor_version > 0;
  const bool unknown_length = head.framing == Framing::kChunked ||
                              head.framing == Framing::kUntilClose;
  options->framing = head.framing;
  options->length = head.content_length;
  if (unknown_length) {
    options->framing = http11 ? Framing::kChunked : Framing::kUntilClose;
  }
  response_writer_.Start(options->framing == Framing::kChunked);
  close_after_ =
      !ClientMayStay() || options->framing == Framing::kUntilClose;
  options->close = close_after_;
  options->keep_alive = !close_after_ && !http11;
}

void Exchange::ReplaceBody(ResponseOptions* options) {
  const BodyType type = PreferredBody();
  replacement_.clear();
  AppendErrorBody(type, &replacement_);
  options->replaced_type = diagnostics::ContentType(type);
  options->framing = Framing::kLength;
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
  DropConnection();
}

void Exchange::PumpResponse() {
  for (;;) {
    if (!up_in_.empty() && !response_body_.done()) {
      QueueResponseBody();
      if (response_body_.failed()) {
        return OnResponseRefused(response_body_.error());
      }
    }
    if (!down_queue_.empty() && !FlushDownstream()) return;
    if (response_body_.done()) {
      KeepOrDropConnection();
      return Finish(AfterResponse());
    }
    IoResult got{IoResult::Kind::kAgain};
    if (up_readable_) got = ReceiveUpstream();
    if (got.kind == IoResult::Kind::kBytes) continue;
    if (got.kind == IoResult::Kind::kAgain) break;
    if (got.kind == IoResult::Kind::kError || !response_body_.EndOfInput()) {
      return OnUpstreamEnd(got);
    }
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
    response_writer_.AddEnd(Trailers(), &down_queue_);
  }
}

// True: all of the queue is written. False: it waits, or the client is gone
// and the exchange over.
bool Exchange::FlushDownstream() {
  const IoResult sent = down_queue_.Flush(session_->socket());
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

// The rest of a response that is on its way will not come: the client has to
// see that. Length and chunks tell; where only the end would, it gets a RST.
void Exchange::CutResponse() {
  recorder_.JudgeAttempt();
  DropConnection();
  const bool told = response_writer_.chunked() ||
                    response_body_.framing() == Framing::kLength;
  // What was received before the end is still the client's.
  if (told) bytes_out_ += down_queue_.Flush(session_->socket()).bytes;
  Finish(told ? Session::After::kClose : Session::After::kAbort);
}

// A status that the configuration authors here.
void Exchange::Respond(uint16_t status) {
  ended_ = {'P', 'R'};
  if (status >= 400) {
    recorder_.JudgeRespond(status);
    return SendReply();
  }
  status_ = status;
  diagnosis_.clear();
  DiscardRequestBody();
  QueueReply(status == 204 || status == 304 ? "" : "Content-Length: 0\r\n", {});
}

void Exchange::Reply(Fault fault, const diagnostics::RequestFacts& facts,
                     std::string_view detail) {
  recorder_.JudgeDecision(fault, facts, detail);
  SendReply();
}

// The answer of our own that the verdict calls for.
void Exchange::SendReply() {
  status_ = recorder_.verdict()->status;
  StopWaitingUpstream();
  Describe();
  DiscardRequestBody();
  const BodyType type = PreferredBody();
  replacement_.clear();
  AppendErrorBody(type, &replacement_);
  std::string fields = "Content-Type: ";
  fields += diagnostics::ContentType(type);
  fields += "\r\nContent-Length: ";
  fields += std::to_string(replacement_.size());
  fields += "\r\nCache-Control: ";
  fields += CacheControl();
  fields += "\r\nVary: Accept\r\n";
  if (status_ == 405) fields += "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n";
  QueueReply(fields, replacement_);
}

void Exchange::QueueReply(std::string_view fields, std::string_view body) {
  close_after_ = !ClientMayStay();
  reply_ = "HTTP/1.1 ";
  reply_ += std::to_string(status_);
  reply_ += ' ';
  reply_ += diagnostics::ReasonPhrase(status_);
  reply_ += "\r\nDate: ";
  reply_ += worker_.wall_text().HttpDate(WallMicroseconds());
  reply_ += "\r\n";
  reply_ += fields;
  if (close_after_) {
    reply_ += "Connection: close\r\n";
  } else if (request_->line.minor_version == 0) {
    reply_ += "Connection: keep-alive\r\n";
  }
  reply_ += diagnosis_;
  reply_ += "\r\n";
  const bool head = request_ != nullptr && request_->line.method == Method::kHead;
  if (!head) reply_ += body;
  // An interim response may still be on its way.
  down_queue_.Add(reply_);
  response_phase_ = ResponsePhase::kReply;
  PumpReply();
}

void Exchange::PumpReply() {
  if (FlushDownstream()) Finish(AfterResponse());
}

// A body that nobody wants, as far as it is here: if it is here whole, the
// connection can go on.
void Exchange::DiscardRequestBody() {
  while (request_phase_ == RequestPhase::kBody && !request_body_.failed() &&
         body_at_ < in_.size()) {
    const size_t consumed =
        request_body_.Take(in_.data() + body_at_, in_.size() - body_at_)
            .consumed;
    body_at_ += consumed;
    bytes_in_ += consumed;
    if (request_body_.done()) OnRequestComplete();
  }
}

// The verdict's field lines, into diagnosis_.
void Exchange::Describe() {
  MakeErrorId();
  proxy_status_.clear();
  const bool relayed = recorder_.tried() && recorder_.attempt().status != 0 &&
                       !up_in_.empty();
  if (relayed) CollectProxyStatus();
  const ErrorsConfig& errors = config().errors;
  const bool error_fields =
      errors.fields == Everyone::kEveryone ||
      (errors.fields == Everyone::kOperators && IsOperator());
  diagnosis_.clear();
  diagnostics::AppendFields(
      *recorder_.verdict(),
      {config().node.name, error_id_.text(), proxy_status_, Audience(),
       error_fields},
      diagnosis_);
  if (errors.cors && error_fields) {
    diagnosis_ +=
        "Access-Control-Expose-Headers: Proxy-Status, Error-Cause, "
        "Error-Reporter, Error-Cleared, Error-Fault, Error-Id\r\n";
  }
}

// The values of the upstream's Proxy-Status fields.
// Requires: the response's head is still at the front of `up_in_`.
void Exchange::CollectProxyStatus() {
  for (const Field& field : response_parser_.head().fields.all()) {
    if (field.id != FieldId::kProxyStatus) continue;
    proxy_status_.push_back(ValueOf(up_in_.data(), field));
  }
}

// The trailer fields that are passed on: a Proxy-Status among them is held to
// the rules of one in the head.
std::string_view Exchange::Trailers() {
  const std::string_view all = response_body_.trailers();
  if (all.empty()) return all;
  proxy_status_.clear();
  trailers_.clear();
  for (size_t at = 0; at < all.size();) {
    const size_t end = all.find("\r\n", at) + 2;
    const std::string_view line = all.substr(at, end - at);
    const size_t colon = line.find(':');
    at = end;
    if (EqualsIgnoreCase(line.substr(0, colon), "proxy-status")) {
      proxy_status_.push_back(line.substr(colon + 2, line.size() - colon - 4));
    } else {
      trailers_ += line;
    }
  }
  diagnostics::AppendOthersProxyStatus(
      {config().node.name, {}, proxy_status_, Audience()}, trailers_);
  return trailers_;
}

// What the upstream said of blame, for the log: nobody believes it here.
void Exchange::NoteClaims() {
  constexpr size_t kClaimsKept = 1024;
  constexpr FieldId kClaims[] = {
      FieldId::kProxyStatus,  FieldId::kErrorCause, FieldId::kErrorReporter,
      FieldId::kErrorCleared, FieldId::kErrorFault, FieldId::kErrorId,
      FieldId::kErrorHops};
  const FieldTable& fields = response_parser_.head().fields;
  const bool any = std::ranges::any_of(
      kClaims, [&fields](FieldId id) { return fields.Has(id); });
  if (!any) return;
  for (const Field& field : fields.all()) {
    const bool claim = IsClaim(field.id) || field.id == FieldId::kProxyStatus;
    if (!claim || claims_.size() >= kClaimsKept) continue;
    if (!claims_.empty()) claims_ += "; ";
    claims_ += LineOf(up_in_.data(), field);
  }
  if (claims_.size() > kClaimsKept) claims_.resize(kClaimsKept);
}

// No error: what other proxies say of themselves passes, but for what bears
// our name.
void Exchange::KeepOthersProxyStatus() {
  proxy_status_.clear();
  CollectProxyStatus();
  diagnosis_.clear();
  diagnostics::AppendOthersProxyStatus(
      {config().node.name, {}, proxy_status_, Audience()}, diagnosis_);
}

BodyType Exchange::PreferredBody() const {
  if (request_ == nullptr) return BodyType::kText;
  const FieldTable& fields = request_->fields;
  const Field* accept = fields.First(FieldId::kAccept);
  if (accept == nullptr) return BodyType::kText;
  if (!fields.Repeated(FieldId::kAccept)) {
    return diagnostics::NegotiateBody(ValueOf(request_data(), *accept));
  }
  std::string joined;
  for (const Field& field : fields.all()) {
    if (field.id != FieldId::kAccept) continue;
    if (!joined.empty()) joined += ", ";
    joined += ValueOf(request_data(), field);
  }
  return diagnostics::NegotiateBody(joined);
}

void Exchange::AppendErrorBody(BodyType type, std::string* out) const {
  diagnostics::PageInput input;
  input.error_id = error_id_.text();
  input.audience = Audience();
  if (request_ != nullptr) {
    input.host = request_->host.In(request_data());
    input.path = request_->line.path.In(request_data());
  }
  diagnostics::AppendBody(type, *recorder_.verdict(), input, *out);
}

std::string_view Exchange::CacheControl() const {
  return Audience() == diagnostics::Audience::kOperator ? "private, no-store"
                                                        : "no-store";
}

bool Exchange::ClientMayStay() const {
  return request_ != nullptr && request_->keep_alive && !worker_.draining() &&
         request_phase_ == RequestPhase::kDone;
}

bool Exchange::IsOperator() const {
  return std::ranges::any_of(config().errors.operators,
                             [this](const Network& network) {
                               return network.Contains(session_->client());
                             });
}

diagnostics::Audience Exchange::Audience() const {
  const Everyone details = config().errors.details;
  const bool sees = details == Everyone::kEveryone ||
                    (details == Everyone::kOperators && IsOperator());
  return sees ? diagnostics::Audience::kOperator
              : diagnostics::Audience::kPublic;
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
