#include "proxy/upstream/wait_room.h"

#include <cassert>
#include <utility>

namespace whichhop {

void WaitRoom::CallNumber(uint64_t number) {
  loop_.Post([this, number] {
    const auto found = waiters_.find(number);
    if (found != waiters_.end()) found->second->OnSlotCalled();
  });
}

void SlotWait::Begin(WaitRoom& room, Admission& admission, SlotWaiter& waiter) {
  assert(!waiting());
  room_ = &room;
  admission_ = &admission;
  number_ = ++room.last_number_;
  room.waiters_.emplace(number_, &waiter);
  admission.Join({&room, number_});
}

bool SlotWait::Answer() { return admission_->Answer({room_, number_}); }

void SlotWait::End() {
  if (!waiting()) return;
  WaitRoom& room = *std::exchange(room_, nullptr);
  room.waiters_.erase(number_);
  admission_->Leave({&room, number_});
}

}  // namespace whichhop
