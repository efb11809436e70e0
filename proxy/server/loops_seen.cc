#include "proxy/server/loops_seen.h"

#include <array>
#include <atomic>
#include <functional>

namespace whichhop {

namespace {

constexpr size_t kPlaces = 1024;
// From the refusal to its relaying: hops between us may be slow.
constexpr uint32_t kSeconds = 10;

// The upper bits of an id's hash, and the second that it was noted in.
std::array<std::atomic<uint64_t>, kPlaces> places;

uint32_t SecondOf(Time now) {
  return static_cast<uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch())
          .count());
}

}  // namespace

void NoteLoop(std::string_view request_id, Time now) {
  const uint64_t hash = std::hash<std::string_view>()(request_id);
  const uint64_t entry = (hash >> 32) << 32 | SecondOf(now);
  places[hash % kPlaces].store(entry, std::memory_order_relaxed);
}

bool TakeLoop(std::string_view request_id, Time now) {
  const uint64_t hash = std::hash<std::string_view>()(request_id);
  std::atomic<uint64_t>& place = places[hash % kPlaces];
  uint64_t entry = place.load(std::memory_order_relaxed);
  const uint32_t age = SecondOf(now) - static_cast<uint32_t>(entry);
  return entry != 0 && entry >> 32 == hash >> 32 && age <= kSeconds &&
         place.compare_exchange_strong(entry, 0, std::memory_order_relaxed);
}

}  // namespace whichhop
