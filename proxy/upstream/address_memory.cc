#include "proxy/upstream/address_memory.h"

#include <algorithm>

namespace whichhop {

void AddressMemory::NoteSilence(Time since, Time now) {
  constexpr Duration kGap = std::chrono::seconds(10);
  const bool goes_on = silent_until() != kNoTime &&
                       since - silent_until() <= kGap &&
                       asked() <= silent_since();
  Store(silent_since_, goes_on ? std::min(silent_since(), since) : since);
  Store(silent_until_, now);
}

void AddressMemory::NoteNoWay(const NoWayOn& word) {
  const std::lock_guard lock(mutex_);
  no_way_ = word;
}

std::optional<NoWayOn> AddressMemory::no_way() const {
  const std::lock_guard lock(mutex_);
  return no_way_;
}

Time AddressMemory::NoteBroken(Time now) {
  const int64_t at = now.time_since_epoch().count();
  return Time(Duration(broken_.exchange(at, std::memory_order_relaxed)));
}

std::shared_ptr<AddressMemory> AddressBook::Of(const Address& address) {
  const std::lock_guard lock(mutex_);
  return memories_.Of(address.ToString());
}

}  // namespace whichhop
