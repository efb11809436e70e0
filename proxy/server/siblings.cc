#include "proxy/server/siblings.h"

#include <algorithm>

#include "diagnostics/classify.h"
#include "proxy/server/generation.h"

namespace whichhop {

using diagnostics::Fault;

AddressMemory* MemoryOf(Generation& generation, const Failed& failed) {
  Upstream& upstream = generation.upstream(failed.upstream);
  return upstream.server(failed.server).memory(failed.address);
}

bool IsUnheard(Fault fault) {
  return diagnostics::IsSilence(fault) || fault == Fault::kConnectUnreachHost;
}

namespace {

using diagnostics::Seconds;
using diagnostics::SiblingFacts;

constexpr Duration kLastSeconds = std::chrono::seconds(10);

// How near another address is to the one that failed.
enum class Nearness : uint8_t {
  kStranger,
  kSharesWay,  // to the racks that they are in
  kSharesRack,
  kSharesHost,
  kSharesAddress,
};

struct Place {
  size_t upstream;
  const std::string& rack;
  const Address& address;
};

bool OfOneHost(const Address& one, const Address& other) {
  return !one.is_loopback() && one.IpBytes() == other.IpBytes();
}

Nearness Compare(const Place& failed, const Place& other, bool one_site) {
  if (other.address == failed.address) return Nearness::kSharesAddress;
  if (other.address.is_unix() || failed.address.is_unix()) {
    return Nearness::kStranger;
  }
  const bool racks = !failed.rack.empty() && !other.rack.empty();
  if (racks && other.rack == failed.rack) return Nearness::kSharesRack;
  const bool site = one_site || other.upstream == failed.upstream;
  if (racks && site) return Nearness::kSharesWay;
  return OfOneHost(failed.address, other.address) ? Nearness::kSharesHost
                                                  : Nearness::kStranger;
}

// Of those known, the latest counts.
void NoteAge(Duration age, std::optional<Seconds>* least) {
  const Seconds whole = std::chrono::ceil<Seconds>(age);
  *least = std::min(least->value_or(Seconds::max()), whole);
}

bool IsLately(Time time, Time now) {
  return time != kNoTime && now - time <= kLastSeconds;
}

// Whether it is silent still, as far as anybody knows.
bool IsSilent(const AddressMemory& memory, Time now) {
  return IsLately(memory.silent_until(), now) &&
         memory.asked() <= memory.silent_since();
}

// Calls visit(upstream, server, address, memory) for each address of the
// servers, as far as they are asked; those of `first` first.
template <typename Visitor>
void ForEachAddress(Generation& generation, size_t first,
                    const Visitor& visit) {
  const std::vector<UpstreamConfig>& upstreams = generation.config().upstreams;
  size_t asked = 0;
  for (size_t turn = 0; turn < upstreams.size(); ++turn) {
    // first, then 0 and so on without it.
    const size_t i = turn == 0 ? first : turn <= first ? turn - 1 : turn;
    for (size_t each = 0; each < upstreams[i].servers.size(); ++each) {
      if (++asked > kMaxSiblingsAsked) return;
      generation.upstream(i).server(each).ForEachAddress(
          [&](const Address& address, const AddressMemory& memory) {
            visit(i, upstreams[i].servers[each], address, memory);
          });
    }
  }
}

// An ICMP error that names what is wrong on the way to this very address.
bool IsRoutersWord(Fault fault) {
  return fault == Fault::kConnectRefusedIcmp ||
         fault == Fault::kConnectAdminProhibited ||
         fault == Fault::kConnectTtlExceeded;
}

// What the ports of a host say of it that refuses a connection.
class Ports {
 public:
  Ports(Generation& generation, const Failed& failed) : failed_(failed) {
    ForEachAddress(generation, failed.upstream,
                   [this](size_t, const ServerConfig&, const Address& address,
                          const AddressMemory& memory) {
                     if (OfOneHost(address, failed_.address)) {
                       Hear(address, memory);
                     }
                   });
  }

  void Tell(SiblingFacts* facts) const {
    facts->host_refuses = refuses_;
    const bool stands = asked_ <= forgotten_ && ended_ <= forgotten_;
    if (forgotten_ == kNoTime || !stands) return;
    facts->forgotten = std::chrono::ceil<Seconds>(failed_.now - forgotten_);
  }

 private:
  void Hear(const Address& address, const AddressMemory& memory) {
    const bool other = !(address == failed_.address);
    refuses_ = refuses_ || (other && memory.refused() > memory.asked() &&
                            IsLately(memory.refused(), failed_.now));
    asked_ = std::max(asked_, memory.asked());
    ended_ = std::max(ended_, memory.ended());
    forgotten_ = std::max(forgotten_, memory.forgotten());
  }

  const Failed& failed_;
  bool refuses_ = false;  // another port than the one that failed
  Time asked_ = kNoTime;  // the latest of all
  Time ended_ = kNoTime;
  Time forgotten_ = kNoTime;
};

// Since when the address is silent, for this attempt and those before it.
Time SilentSince(Generation& generation, const Failed& failed) {
  const AddressMemory* const memory = MemoryOf(generation, failed);
  if (memory == nullptr || !IsUnheard(failed.fault)) {
    return failed.silent_since;
  }
  return std::min(failed.silent_since, memory->silent_since());
}

class Survey {
 public:
  Survey(Generation& generation, const Failed& failed, SiblingFacts* facts)
      : generation_(generation),
        failed_(failed),
        silent_since_(SilentSince(generation, failed)),
        facts_(*facts) {}

  void Ask() {
    facts_.unheard_before =
        silent_since_ < failed_.silent_since || OthersWait();
    ForEachAddress(generation_, failed_.upstream,
                   [this](size_t upstream, const ServerConfig& server,
                          const Address& address, const AddressMemory& memory) {
                     Hear({upstream, server.rack, address}, memory);
                   });
  }

 private:
  const std::string& FailedRack() const {
    const UpstreamConfig& upstream =
        generation_.config().upstreams[failed_.upstream];
    return upstream.servers[failed_.server].rack;
  }

  bool OthersWait() const {
    return generation_.upstream(failed_.upstream).in_flight(failed_.server) > 1;
  }

  void Hear(const Place& other, const AddressMemory& memory) {
    const Place here{failed_.upstream, FailedRack(), failed_.address};
    if (!here.rack.empty() && other.rack == here.rack) {
      CountInRack(other.address, IsSilent(memory, failed_.now));
    }
    if (memory.asked() <= silent_since_) return;
    const Duration age = failed_.now - memory.asked();
    switch (Compare(here, other, AtLb())) {
      case Nearness::kStranger:
        return;
      case Nearness::kSharesWay:
        return NoteAge(age, &facts_.other_rack);
      case Nearness::kSharesHost:
        // A filter on the way may let one port pass and not another.
        if (!failed_.connected) return;
        [[fallthrough]];
      case Nearness::kSharesRack:
        return NoteAge(age, &facts_.same_rack);
      case Nearness::kSharesAddress:
        return NoteAge(age, &facts_.same_address);
    }
  }

  // Of a host that is off all ports are silent: they are no further witness.
  void CountInRack(const Address& address, bool silent) {
    const bool port =
        !(address == failed_.address) && OfOneHost(failed_.address, address);
    if (silent && port) return;
    ++facts_.rack_servers;
    if (silent) ++facts_.rack_silent;
  }

  // A balancer has one switch between it and all of its racks' own.
  bool AtLb() const {
    return generation_.config().node.position == diagnostics::Position::kLb;
  }

  Generation& generation_;
  const Failed& failed_;
  const Time silent_since_;
  SiblingFacts& facts_;
};

}  // namespace

void NoteFailure(AddressMemory& memory, Fault fault, Time silent_since,
                 Time now) {
  if (IsUnheard(fault)) memory.NoteSilence(silent_since, now);
  if (fault == Fault::kConnectRefusedRst) memory.NoteRefusal(now);
}

void AddSiblings(Generation& generation, const Failed& failed,
                 SiblingFacts* facts) {
  const AddressMemory* const memory = MemoryOf(generation, failed);
  if (memory != nullptr && memory->ended() != kNoTime) {
    facts->far_end_closed =
        std::chrono::ceil<Seconds>(failed.now - memory->ended());
  }
  if (failed.fault == Fault::kConnectRefusedRst) {
    Ports(generation, failed).Tell(facts);
  } else if (!IsRoutersWord(failed.fault)) {
    // Else nobody can have seen anything meanwhile.
    Survey(generation, failed, facts).Ask();
  }
}

bool HostAnsweredSince(Generation& generation, size_t upstream,
                       const Address& address, Time since) {
  bool answered = false;
  if (address.is_unix() || address.is_loopback()) return answered;
  ForEachAddress(generation, upstream,
                 [&](size_t, const ServerConfig&, const Address& other,
                     const AddressMemory& memory) {
                   answered = answered || (OfOneHost(address, other) &&
                                           memory.asked() > since);
                 });
  return answered;
}

std::optional<Address> FindWitness(Generation& generation, size_t upstream,
                                   size_t server, Time now) {
  const ServerConfig& failed =
      generation.config().upstreams[upstream].servers[server];
  std::optional<Address> witness;
  bool neighbour = false;
  Time latest = now - kLastSeconds;
  ForEachAddress(
      generation, upstream,
      [&](size_t, const ServerConfig& other, const Address& address,
          const AddressMemory& memory) {
        const bool walked = !address.is_unix() && !address.is_loopback();
        const bool near = !failed.rack.empty() && other.rack == failed.rack;
        if (!walked || other.text == failed.text || near < neighbour) return;
        const bool lately = memory.asked() >= now - kLastSeconds;
        if (!lately || (near == neighbour && memory.asked() <= latest)) return;
        latest = memory.asked();
        neighbour = near;
        witness = address;
      });
  return witness;
}

}  // namespace whichhop
