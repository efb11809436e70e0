#pragma once
// Paths of request targets, as routes compare them (RFC 3986, section 6.2.2).

#include <string>
#include <string_view>

namespace whichhop {

// `path` with unreserved characters percent-decoded, the hex digits of other
// escapes in upper case, runs of slashes merged and dot segments removed (RFC
// 3986, section 5.2.4): one spelling for all that reach the same place, %2F
// and malformed escapes left as they are. For comparing, not for forwarding.
// Returns `path` itself where nothing is to be done, else what it wrote into
// `storage`. Requires: `path` is empty or begins with a slash.
std::string_view NormalizePath(std::string_view path, std::string* storage);

}  // namespace whichhop
