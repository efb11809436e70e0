#pragma once
// llhttp in strict mode, the parser of Node.js, as the second opinion.

#include <string_view>

#include "tests/proxy/http/message.h"

namespace whichhop {

// As ReadByUs().
Message ReadByLlhttp(Side side, std::string_view input, Method method);

}  // namespace whichhop
