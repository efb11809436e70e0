// `buffer_request`: an exchange's request is read whole before a server is
// asked, so that a slow client holds no connection to one, and so that a retry
// can send the body again. What exceeds limits.request_buffer streams, as it
// would without; so does what exceeds limits.request_buffers, all bodies that
// are held at a time.

#include "proxy/server/exchange.h"
#include "proxy/server/generation.h"
#include "proxy/server/worker.h"

namespace whichhop {

namespace {

// Kept for the next request of a connection.
constexpr size_t kKeptBytes = 64 * 1024;

}  // namespace

// A body that is known not to fit is not waited for.
bool Exchange::WantsBuffer() const {
  if (request_phase_ == RequestPhase::kDone) return false;
  const bool fits = request_->framing != Framing::kLength ||
                    request_->content_length <= config().limits.request_buffer;
  return fits && config().upstreams[recorder_.route()->upstream].buffer_request;
}

void Exchange::BeginBuffering() {
  buffering_ = true;
  splice_up_ = false;  // what is in a pipe can't be sent twice
  const bool asked = request_->expect == Expect::kContinue;
  if (asked && body_at_ == in_.size()) {
    down_queue_.Add("HTTP/1.1 100 Continue\r\n\r\n");
    const bool gone =
        !FlushDownstream() && response_phase_ == ResponsePhase::kDone;
    if (gone) return;
  }
  BufferRequest();
}

// Until it is here whole, or there is no more room.
void Exchange::BufferRequest() {
  const size_t bound = config().limits.request_buffer;
  while (request_phase_ == RequestPhase::kBody && body_.size() < bound &&
         worker_.may_buffer()) {
    if (body_at_ == in_.size()) {
      if (!ReceiveRequestBody()) return;
      continue;
    }
    const BodyReader::Taken taken =
        request_body_.Take(in_.data() + body_at_, in_.size() - body_at_);
    body_at_ += taken.consumed;
    bytes_in_ += taken.consumed;
    body_ += taken.payload;
    worker_.AddBuffered(static_cast<int64_t>(taken.payload.size()));
    if (request_body_.failed() ||
        request_body_.received() > config().limits.request_body) {
      buffering_ = false;
      return RefuseBody();
    }
    if (request_body_.done()) OnRequestComplete();
  }
  buffering_ = false;
  buffered_ = true;
  if (waiting_ == Waiting::kBody) StopWaiting();
  StartAttempt();
}

void Exchange::QueueBufferedBody() {
  request_writer_.Add(body_, &up_queue_);
  if (request_phase_ != RequestPhase::kDone) return;
  request_writer_.AddEnd(request_body_.trailers(), &up_queue_);
}

void Exchange::ForgetBufferedBody() {
  buffering_ = false;
  buffered_ = false;
  worker_.AddBuffered(-static_cast<int64_t>(body_.size()));
  body_.clear();
  if (body_.capacity() > kKeptBytes) body_ = std::string();
}

}  // namespace whichhop
