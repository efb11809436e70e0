#pragma once
// A Refusal is a connection that we end before it has said what it wants: what
// the log has of it, and what it is told where an answer may be sent.

#include <string>

#include "diagnostics/verdict.h"
#include "proxy/base/ulid.h"
#include "proxy/net/address.h"
#include "proxy/server/config.h"
#include "proxy/server/exchange.h"

namespace whichhop {

struct Refusal {
  diagnostics::Verdict verdict;
  Ulid error_id;
  Ip peer;
  Duration age{};  // of the connection
  uint64_t bytes_in = 0;
  uint64_t bytes_out = 0;
  uint16_t status = 0;  // that was sent; 0: nothing was
  Ended ended;
  const TlsFacts* tls = nullptr;  // of its handshake; null: there was none
};

// Our decision to refuse `peer`. `detail`: for operators. `tls`: of its
// handshake; null: there was none.
Refusal Refuse(const Config& config, diagnostics::Fault fault,
               std::string_view detail, const Ip& peer, Rng& rng,
               const diagnostics::ClientTlsFacts* tls = nullptr);

// The whole answer, in plain text: nothing is known of what the client would
// accept. `date`: an HTTP-date. Requires: the verdict has a status.
std::string RefusalAnswer(const Config& config, const Refusal& refusal,
                          std::string_view date);

}  // namespace whichhop
