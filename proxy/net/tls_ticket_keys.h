#pragma once
// The keys of session tickets (RFC 8446, section 4.6.1; RFC 5077): one set for
// the process, so that any worker, and any configuration after a reload, knows
// the tickets of the others. A new key takes over once an hour; one that is
// older than a day opens nothing any more. Never written anywhere.
//
// Any thread may use it: readers share a lock, which is taken for writing when
// a key is made, once an hour.

#include <openssl/ssl.h>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string_view>
#include <vector>

#include "proxy/base/clock.h"

namespace whichhop {

class TlsTicketKeys {
 public:
  static constexpr Duration kRotation = std::chrono::hours(1);
  static constexpr Duration kLifetime = std::chrono::hours(24);
  static constexpr size_t kNameSize = 16;

  // Forgotten where it is destroyed.
  struct Key {
    Key() = default;
    Key(const Key&) = default;
    Key& operator=(const Key&) = default;
    ~Key();

    std::array<unsigned char, kNameSize> name;  // in front of each ticket
    std::array<unsigned char, 32> cipher;       // AES-256-CBC
    std::array<unsigned char, 32> mac;          // HMAC-SHA-256
    Time since;
  };
  struct Found {
    Key key;
    bool newest;  // else its tickets are to be renewed
  };

  // Those of this process: they outlive every configuration.
  static std::shared_ptr<TlsTicketKeys> Process();
  // Makes tickets of `context`, and of connections that it is set for, with
  // `keys`, which it shares. False: no memory.
  static bool Attach(std::shared_ptr<TlsTicketKeys> keys, SSL_CTX* context);

  TlsTicketKeys() = default;
  TlsTicketKeys(const TlsTicketKeys&) = delete;
  TlsTicketKeys& operator=(const TlsTicketKeys&) = delete;

  // For new tickets. Nothing: the system has no randomness to give.
  std::optional<Key> Newest(Time now);
  // The key with that name; nothing if it is unknown, or too old.
  std::optional<Found> Find(std::string_view name, Time now) const;

 private:
  std::optional<Key> NewestIfFresh(Time now) const;

  mutable std::shared_mutex mutex_;
  std::vector<Key> keys_;  // the newest last
};

}  // namespace whichhop
