#include "proxy/net/loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

namespace whichhop {

namespace {

event_base* NewBase() {
  event_config* config = event_config_new();
  // No lock: a loop belongs to its thread, and Post has a mutex of its own.
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
  event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
  event_config_require_features(config, EV_FEATURE_ET);
  event_base* base = event_base_new_with_config(config);
  event_config_free(config);
  if (base == nullptr) std::abort();  // no epoll: nothing can run
  return base;
}

timeval ToTimeval(Duration delay) {
  const auto us =
      std::chrono::duration_cast<std::chrono::microseconds>(delay).count();
  return {us / 1'000'000, us % 1'000'000};
}

}  // namespace

bool Watch::Arm(Loop& loop, int fd, WatchEvents& events) {
  assert(!armed_);
  loop_ = &loop;
  events_ = &events;
  peer_ended_ = false;
  event_assign(&event_, loop.base_, fd,
               EV_READ | EV_WRITE | EV_CLOSED | EV_PERSIST | EV_ET, Trampoline,
               this);
  armed_ = event_add(&event_, nullptr) == 0;
  return armed_;
}

void Watch::Disarm() {
  if (!armed_) return;
  armed_ = false;
  event_del(&event_);
}

void Watch::Trampoline(evutil_socket_t, short what, void* self) {
  auto& watch = *static_cast<Watch*>(self);
  watch.loop_->UpdateNow();
  if ((what & EV_CLOSED) != 0) watch.peer_ended_ = true;
  if ((what & (EV_READ | EV_CLOSED)) != 0) watch.events_->OnReadable();
  // The read half may have closed the owner; it lives until the turn ends.
  if (watch.armed_ && (what & EV_WRITE) != 0) watch.events_->OnWritable();
}

bool LevelWatch::Arm(Loop& loop, int fd, Events& events) {
  assert(!armed_);
  loop_ = &loop;
  events_ = &events;
  event_assign(&event_, loop.base_, fd, EV_READ | EV_PERSIST, Trampoline, this);
  armed_ = event_add(&event_, nullptr) == 0;
  return armed_;
}

void LevelWatch::Disarm() {
  if (!armed_) return;
  armed_ = false;
  event_del(&event_);
}

void LevelWatch::Trampoline(evutil_socket_t, short, void* self) {
  auto& watch = *static_cast<LevelWatch*>(self);
  watch.loop_->UpdateNow();
  watch.events_->OnReadable();
}

Loop::Loop()
    : base_(NewBase()),
      wheel_(SteadyClock::now()),
      posted_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (posted_fd_ < 0) std::abort();  // no descriptor left at start-up
  event_assign(&wake_, base_, -1, 0, OnWake, this);
  event_assign(&posted_, base_, posted_fd_, EV_READ | EV_PERSIST, OnPosted,
               this);
  event_add(&posted_, nullptr);
}

Loop::~Loop() {
  retired_.clear();
  event_del(&posted_);
  event_del(&wake_);
  close(posted_fd_);
  event_base_free(base_);
}

void Loop::Run(const std::function<void()>& between_turns) {
  while (!stopped_) {
    ArmWake();
    event_base_loop(base_, EVLOOP_ONCE);
    between_turns();
    // What a destructor retires goes with the next turn.
    const auto dead = std::move(retired_);
    retired_.clear();
  }
}

void Loop::ArmWake() {
  const Time next = wheel_.NextTime();
  if (next >= wake_at_) return;
  wake_at_ = next;
  const Duration delay = next - SteadyClock::now();
  const timeval timeout = ToTimeval(delay > Duration{} ? delay : Duration{});
  event_add(&wake_, &timeout);
}

// A deadline has passed when a look at the sockets that began after it found
// nothing: nobody is to blame for what came while this process was held up.
void Loop::OnWake(evutil_socket_t, short, void* self) {
  auto& loop = *static_cast<Loop*>(self);
  loop.UpdateNow();
  if (loop.due_ == kNoTime) {
    loop.due_ = loop.now();
    const timeval at_once{};
    event_add(&loop.wake_, &at_once);
    return;
  }
  loop.wake_at_ = Time::max();
  loop.wheel_.Advance(std::exchange(loop.due_, kNoTime));
}

void Loop::Retire(std::unique_ptr<Retired> object) {
  retired_.push_back(std::move(object));
}

void Loop::Post(std::function<void()> task) {
  {
    const std::lock_guard lock(posted_mutex_);
    posted_tasks_.push_back(std::move(task));
  }
  const uint64_t one = 1;
  // Only fails when the counter is full, and then the loop wakes anyway.
  (void)!write(posted_fd_, &one, sizeof(one));
}

void Loop::OnPosted(evutil_socket_t fd, short, void* self) {
  uint64_t count = 0;
  (void)!read(fd, &count, sizeof(count));
  static_cast<Loop*>(self)->UpdateNow();
  static_cast<Loop*>(self)->RunPosted();
}

void Loop::RunPosted() {
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(posted_mutex_);
    tasks.swap(posted_tasks_);
  }
  for (auto& task : tasks) task();
}

}  // namespace whichhop
