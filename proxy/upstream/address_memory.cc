#include "proxy/upstream/address_memory.h"

namespace whichhop {

void AddressMemory::NoteSilence(Time since, Time now) {
  Store(silent_since_, since);
  Store(silent_until_, now);
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
