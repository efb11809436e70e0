#include "proxy/net/proxy_header.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "proxy/base/text.h"

namespace whichhop {

namespace {

using Status = ProxyHeader::Status;

ProxyHeader Bad(std::string_view why) {
  return {Status::kBad, 0, std::nullopt, why};
}

uint8_t Octet(std::string_view bytes, size_t at) {
  return static_cast<uint8_t>(bytes[at]);
}

size_t Number16(std::string_view bytes, size_t at) {
  return static_cast<size_t>(Octet(bytes, at) << 8 | Octet(bytes, at + 1));
}

Address V4(std::string_view ip, uint16_t port) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  std::memcpy(&v4.sin_addr, ip.data(), sizeof(v4.sin_addr));
  return Address::From(reinterpret_cast<const sockaddr*>(&v4), sizeof(v4));
}

Address V6(std::string_view ip, uint16_t port) {
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  std::memcpy(&v6.sin6_addr, ip.data(), sizeof(v6.sin6_addr));
  return Address::From(reinterpret_cast<const sockaddr*>(&v6), sizeof(v6));
}

// --- Version 1: one line of text -------------------------------------------

constexpr std::string_view kBegin1 = "PROXY ";
constexpr size_t kLineMax = 107;  // with its CRLF

// Up to the next space, which is taken too.
std::string_view TakeWord(std::string_view& line) {
  const size_t space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
  return word;
}

std::optional<uint16_t> ReadPort(std::string_view text) {
  const auto port = ParseDecimal(text);
  const bool padded = text.size() > 1 && text.front() == '0';
  if (!port || *port > 65535 || padded) return {};
  return static_cast<uint16_t>(*port);
}

// An address of that family, written as one of it.
bool ReadIp(int family, std::string_view text, char (&ip)[16]) {
  char terminated[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof(terminated)) return false;
  *std::ranges::copy(text, terminated).out = '\0';
  return std::strlen(terminated) == text.size() &&
         inet_pton(family, terminated, ip) == 1;
}

// "TCP4 192.0.2.1 198.51.100.1 56324 443"
ProxyHeader ReadLine(std::string_view line, size_t bytes) {
  const bool ends_well = !line.ends_with(' ');
  const std::string_view family_name = TakeWord(line);
  if (family_name == "UNKNOWN") return {Status::kDone, bytes};
  const bool v4 = family_name == "TCP4";
  if (!v4 && family_name != "TCP6") return Bad("its family is none");
  const int family = v4 ? AF_INET : AF_INET6;
  char client[16];
  char destination[16];
  if (!ReadIp(family, TakeWord(line), client) ||
      !ReadIp(family, TakeWord(line), destination)) {
    return Bad("an address is malformed");
  }
  const auto client_port = ReadPort(TakeWord(line));
  const auto destination_port = ReadPort(TakeWord(line));
  if (!client_port || !destination_port) return Bad("a port is malformed");
  if (!line.empty() || !ends_well) return Bad("the line goes on");
  const std::string_view ip(client, v4 ? 4 : 16);
  return {Status::kDone, bytes,
          v4 ? V4(ip, *client_port) : V6(ip, *client_port)};
}

ProxyHeader ReadVersion1(std::string_view bytes) {
  const std::string_view window = bytes.substr(0, kLineMax);
  const size_t end = window.find('\n');
  if (end == std::string_view::npos) {
    if (bytes.size() < kLineMax) return {Status::kNeedMore};
    return Bad("the line is longer than 107 bytes");
  }
  if (window[end - 1] != '\r') return Bad("the line does not end in CRLF");
  return ReadLine(window.substr(kBegin1.size(), end - 1 - kBegin1.size()),
                  end + 1);
}

// --- Version 2: binary -----------------------------------------------------

constexpr std::string_view kBegin2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t kFixedBytes = 16;

enum class Command : uint8_t { kLocal = 0x20, kProxy = 0x21 };  // of version 2

// The bytes that both addresses and ports take; nothing for a family that there
// is not. A balancer that ends QUIC speaks of datagrams.
std::optional<size_t> AddressBytes(uint8_t family) {
  switch (family) {
    case 0x00:  // AF_UNSPEC
      return 0;
    case 0x11:  // TCP or UDP over IPv4
    case 0x12:
      return 12;
    case 0x21:  // over IPv6
    case 0x22:
      return 36;
    case 0x31:  // Unix, stream or datagram
    case 0x32:
      return 216;
    default:
      return std::nullopt;
  }
}

Address UnixClient(std::string_view path) {
  sockaddr_un local{};
  local.sun_family = AF_UNIX;
  std::memcpy(local.sun_path, path.data(), sizeof(local.sun_path) - 1);
  return Address::From(reinterpret_cast<const sockaddr*>(&local),
                       sizeof(local));
}

std::optional<Address> ReadClient(uint8_t family, std::string_view addresses) {
  const auto port = [&](size_t at) {
    return static_cast<uint16_t>(Number16(addresses, at));
  };
  if (addresses.size() == 12) return V4(addresses, port(8));
  if (addresses.size() == 36) return V6(addresses, port(32));
  if (family == 0x00) return std::nullopt;
  return UnixClient(addresses);
}

// CRC-32C (RFC 3309), as iSCSI and SCTP have it.
constexpr std::array<uint32_t, 256> MakeCrcTable() {
  constexpr uint32_t kPolynomial = 0x82f63b78;
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 1) != 0 ? crc >> 1 ^ kPolynomial : crc >> 1;
    }
    table[i] = crc;
  }
  return table;
}

// Of `bytes`, the four at `zeros` counted as zero.
uint32_t Crc32c(std::string_view bytes, size_t zeros) {
  static constexpr std::array<uint32_t, 256> kTable = MakeCrcTable();
  uint32_t crc = 0xffffffff;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const bool zero = i >= zeros && i < zeros + 4;
    const uint8_t octet = zero ? 0 : Octet(bytes, i);
    crc = crc >> 8 ^ kTable[(crc ^ octet) & 0xff];
  }
  return ~crc;
}

// What is wrong with the TLVs of `header`, which begin at `at`; empty: nothing.
std::string_view TlvProblem(std::string_view header, size_t at) {
  constexpr size_t kTlvHead = 3;
  constexpr uint8_t kTypeCrc32c = 0x03;
  std::optional<size_t> crc_at;
  while (at < header.size()) {
    if (header.size() - at < kTlvHead) return "a TLV is cut";
    const uint8_t type = Octet(header, at);
    const size_t length = Number16(header, at + 1);
    at += kTlvHead;
    if (length > header.size() - at) return "a TLV is cut";
    if (type == kTypeCrc32c) {
      if (length != 4 || crc_at) return "its CRC32C is malformed";
      crc_at = at;
    }
    at += length;
  }
  if (!crc_at) return {};
  const size_t sent =
      Number16(header, *crc_at) << 16 | Number16(header, *crc_at + 2);
  return sent == Crc32c(header, *crc_at) ? "" : "its CRC32C is wrong";
}

ProxyHeader ReadVersion2(std::string_view bytes) {
  if (bytes.size() < kFixedBytes) return {Status::kNeedMore};
  const uint8_t command = Octet(bytes, 12);
  const uint8_t family = Octet(bytes, 13);
  const bool local = command == static_cast<uint8_t>(Command::kLocal);
  if (!local && command != static_cast<uint8_t>(Command::kProxy)) {
    return Bad("its version or command is none");
  }
  const size_t size = kFixedBytes + Number16(bytes, 14);
  if (size > kProxyHeaderMax) return Bad("it is longer than 4096 bytes");
  const auto address_bytes = AddressBytes(family);
  if (!local && !address_bytes) return Bad("its family is none");
  if (!local && size < kFixedBytes + *address_bytes) {
    return Bad("its addresses are cut");
  }
  if (bytes.size() < size) return {Status::kNeedMore};
  if (local) return {Status::kDone, size};
  const std::string_view header = bytes.substr(0, size);
  const std::string_view problem =
      TlvProblem(header, kFixedBytes + *address_bytes);
  if (!problem.empty()) return Bad(problem);
  return {Status::kDone, size,
          ReadClient(family, header.substr(kFixedBytes, *address_bytes))};
}

// Whether either is the beginning of the other.
bool Agree(std::string_view one, std::string_view other) {
  const size_t size = std::min(one.size(), other.size());
  return one.substr(0, size) == other.substr(0, size);
}

}  // namespace

ProxyHeader ReadProxyHeader(std::string_view bytes) {
  if (bytes.starts_with(kBegin1)) return ReadVersion1(bytes);
  if (bytes.starts_with(kBegin2)) return ReadVersion2(bytes);
  const bool may_be = Agree(bytes, kBegin1) || Agree(bytes, kBegin2);
  return {may_be ? Status::kNeedMore : Status::kNone};
}

}  // namespace whichhop
