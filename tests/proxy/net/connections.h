#pragma once
// Real connections over loopback, and what tests do with their ends.

#include <chrono>
#include <string>
#include <string_view>

#include "proxy/net/socket.h"

namespace whichhop {

struct Connection {
  Socket near;  // connected
  Socket far;   // accepted
};

// Both ends are non-blocking. Also has SIGPIPE ignored.
Connection TcpConnection();
Connection UnixConnection();

// A listening socket on a port of loopback; 0: a free one.
Socket ListenOnLoopback(uint16_t port = 0);
Socket AcceptFrom(const Socket& listening);  // waits for one

// Waits until `socket` is readable, or writable; false after 10 s.
bool AwaitReadable(const Socket& socket);
bool AwaitWritable(const Socket& socket);

// Sends all of `bytes`, which the kernel must have room for.
void SendAll(Socket& socket, std::string_view bytes);
// Waits for bytes and takes those that came; "" at the end.
std::string ReceiveSome(Socket& socket);
// Sends until it would block: the number of bytes.
size_t Fill(Socket& socket);
// Closes it with a RST.
void Reset(Socket& socket);

}  // namespace whichhop
