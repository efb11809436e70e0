#pragma once
// Which process this is, among others that may bear the same node.name: two
// whichhops one behind the other are no loop, a request that comes back to the
// same one is.

#include <string>
#include <string_view>

#include "proxy/http/request_parser.h"
#include "proxy/server/config.h"

namespace whichhop {

// 8 hex digits, drawn at random once: a reload does not change them.
std::string_view InstanceId();

// How a request says that it came through here.
struct Passage {
  std::string via;       // received-by and comment: "whichhop (0123abcd)"
  std::string cdn_loop;  // "whichhop; id=0123abcd"; empty at position lb
};

Passage PassageOf(const NodeConfig& node);

// Whether the request has come through this very process before: by CDN-Loop
// (RFC 8586) or Via (RFC 9110, section 7.6.3), where `node` stands with
// `instance` as a Passage has them. The field that says so, or "". Fields that
// others cut or a client forges make it miss, or refuse the client's own
// request: no more.
std::string_view LoopField(const RequestHead& head, const char* data,
                           std::string_view node, std::string_view instance);

}  // namespace whichhop
