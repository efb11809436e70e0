#include "proxy/upstream/probe.h"

#include <algorithm>
#include <cassert>

namespace whichhop {

namespace {

// A Unix path is no host (RFC 9112, section 3.2): any will do there.
std::string RequestFor(const Endpoint& endpoint, const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: " +
         (endpoint.is_unix() ? "localhost" : endpoint.text()) +
         "\r\nUser-Agent: whichhop\r\nAccept: */*\r\nConnection: close\r\n\r\n";
}

}  // namespace

Probe::Probe(Loop& loop, BufferPool& buffers, Endpoint& endpoint,
             Options options, ProbeEvents& events)
    : loop_(loop),
      buffers_(buffers),
      endpoint_(endpoint),
      options_(std::move(options)),
      events_(events),
      request_(RequestFor(endpoint, options_.path)),
      parser_({kHeadLimit, 1000}) {}

Probe::~Probe() { assert(connection_ == nullptr); }

void Probe::Start(Duration delay) {
  next_ = loop_.now() + delay;
  timer_.Arm(loop_.wheel(), delay, *this);
}

void Probe::Close() {
  Drop();
  timer_.Disarm();
  running_ = false;
}

void Probe::OnTimer(Timer&) {
  if (running_) return End(ProbeEnd::How::kTimeout);
  Begin();
}

void Probe::Begin() {
  running_ = true;
  end_ = {};
  end_.begun = loop_.now();
  next_ = loop_.now() + options_.interval;
  timer_.Arm(loop_.wheel(), options_.timeout, *this);
  if (endpoint_.resolved()) return Connect();
  end_.phase = ProbeEnd::Phase::kResolve;
  if (endpoint_.name()->failed()) return OnResolved();
  endpoint_.name()->Await(name_wait_, *this);
}

void Probe::OnResolved() {
  if (endpoint_.resolved()) return Connect();
  end_.dns = endpoint_.name()->outcome();
  End(ProbeEnd::How::kDns);
}

void Probe::Connect() {
  end_.phase = ProbeEnd::Phase::kConnect;
  int error = 0;
  connection_ = UpstreamConnection::Connect(loop_, endpoint_, *this, &error);
  if (connection_ != nullptr) {
    if (connection_->connect_failed()) OnUpstreamWritable();
    return;
  }
  end_.synchronous = true;
  End(ProbeEnd::How::kError, error);
}

void Probe::OnUpstreamWritable() {
  if (end_.phase == ProbeEnd::Phase::kAnswer) return Send();
  if (end_.phase == ProbeEnd::Phase::kTls) return Secure();
  const int error = connection_->TakeConnectError();
  if (error != 0) return End(ProbeEnd::How::kError, error);
  connection_->MarkConnected();
  end_.connected = loop_.now();
  end_.phase = ProbeEnd::Phase::kTls;
  Secure();
}

void Probe::Secure() {
  switch (connection_->Secure(buffers_)) {
    case TlsLayer::Step::kAgain:
      return;
    case TlsLayer::Step::kFailed:
      return EndBy(connection_->secure_end());
    case TlsLayer::Step::kDone:
      break;
  }
  end_.phase = ProbeEnd::Phase::kAnswer;
  parser_.Reset(Method::kGet);
  in_.Acquire(buffers_);
  unsent_ = request_;
  Send();
  // Its end may be here already, and would have no edge of its own.
  if (running_) ReadAnswer();
}

// A write that fails tells nothing that reading does not tell better.
void Probe::Send() {
  while (!unsent_.empty()) {
    const iovec part{const_cast<char*>(unsent_.data()), unsent_.size()};
    const IoResult sent = connection_->stream().Send(&part, 1);
    unsent_.remove_prefix(sent.bytes);
    end_.sent += sent.bytes;
    if (sent.kind == IoResult::Kind::kAgain) return;
    if (sent.kind != IoResult::Kind::kBytes) return ReadAnswer();
  }
}

void Probe::OnUpstreamReadable() {
  if (end_.phase == ProbeEnd::Phase::kTls) return Secure();
  if (end_.phase == ProbeEnd::Phase::kAnswer) ReadAnswer();
}

// Heads until the final one; its body is left unread.
void Probe::ReadAnswer() {
  for (;;) {
    const ParseStatus status = in_.empty()
                                   ? ParseStatus::kNeedMore
                                   : parser_.Parse(in_.data(), in_.size());
    if (status == ParseStatus::kError) return End(ProbeEnd::How::kMalformed);
    if (status == ParseStatus::kDone) {
      end_.status = parser_.head().line.status;
      if (end_.status >= 200) return End(ProbeEnd::How::kStatus);
      in_.Consume(parser_.head_bytes());
      in_.Compact();
      parser_.Reset(Method::kGet);
      continue;
    }
    if (in_.space_size() == 0) return End(ProbeEnd::How::kMalformed);
    const IoResult got =
        connection_->stream().Receive(in_.space(), in_.space_size());
    if (got.kind == IoResult::Kind::kAgain) return;
    if (got.kind != IoResult::Kind::kBytes) return EndBy(got);
    in_.Append(got.bytes);
  }
}

void Probe::EndBy(const IoResult& end) {
  const bool fin = end.kind == IoResult::Kind::kEnd;
  End(fin ? ProbeEnd::How::kFin : ProbeEnd::How::kError, end.error);
}

void Probe::End(ProbeEnd::How how, int error) {
  end_.how = how;
  end_.error = error;
  running_ = false;
  // One that took longer than the interval is followed by the next at once.
  timer_.Arm(loop_.wheel(), std::max(Duration{}, next_ - loop_.now()), *this);
  events_.OnProbe(*this, end_, connection_.get());
  Drop();
}

void Probe::Drop() {
  name_wait_.Cancel();
  in_.Release(buffers_);
  if (connection_ == nullptr) return;
  connection_->Close();
  loop_.Retire(std::move(connection_));
}

}  // namespace whichhop
