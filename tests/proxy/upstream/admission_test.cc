// What may be in flight, and who waits for it.

#include "proxy/upstream/admission.h"

#include <thread>
#include <vector>

#include "proxy/upstream/upstream.h"
#include "proxy/upstream/wait_room.h"
#include "tests/catch.h"
#include "tests/proxy/net/connections.h"

namespace whichhop {
namespace {

using Entry = Upstream::Entry;

// An upstream `u` with servers a, b, ... of these limits, as one worker has it.
struct View {
  View(AdmissionBook& book, uint32_t limit,
       const std::vector<uint32_t>& server_limits)
      : upstream(loop, "u", Specs(server_limits), With(book, limit)) {}

  static std::vector<Endpoint::Spec> Specs(
      const std::vector<uint32_t>& limits) {
    std::vector<Endpoint::Spec> specs;
    for (const uint32_t limit : limits) {
      Endpoint::Spec spec;
      spec.text = std::string(1, static_cast<char>('a' + specs.size()));
      spec.max_requests = limit;
      specs.push_back(spec);
    }
    return specs;
  }
  static Upstream::Options With(AdmissionBook& book, uint32_t limit) {
    Upstream::Options options;
    options.max_requests = limit;
    options.admission = book.Of("u");
    return options;
  }
  // Runs the loop until the posted tasks are done.
  void Turn() {
    loop.Post([this] { loop.Stop(); });
    loop.Run([] {});
  }

  Loop loop;
  Upstream upstream;
};

struct Called final : SlotWaiter {
  void OnSlotCalled() override { ++times; }
  int times = 0;
};

// Leases that are given back at the end, whatever a test comes to.
struct Leases {
  ~Leases() { GiveAllBack(); }
  void GiveAllBack() {
    for (Lease& lease : all) lease.GiveBack();
  }
  Entry Admit(Upstream& upstream, bool from_line = false) {
    return upstream.Admit({}, from_line, &all[next++]);
  }
  std::array<Lease, 16> all;
  size_t next = 0;
};

TEST_CASE("slots are taken up to their limit; none is no limit") {
  Slots slots;
  for (int i = 0; i < 100; ++i) CHECK(slots.Take());
  slots.SetLimit(100);
  CHECK(slots.full());
  CHECK_FALSE(slots.Take());
  slots.Give();
  CHECK(slots.Take());
  slots.SetLimit(5);  // holds for those to come
  slots.Give();
  CHECK_FALSE(slots.Take());
  CHECK(slots.used() == 99);
}

TEST_CASE("slots are never taken twice, however many threads want them") {
  Slots slots;
  slots.SetLimit(3);
  std::atomic<int> most = 0;
  std::atomic<int> holding = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 20'000; ++n) {
        if (!slots.Take()) continue;
        const int now = ++holding;
        int seen = most;
        while (now > seen && !most.compare_exchange_weak(seen, now)) {
        }
        --holding;
        slots.Give();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(most <= 3);
  CHECK(slots.used() == 0);
}

TEST_CASE("an upstream's limit holds over its servers") {
  AdmissionBook book;
  View view(book, 3, {0, 0});
  Leases leases;
  for (int i = 0; i < 3; ++i) {
    CHECK(leases.Admit(view.upstream) == Entry::kAdmitted);
  }
  CHECK(leases.Admit(view.upstream) == Entry::kFull);
  leases.all[1].GiveBack();
  CHECK(leases.Admit(view.upstream) == Entry::kAdmitted);
}

TEST_CASE("a full server is passed over, until all are full") {
  AdmissionBook book;
  View view(book, 0, {1, 2});
  Leases leases;
  std::string asked;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(leases.Admit(view.upstream) == Entry::kAdmitted);
    asked += leases.all[leases.next - 1].endpoint().text();
  }
  CHECK(asked == "abb");
  CHECK(leases.Admit(view.upstream) == Entry::kFull);
  CHECK(view.upstream.in_flight(0) == 1);
  CHECK(view.upstream.in_flight(1) == 2);
}

TEST_CASE("a full server is waited for rather than an ejected one asked") {
  AdmissionBook book;
  View view(book, 0, {1, 1});
  Standing ejected;
  ejected.ejected = true;
  view.upstream.Take(1, ejected);
  Leases leases;
  CHECK(leases.Admit(view.upstream) == Entry::kAdmitted);
  CHECK(leases.Admit(view.upstream) == Entry::kFull);
}

TEST_CASE("workers share a limit that is lower than they are many") {
  AdmissionBook book;
  View one(book, 1, {0});
  View other(book, 1, {0});
  Leases leases;
  CHECK(leases.Admit(one.upstream) == Entry::kAdmitted);
  CHECK(leases.Admit(other.upstream) == Entry::kFull);
  leases.all[0].GiveBack();
  CHECK(leases.Admit(other.upstream) == Entry::kAdmitted);
  CHECK(leases.Admit(one.upstream) == Entry::kFull);
}

TEST_CASE("a reload keeps count of what is in flight, by the new limit") {
  AdmissionBook book;
  View before(book, 2, {0});
  Leases leases;
  CHECK(leases.Admit(before.upstream) == Entry::kAdmitted);
  CHECK(leases.Admit(before.upstream) == Entry::kAdmitted);
  View after(book, 3, {0});
  CHECK(leases.Admit(after.upstream) == Entry::kAdmitted);
  CHECK(leases.Admit(after.upstream) == Entry::kFull);
  leases.GiveAllBack();
}

TEST_CASE("whoever is first in line is called first, and nobody passes") {
  AdmissionBook book;
  View view(book, 1, {0});
  Admission& admission = *view.upstream.admission();
  WaitRoom room(view.loop);
  Leases leases;
  REQUIRE(leases.Admit(view.upstream) == Entry::kAdmitted);
  Called first, second;
  SlotWait first_wait, second_wait;
  first_wait.Begin(room, admission, first);
  second_wait.Begin(room, admission, second);
  CHECK(admission.waiting() == 2);
  view.Turn();
  CHECK(first.times == 1);  // a slot may have come free as it joined
  CHECK(first_wait.Answer());
  CHECK(leases.Admit(view.upstream, true) == Entry::kFull);
  leases.all[0].GiveBack();
  CHECK(leases.Admit(view.upstream) == Entry::kFull);  // a newcomer
  CHECK_FALSE(second_wait.Answer());
  Lease mine;
  CHECK(first_wait.Answer());
  CHECK(view.upstream.Admit({}, true, &mine) == Entry::kAdmitted);
  first_wait.End();
  CHECK(second_wait.Answer());
  mine.GiveBack();
  second_wait.End();
  CHECK_FALSE(admission.has_line());
}

TEST_CASE("whoever leaves the line lets the next one try") {
  AdmissionBook book;
  View one(book, 1, {0});
  View other(book, 1, {0});
  WaitRoom room(one.loop);
  WaitRoom other_room(other.loop);
  Leases leases;
  REQUIRE(leases.Admit(one.upstream) == Entry::kAdmitted);
  Called gone, stays;
  SlotWait gone_wait, stays_wait;
  gone_wait.Begin(room, *one.upstream.admission(), gone);
  stays_wait.Begin(other_room, *other.upstream.admission(), stays);
  leases.all[0].GiveBack();
  gone_wait.End();  // with a call on its way
  one.Turn();
  other.Turn();
  CHECK(gone.times == 0);
  CHECK(stays.times == 1);
  CHECK(stays_wait.Answer());
  stays_wait.End();
}

TEST_CASE("a server that comes back calls the line") {
  AdmissionBook book;
  View view(book, 0, {1, 1});
  Standing down;
  down.down = true;
  view.upstream.Take(1, down);
  WaitRoom room(view.loop);
  Leases leases;
  REQUIRE(leases.Admit(view.upstream) == Entry::kAdmitted);
  Called waiter;
  SlotWait wait;
  wait.Begin(room, *view.upstream.admission(), waiter);
  view.Turn();
  REQUIRE(wait.Answer());
  CHECK(leases.Admit(view.upstream, true) == Entry::kFull);
  view.upstream.Take(1, Standing());
  CHECK(wait.Answer());
  CHECK(leases.Admit(view.upstream, true) == Entry::kAdmitted);
  wait.End();
}

TEST_CASE("who is down is never asked; with all down nobody waits") {
  AdmissionBook book;
  View view(book, 1, {0, 0});
  Standing down;
  down.down = true;
  view.upstream.Take(0, down);
  Leases leases;
  for (int i = 0; i < 3; ++i) CHECK(view.upstream.Choose({})->text() == "b");
  view.upstream.Take(1, down);
  CHECK(view.upstream.Choose({}) == nullptr);
  CHECK(leases.Admit(view.upstream) == Entry::kAllDown);
}

// --- What is told of those in flight ---------------------------------------

struct Flights {
  Flights() : listening(ListenOnLoopback()) {
    int error = 0;
    near = Socket::Connect(listening.LocalAddress(), &error);
    REQUIRE(AwaitWritable(near));
  }
  void Ask() {
    char request[] = "GET";
    const iovec part{request, 3};
    REQUIRE(near.Send(&part, 1).bytes == 3);
    // An ACK takes no time on loopback, but it is not ours to give.
    while (near.Facts()->unsent > 0) std::this_thread::yield();
  }
  Socket listening;
  Socket near;
};

TEST_CASE("requests that all were acknowledged and none answered say so") {
  AdmissionBook book;
  View view(book, 1, {0});
  Flights wire;
  wire.Ask();
  Lease lease;
  REQUIRE(view.upstream.Admit({}, false, &lease) == Entry::kAdmitted);
  lease.OnAsked(wire.near);
  const Time later = SteadyClock::now() + std::chrono::seconds(5);
  const auto full = view.upstream.AskFullness(later);
  CHECK(full.limit == 1);
  CHECK(full.survey.in_flight == 1);
  CHECK(full.survey.acked);
  CHECK(full.survey.oldest >= std::chrono::seconds(5));
  lease.OnAnswered();
  // What was asked a moment ago is not asked again.
  CHECK(view.upstream.AskFullness(later + std::chrono::milliseconds(99))
            .survey.acked);
  CHECK_FALSE(view.upstream.AskFullness(later + std::chrono::milliseconds(100))
                  .survey.acked);
  lease.GiveBack();
}

TEST_CASE("a request that is not written whole speaks for nobody") {
  AdmissionBook book;
  View one(book, 2, {0});
  View other(book, 2, {0});
  Flights wire;
  wire.Ask();
  Lease asked, begun;
  REQUIRE(one.upstream.Admit({}, false, &asked) == Entry::kAdmitted);
  REQUIRE(other.upstream.Admit({}, false, &begun) == Entry::kAdmitted);
  asked.OnAsked(wire.near);
  const auto full = one.upstream.AskFullness(SteadyClock::now());
  CHECK(full.survey.in_flight == 2);  // of both workers
  CHECK_FALSE(full.survey.acked);
  asked.GiveBack();
  begun.GiveBack();
}

TEST_CASE("where nothing is in flight nothing is said") {
  AdmissionBook book;
  View view(book, 1, {0});
  const auto full = view.upstream.AskFullness(SteadyClock::now());
  CHECK(full.survey.in_flight == 0);
  CHECK_FALSE(full.survey.acked);
}

}  // namespace
}  // namespace whichhop
