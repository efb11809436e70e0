#include "proxy/net/socket.h"

#include <linux/errqueue.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

namespace whichhop {

namespace {

IoResult Failed() {
  if (errno == EAGAIN || errno == EINTR) return {IoResult::Kind::kAgain};
  return {IoResult::Kind::kError, 0, errno};
}

IoResult ReceiveWith(int fd, char* data, size_t size, int flags) {
  const ssize_t got = recv(fd, data, size, flags);
  if (got < 0) return Failed();
  if (got == 0) return {IoResult::Kind::kEnd};
  const auto bytes = static_cast<size_t>(got);
  return {IoResult::Kind::kBytes, bytes, 0, bytes < size};
}

// A control message of the error queue, if ICMP is its origin.
std::optional<IcmpError> ParseIcmp(const cmsghdr& part) {
  const bool v4 = part.cmsg_level == IPPROTO_IP && part.cmsg_type == IP_RECVERR;
  const bool v6 =
      part.cmsg_level == IPPROTO_IPV6 && part.cmsg_type == IPV6_RECVERR;
  if (!v4 && !v6) return std::nullopt;
  sock_extended_err error;
  std::memcpy(&error, CMSG_DATA(&part), sizeof(error));
  if (error.ee_origin != SO_EE_ORIGIN_ICMP &&
      error.ee_origin != SO_EE_ORIGIN_ICMP6) {
    return std::nullopt;
  }
  // The offender's address follows (SO_EE_OFFENDER).
  sockaddr_storage offender{};
  const size_t size = v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
  std::memcpy(&offender, CMSG_DATA(&part) + sizeof(error), size);
  return IcmpError{error.ee_origin == SO_EE_ORIGIN_ICMP6, error.ee_type,
                   error.ee_code,
                   Address::From(reinterpret_cast<sockaddr*>(&offender),
                                 static_cast<socklen_t>(size))};
}

// What came in order can be read; what came and can't be waits for the rest.
bool WaitsBehindHole(int fd) {
  uint32_t memory[SK_MEMINFO_VARS]{};
  socklen_t size = sizeof(memory);
  int readable = 0;
  return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &size) == 0 &&
         memory[SK_MEMINFO_RMEM_ALLOC] > 0 &&
         ioctl(fd, SIOCINQ, &readable) == 0 && readable == 0;
}

}  // namespace

Socket::Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = std::exchange(other.fd_, -1);
  }
  return *this;
}

Socket Socket::Connect(const Address& address, int* error, int hops) {
  Socket result(
      socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  *error = 0;
  if (result.open() && address.family() == AF_INET6) {
    // IPv4 keeps the errors of a connect unasked.
    const int on = 1;
    setsockopt(result.fd_, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
  }
  if (result.open() && hops > 0) {
    const bool v6 = address.family() == AF_INET6;
    setsockopt(result.fd_, v6 ? static_cast<int>(IPPROTO_IPV6) : IPPROTO_IP,
               v6 ? IPV6_UNICAST_HOPS : IP_TTL, &hops, sizeof(hops));
  }
  if (!result.open() ||
      (connect(result.fd_, address.get(), address.size()) != 0 &&
       errno != EINPROGRESS)) {
    *error = errno;
    result.Close();
  }
  return result;
}

// Linux: a connect that is asked for once more tells how the first stands, and
// one that has failed leaves the socket as it was before it.
int Socket::ConnectError(const Address& address) {
  if (connect(fd_, address.get(), address.size()) == 0) return 0;
  const bool open_still = errno == EALREADY || errno == EINPROGRESS ||
                          errno == EISCONN || errno == EINTR;
  return open_still ? 0 : errno;
}

bool Socket::ConnectAgain(const Address& address) {
  if (connect(fd_, address.get(), address.size()) == 0) return true;
  if (errno == EINPROGRESS) return true;
  Close();
  return false;
}

IoResult Socket::Receive(char* data, size_t size) {
  return ReceiveWith(fd_, data, size, 0);
}

IoResult Socket::Peek(char* data, size_t size) {
  return ReceiveWith(fd_, data, size, MSG_PEEK);
}

IoResult Socket::Send(const iovec* parts, int count) {
  // Not write and writev: the kernel asks first what they would do to a file.
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts);  // and never written through
  message.msg_iovlen = static_cast<size_t>(count);
  const ssize_t sent =
      count == 1 ? send(fd_, parts->iov_base, parts->iov_len, MSG_NOSIGNAL)
                 : sendmsg(fd_, &message, MSG_NOSIGNAL);
  if (sent < 0) return Failed();
  return {IoResult::Kind::kBytes, static_cast<size_t>(sent)};
}

void Socket::SendAtOnce() {
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void Socket::StartProbing() {
  const int on = 1;
  const int second = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_KEEPIDLE, &second, sizeof(second));
  setsockopt(fd_, IPPROTO_TCP, TCP_KEEPINTVL, &second, sizeof(second));
  setsockopt(fd_, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

void Socket::StopProbing() {
  const int off = 0;
  setsockopt(fd_, SOL_SOCKET, SO_KEEPALIVE, &off, sizeof(off));
}

void Socket::ShutdownWrite() { shutdown(fd_, SHUT_WR); }

void Socket::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

void Socket::ResetOnClose() {
  const linger now{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

int Socket::TakeError() {
  int error = 0;
  socklen_t size = sizeof(error);
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

void Socket::IgnoreIcmpErrors() {
  // Fails on IPv4, where it is off.
  const int off = 0;
  setsockopt(fd_, IPPROTO_IPV6, IPV6_RECVERR, &off, sizeof(off));
}

std::optional<IcmpError> Socket::TakeIcmpError() {
  std::optional<IcmpError> last;
  alignas(cmsghdr) char control[512];
  for (;;) {
    msghdr message{};
    message.msg_control = control;
    message.msg_controllen = sizeof(control);
    if (recvmsg(fd_, &message, MSG_ERRQUEUE) < 0) return last;
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
         part = CMSG_NXTHDR(&message, part)) {
      if (auto error = ParseIcmp(*part)) last = error;
    }
  }
}

std::optional<TcpFacts> Socket::Facts() const {
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return {};
  TcpFacts facts;
  facts.established = info.tcpi_bytes_acked != 0;
  facts.unacked = info.tcpi_unacked;
  facts.sacked = info.tcpi_sacked;
  facts.retransmits = info.tcpi_retransmits;
  facts.total_retransmits = info.tcpi_total_retrans;
  facts.last_ack_ms = info.tcpi_last_ack_recv;
  facts.probes = info.tcpi_probes;
  facts.rtt_us = info.tcpi_rtt;
  facts.min_rtt_us = info.tcpi_min_rtt;
  facts.bytes_acked = info.tcpi_bytes_acked;
  facts.bytes_received = info.tcpi_bytes_received;
  facts.bare_segments = info.tcpi_segs_in - info.tcpi_data_segs_in;
  // Appended to tcp_info by later kernels: only if this one filled them in.
  if (size >= offsetof(tcp_info, tcpi_snd_wnd) + sizeof(info.tcpi_snd_wnd)) {
    facts.out_of_order = info.tcpi_rcv_ooopack;
    facts.send_window = info.tcpi_snd_wnd;
  }
  // Where no handshake was completed, no byte went either way.
  if (!facts.established) return facts;
  facts.hole = WaitsBehindHole(fd_);
  int queued = 0;
  if (ioctl(fd_, SIOCOUTQ, &queued) == 0 && queued > 0) {
    facts.unsent = static_cast<uint32_t>(queued);
  }
  return facts;
}

Address Socket::LocalAddress() const {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  getsockname(fd_, reinterpret_cast<sockaddr*>(&storage), &size);
  return Address::From(reinterpret_cast<sockaddr*>(&storage), size);
}

}  // namespace whichhop
