#pragma once
// What a codec made of an input, as one line of text, however the input was
// cut: test vectors compare it, fuzzers demand that no cut changes it.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/chunked.h"
#include "proxy/http/head.h"
#include "proxy/http/method.h"

namespace whichhop {

// Where an input is cut, in rising order; none: it comes whole. Each piece
// comes in a new allocation of exact size, as if buffers moved all the time.
using Cuts = std::vector<size_t>;

Cuts EveryOctet(std::string_view input);

// "GET o /a ? b 1.1 host=h length 3 keep | host: h; -te: x;" or
// "kBareLf@7 kLineBad" or "more". The target's form is o(rigin), a(bsolute),
// (a)u(thority) or *; a tilde marks methods without a Method, a hyphen fields
// that are not to be forwarded.
std::string DumpRequest(std::string_view input, const Cuts& cuts = {},
                        const HeadLimits& limits = {});

// "200 OK 1.1 chunked keep | server: x"
std::string DumpResponse(std::string_view input, const Cuts& cuts = {},
                         Method method = Method::kGet,
                         const HeadLimits& limits = {});

// "[payload] trailers left=N", "[payload] kChunkSizeSyntax@0 kChunk" or
// "[payload] more". N octets follow the body.
std::string DumpChunks(std::string_view input, const Cuts& cuts = {},
                       TrailerMode mode = TrailerMode::kRefuse,
                       const HeadLimits& limits = {});

}  // namespace whichhop
