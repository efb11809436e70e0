#include "bench/origin_wire.h"

#include <linux/filter.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>

namespace origin {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// Waits for `events` or the deadline; true if poll saw something.
bool Poll(int fd, short events, Clock::time_point deadline) {
  auto left =
      std::chrono::duration_cast<milliseconds>(deadline - Clock::now()).count();
  if (left <= 0) return false;
  pollfd watched{fd, events, 0};
  int seen = ::poll(&watched, 1, static_cast<int>(left));
  return seen > 0 || (seen < 0 && errno == EINTR);
}

}  // namespace

Wire::~Wire() {
  if (fd_ >= 0) ::close(fd_);
}

bool Wire::Fill() {
  if (fd_ < 0) return false;
  if (taken_ > 0) {
    in_.erase(0, taken_);
    taken_ = 0;
  }
  std::array<char, 65536> piece;
  ssize_t got;
  do {
    got = ::recv(fd_, piece.data(), piece.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) return false;
  in_.append(piece.data(), static_cast<size_t>(got));
  return true;
}

std::string_view Wire::buffered() const {
  return std::string_view(in_).substr(taken_);
}

void Wire::Take(size_t bytes) { taken_ += bytes; }

bool Wire::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t put = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(put));
  }
  return true;
}

void Wire::FinishWriting() { ::shutdown(fd_, SHUT_WR); }

void Wire::WaitAcked() {
  auto deadline = Clock::now() + std::chrono::seconds(1);
  int queued = 0;
  while (::ioctl(fd_, SIOCOUTQ, &queued) == 0 && queued > 0 &&
         Clock::now() < deadline) {
    std::this_thread::sleep_for(milliseconds(1));
  }
}

void Wire::Reset() {
  WaitAcked();
  linger at_once{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(fd_);
  fd_ = -1;
}

void Wire::WaitForPeer(milliseconds most) {
  auto deadline = Clock::now() + most;
  pollfd watched{fd_, POLLRDHUP, 0};
  while (Poll(fd_, POLLRDHUP, deadline)) {
    ::poll(&watched, 1, 0);
    if (watched.revents != 0) return;
  }
}

void Wire::Discard(milliseconds most) {
  auto deadline = Clock::now() + most;
  Take(buffered().size());
  while (Poll(fd_, POLLIN, deadline)) {
    if (!Fill()) return;
    Take(buffered().size());
  }
}

void Wire::DropArrivals() {
  sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
  sock_fprog program{1, &drop};
  ::setsockopt(fd_, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}

}  // namespace origin
