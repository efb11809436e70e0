#include "proxy/upstream/usual_server.h"

#include <algorithm>

namespace whichhop {

// What was counted in the running window becomes what was before it.
void UsualServer::Turn(Time now) {
  if (begun_ != kNoTime && now - begun_ < kWindow) return;
  const bool followed = begun_ != kNoTime && now - begun_ < 2 * kWindow;
  for (Name& name : names_) {
    name.before = followed ? name.counted : 0;
    name.counted = 0;
  }
  begun_ = now;
}

void UsualServer::Note(std::string_view server, Time now) {
  Turn(now);
  server = server.substr(0, kNameBytes);
  const auto known = std::ranges::find_if(names_, [&](const Name& name) {
    return name.weight() > 0 && name.view() == server;
  });
  if (known != names_.end()) {
    ++known->counted;
    return;
  }
  Name& rarest = *std::ranges::min_element(names_, {}, &Name::weight);
  rarest.counted = 1;
  rarest.before = 0;
  rarest.size = static_cast<uint8_t>(server.size());
  std::ranges::copy(server, rarest.text.begin());
}

std::optional<std::string_view> UsualServer::Get(Time now) const {
  if (begun_ == kNoTime || now - begun_ >= 2 * kWindow) return std::nullopt;
  const Name& most = *std::ranges::max_element(names_, {}, &Name::weight);
  if (most.weight() == 0) return std::nullopt;
  return most.view();
}

}  // namespace whichhop
