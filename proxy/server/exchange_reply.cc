// What the client of an exchange is sent by us: answers of our own, and what a
// diagnosis says in fields and bodies.

#include <algorithm>

#include "diagnostics/append.h"
#include "diagnostics/page.h"
#include "diagnostics/proxy_status.h"
#include "proxy/base/text.h"
#include "proxy/server/exchange.h"
#include "proxy/server/generation.h"
#include "proxy/server/worker.h"

namespace whichhop {

using diagnostics::AppendAll;
using diagnostics::BodyType;
using diagnostics::Decimal;
using diagnostics::Fault;

namespace {

// Pages of our own are shorter; those of operators may be.
constexpr size_t kLongPage = 32 * 1024;

// Ours, and over in a moment: the client is told to come again.
bool PassesSoon(Fault fault) {
  return fault == Fault::kAcceptOverload || fault == Fault::kDrainNewRequest;
}

}  // namespace

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
  BeginReply();
  if (status != 204 && status != 304) reply_ += "Content-Length: 0\r\n";
  EndReply({});
}

void Exchange::Reply(Fault fault, const diagnostics::RequestFacts& facts,
                     std::string_view detail) {
  recorder_.JudgeDecision(fault, facts, detail);
  SendReply();
}

// The answer of our own that the verdict calls for.
void Exchange::SendReply() {
  PutOnMask();
  status_ = recorder_.verdict()->status;
  StopWaitingUpstream();
  buffering_ = false;
  Describe();
  // Masked: nothing of what came is passed on.
  if (response_phase_ == ResponsePhase::kPeek && connection_ != nullptr) {
    up_in_.Consume(response_parser_.head_bytes());
    LeaveUpstreamBody();
    up_in_.Clear();
  }
  DiscardRequestBody();
  const BodyType type = PreferredBody();
  const diagnostics::Language language = LanguageOf(type);
  MakeErrorBody(type, language);
  BeginReply();
  AppendAll(reply_, BodyFields(type, language),
            "Content-Length: ", Decimal(replacement_.size()).view(),
            "\r\nCache-Control: ", CacheControl(), "\r\n");
  if (PassesSoon(recorder_.verdict()->fault)) reply_ += "Retry-After: 1\r\n";
  if (recorder_.verdict()->fault == Fault::kBackendAllDown) {
    reply_ += "Retry-After: " + std::to_string(RetryAfter().count()) + "\r\n";
  }
  if (status_ == 405)
    reply_ += "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n";
  EndReply(replacement_);
}

// An answer of our own with `status_`: up to the fields that the caller adds.
void Exchange::BeginReply() {
  ForgetTurnEnd();
  close_after_ = !ClientMayStay();
  reply_.clear();
  AppendAll(reply_, "HTTP/1.1 ", Decimal(status_).view(), " ",
            diagnostics::ReasonPhrase(status_),
            "\r\nDate: ", worker_.wall_text().HttpDate(WallMicroseconds()),
            "\r\n");
}

void Exchange::EndReply(std::string_view body) {
  if (close_after_) {
    reply_ += "Connection: close\r\n";
  } else if (request_->line.minor_version == 0) {
    reply_ += "Connection: keep-alive\r\n";
  }
  const bool head =
      request_ != nullptr && request_->line.method == Method::kHead;
  if (head) body = {};
  // To copy a page costs more than to send it from where it is.
  constexpr size_t kCopied = 4096;
  const bool apart = body.size() > kCopied;
  AppendAll(reply_, diagnosis_, "\r\n", apart ? std::string_view() : body);
  // An interim response may still be on its way.
  down_queue_.Add(reply_);
  if (apart) down_queue_.Add(body);
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
  const diagnostics::Verdict& told = Told();
  const bool relayed =
      recorder_.tried() && recorder_.attempt().status != 0 && !up_in_.empty();
  // Of a story nobody behind us is witness.
  if (relayed && &told != story_.get()) CollectProxyStatus();
  const ErrorsConfig& errors = config().errors;
  const bool error_fields =
      errors.fields == Everyone::kEveryone ||
      (errors.fields == Everyone::kOperators && IsOperator());
  diagnosis_.clear();
  diagnostics::AppendFields(
      told,
      {config().node.name, error_id_.text(), proxy_status_, Audience(),
       error_fields, told.masked},
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
// the rules of one in the head. It comes too late to count.
std::string_view Exchange::Trailers(BodyOf body) {
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
      claims_.NoteLine(line.substr(0, line.size() - 2));
    } else if (body == BodyOf::kUpstream ||
               !DescribesBytes(LookUpField(line.substr(0, colon)))) {
      trailers_ += line;
    }
  }
  diagnostics::AppendOthersProxyStatus(
      {config().node.name, {}, proxy_status_, Audience()}, trailers_);
  return trailers_;
}

bool Exchange::BelievesUpstream() const {
  return config().upstreams[recorder_.route()->upstream].believe;
}

// What the upstream says of blame. Of an error it may count.
// Requires: the response's head is still at the front of `up_in_`.
void Exchange::GatherClaims() {
  const ResponseHead& head = response_parser_.head();
  const bool believed = head.line.status >= 400 && BelievesUpstream();
  if (!Claims::In(head.fields, believed)) return;
  claims_.Gather(head.fields, up_in_.data(), believed);
}

void Exchange::JudgeRelayed(uint16_t status) {
  recorder_.JudgeRelayed(status, writer_,
                         claims_.any() ? &claims_.facts() : nullptr);
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

// The request's list of that name; of several fields, joined in `memory`.
std::string_view Exchange::RequestList(FieldId id, std::string* memory) const {
  if (request_ == nullptr) return {};
  const FieldTable& fields = request_->fields;
  const Field* const first = fields.First(id);
  if (first == nullptr) return {};
  if (!fields.Repeated(id)) return ValueOf(request_data(), *first);
  for (const Field& field : fields.all()) {
    if (field.id != id) continue;
    if (!memory->empty()) *memory += ", ";
    *memory += ValueOf(request_data(), field);
  }
  return *memory;
}

BodyType Exchange::PreferredBody() const {
  std::string joined;
  return diagnostics::NegotiateBody(RequestList(FieldId::kAccept, &joined));
}

diagnostics::Language Exchange::PreferredLanguage() const {
  std::string joined;
  return diagnostics::NegotiateLanguage(
      RequestList(FieldId::kAcceptLanguage, &joined));
}

diagnostics::Language Exchange::LanguageOf(BodyType type) const {
  return type == BodyType::kHtml ? PreferredLanguage()
                                 : diagnostics::Language::kEnglish;
}

std::string_view Exchange::BodyFields(BodyType type,
                                      diagnostics::Language language) const {
  const diagnostics::PageTemplate* const own = OwnPage(type);
  return own != nullptr ? own->Fields(language)
                        : diagnostics::BodyFields(type, language);
}

// The operator's; null: ours it is.
const diagnostics::PageTemplate* Exchange::OwnPage(BodyType type) const {
  return type == BodyType::kHtml ? config().errors.page.get() : nullptr;
}

diagnostics::PageInput Exchange::ErrorBodyInput() const {
  diagnostics::PageInput input;
  input.error_id = error_id_.text();
  input.audience = Audience();
  if (request_ != nullptr) {
    input.host = request_->host.In(request_data());
    input.path = request_->line.path.In(request_data());
  }
  return input;
}

// Into replacement_.
void Exchange::MakeErrorBody(BodyType type, diagnostics::Language language) {
  replacement_.clear();
  diagnostics::PageInput input = ErrorBodyInput();
  input.language = language;
  const diagnostics::PageTemplate* const own = OwnPage(type);
  if (own == nullptr) {
    return diagnostics::AppendBody(type, Told(), input, replacement_);
  }
  own->Append(Told(), input, replacement_);
  long_page_ = replacement_.size() > kLongPage;
}

// What a long page took is not kept for the next.
void Exchange::ForgetLongPage() {
  long_page_ = false;
  replacement_ = std::string();
  reply_ = std::string();
}

std::string_view Exchange::CacheControl() const {
  return Audience() == diagnostics::Audience::kOperator ? "private, no-store"
                                                        : "no-store";
}

// Not behind a CONNECT: what follows may be what somebody else was to be told
// through the tunnel, and no request of this client's.
bool Exchange::ClientMayStay() const {
  return request_ != nullptr && request_->keep_alive &&
         request_->line.method != Method::kConnect && !worker_.draining() &&
         request_phase_ == RequestPhase::kDone;
}

bool Exchange::IsOperator() const {
  const TlsServer* const tls = session_->tls();
  return (tls != nullptr && tls->IsOperator(*session_->stream().tls())) ||
         whichhop::IsOperator(client_, config().errors.operators);
}

diagnostics::Audience Exchange::Audience() const {
  const Everyone details = config().errors.details;
  const bool sees = details == Everyone::kEveryone ||
                    (details == Everyone::kOperators && IsOperator());
  return sees ? diagnostics::Audience::kOperator
              : diagnostics::Audience::kPublic;
}

}  // namespace whichhop
