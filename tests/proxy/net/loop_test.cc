// Turns of a loop: tasks from elsewhere, objects that go, timers.

#include "proxy/net/loop.h"

#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <thread>
#include <vector>

#include "tests/catch.h"
#include "tests/proxy/net/story.h"

namespace whichhop {
namespace {

using std::chrono::milliseconds;

class Mortal final : public Retired {
 public:
  explicit Mortal(bool* dead) : dead_(dead) {}
  ~Mortal() override { *dead_ = true; }

 private:
  bool* dead_;
};

// Leaves another to be deleted when it is deleted itself.
class Heir final : public Retired {
 public:
  Heir(Loop* loop, bool* dead) : loop_(loop), dead_(dead) {}
  ~Heir() override { loop_->Retire(std::make_unique<Mortal>(dead_)); }

 private:
  Loop* loop_;
  bool* dead_;
};

TEST_CASE("a task posted from another thread runs on the loop's own") {
  Loop loop;
  std::thread::id ran_on;
  std::thread other(
      [&] { loop.Post([&] { ran_on = std::this_thread::get_id(); }); });
  Story(loop).Until([&] { return ran_on != std::thread::id(); }).Play();
  other.join();
  CHECK(ran_on == std::this_thread::get_id());
}

TEST_CASE("tasks run in the order in which a thread posts them") {
  Loop loop;
  std::vector<int> ran;
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) loop.Post([&ran, i] { ran.push_back(i); });
  });
  Story(loop).Until([&] { return ran.size() == 1000; }).Play();
  other.join();
  CHECK(std::is_sorted(ran.begin(), ran.end()));
}

TEST_CASE("tasks of many threads all run") {
  Loop loop;
  int ran = 0;
  std::vector<std::thread> others;
  for (int i = 0; i < 4; ++i) {
    others.emplace_back([&] {
      for (int j = 0; j < 500; ++j) loop.Post([&ran] { ++ran; });
    });
  }
  Story(loop).Until([&] { return ran == 2000; }).Play();
  for (std::thread& other : others) other.join();
}

TEST_CASE("what a task posts runs in a later turn") {
  Loop loop;
  int ran = 0;
  loop.Post([&] {
    ++ran;
    loop.Post([&ran] { ++ran; });
  });
  Story(loop)
      .Until([&] { return ran > 0; })
      .Do([&] { CHECK(ran == 1); })
      .Until([&] { return ran == 2; })
      .Play();
}

TEST_CASE("what is retired lives until its turn ends") {
  Loop loop;
  bool dead = false;
  bool dead_in_turn = true;
  loop.Post([&] {
    loop.Retire(std::make_unique<Mortal>(&dead));
    loop.Post([] {});  // another turn comes soon
    dead_in_turn = dead;
  });
  Story(loop).Until([&] { return dead; }).Play();
  CHECK_FALSE(dead_in_turn);
}

TEST_CASE("what a destructor retires goes too") {
  Loop loop;
  bool dead = false;
  loop.Post([&] { loop.Retire(std::make_unique<Heir>(&loop, &dead)); });
  Story(loop).Until([&] { return dead; }).Play();
}

TEST_CASE("a loop takes with it what was retired last") {
  bool dead = false;
  {
    Loop loop;
    loop.Retire(std::make_unique<Mortal>(&dead));
    CHECK_FALSE(dead);
  }
  CHECK(dead);
}

// Notes when its timer fires.
struct Alarm final : TimerEvents {
  void OnTimer(Timer&) override { rang = SteadyClock::now(); }
  Timer timer;
  Time rang = kNoTime;
};

TEST_CASE("a timer wakes the loop, not before its time") {
  Loop loop;
  Alarm alarm;
  const Time begun = SteadyClock::now();
  loop.Post([&] { alarm.timer.Arm(loop.wheel(), milliseconds(60), alarm); });
  Story(loop).Until([&] { return alarm.rang != kNoTime; }).Play();
  CHECK(alarm.rang - begun >= milliseconds(60));
}

TEST_CASE("a loop that only waits for a timer wakes for an earlier one") {
  Loop loop;
  Alarm late;
  Alarm early;
  late.timer.Arm(loop.wheel(), std::chrono::hours(1), late);
  std::thread other([&] {
    loop.Post([&] { early.timer.Arm(loop.wheel(), milliseconds(20), early); });
  });
  loop.Run([&] {
    if (early.rang != kNoTime) loop.Stop();
  });
  other.join();
  CHECK(late.timer.armed());
}

// Notes when there is something to read.
struct Ear final : LevelWatch::Events {
  void OnReadable() override {
    heard = SteadyClock::now();
    watch.Disarm();
  }
  LevelWatch watch;
  Time heard = kNoTime;
};

TEST_CASE("what came while the loop was held up is read before a deadline") {
  Loop loop;
  Alarm waker;
  Alarm deadline;
  Ear ear;
  int ends[2];
  REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  REQUIRE(ear.watch.Arm(loop, ends[0], ear));
  waker.timer.Arm(loop.wheel(), milliseconds(1), waker);
  deadline.timer.Arm(loop.wheel(), milliseconds(100), deadline);
  // In one turn with the waker, which is due by then.
  loop.Post([&] {
    std::this_thread::sleep_for(milliseconds(200));
    CHECK(write(ends[1], "x", 1) == 1);
  });
  std::this_thread::sleep_for(milliseconds(30));
  Story(loop).Until([&] { return deadline.rang != kNoTime; }).Play();
  CHECK(ear.heard != kNoTime);
  CHECK(ear.heard < deadline.rang);
  CHECK(waker.rang < deadline.rang);
  close(ends[0]);
  close(ends[1]);
}

TEST_CASE("the loop's time is that of the callback that runs") {
  Loop loop;
  Time seen = kNoTime;
  Time before = kNoTime;
  Story(loop)
      .Wait(milliseconds(30))
      .Do([&] {
        before = SteadyClock::now();
        loop.Post([&] { seen = loop.now(); });
      })
      .Until([&] { return seen != kNoTime; })
      .Play();
  CHECK(seen >= before);
  CHECK(seen <= SteadyClock::now());
}

}  // namespace
}  // namespace whichhop
