#include "proxy/upstream/admission.h"

#include <algorithm>
#include <cassert>

namespace whichhop {

namespace {

// The far end's kernel has all of it. A Unix socket has no way that could have
// lost something.
bool Acknowledged(const Socket* socket) {
  if (socket == nullptr) return false;
  const auto facts = socket->Facts();
  return !facts || (facts->established && facts->unsent == 0);
}

}  // namespace

bool Slots::Take() {
  const uint32_t limit = limit_;
  uint32_t used = used_;
  do {
    if (limit != 0 && used >= limit) return false;
  } while (!used_.compare_exchange_weak(used, used + 1));
  return true;
}

void FlightShard::Begin(Flight& flight, Time now) {
  const std::lock_guard lock(mutex_);
  assert(flight.next_ == nullptr);
  flight.begun_ = now;
  flight.socket_ = nullptr;
  flight.answered_ = false;
  flight.next_ = &list_;
  flight.previous_ = list_.previous_;
  list_.previous_->next_ = &flight;
  list_.previous_ = &flight;
}

void FlightShard::Await(Flight& flight, const Socket* socket) {
  const std::lock_guard lock(mutex_);
  flight.socket_ = socket;
  flight.answered_ = socket == nullptr;
}

void FlightShard::End(Flight& flight) {
  if (flight.next_ == nullptr) return;
  const std::lock_guard lock(mutex_);
  flight.previous_->next_ = flight.next_;
  flight.next_->previous_ = flight.previous_;
  flight.next_ = flight.previous_ = nullptr;
  flight.socket_ = nullptr;
}

void FlightShard::Survey(Time now, FlightSurvey* survey) {
  const std::lock_guard lock(mutex_);
  for (const Flight* flight = list_.next_; flight != &list_;
       flight = flight->next_) {
    ++survey->in_flight;
    survey->oldest = std::max(survey->oldest, now - flight->begun_);
    survey->acked = survey->acked && Acknowledged(flight->socket_);
    survey->answered = survey->answered && flight->answered_;
  }
}

std::shared_ptr<Slots> Admission::ServerSlots(const std::string& address) {
  const std::lock_guard lock(mutex_);
  return servers_.Of(address);
}

// Before it was in line a slot may have come free, which called nobody: so
// whoever begins a line is called at once.
void Admission::Join(Ticket ticket) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = line_.empty();
    line_.push_back(ticket);
    ++waiting_;
  }
  if (first) CallHead();
}

bool Admission::Answer(Ticket ticket) {
  const std::lock_guard lock(mutex_);
  if (line_.empty() || line_.front() != ticket) return false;
  called_ = false;  // what comes free from here on calls again
  return true;
}

void Admission::Leave(Ticket ticket) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(line_, ticket);
    assert(found != line_.end());
    if (found == line_.begin()) called_ = false;
    line_.erase(found);
    --waiting_;
  }
  OnRoom();
}

void Admission::CallHead() {
  const std::lock_guard lock(mutex_);
  if (line_.empty() || called_) return;
  called_ = true;
  line_.front().caller->CallNumber(line_.front().number);
}

void Admission::AddShard(FlightShard& shard) {
  const std::lock_guard lock(survey_mutex_);
  shards_.push_back(&shard);
}

void Admission::RemoveShard(FlightShard& shard) {
  const std::lock_guard lock(survey_mutex_);
  std::erase(shards_, &shard);
}

FlightSurvey Admission::Survey(Time now) {
  const std::lock_guard lock(survey_mutex_);
  if (surveyed_at_ != kNoTime && now - surveyed_at_ < kSurveyed) {
    return surveyed_;
  }
  surveyed_ = {};
  surveyed_at_ = now;
  for (FlightShard* shard : shards_) shard->Survey(now, &surveyed_);
  surveyed_.acked = surveyed_.acked && surveyed_.in_flight > 0;
  surveyed_.answered = surveyed_.answered && surveyed_.in_flight > 0;
  return surveyed_;
}

std::shared_ptr<Admission> AdmissionBook::Of(const std::string& upstream) {
  const std::lock_guard lock(mutex_);
  return admissions_.Of(upstream);
}

}  // namespace whichhop
