#pragma once
// Where the body of a message ends, from its Content-Length and
// Transfer-Encoding (RFC 9112, section 6). Whatever two readers could take
// for two different ends is refused.

#include <cstddef>
#include <cstdint>
#include <optional>

#include "proxy/http/field_table.h"
#include "proxy/http/head.h"
#include "proxy/http/parse_rule.h"

namespace whichhop {

struct BodyFraming {
  Framing framing = Framing::kNone;
  uint64_t content_length = 0;
};

struct BrokenRule {
  ParseRule rule;
  size_t offset;
};

// Neither field: kNone. One Content-Length at most, even of equal ones.
std::optional<BrokenRule> ReadRequestFraming(const char* data,
                                             const FieldTable& fields,
                                             uint8_t minor_version,
                                             BodyFraming* body);

// Neither field: kUntilClose. A Content-Length that is repeated with the same
// value is legal: the first field is cut to one number, the others become
// hop-by-hop. Whether the response has a body at all is not asked here.
std::optional<BrokenRule> ReadResponseFraming(const char* data,
                                              FieldTable* fields,
                                              uint8_t minor_version,
                                              BodyFraming* body);

}  // namespace whichhop
