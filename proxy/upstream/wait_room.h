#pragma once
// Where a worker's requests wait for a slot: each stands in the line of its
// upstream's Admission, and is told on the worker's own loop that it is its
// turn. Owned by the worker; single-threaded but for CallNumber.

#include <unordered_map>

#include "proxy/net/loop.h"
#include "proxy/upstream/admission.h"

namespace whichhop {

class SlotWaiter {
 public:
  // It may be the head of the line, and a slot may have come free: SlotWait's
  // Answer tells.
  virtual void OnSlotCalled() = 0;

 protected:
  ~SlotWaiter() = default;
};

class WaitRoom final : private Admission::Caller {
 public:
  explicit WaitRoom(Loop& loop) : loop_(loop) {}

 private:
  friend class SlotWait;
  void CallNumber(uint64_t number) override;

  Loop& loop_;
  uint64_t last_number_ = 0;
  std::unordered_map<uint64_t, SlotWaiter*> waiters_;
};

// A place in line: a by-value member of whoever waits.
class SlotWait {
 public:
  SlotWait() = default;
  SlotWait(const SlotWait&) = delete;
  SlotWait& operator=(const SlotWait&) = delete;
  ~SlotWait() { End(); }

  // `waiter` is called in a later turn, and as often as there may be room for
  // it. Requires: not waiting. All three outlive the wait.
  void Begin(WaitRoom& room, Admission& admission, SlotWaiter& waiter);
  bool waiting() const { return room_ != nullptr; }
  // Whether it is the head, who may try. Requires: waiting.
  [[nodiscard]] bool Answer();
  // Out of the line: nothing is called afterwards. No-op if it is not waiting.
  void End();

 private:
  WaitRoom* room_ = nullptr;
  Admission* admission_ = nullptr;
  uint64_t number_ = 0;
};

}  // namespace whichhop
