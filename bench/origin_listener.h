#pragma once

// The listening socket, whole or broken on purpose: each way of breaking it is
// a fault that a proxy meets before it has written a request.

#include <string>
#include <string_view>

namespace origin {

enum class Breakage {
  kNone,
  kRefuse,         // bound, never listening: connects are refused
  kDropSyn,        // the kernel drops every SYN
  kNeverAccept,    // handshakes, but nobody accepts
  kBacklogFull,    // the accept queue is full: SYNs are dropped
  kUnacked,        // handshakes, but drops each segment that carries data
  kResetAccepted,  // accepts, RST
  kCloseAccepted,  // accepts, FIN
  kBanner,         // accepts and speaks first, as SMTP does
};

struct Listener {
  int fd = -1;
  std::string address;  // "127.0.0.1:40123" or "[::1]:40123"
  std::string error;    // empty if it serves
};

// `address` is "IPV4:PORT" or "[IPV6]:PORT"; port 0 takes a free one.
Listener Listen(std::string_view address, Breakage breakage);

}  // namespace origin
