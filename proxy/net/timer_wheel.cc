#include "proxy/net/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace whichhop {

void Timer::Arm(TimerWheel& wheel, Duration delay, TimerEvents& events) {
  events_ = &events;
  deadline_ = wheel.now_ + delay.count();
  // The slot must not come up after the deadline's own.
  if (next_ != nullptr && tick_ <= TimerWheel::Tick(deadline_) + 1) return;
  Unlink();
  wheel.Link(*this);
}

void Timer::Unlink() {
  if (next_ == nullptr) return;
  next_->previous_ = previous_;
  previous_->next_ = next_;
  next_ = previous_ = nullptr;
}

TimerWheel::TimerWheel(Time now)
    : now_(now.time_since_epoch().count()), passed_(Tick(now_)) {
  for (Timer& slot : slots_) slot.next_ = slot.previous_ = &slot;
}

TimerWheel::~TimerWheel() {
  for (Timer& slot : slots_) {
    while (slot.next_ != &slot) slot.next_->Unlink();
    slot.next_ = nullptr;
  }
}

void TimerWheel::Link(Timer& timer) {
  // The tick after the deadline's, so as never to be early; beyond the horizon
  // in its last slot, to be linked again from there.
  timer.tick_ =
      std::clamp(Tick(timer.deadline_) + 1, passed_ + 1, passed_ + kSlots - 1);
  const auto index = static_cast<size_t>(timer.tick_ % kSlots);
  occupied_[index / 64] |= uint64_t{1} << (index % 64);
  Timer& slot = slots_[index];
  timer.next_ = &slot;
  timer.previous_ = slot.previous_;
  slot.previous_->next_ = &timer;
  slot.previous_ = &timer;
}

void TimerWheel::Advance(Time time) {
  const int64_t due = time.time_since_epoch().count();
  const int64_t last = Tick(due);
  // After a long sleep every slot is looked at once.
  passed_ = std::max(passed_, last - kSlots);
  while (passed_ < last) {
    ++passed_;
    const auto index = static_cast<size_t>(passed_ % kSlots);
    occupied_[index / 64] &= ~(uint64_t{1} << (index % 64));
    FireSlot(slots_[index], due);
  }
}

void TimerWheel::FireSlot(Timer& slot, int64_t due) {
  if (slot.next_ == &slot) return;
  // Into a list of its own: what is linked again meanwhile waits for its turn.
  Timer list;
  list.next_ = slot.next_;
  list.previous_ = slot.previous_;
  list.next_->previous_ = list.previous_->next_ = &list;
  slot.next_ = slot.previous_ = &slot;
  while (list.next_ != &list) {
    Timer& timer = *list.next_;
    timer.Unlink();
    if (!timer.armed()) continue;
    if (timer.deadline_ > due) {
      Link(timer);
      continue;
    }
    timer.Disarm();
    timer.events_->OnTimer(timer);
  }
  list.next_ = nullptr;
}

Time TimerWheel::NextTime() const {
  const int64_t first = passed_ + 1;
  int64_t tick = first;
  while (tick < first + kSlots) {
    const auto slot = static_cast<size_t>(tick % kSlots);
    const uint64_t word = occupied_[slot / 64] >> (slot % 64);
    if (word != 0) {
      tick += std::countr_zero(word);
      break;
    }
    tick += 64 - static_cast<int64_t>(slot % 64);
  }
  return Time(Duration(std::min(tick, first + kSlots) << kTickShift));
}

}  // namespace whichhop
