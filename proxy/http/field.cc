#include "proxy/http/field.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace whichhop {
namespace {

constexpr auto kNames = std::to_array<std::string_view>({
#define X(id, name) name,
#include "proxy/http/field.inc"
#undef X
    "",
});

constexpr size_t kNameMax =
    std::ranges::max(kNames, {}, &std::string_view::size).size();

// A name's first and last eight octets in lower case, overlapping where it is
// shorter than 16: all of it, but for the middle of longer ones. Token octets
// that differ in 0x20 alone are letters; no known name holds the few others.
struct Ends {
  uint64_t head;
  uint64_t tail;

  bool operator==(const Ends&) const = default;
};

constexpr uint64_t kLower = 0x2020202020202020;

constexpr uint64_t LoadPlain(std::string_view octets) {
  uint64_t word = 0;
  for (size_t i = octets.size(); i-- > 0;) {
    word = (word << 8) | static_cast<uint8_t>(octets[i]);
  }
  return word;
}

constexpr Ends EndsPlain(std::string_view name) {
  const size_t n = name.size() < 8 ? name.size() : 8;
  return {LoadPlain(name.substr(0, n)) | kLower,
          LoadPlain(name.substr(name.size() - n)) | kLower};
}

uint64_t Load8(const char* p) {
  uint64_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

uint64_t Load4(const char* p) {
  uint32_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

// EndsPlain(), by whole words where the machine's order of octets allows.
Ends EndsOf(std::string_view name) {
  const size_t n = name.size();
  if (std::endian::native != std::endian::little || n < 4) {
    return EndsPlain(name);
  }
  const char* p = name.data();
  if (n >= 8) return {Load8(p) | kLower, Load8(p + n - 8) | kLower};
  const uint64_t word = Load4(p) | Load4(p + n - 4) << (8 * (n - 4)) | kLower;
  return {word, word};
}

constexpr unsigned kSlotBits = 9;
constexpr size_t kSlots = size_t{1} << kSlotBits;

constexpr size_t SlotOf(const Ends& ends, size_t size, uint64_t factor) {
  return ((ends.head ^ (ends.tail << 1) ^ size) * factor) >> (64 - kSlotBits);
}

// Where a name is looked for; the slots that no name has are of kOther. All
// that tells whether it is that name lies in one line of the processor's cache.
struct alignas(32) Slot {
  Ends ends{};
  uint32_t size = 0;
  FieldId id = FieldId::kOther;
};

struct NameTable {
  uint64_t factor = 0x9e3779b97f4a7c15;
  std::array<Slot, kSlots> slots{};
};

using NameEnds = std::array<Ends, kFieldIds>;

// Whether each name has a slot of its own.
constexpr bool Fits(const NameEnds& ends, uint64_t factor) {
  std::array<bool, kSlots> taken{};
  for (size_t i = 0; i < kFieldIds; ++i) {
    bool& slot = taken[SlotOf(ends[i], kNames[i].size(), factor)];
    if (slot) return false;
    slot = true;
  }
  return true;
}

// A perfect hash: multipliers are tried, when compiling, until one fits.
constexpr NameTable MakeTable() {
  NameEnds ends{};
  for (size_t i = 0; i < kFieldIds; ++i) ends[i] = EndsPlain(kNames[i]);
  NameTable table;
  while (!Fits(ends, table.factor)) {
    table.factor =
        (table.factor * 6364136223846793005u + 1442695040888963407u) | 1;
  }
  for (size_t i = 0; i < kFieldIds; ++i) {
    const size_t size = kNames[i].size();
    table.slots[SlotOf(ends[i], size, table.factor)] = {
        ends[i], static_cast<uint32_t>(size), static_cast<FieldId>(i)};
  }
  return table;
}

constexpr NameTable kTable = MakeTable();

bool SameMiddle(std::string_view name, std::string_view known) {
  for (size_t i = 8; i + 8 < known.size(); ++i) {
    if ((name[i] | 0x20) != known[i]) return false;
  }
  return true;
}

}  // namespace

FieldId LookUpField(std::string_view name) {
  const Ends ends = EndsOf(name);
  const Slot& slot = kTable.slots[SlotOf(ends, name.size(), kTable.factor)];
  if (slot.size != name.size() || slot.ends != ends) return FieldId::kOther;
  const bool same = name.size() <= 16 ||
                    SameMiddle(name, kNames[static_cast<size_t>(slot.id)]);
  return same ? slot.id : FieldId::kOther;
}

bool IsTwin(std::string_view name) {
  if (name.find('_') == name.npos) return false;
  std::array<char, kNameMax> hyphens;
  if (name.size() > hyphens.size()) return false;
  std::ranges::replace_copy(name, hyphens.begin(), '_', '-');
  return LookUpField({hyphens.data(), name.size()}) != FieldId::kOther;
}

std::string_view FieldName(FieldId id) {
  return kNames[static_cast<size_t>(id)];
}

}  // namespace whichhop
