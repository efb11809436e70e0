#pragma once
// What a worker's other connections showed of TLS lately: whether a failure is
// this server's own, or our policy's, or our clock's. Bounded: of more servers
// than kMost, those that were not heard of for longest are forgotten.
// Single-threaded; owned by the worker.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/tls_facts.h"
#include "proxy/base/clock.h"
#include "proxy/net/tls_layer.h"

namespace whichhop {

class TlsNeighbours {
 public:
  static constexpr size_t kMost = 64;

  // A server, as one upstream reaches it.
  struct Server {
    std::string_view upstream;
    std::string_view address;
    uint16_t min_version = 0;  // that we agree to with it
  };

  // A handshake was completed.
  void NoteAgreed(const Server& server, const TlsLayer& tls, Time now);
  // One failed over the certificate.
  void NoteRefused(const Server& server, const TlsFacts& facts, Time now);
  // A response came with this Date: so many seconds before our clock.
  void NoteDate(const Server& server, int64_t ahead, Time now);

  // What the others say of a failure at `server`, which was noted before.
  void Add(const Server& server, const TlsFacts& failed, Time now,
           diagnostics::TlsFacts* facts) const;

 private:
  struct Seen {
    std::string upstream;
    std::string address;
    std::string sni;
    uint16_t min_version = 0;
    Time heard = kNoTime;
    Time agreed = kNoTime;
    Time judged = kNoTime;  // its certificate was
    int code = 0;           // X509_V_ERR_*, as it was judged last
    std::string key;        // of the last certificate that was good
    std::string issuer;
    std::string judged_key;  // of the last certificate, good or not
    Time dated = kNoTime;
    int64_t ahead = 0;
  };

  Seen& Touch(const Server& server, Time now);
  const Seen* Find(const Server& server) const;
  void Count(Time now, diagnostics::TlsFacts* facts) const;
  std::optional<std::chrono::seconds> MedianDate(Time now,
                                                 uint32_t* dates) const;
  bool IsFirstOfItsKind(size_t index, Time now) const;

  std::vector<Seen> servers_;
};

}  // namespace whichhop
