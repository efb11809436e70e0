#pragma once
// What our own kernel says of the way to an address. No packet is sent: it is
// asked when an attempt has failed, in a few system calls.

#include <optional>

#include "proxy/net/address.h"

namespace whichhop {

// The errno by which it refuses a route to `address` at this moment: EACCES,
// EINVAL, EHOSTUNREACH, ENETUNREACH, ENETDOWN. 0: it has one, or could not be
// asked. Requires: not address.is_unix().
int RouteRefusal(const Address& address);

// Whether `address` lies on the network of an interface of ours; if not, a
// router is the next hop on the way. Nothing if they could not be listed.
std::optional<bool> IsOnLink(const Address& address);

}  // namespace whichhop
