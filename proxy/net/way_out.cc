#include "proxy/net/way_out.h"

#include <ifaddrs.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace whichhop {

namespace {

bool IsOfRoutes(int error) {
  return error == EACCES || error == EINVAL || error == EHOSTUNREACH ||
         error == ENETUNREACH || error == ENETDOWN;
}

bool Shares(std::string_view one, std::string_view other,
            std::string_view mask) {
  if (one.size() != mask.size() || other.size() != mask.size()) return false;
  for (size_t i = 0; i < mask.size(); ++i) {
    if (((one[i] ^ other[i]) & mask[i]) != 0) return false;
  }
  return true;
}

socklen_t SizeOf(int family) {
  return family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}

bool Covers(const ifaddrs& each, const Address& address) {
  if (each.ifa_addr == nullptr || each.ifa_netmask == nullptr) return false;
  const int family = each.ifa_addr->sa_family;
  if (family != AF_INET && family != AF_INET6) return false;
  const Address own = Address::From(each.ifa_addr, SizeOf(family));
  const Address mask = Address::From(each.ifa_netmask, SizeOf(family));
  return Shares(own.IpBytes(), address.IpBytes(), mask.IpBytes());
}

}  // namespace

// Connecting a datagram socket looks the route up, and does nothing else.
int RouteRefusal(const Address& address) {
  const int fd = socket(address.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return 0;
  const int error = connect(fd, address.get(), address.size()) == 0 ? 0 : errno;
  close(fd);
  return IsOfRoutes(error) ? error : 0;
}

std::optional<bool> IsOnLink(const Address& address) {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return std::nullopt;
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> all(first,
                                                             freeifaddrs);
  for (const ifaddrs* each = first; each != nullptr; each = each->ifa_next) {
    if (Covers(*each, address)) return true;
  }
  return false;
}

}  // namespace whichhop
