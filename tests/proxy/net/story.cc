#include "tests/proxy/net/story.h"

#include "tests/catch.h"

namespace whichhop {

namespace {

constexpr auto kTick = std::chrono::milliseconds(1);
constexpr auto kPatience = std::chrono::seconds(20);

}  // namespace

Story& Story::Until(std::function<bool()> step) {
  steps_.push_back(std::move(step));
  return *this;
}

Story& Story::Do(std::function<void()> step) {
  return Until([step = std::move(step)] {
    step();
    return true;
  });
}

Story& Story::Turns(int turns) {
  return Until([turns]() mutable { return turns-- == 0; });
}

Story& Story::Wait(Duration duration) {
  return Until([duration, end = kNoTime]() mutable {
    if (end == kNoTime) end = SteadyClock::now() + duration;
    return SteadyClock::now() >= end;
  });
}

void Story::Play() {
  tick_.Arm(loop_.wheel(), kTick, *this);
  const Time deadline = SteadyClock::now() + kPatience;
  loop_.Run([this, deadline] {
    Step();
    if (steps_.empty() || SteadyClock::now() > deadline) loop_.Stop();
  });
  tick_.Disarm();
  INFO("steps that are left: " << steps_.size());
  CHECK(steps_.empty());
}

void Story::OnTimer(Timer&) { tick_.Arm(loop_.wheel(), kTick, *this); }

void Story::Step() {
  while (!steps_.empty() && steps_.front()()) steps_.pop_front();
}

}  // namespace whichhop
