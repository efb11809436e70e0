#pragma once
// A BodyPeek is the beginning of a body, without its framing, while the body
// itself stays where it was received, as it was: whoever decides by what it
// says reads this one, and what is relayed then is byte for byte what came. It
// keeps `limit` bytes at most. No I/O.

#include <cstddef>
#include <string>
#include <string_view>

#include "proxy/server/body.h"

namespace whichhop {

class BodyPeek {
 public:
  explicit BodyPeek(const HeadLimits& limits)
      : reader_(TrailerMode::kDrop, limits) {}

  // A new body, of which the first `limit` bytes are wanted.
  void Start(Framing framing, uint64_t length, size_t limit);

  // `raw`: all that has come of it since Start, framing and all. What was
  // there before must be there still.
  void Feed(std::string_view raw);
  // The connection ended in order.
  void End() { reader_.EndOfInput(); }

  std::string_view text() const { return text_; }
  std::string_view trailers() const { return reader_.trailers(); }
  // That is all of it.
  bool whole() const { return reader_.done() && !cut_; }
  // Nothing that comes could add to it.
  bool settled() const { return reader_.done() || reader_.failed() || cut_; }

 private:
  BodyReader reader_;
  std::string scratch_;  // of what came: framing is taken out of it in place
  std::string text_;
  size_t limit_ = 0;
  size_t read_ = 0;   // of the raw bytes
  bool cut_ = false;  // there is more than `limit` bytes
};

}  // namespace whichhop
