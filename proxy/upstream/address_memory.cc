#include "proxy/upstream/address_memory.h"

namespace whichhop {

namespace {

int64_t Count(Time time) { return time.time_since_epoch().count(); }

}  // namespace

void AddressMemory::NoteSilence(Time since, Time now) {
  silent_since_.store(Count(since), std::memory_order_relaxed);
  silent_until_.store(Count(now), std::memory_order_relaxed);
}

Time AddressMemory::NoteBroken(Time now) {
  const int64_t before =
      broken_.exchange(Count(now), std::memory_order_relaxed);
  return Time(Duration(before));
}

void AddressMemory::NoteEnd(Time now) {
  ended_.store(Count(now), std::memory_order_relaxed);
}

std::shared_ptr<AddressMemory> AddressBook::Of(const Address& address) {
  const std::lock_guard lock(mutex_);
  return memories_.Of(address.ToString());
}

}  // namespace whichhop
