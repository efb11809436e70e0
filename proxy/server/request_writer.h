#pragma once
// The request head as it goes upstream: written anew from the parsed one, in
// HTTP/1.1, without hop-by-hop fields, with Via (RFC 9110, section 7.6.3),
// CDN-Loop (RFC 8586), Forwarded (RFC 7239), X-Forwarded-* and X-Request-Id.

#include <string>
#include <string_view>

#include "proxy/http/request_parser.h"
#include "proxy/net/buffer.h"

namespace whichhop {

// What the fields say of us and of the client.
struct ForwardedBy {
  std::string_view via;         // who we are in Via: name and comment
  std::string_view client;      // its address, without port
  bool trusted = false;         // its own forwarding fields are kept
  std::string_view scheme;      // "http" or "https"
  std::string_view request_id;  // empty: the client's own is kept
  bool upgrade = false;         // the protocols that the client offers, too
  std::string_view cdn_loop{};  // and in CDN-Loop (RFC 8586); empty: none
};

// The request id of a client is kept if it is a token of at most 128 bytes.
bool IsRequestId(std::string_view text);

// Appends the head to `out`, which holds memory and grows as it needs.
void WriteRequestHead(const RequestHead& head, const char* data,
                      const ForwardedBy& by, BufferPool& pool, Buffer* out);

}  // namespace whichhop
