#pragma once
// What the Connection fields of a head say (RFC 9110, section 7.6.1).

#include <cstddef>

#include "proxy/http/field_table.h"

namespace whichhop {

struct ConnectionOptions {
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;
  bool too_many = false;  // over 64: refuse the head
};

// Reads every Connection field of `fields` and marks as hop-by-hop what they
// name. A field with a FieldId is left as its id says: each of those is meant
// for the far end (or is hop-by-hop already), and neither side may take Host,
// Content-Length, Forwarded, X-Forwarded-*, Via or Authorization away by
// naming it there.
ConnectionOptions ReadConnection(const char* data, FieldTable* fields);

}  // namespace whichhop
