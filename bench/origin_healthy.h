#pragma once

// The answers of an origin that works. Each is a row of origin_table.cc.

#include "bench/origin_exchange.h"

namespace origin {

After Bytes(Exchange& exchange);       // N deterministic bytes
After Echo(Exchange& exchange);        // the request as it was received
After Status(Exchange& exchange);      // a status of the client's choice
After EarlyHints(Exchange& exchange);  // 103, then 200
After Trailers(Exchange& exchange);    // chunked, with a trailer section
After Sink(Exchange& exchange);        // reads; answers with size and hash
After Slow(Exchange& exchange);        // so many bytes at such a rate
After HeadField(Exchange& exchange);   // one field of such a size
After Cookies(Exchange& exchange);     // so many Set-Cookie fields
After Count(Exchange& exchange);       // what this process has served

// The deterministic content: 16 octets a record, 15 hexadecimal digits of the
// record's own offset and LF, so that any cut or shift is seen.
std::string ContentAt(uint64_t offset, size_t bytes);

}  // namespace origin
