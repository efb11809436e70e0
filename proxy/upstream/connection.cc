#include "proxy/upstream/connection.h"

#include <cerrno>

#include "proxy/upstream/upstream.h"

namespace whichhop {

UpstreamConnection::UpstreamConnection(Loop& loop, Endpoint& endpoint,
                                       Socket socket, UpstreamEvents& user)
    : loop_(loop),
      endpoint_(endpoint),
      socket_(std::move(socket)),
      user_(&user),
      begun_(loop.now()) {}

std::unique_ptr<UpstreamConnection> UpstreamConnection::Connect(
    Loop& loop, Endpoint& endpoint, UpstreamEvents& user, int* error) {
  Socket socket = Socket::Connect(endpoint.address(), error);
  if (!socket.open()) return nullptr;
  // Private constructor: make_unique can't reach it.
  std::unique_ptr<UpstreamConnection> connection(
      new UpstreamConnection(loop, endpoint, std::move(socket), user));
  if (!connection->watch_.Arm(loop, connection->socket_.fd(), *connection)) {
    *error = ENOMEM;
    return nullptr;
  }
  return connection;
}

void UpstreamConnection::MarkConnected() {
  if (connected()) return;
  if (endpoint_.address().family() == AF_INET6) socket_.IgnoreIcmpErrors();
  connect_time_ = loop_.now() - begun_;
  endpoint_.SawHandshake(connect_time_);
}

void UpstreamConnection::Close() {
  watch_.Disarm();
  idle_timer_.Disarm();
  socket_.Close();
}

void UpstreamConnection::OnReadable() {
  if (user_ != nullptr) return user_->OnUpstreamReadable();
  // Nothing is expected of an idle connection: a FIN, a 408, or bytes that
  // would be taken for the next answer.
  endpoint_.DropIdle(*this);
}

void UpstreamConnection::OnWritable() {
  if (user_ != nullptr) user_->OnUpstreamWritable();
}

void UpstreamConnection::OnTimer(Timer&) { endpoint_.DropIdle(*this); }

}  // namespace whichhop
