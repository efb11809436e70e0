#pragma once
// Who the client of a request is: the peer, or whom the peer speaks for where
// `trusted_proxies` lists it. Believed link by link, from the peer backwards:
// each proxy vouches for the one before it, and the first that is not trusted
// is the client.

#include <span>

#include "proxy/http/field_table.h"
#include "proxy/net/address.h"

namespace whichhop {

struct ClientAddress {
  Ip ip;
  // What was said of the client agrees, and `ip` is none of a trusted proxy,
  // which may speak for anybody. Nobody has rights by an address that is not
  // certain, or all who pass through that proxy would have them.
  bool certain = true;
};

// Whether the client sees what `errors` keeps for operators.
bool IsOperator(const ClientAddress& client,
                std::span<const Network> operators);

bool IsTrusted(const Ip& ip, std::span<const Network> trusted);

// Of a request whose peer is trusted. `data`: what the fields refer to. Of
// several kinds of fields that differ, X-Forwarded-For says who it is, then
// Forwarded, then CF-Connecting-IP, and it is not certain.
ClientAddress FindClient(const FieldTable& fields, const char* data,
                         const Ip& peer, std::span<const Network> trusted);

}  // namespace whichhop
