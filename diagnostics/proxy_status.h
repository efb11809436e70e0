#pragma once
// The Proxy-Status field (RFC 9209): the members of the proxies behind us, and
// ours after them.

#include <string>
#include <string_view>

#include "diagnostics/fields.h"
#include "diagnostics/verdict.h"

namespace whichhop::diagnostics {

// Appends the field's value: members of others are kept, those that bear our
// name and values that are not an sf-list are dropped; for the public,
// `details` and `next-hop` are taken out of every member.
void AppendProxyStatus(const Verdict& verdict, const FieldOptions& options,
                       std::string& out);

// The same of the members of others alone, as a whole field line; nothing if
// none is left. For responses that are no errors.
void AppendOthersProxyStatus(const FieldOptions& options, std::string& out);

}  // namespace whichhop::diagnostics
