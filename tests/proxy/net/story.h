#pragma once
// A Story is a test that goes through turns of a loop: steps that are asked
// between turns, each until it says that it is done. One a loop, since a loop
// that was stopped stays so; it may not outlive it.

#include <deque>
#include <functional>

#include "proxy/net/loop.h"

namespace whichhop {

class Story final : private TimerEvents {
 public:
  explicit Story(Loop& loop) : loop_(loop) {}

  // Asks `step` after each turn, and every few milliseconds, until it is true.
  Story& Until(std::function<bool()> step);
  // Runs `step` once.
  Story& Do(std::function<void()> step);
  // Lets `turns` turns pass.
  Story& Turns(int turns);
  // Lets this much time pass.
  Story& Wait(Duration duration);

  // Runs the loop until the last step is done; fails after 20 s.
  void Play();

 private:
  void OnTimer(Timer& timer) override;
  void Step();

  Loop& loop_;
  Timer tick_;
  std::deque<std::function<bool()>> steps_;
};

}  // namespace whichhop
