#pragma once
// What a response's head has of the marks, and what its shape is.

#include <cstddef>
#include <string_view>

#include "diagnostics/fingerprint_marks.h"

namespace whichhop::diagnostics {

struct Head {
  size_t fields = 0;
  bool server = false;
  bool date = false;
  bool close = false;       // Connection: close
  bool only_bare = true;    // none but those that every answer may have
  bool empty = false;       // Content-Length: 0
  MarkSet marks;            // of fields
  RelayMarkSet relayed_by;  // kRelayMarks
};

// Of field lines, each with its CRLF.
Head ReadHead(std::string_view fields);

}  // namespace whichhop::diagnostics
