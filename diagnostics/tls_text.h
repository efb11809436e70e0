#pragma once
// The words for the numbers of TLS and of certificates.

#include <cstdint>
#include <string_view>

#include "diagnostics/fixed_text.h"

namespace whichhop::diagnostics {

// The description of IANA's registry "TLS Alerts", a token:
// "unrecognized_name". Empty for a number that it does not assign, or of SSL.
std::string_view AlertName(uint8_t alert);

// "112 (unrecognized_name)"; the number alone where it has no name.
FixedText<48> AlertText(uint8_t alert);

// "TLS 1.3"; "version 0x7f1c" for one that is none of them.
FixedText<24> VersionText(uint16_t version);

// "18 (self-signed certificate)": a result X509_V_ERR_* of a verification; the
// number alone where it is a rare one.
FixedText<64> VerifyText(uint32_t code);

// "2026-11-20" (UTC), from seconds since the epoch. The last day of the year
// 9999 is "never" (RFC 5280 section 4.1.2.5).
FixedText<24> DateText(uint64_t seconds);

// "2 days", "3 h", "5 min", "40 s": in the largest unit of which it is one.
FixedText<24> SpanText(uint64_t seconds);

}  // namespace whichhop::diagnostics
