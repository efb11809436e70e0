#pragma once
// What was seen of the client's side, as facts for a diagnosis.

#include "diagnostics/observation.h"
#include "proxy/http/request_parser.h"
#include "proxy/net/buffer.h"
#include "proxy/server/body.h"

namespace whichhop {

class Exchange;

// The fault of a request head that the parser refused.
diagnostics::Fault FaultOf(const ParseError& error);

// A head of which `bytes` came.
diagnostics::RequestFacts HeadFacts(const Exchange& exchange, size_t bytes);
// A head that was refused. Refers to `in`.
diagnostics::RequestFacts RefusalFacts(const Exchange& exchange,
                                       const ParseError& error,
                                       const RequestParser& parser,
                                       const Buffer& in);
// A body that did not come, or may not.
diagnostics::RequestFacts BodyFacts(const Exchange& exchange,
                                    const BodyReader& body);

}  // namespace whichhop
