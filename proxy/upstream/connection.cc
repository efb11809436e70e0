#include "proxy/upstream/connection.h"

#include <cerrno>

#include "proxy/upstream/upstream.h"

namespace whichhop {

// The second of two connects. It may lose within its own callback.
class UpstreamConnection::Rival final : public Retired, private WatchEvents {
 public:
  Rival(UpstreamConnection& owner, Socket socket)
      : owner_(owner), socket_(std::move(socket)), begun_(owner.loop_.now()) {}

  [[nodiscard]] bool Start() {
    return watch_.Arm(owner_.loop_, socket_.fd(), *this);
  }
  void Close() {
    watch_.Disarm();
    socket_.Close();
  }
  // Silent from here on.
  Socket TakeSocket() {
    watch_.Disarm();
    return std::move(socket_);
  }
  int TakeError() { return socket_.TakeError(); }
  Time begun() const { return begun_; }

 private:
  void OnReadable() override {}  // how it ended, OnWritable finds
  void OnWritable() override { owner_.OnRivalConnected(); }

  UpstreamConnection& owner_;
  Socket socket_;
  Watch watch_;
  const Time begun_;
};

UpstreamConnection::UpstreamConnection(Loop& loop, Endpoint& endpoint,
                                       const Address& address,
                                       const Address& other, Socket socket,
                                       UpstreamEvents& user)
    : loop_(loop),
      endpoint_(endpoint),
      address_(address),
      other_(other),
      stream_(std::move(socket)),
      user_(&user),
      begun_(loop.now()) {}

UpstreamConnection::~UpstreamConnection() {
  assert(!watch_.armed() && rival_ == nullptr);
}

std::unique_ptr<UpstreamConnection> UpstreamConnection::Connect(
    Loop& loop, Endpoint& endpoint, UpstreamEvents& user, int* error) {
  Endpoint::Route route = endpoint.NextRoute();
  *error = 0;
  Socket socket = endpoint.TakeRefused();
  if (!socket.open() || !socket.ConnectAgain(route.first)) {
    socket = Socket::Connect(route.first, error);
  }
  if (!socket.open() && route.other.size() > 0) {
    // A family that this host has no way for.
    endpoint.Avoid(route.first);
    route = {route.other, {}};
    socket = Socket::Connect(route.first, error);
  }
  if (!socket.open()) return nullptr;
  // Private constructor: make_unique can't reach it.
  std::unique_ptr<UpstreamConnection> connection(new UpstreamConnection(
      loop, endpoint, route.first, route.other, std::move(socket), user));
  const bool only = route.other.size() == 0;
  if (only && route.first.is_loopback()) {
    connection->connect_error_ = connection->socket().ConnectError(route.first);
    connection->refused_ = connection->connect_error_ != 0;
  }
  if (!connection->refused_ &&
      !connection->watch_.Arm(loop, connection->socket().fd(), *connection)) {
    *error = ENOMEM;
    return nullptr;
  }
  endpoint.OnOpened(*connection);
  if (!only) {
    connection->idle_timer_.Arm(loop.wheel(), kHeadStart, *connection);
  }
  return connection;
}

int UpstreamConnection::TakeConnectError() {
  const int error = connect_error_;
  connect_error_ = 0;
  return error != 0 ? error : socket().TakeError();
}

std::optional<IcmpError> UpstreamConnection::TakeIcmpError() {
  icmp_taken_ = true;
  return socket().TakeIcmpError();
}

void UpstreamConnection::MarkConnected() {
  if (connected()) return;
  if (address_.family() == AF_INET6) socket().IgnoreIcmpErrors();
  if (!address_.is_unix()) socket().SendAtOnce();
  connect_time_ = loop_.now() - begun_;
  endpoint_.SawHandshake(address_, connect_time_);
}

TlsLayer::Step UpstreamConnection::Secure(BufferPool& pool) {
  const TlsClient* const client = endpoint_.tls();
  if (client == nullptr) return TlsLayer::Step::kDone;
  if (stream_.tls() == nullptr) {
    auto layer = TlsLayer::Make(client->New(endpoint_.tls_host()), socket(),
                                pool, loop_.now());
    if (layer == nullptr) return TlsLayer::Step::kFailed;
    endpoint_.tls_sessions().Join(*layer);
    stream_.Secure(std::move(layer));
  }
  return stream_.tls()->Handshake();
}

IoResult UpstreamConnection::secure_end() const {
  if (stream_.tls() != nullptr) return stream_.tls()->end();
  return {IoResult::Kind::kError, 0, ENOMEM};
}

void UpstreamConnection::ProbeAsSibling() {
  probed_as_sibling_ = true;
  if (const auto facts = socket().Facts()) {
    acked_before_ = facts->bytes_acked;
    bare_before_ = facts->bare_segments;
  }
  StartProbing();
}

void UpstreamConnection::StartProbing() {
  if (probers_++ == 0) socket().StartProbing();
}

void UpstreamConnection::StopProbing() {
  if (--probers_ == 0) socket().StopProbing();
}

void UpstreamConnection::Close() {
  if (socket().open()) stream_.SayGoodbye();
  if (socket().open()) endpoint_.OnClosed(*this);
  watch_.Disarm();
  idle_timer_.Disarm();
  if (refused_ && icmp_taken_ && socket().open()) {
    endpoint_.PutRefused(std::move(socket()));
  }
  socket().Close();
  DropRival();
}

// Where there is another address to try. True: the user hears nothing yet.
bool UpstreamConnection::ConnectGoesOn() {
  connect_error_ = socket().TakeError();
  if (connect_error_ != 0) {
    endpoint_.Avoid(address_);
    if (rival_ == nullptr) BeginRival();
    if (rival_ != nullptr && TakeRivalsPlace()) return true;
  }
  idle_timer_.Disarm();
  other_ = {};
  DropRival();
  return false;
}

void UpstreamConnection::BeginRival() {
  idle_timer_.Disarm();
  int error = 0;
  Socket socket = Socket::Connect(other_, &error);
  if (!socket.open()) return;
  auto rival = std::make_unique<Rival>(*this, std::move(socket));
  if (rival->Start()) rival_ = std::move(rival);
}

// The second is the only one now. False: the loop can't watch it.
bool UpstreamConnection::TakeRivalsPlace() {
  Rival& rival = *rival_;
  begun_ = rival.begun();
  watch_.Disarm();
  socket() = rival.TakeSocket();
  address_ = other_;
  other_ = {};
  connect_error_ = 0;
  DropRival();
  // If it is connected already, that is an edge again.
  if (watch_.Arm(loop_, socket().fd(), *this)) return true;
  connect_error_ = ENOMEM;
  return false;
}

void UpstreamConnection::OnRivalConnected() {
  if (rival_->TakeError() != 0) {
    endpoint_.Avoid(other_);
    other_ = {};
    return DropRival();
  }
  endpoint_.Avoid(address_);
  if (!TakeRivalsPlace()) user_->OnUpstreamWritable();
}

void UpstreamConnection::DropRival() {
  if (rival_ == nullptr) return;
  rival_->Close();
  loop_.Retire(std::move(rival_));
}

void UpstreamConnection::OnReadable() {
  if (user_ != nullptr) return user_->OnUpstreamReadable();
  // Nothing is expected of an idle connection: a FIN, a 408, or bytes that
  // would be taken for the next answer. But TLS may send tickets and keys.
  const bool tls = stream_.tls() != nullptr;
  const IoResult::Kind kind = stream_.Peek().kind;
  if (tls && kind == IoResult::Kind::kAgain) return;
  if (kind == IoResult::Kind::kEnd) NoteEnd();
  endpoint_.DropIdle(*this);
}

AddressMemory* UpstreamConnection::memory() const {
  return endpoint_.memory(address_);
}

void UpstreamConnection::NoteEnd() {
  if (memory() != nullptr) memory()->NoteEnd(loop_.now());
}

void UpstreamConnection::OnWritable() {
  if (other_.size() > 0 && ConnectGoesOn()) return;
  if (user_ != nullptr) user_->OnUpstreamWritable();
}

void UpstreamConnection::OnTimer(Timer&) {
  if (user_ == nullptr) return endpoint_.DropIdle(*this);
  BeginRival();
}

}  // namespace whichhop
