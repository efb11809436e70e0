// Timers on a wheel whose time the tests own.

#include "proxy/net/timer_wheel.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "tests/catch.h"

namespace whichhop {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

// As the header promises: late by up to two ticks, never early.
constexpr nanoseconds kTick{int64_t{1} << 23};
constexpr seconds kHorizon{8};  // and a little more

const Time kStart = Time(seconds(1'000'000));

// A wheel, its time, and how often its timer fired.
struct Wheel final : TimerEvents {
  TimerWheel wheel{kStart};
  Timer timer;
  int fired = 0;
  std::function<void()> then = [] {};

  void OnTimer(Timer&) override {
    ++fired;
    then();
  }
  void Arm(Duration delay) { timer.Arm(wheel, delay, *this); }
  void Pass(Duration time) {
    wheel.SetNow(wheel.now() + time);
    wheel.Advance(wheel.now());
  }
  // How long it takes to fire, in steps of a millisecond.
  Duration Fire(Duration patience) {
    const Time begun = wheel.now();
    const int before = fired;
    while (fired == before && wheel.now() < begun + patience) {
      Pass(milliseconds(1));
    }
    return wheel.now() - begun;
  }
};

TEST_CASE("a timer fires never early and at most two ticks late") {
  for (const int wanted :
       {0, 1, 8, 9, 16, 17, 100, 999, 5000, 8589, 8590, 8600, 20'000}) {
    CAPTURE(wanted);
    const milliseconds delay(wanted);
    Wheel wheel;
    wheel.Pass(milliseconds(3));
    wheel.Arm(delay);
    const Duration took = wheel.Fire(delay + seconds(1));
    CHECK(wheel.fired == 1);
    CHECK(took >= delay);
    CHECK(took <= delay + 2 * kTick);
  }
}

TEST_CASE("a timer fires once") {
  Wheel wheel;
  wheel.Arm(milliseconds(50));
  CHECK(wheel.timer.armed());
  wheel.Pass(seconds(1));
  CHECK_FALSE(wheel.timer.armed());
  wheel.Pass(3 * kHorizon);
  CHECK(wheel.fired == 1);
}

TEST_CASE("a timer far beyond the horizon fires in time") {
  Wheel wheel;
  wheel.Arm(10 * kHorizon + milliseconds(5));
  const Duration took = wheel.Fire(11 * kHorizon);
  CHECK(took >= 10 * kHorizon + milliseconds(5));
  CHECK(took <= 10 * kHorizon + milliseconds(5) + 2 * kTick);
}

TEST_CASE("a long sleep makes all that is due fire, and nothing else") {
  Wheel near;
  near.Arm(milliseconds(20));
  Timer far;
  far.Arm(near.wheel, 100 * kHorizon, near);
  near.Pass(50 * kHorizon);
  CHECK(near.fired == 1);
  CHECK(far.armed());
  near.Pass(50 * kHorizon + 2 * kTick);
  CHECK(near.fired == 2);
}

TEST_CASE("arming again moves a timer, later or earlier") {
  Wheel wheel;
  wheel.Arm(milliseconds(100));
  wheel.Arm(seconds(3));
  CHECK(wheel.Fire(seconds(4)) >= seconds(3));
  wheel.Arm(seconds(3));
  wheel.Arm(milliseconds(100));
  const Duration took = wheel.Fire(seconds(4));
  CHECK(took >= milliseconds(100));
  CHECK(took <= milliseconds(100) + 2 * kTick);
  wheel.Pass(seconds(4));
  CHECK(wheel.fired == 2);
}

TEST_CASE("a timer that is pushed on for ever fires when that ends") {
  Wheel wheel;
  for (int i = 0; i < 10'000; ++i) {
    wheel.Arm(milliseconds(50));
    wheel.Pass(milliseconds(7));
  }
  CHECK(wheel.fired == 0);
  CHECK(wheel.Fire(seconds(1)) <= milliseconds(50) + 2 * kTick);
  CHECK(wheel.fired == 1);
}

TEST_CASE("a disarmed timer does not fire, until it is armed again") {
  Wheel wheel;
  wheel.Arm(milliseconds(50));
  wheel.timer.Disarm();
  CHECK_FALSE(wheel.timer.armed());
  wheel.Pass(seconds(1));
  CHECK(wheel.fired == 0);
  wheel.Arm(milliseconds(50));
  wheel.timer.Disarm();
  wheel.Arm(milliseconds(80));
  CHECK(wheel.Fire(seconds(1)) >= milliseconds(80));
}

TEST_CASE("a timer may be armed in its own OnTimer") {
  Wheel wheel;
  wheel.then = [&] {
    CHECK_FALSE(wheel.timer.armed());
    if (wheel.fired < 5) wheel.Arm(milliseconds(100));
  };
  wheel.Arm(milliseconds(100));
  for (int i = 0; i < 1000; ++i) wheel.Pass(milliseconds(1));
  CHECK(wheel.fired == 5);
}

TEST_CASE("a timer that arms itself at once does not hold up the wheel") {
  Wheel wheel;
  wheel.then = [&] { wheel.Arm(Duration{}); };
  wheel.Arm(Duration{});
  wheel.Pass(milliseconds(100));
  CHECK(wheel.fired > 0);
  CHECK(wheel.fired < 20);
  wheel.then = [] {};
  wheel.Pass(milliseconds(100));
}

TEST_CASE("a timer may be destroyed while it fires, and others with it") {
  Wheel wheel;
  std::vector<std::unique_ptr<Timer>> timers;
  for (int i = 0; i < 3; ++i) {
    timers.push_back(std::make_unique<Timer>());
    timers.back()->Arm(wheel.wheel, milliseconds(10), wheel);
  }
  wheel.then = [&] { timers.clear(); };
  wheel.Pass(milliseconds(100));
  CHECK(wheel.fired == 1);
}

TEST_CASE("of timers that are due, one can disarm or push on the next") {
  Wheel wheel;
  Timer disarmed;
  Timer pushed;
  wheel.then = [&] {
    disarmed.Disarm();
    if (wheel.fired == 1) pushed.Arm(wheel.wheel, seconds(1), wheel);
  };
  wheel.Arm(milliseconds(10));
  disarmed.Arm(wheel.wheel, milliseconds(10), wheel);
  pushed.Arm(wheel.wheel, milliseconds(10), wheel);
  wheel.Pass(milliseconds(100));
  CHECK(wheel.fired == 1);
  CHECK(wheel.Fire(seconds(2)) >= seconds(1));
  CHECK(wheel.fired == 2);
}

TEST_CASE("a wheel may go before its timers") {
  Timer timer;
  {
    Wheel wheel;
    timer.Arm(wheel.wheel, milliseconds(10), wheel);
  }
  CHECK(timer.armed());  // though nobody will call
}

TEST_CASE("an empty wheel has nothing to do before its horizon") {
  Wheel wheel;
  CHECK(wheel.wheel.NextTime() > kStart + kHorizon);
  wheel.Pass(100 * kHorizon);
  CHECK(wheel.wheel.NextTime() > wheel.wheel.now() + kHorizon);
}

TEST_CASE("the wheel wakes for its next timer and not much before") {
  Wheel wheel;
  for (const int wanted : {5, 50, 537, 1000, 8000}) {
    CAPTURE(wanted);
    const milliseconds delay(wanted);
    wheel.Arm(delay);
    const Time next = wheel.wheel.NextTime();
    CHECK(next >= wheel.wheel.now() + delay);
    CHECK(next <= wheel.wheel.now() + delay + kTick);
    wheel.wheel.SetNow(next);
    wheel.wheel.Advance(next);
    CHECK_FALSE(wheel.timer.armed());
  }
}

TEST_CASE("a timer that is due later than the wheel advances to waits") {
  Wheel wheel;
  wheel.Arm(milliseconds(50));
  wheel.wheel.SetNow(kStart + milliseconds(500));
  wheel.wheel.Advance(kStart + milliseconds(49));
  CHECK(wheel.fired == 0);
  CHECK(wheel.wheel.NextTime() <= wheel.wheel.now());
  wheel.Pass(milliseconds(0));
  CHECK(wheel.fired == 1);
}

// THE SLOW REFERENCE, FOR TESTS ALONE: a deadline for each timer, and every one
// is looked at each time.
class NaiveWheel final : TimerEvents {
 public:
  static constexpr size_t kTimers = 60;

  explicit NaiveWheel(unsigned seed) : random_(seed) {
    for (auto& timer : timers_) timer = std::make_unique<Timer>();
  }

  // One operation; false if a promise was broken.
  bool Step() {
    switch (Below(8)) {
      case 0:
        return Pass(nanoseconds(Below(int64_t{60'000'000'000})));
      case 1:
      case 2:
        return Pass(nanoseconds(Below(kTick.count() * 3)));
      case 3:  // callbacks run without a look at the wheel
        wheel_.SetNow(wheel_.now() + nanoseconds(Below(kTick.count() * 3)));
        return true;
      default:
        Change();
        return true;
    }
  }

 private:
  int64_t Below(int64_t end) {
    return std::uniform_int_distribution<int64_t>(0, end - 1)(random_);
  }
  size_t Any() { return static_cast<size_t>(Below(kTimers)); }

  void Arm(size_t i) {
    constexpr int64_t kMost[] = {1, 20'000'000, 2'000'000'000, 30'000'000'000};
    const nanoseconds delay(Below(kMost[Below(4)]));
    timers_[i]->Arm(wheel_, delay, *this);
    deadlines_[i] = wheel_.now() + delay;
  }

  // Arms, disarms or replaces a timer.
  void Change() {
    const size_t i = Any();
    const int64_t what = Below(6);
    if (what > 1) return Arm(i);
    deadlines_[i].reset();
    if (what == 0) return timers_[i]->Disarm();
    timers_[i] = std::make_unique<Timer>();
  }

  bool Pass(Duration time) {
    Time next = Time::max();
    for (const auto& deadline : deadlines_) {
      if (deadline) next = std::min(next, *deadline);
    }
    if (next != Time::max() && wheel_.NextTime() > Bound(next)) return false;
    wheel_.SetNow(wheel_.now() + time);
    wheel_.Advance(wheel_.now());
    if (wheel_.NextTime() <= wheel_.now()) return false;  // it would spin
    return !early_ && std::ranges::none_of(deadlines_, [this](auto deadline) {
      return deadline && *deadline + 2 * kTick <= wheel_.now();
    }) && Agree();
  }

  // A timer that was due when it was armed waits for the next tick.
  Time Bound(Time deadline) const {
    return std::max(deadline, wheel_.now()) + kTick;
  }

  bool Agree() const {
    for (size_t i = 0; i < kTimers; ++i) {
      if (timers_[i]->armed() != deadlines_[i].has_value()) return false;
    }
    return true;
  }

  void OnTimer(Timer& timer) override {
    const auto found =
        std::ranges::find(timers_, &timer, &std::unique_ptr<Timer>::get);
    auto& deadline = deadlines_[static_cast<size_t>(found - timers_.begin())];
    if (!deadline || *deadline > wheel_.now()) early_ = true;
    deadline.reset();
    for (int64_t changes = Below(3); changes > 0; --changes) Change();
  }

  std::mt19937 random_;
  TimerWheel wheel_{kStart};
  std::array<std::unique_ptr<Timer>, kTimers> timers_;
  std::array<std::optional<Time>, kTimers> deadlines_;
  bool early_ = false;
};

TEST_CASE("a wheel of many timers does what a list of deadlines would do") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    NaiveWheel wheel(seed);
    for (int step = 0; step < 2000; ++step) {
      CAPTURE(step);
      REQUIRE(wheel.Step());
    }
  }
}

}  // namespace
}  // namespace whichhop
