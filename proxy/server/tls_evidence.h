#pragma once
// What a connection's TLS knew, as the diagnosis wants it. The results refer to
// `seen`, which must stay.

#include "diagnostics/tls_facts.h"
#include "proxy/net/tls_client.h"
#include "proxy/net/tls_facts.h"

namespace whichhop {

// `host`: as the server is configured.
diagnostics::TlsFacts EvidenceOf(const TlsFacts& seen, const TlsClient& client,
                                 std::string_view host);
diagnostics::ClientTlsFacts EvidenceOf(const TlsFacts& seen,
                                       const TlsServer& server);

}  // namespace whichhop
