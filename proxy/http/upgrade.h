#pragma once
// The protocols that the Upgrade fields of a head name (RFC 9110, section 7.8),
// without those that are HTTP again, h2c above all: a tunnel in which requests
// travel would pass every rule about requests by. Such an offer is not passed
// on, and the request is served as what it is, HTTP/1.1.

#include "proxy/http/field_table.h"
#include "proxy/http/head_writer.h"

namespace whichhop {

// Whether there is any. `fields` are those of `data`.
bool NamesProtocol(const char* data, const FieldTable& fields);

// Whether `answer` names one at least, and nothing that `asked` does not.
bool ProtocolsAgree(const char* asked_data, const FieldTable& asked,
                    const char* answer_data, const FieldTable& answer);

// "Upgrade: websocket\r\n". Requires: NamesProtocol().
void WriteUpgrade(const char* data, const FieldTable& fields, HeadWriter* out);

}  // namespace whichhop
