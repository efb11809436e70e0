#pragma once
// What other requests saw in the last seconds of the address that one has just
// failed at, and of those beside it: the same host, the same rack, the same
// upstream. Asked when an attempt fails, never before.
//
// A sibling is a witness only of what it saw while this address was silent:
// what had answered before may be as dead by now as this. So an answer counts
// if it was asked for after the silence began, of this attempt or of those
// before it.

#include "diagnostics/observation.h"
#include "proxy/server/config.h"
#include "proxy/upstream/upstream.h"

namespace whichhop {

class Generation;

// Servers beyond it are not asked, those of the own upstream come first.
inline constexpr size_t kMaxSiblingsAsked = 256;

// Where an attempt failed.
struct Failed {
  size_t upstream = 0;  // index in the configuration
  size_t server = 0;    // of its servers
  Address address;
  diagnostics::Fault fault = diagnostics::Fault::kConnectTimeout;
  bool connected = false;  // the connection stood
  Time silent_since = kNoTime;
  Time now = kNoTime;
};

// Its memory; null: the server's name has moved on.
AddressMemory* MemoryOf(Generation& generation, const Failed& failed);

// Nobody answered, or a router could find nobody.
bool IsUnheard(diagnostics::Fault fault);

// What others may ask of this failure, in its address' memory.
void NoteFailure(AddressMemory& memory, diagnostics::Fault fault,
                 Time silent_since, Time now);

// Adds to `facts`. Racks go by their names, over all upstreams. Two racks of
// one upstream share the way to them, at position lb of all upstreams; a server
// without a rack shares no switch with any other host, however alike their
// addresses are: a route may be dead for one address alone. Ports of one host
// share all of the way, but not on loopback, where there is none.
void AddSiblings(Generation& generation, const Failed& failed,
                 diagnostics::SiblingFacts* facts);

// Whether any port of this host answered a request that was asked since then.
// On loopback hosts are not told apart.
bool HostAnsweredSince(Generation& generation, size_t upstream,
                       const Address& address, Time since);

// An address on another host than this server's that answered within the last
// seconds: one of its rack, if there is one, else the latest.
std::optional<Address> FindWitness(Generation& generation, size_t upstream,
                                   size_t server, Time now);

}  // namespace whichhop
