#include "proxy/server/mask_signs.h"

#include <xxhash.h>

#include <utility>

namespace whichhop {

namespace {

uint64_t Hash(std::string_view text) {
  return XXH3_64bits(text.data(), text.size());
}

uint64_t Hash(const MaskSigns::Url& url) {
  return Hash(url.host) * 31 + Hash(url.target);
}

}  // namespace

void MaskSigns::NoteAnswered(const Url& url, Time now) {
  if (answered_.empty()) answered_.resize(kUrls);
  const uint64_t hash = Hash(url);
  answered_[hash % kUrls] = {hash, now};
}

bool MaskSigns::AnsweredLately(const Url& url, Time now) const {
  if (answered_.empty()) return false;
  const uint64_t hash = Hash(url);
  const Answered& known = answered_[hash % kUrls];
  return known.url == hash && known.at != kNoTime && now - known.at < kLately;
}

bool MaskSigns::NoteMissing(std::string_view route, const Url& url,
                            std::string_view body) {
  if (missing_.empty()) missing_.resize(kRoutes);
  const Missing now{Hash(route), Hash(url), Hash(body), url.target.size(),
                    body.size()};
  const Missing before =
      std::exchange(missing_[now.route % kRoutes], Missing(now));
  if (before.route != now.route || before.url == now.url) return false;
  const bool tells_path =
      now.body_size - before.body_size == now.target_size - before.target_size;
  return before.body != now.body && !tells_path;
}

}  // namespace whichhop
