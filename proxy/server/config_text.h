#pragma once
// The bytes of a configuration before anyone parses them, and words of it in
// messages.

#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/server/config_error.h"

namespace whichhop {

// Whether the YAML parser may see this text. It may not if it is no UTF-8,
// holds control characters (yaml-cpp takes 0x04 for the end of the file and a
// lone CR for a space) or indents with a tab (which it reads as no indent at
// all). Adds the first such error.
bool IsParsable(std::string_view text, ConfigErrors& errors);

// Whether `text` holds a control character: C0, DEL or, in UTF-8, C1.
bool HasControl(std::string_view text);

// `text` between back ticks, for a message: control characters escaped, cut
// short when long.
std::string Quote(std::string_view text);

}  // namespace whichhop
