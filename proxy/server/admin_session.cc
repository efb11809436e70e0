#include "proxy/server/admin_session.h"

#include "diagnostics/model.h"
#include "proxy/server/admin.h"
#include "proxy/server/request_facts.h"

namespace whichhop {

namespace {

constexpr HeadLimits kLimits = {8 * 1024, 64, 2 * 1024, false};
// In all, from the connect to the end of the head; then of the answer.
constexpr auto kHeadTime = std::chrono::seconds(5);
constexpr auto kAnswerTime = std::chrono::seconds(10);
// How long, and how much, a client may go on sending behind the answer.
constexpr auto kLingerTime = std::chrono::seconds(1);
constexpr size_t kLingerBytes = 256 * 1024;

// All Accept lines as one value.
std::string AcceptOf(const RequestHead& head, const char* data) {
  std::string joined;
  for (const Field& field : head.fields.all()) {
    if (field.id != FieldId::kAccept) continue;
    if (!joined.empty()) joined += ", ";
    joined += ValueOf(data, field);
  }
  return joined;
}

}  // namespace

AdminSession::AdminSession(Admin& admin, Socket socket, bool whole)
    : admin_(admin),
      whole_(whole),
      stream_(std::move(socket)),
      parser_(kLimits) {}

AdminSession::~AdminSession() { assert(closed_); }

bool AdminSession::Start() {
  closed_ = !watch_.Arm(admin_.loop(), stream_.socket().fd(), *this);
  if (closed_) return false;
  parser_.Reset();
  in_.Acquire(admin_.buffers());
  timer_.Arm(admin_.loop().wheel(), kHeadTime, *this);
  return true;
}

void AdminSession::OnReadable() {
  if (phase_ == Phase::kHead) return ReadHead();
  if (phase_ == Phase::kLinger) DiscardInput();
}

// A block holds more than the largest head.
void AdminSession::ReadHead() {
  for (;;) {
    const IoResult got =
        stream_.socket().Receive(in_.space(), in_.space_size());
    if (got.kind == IoResult::Kind::kAgain) return;
    if (got.kind != IoResult::Kind::kBytes) return Close();
    in_.Append(got.bytes);
    switch (parser_.Parse(in_.data(), in_.size())) {
      case ParseStatus::kNeedMore:
        continue;
      case ParseStatus::kDone:
        return AnswerRequest();
      case ParseStatus::kError:
        return Refuse(parser_.error());
    }
  }
}

void AdminSession::Refuse(const ParseError& error) {
  const std::string sentence(RuleSentence(error.rule));
  const uint16_t status = diagnostics::GetFault(FaultOf(error)).gateway_status;
  Send({status, kPlainText, sentence + '\n'});
}

void AdminSession::AnswerRequest() {
  const RequestHead& head = parser_.head();
  const char* const data = in_.data();
  bodiless_ = head.line.method == Method::kHead;
  if (head.line.method != Method::kGet && !bodiless_) {
    return Send({405, kPlainText, "only GET and HEAD are answered here\n"});
  }
  Send(admin_.Answer(EffectivePath(head.line, data), AcceptOf(head, data),
                     whole_));
}

void AdminSession::Send(const AdminAnswer& answer) {
  phase_ = Phase::kAnswer;
  timer_.Arm(admin_.loop().wheel(), kAnswerTime, *this);
  out_ = "HTTP/1.1 ";
  out_ += std::to_string(answer.status);
  out_ += ' ';
  out_ += diagnostics::ReasonPhrase(answer.status);
  out_ += "\r\nDate: ";
  out_ += admin_.wall_text().HttpDate(WallMicroseconds());
  out_ += "\r\nContent-Type: ";
  out_ += answer.content_type;
  out_ += "\r\nContent-Length: ";
  out_ += std::to_string(answer.body.size());
  out_ += "\r\nCache-Control: no-store\r\n";
  if (answer.status == 405) out_ += "Allow: GET, HEAD\r\n";
  out_ += "Connection: close\r\n\r\n";
  if (!bodiless_) out_ += answer.body;
  queue_.Add(out_);
  Flush();
}

void AdminSession::Flush() {
  const IoResult sent = queue_.Flush(stream_);
  if (sent.kind == IoResult::Kind::kAgain) return;
  if (sent.kind != IoResult::Kind::kBytes) return Close();
  // Closing with something unread would send a RST, and that might overtake
  // the answer.
  phase_ = Phase::kLinger;
  stream_.socket().ShutdownWrite();
  timer_.Arm(admin_.loop().wheel(), kLingerTime, *this);
  DiscardInput();
}

void AdminSession::OnWritable() {
  if (phase_ == Phase::kAnswer) Flush();
}

void AdminSession::DiscardInput() {
  char thrown_away[4096];
  while (discarded_ < kLingerBytes) {
    const IoResult got =
        stream_.socket().Receive(thrown_away, sizeof(thrown_away));
    if (got.kind == IoResult::Kind::kAgain) return;
    if (got.kind != IoResult::Kind::kBytes) break;
    discarded_ += got.bytes;
  }
  Close();
}

// A request that did not come in time is told so; anything else just ends.
void AdminSession::OnTimer(Timer&) {
  if (phase_ != Phase::kHead || !parser_.started()) return Close();
  Send({408, kPlainText, "the request did not come in time\n"});
}

void AdminSession::Close() {
  if (closed_) return;
  closed_ = true;
  watch_.Disarm();
  timer_.Disarm();
  in_.Release(admin_.buffers());
  stream_.socket().Close();
  admin_.OnClosed(*this);
}

}  // namespace whichhop
