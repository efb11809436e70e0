#include "proxy/server/body_peek.h"

#include <algorithm>

namespace whichhop {

void BodyPeek::Start(Framing framing, uint64_t length, size_t limit) {
  reader_.Start(framing, length);
  text_.clear();
  limit_ = limit;
  read_ = 0;
  cut_ = false;
}

// A piece at a time: a long body is not copied to see its beginning.
void BodyPeek::Feed(std::string_view raw) {
  raw.remove_prefix(std::min(read_, raw.size()));
  while (!raw.empty() && !settled()) {
    scratch_.assign(raw.substr(0, limit_));
    const BodyReader::Taken taken =
        reader_.Take(scratch_.data(), scratch_.size());
    const size_t room = limit_ - text_.size();
    text_ += taken.payload.substr(0, room);
    cut_ = taken.payload.size() > room;
    read_ += taken.consumed;
    raw.remove_prefix(taken.consumed);
    if (taken.consumed == 0) return;
  }
}

}  // namespace whichhop
