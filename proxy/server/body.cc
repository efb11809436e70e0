#include "proxy/server/body.h"

#include <algorithm>
#include <charconv>

namespace whichhop {

BodyReader::BodyReader(TrailerMode mode, const HeadLimits& limits)
    : mode_(mode), chunked_(mode, limits) {}

void BodyReader::Start(Framing framing, uint64_t length) {
  framing_ = framing;
  left_ = framing == Framing::kLength ? length : 0;
  received_ = 0;
  failed_ = false;
  done_ =
      framing == Framing::kNone || (framing == Framing::kLength && length == 0);
  if (framing == Framing::kChunked) chunked_.Reset(mode_);
}

BodyReader::Taken BodyReader::Take(char* data, size_t size) {
  if (done_ || failed_) return {};
  if (framing_ == Framing::kChunked) {
    const DecodedChunks decoded = chunked_.Decode(data, size);
    done_ = decoded.status == ParseStatus::kDone;
    failed_ = decoded.status == ParseStatus::kError;
    received_ += decoded.payload_size;
    return {{decoded.payload, decoded.payload_size}, decoded.consumed};
  }
  if (framing_ == Framing::kLength) {
    size = static_cast<size_t>(std::min<uint64_t>(size, left_));
    left_ -= size;
    done_ = left_ == 0;
  }
  received_ += size;
  return {{data, size}, size};
}

void BodyReader::Skip(uint64_t bytes) {
  received_ += bytes;
  if (framing_ != Framing::kLength) return;
  left_ -= bytes;
  done_ = left_ == 0;
}

bool BodyReader::EndOfInput() {
  if (framing_ == Framing::kUntilClose) done_ = true;
  return done_;
}

std::string_view BodyReader::trailers() const {
  return framing_ == Framing::kChunked ? chunked_.trailers()
                                       : std::string_view();
}

uint64_t BodyReader::expected() const { return received_ + left_; }

void BodyWriter::Add(std::string_view payload, SendQueue* queue) {
  if (payload.empty()) return;
  if (!chunked_) return queue->Add(payload);
  char* end =
      std::to_chars(size_line_, size_line_ + 16, payload.size(), 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  queue->Add({size_line_, static_cast<size_t>(end - size_line_)});
  queue->Add(payload);
  queue->Add("\r\n");
}

void BodyWriter::AddEnd(std::string_view trailers, SendQueue* queue) {
  if (!chunked_) return;
  if (trailers.empty()) return queue->Add("0\r\n\r\n");
  queue->Add("0\r\n");
  queue->Add(trailers);
  queue->Add("\r\n");
}

}  // namespace whichhop
