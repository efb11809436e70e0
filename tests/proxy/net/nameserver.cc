#include "tests/proxy/net/nameserver.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "tests/catch.h"

namespace whichhop {

namespace {

constexpr size_t kHeaderBytes = 12;

// Where the question's type begins.
size_t TypeAt(const char* query) {
  return kHeaderBytes + std::strlen(query + kHeaderBytes) + 1;
}

bool WantsV6(const char* query) { return query[TypeAt(query) + 1] == 28; }

}  // namespace

Nameserver::Nameserver(Loop& loop) : fd_(socket(AF_INET, SOCK_DGRAM, 0)) {
  const Address any = *Address::Parse("127.0.0.1:0");
  REQUIRE(bind(fd_, any.get(), any.size()) == 0);
  sockaddr_storage name{};
  socklen_t size = sizeof(name);
  getsockname(fd_, reinterpret_cast<sockaddr*>(&name), &size);
  address_ = Address::From(reinterpret_cast<sockaddr*>(&name), size);
  REQUIRE(watch_.Arm(loop, fd_, *this));
}

void Nameserver::Close() {
  watch_.Disarm();
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

void Nameserver::OnReadable() {
  char query[512] = "";
  sockaddr_storage from{};
  socklen_t size = sizeof(from);
  auto* client = reinterpret_cast<sockaddr*>(&from);
  const ssize_t got = recvfrom(fd_, query, sizeof(query) - 1, 0, client, &size);
  if (got < static_cast<ssize_t>(kHeaderBytes)) return;
  ++questions;
  if (silent || (silent_v6 && WantsV6(query))) return;
  const std::string reply = Reply(query);
  sendto(fd_, reply.data(), reply.size(), 0, client, size);
}

// The OPT record, with an option that nobody knows before the one that counts.
std::string Nameserver::Opt() const {
  if (!extended) return {};
  std::string opt("\0\0\x29\x04\xD0\0\0\0\0\0\x0F", 11);
  opt += std::string("\xFD\xE9\0\1?", 5) + std::string("\0\x0F\0\6", 4);
  opt += static_cast<char>(*extended >> 8);
  opt += static_cast<char>(*extended);
  return opt + "text";
}

std::string Nameserver::Reply(const char* query) const {
  const std::string& ip = WantsV6(query) ? v6 : v4;
  std::string reply(query, TypeAt(query) + 4);
  reply[2] = truncates ? '\x83' : '\x81';
  reply[3] = static_cast<char>(0x80 | rcode);
  reply[7] = ip.empty() ? 0 : 1;
  reply[11] = extended ? 1 : 0;
  if (ip.empty()) return reply + Opt();
  reply += std::string("\xC0\x0C\0", 3) + (WantsV6(query) ? '\x1C' : '\x01');
  reply += std::string("\0\1\0\0\0", 5) + static_cast<char>(ttl) + '\0';
  return reply + static_cast<char>(ip.size()) + ip;
}

}  // namespace whichhop
