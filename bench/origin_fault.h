#pragma once

// The answers of an origin that fails. Most faults are bytes and an ending, and
// stand in origin_table.cc as data for Canned; those here need more than that.

#include "bench/origin_exchange.h"

namespace origin {

After Canned(Exchange& exchange);
// The same with a pause at the bar, so that they come in two segments.
After CannedInPieces(Exchange& exchange);  // the route's bytes and ending
After BadStatus(Exchange& exchange);       // a status line with that token
After BadVersion(Exchange& exchange);      // a status line with that version
After HeadTooLarge(Exchange& exchange);    // 300 KiB of fields
After ManyFields(Exchange& exchange);      // so many small fields
After Drip(Exchange& exchange);            // a valid head, byte by byte
After InterimFlood(Exchange& exchange);    // so many 102, then 200
After InterimHang(Exchange& exchange);     // a 102 a second and nothing else
After EarlyAnswer(Exchange& exchange);     // 413 before the body, then RST
After ReadThenReset(Exchange& exchange);   // RST in the middle of the request
After Unacked(Exchange& exchange);         // the body is never acknowledged
After HalfClose(Exchange& exchange);       // FIN, but the socket stays open
After StaleReset(Exchange& exchange);      // answers, RST on the next request
After StaleFin(Exchange& exchange);        // answers, FIN on the next request
After Idle408(Exchange& exchange);         // answers, then an unasked 408

// Waited for a peer that should give up; a test takes less, a leak no more.
constexpr std::chrono::minutes kHoldMost{10};

}  // namespace origin
