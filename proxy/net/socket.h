#pragma once
// A stream socket: owned descriptor, non-blocking reads and writes that say
// exactly how they ended, and what the kernel knows of the connection.

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <optional>

#include "proxy/net/address.h"

namespace whichhop {

struct IoResult {
  enum class Kind : uint8_t {
    kBytes,  // `bytes` were moved
    kAgain,  // would block
    kEnd,    // the peer's FIN (reads alone)
    kError,  // `error` is the errno
  };
  Kind kind;
  size_t bytes = 0;
  int error = 0;
  bool emptied = false;  // of a read: nothing more was there
};

// What TCP_INFO and the queue ioctls say; taken when something failed.
struct TcpFacts {
  bool established = false;  // the handshake was completed
  uint32_t unacked = 0;      // segments
  uint32_t sacked = 0;       // of them those that the peer has nevertheless
  uint32_t retransmits = 0;  // of the segment in flight
  uint32_t total_retransmits = 0;
  uint32_t send_window = 0;  // bytes that the peer offers
  uint32_t last_ack_ms = 0;  // since the last ACK received
  uint32_t rtt_us = 0;
  uint32_t min_rtt_us = 0;
  uint32_t out_of_order = 0;  // segments received behind a hole, in all
  bool hole = false;          // now: some wait behind one that is missing
  uint32_t probes = 0;        // keep-alive probes that were not answered
  uint64_t bytes_acked = 0;   // the SYN counts as one
  uint64_t bytes_received = 0;
  uint32_t bare_segments = 0;  // received, without data: mostly bare ACKs
  uint32_t unsent = 0;         // bytes in the send queue, not ACKed (SIOCOUTQ)
};

// An ICMP error that the kernel kept for a connect that failed. A RST leaves
// none: so a refusal by the host's own TCP, by its firewall and by a router on
// the way are three.
struct IcmpError {
  bool v6 = false;
  uint8_t type = 0;
  uint8_t code = 0;
  Address offender;  // who sent it; port 0
};

class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket() { Close(); }

  // A non-blocking TCP or Unix stream socket with a connect begun. On failure
  // the socket is not open and *error is the errno of the call that failed.
  // `hops`: how many its packets may pass (TTL); 0: as many as usual.
  static Socket Connect(const Address& address, int* error, int hops = 0);

  // What became of the connect until now: 0 if it goes on or is through,
  // otherwise its errno, and the socket may ConnectAgain. `address`: as before.
  int ConnectError(const Address& address);
  // Another connect, after one that failed by ConnectError: a third cheaper than
  // with a new socket. TakeIcmpError must have been called, for the queue
  // outlives the connect. False: it can't, and is closed.
  bool ConnectAgain(const Address& address);

  // What is written leaves at once, whatever is on its way. For who has
  // connected: a connect that fails need not pay for it.
  void SendAtOnce();

  int fd() const { return fd_; }
  bool open() const { return fd_ >= 0; }

  IoResult Receive(char* data, size_t size);
  // Looks at what Receive would return without taking it.
  IoResult Peek(char* data, size_t size);
  // Requires: SIGPIPE is ignored in this process.
  IoResult Send(const iovec* parts, int count);

  // Keep-alive probes, one a second: a peer that is merely slow answers them,
  // and one behind a dead path does not.
  void StartProbing();
  void StopProbing();

  void ShutdownWrite();
  void Close();
  // Close will send a RST, so that the peer can tell that something is missing.
  void ResetOnClose();

  int TakeError();  // SO_ERROR, cleared by the reading
  // The error queue (MSG_ERRQUEUE) of a connect that failed or is still under
  // way: its last ICMP error. The queue is empty after it.
  std::optional<IcmpError> TakeIcmpError();
  // The handshake is complete. From here on a single ICMP message must not fail
  // a connection that may heal.
  void IgnoreIcmpErrors();
  std::optional<TcpFacts> Facts() const;
  Address LocalAddress() const;

 private:
  int fd_ = -1;
};

}  // namespace whichhop
