#include "proxy/server/config_checks.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>

#include "proxy/base/text.h"
#include "proxy/http/target.h"
#include "proxy/net/address.h"
#include "proxy/server/config_suggest.h"
#include "proxy/server/config_text.h"

namespace whichhop {

namespace {

constexpr size_t kMaxNodeName = 128;
constexpr size_t kMaxLabel = 64;
constexpr uint64_t kMaxPort = 65535;
constexpr size_t kMaxDnsName = 253;
constexpr size_t kMaxDnsLabel = 63;
constexpr std::string_view kLogTargets[] = {"stdout", "stderr", "off"};
constexpr std::string_view kMethods[] = {"GET",     "HEAD",  "POST",
                                         "PUT",     "PATCH", "DELETE",
                                         "OPTIONS", "TRACE", "CONNECT"};

bool IsAlnum(char c) {
  const char lower = LowerAscii(c);
  return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
}

bool IsToken(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [kMarks](char c) {
    return IsAlnum(c) || kMarks.find(c) != std::string_view::npos;
  });
}

bool IsVisibleAscii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7F; });
}

bool IsDnsLabel(std::string_view label) {
  if (label.empty() || label.size() > kMaxDnsLabel) return false;
  if (label.front() == '-' || label.back() == '-') return false;
  return std::ranges::all_of(
      label, [](char c) { return IsAlnum(c) || c == '-' || c == '_'; });
}

bool IsDnsName(std::string_view name) {
  if (name.size() > kMaxDnsName) return false;
  for (;;) {
    const size_t dot = name.find('.');
    if (!IsDnsLabel(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

// Whether a DNS name could be an IPv4 address gone wrong: its last label is a
// number (as the WHATWG URL standard decides it).
bool EndsInNumber(std::string_view name) {
  const size_t dot = name.rfind('.');
  const std::string_view last =
      dot == std::string_view::npos ? name : name.substr(dot + 1);
  return ParseDecimal(last).has_value();
}

// What is in the brackets; nothing if there are none.
std::optional<std::string_view> InBrackets(std::string_view text) {
  if (!text.starts_with('[') || !text.ends_with(']')) return std::nullopt;
  return text.substr(1, text.size() - 2);
}

bool IsIp(std::string_view text) { return Network::Parse(text).has_value(); }

// Without a final ":PORT"; the same if there is none.
std::string_view WithoutPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return text;
  return ParseDecimal(text.substr(colon + 1)) ? text.substr(0, colon) : text;
}

bool IsUrl(std::string_view text) {
  return text.find("://") != std::string_view::npos;
}

std::string AddressProblem(std::string_view text) {
  if (IsUrl(text)) {
    return Quote(text) + " is a URL; an address is HOST:PORT";
  }
  if (text.starts_with("unix:") && !text.starts_with("unix:/")) {
    return Quote(text) + " needs an absolute path: unix:/PATH";
  }
  if (Address::Parse(text)) return {};
  if (ParseDecimal(text)) {
    return Quote(text) + " is no address; did you mean " +
           Quote(":" + std::string(text)) + "?";
  }
  if (InBrackets(text) || IsIp(text)) {
    const bool bare_v6 = !InBrackets(text) && text.find(':') < text.size();
    return Quote(text) + (bare_v6 ? " needs brackets and a port: \"[::1]:80\""
                                  : " needs a port: HOST:PORT");
  }
  return Quote(text) +
         " is no address; one is 127.0.0.1:80, \"[::1]:80\" or unix:/PATH";
}

bool IsAnyAddress(std::string_view ip) {
  return std::ranges::all_of(ip, [](char c) { return c == '\0'; });
}

// `text`'s network with the bits beyond the prefix zero, as text.
std::string MaskedNetwork(std::string_view host, size_t prefix_bits) {
  const int family =
      host.find(':') == std::string_view::npos ? AF_INET : AF_INET6;
  unsigned char bytes[16] = {};
  inet_pton(family, std::string(host).c_str(), bytes);
  const size_t size = family == AF_INET ? 4 : 16;
  for (size_t bit = prefix_bits; bit < size * 8; ++bit) {
    unsigned char& byte = bytes[bit / 8];
    byte = static_cast<unsigned char>(byte & ~(0x80u >> (bit % 8)));
  }
  char masked[INET6_ADDRSTRLEN] = "";
  inet_ntop(family, bytes, masked, sizeof(masked));
  return masked;
}

// Whether two texts are the same IP address.
bool IsSameIp(const std::string& a, std::string_view b) {
  return MaskedNetwork(a, 128) == MaskedNetwork(b, 128);
}

}  // namespace

std::string NodeNameProblem(std::string_view text) {
  if (text.size() > kMaxNodeName) return "a name has at most 128 bytes";
  if (IsToken(text)) return {};
  return Quote(text) + " is no token: letters, digits and !#$%&'*+-.^_`|~";
}

std::string LabelProblem(std::string_view text) {
  if (text.size() > kMaxLabel) return "a name has at most 64 bytes";
  const bool valid = !text.empty() && std::ranges::all_of(text, [](char c) {
    return IsAlnum(c) || c == '_' || c == '.' || c == '-';
  });
  if (valid) return {};
  return Quote(text) + " is no name: letters, digits, `_`, `.` and `-`";
}

std::string HostProblem(std::string_view text) {
  if (IsUrl(text) || text.find('/') != std::string_view::npos) {
    return Quote(text) + " is more than a host";
  }
  if (const auto inside = InBrackets(text)) {
    if (inside->find(':') != std::string_view::npos && IsIp(*inside)) return {};
  } else if (IsIp(text)) {
    const bool v6 = text.find(':') != std::string_view::npos;
    return v6 ? Quote(text) + " needs brackets and quotes: \"[::1]\"" : "";
  }
  if (WithoutPort(text) != text) {
    return Quote(text) + ": a host stands here without its port";
  }
  std::string_view name = text;
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (IsDnsName(name) && !EndsInNumber(name)) return {};
  return Quote(text) +
         " is no host; one is shop.example, \"*.example\" or "
         "an IP address";
}

std::string PathProblem(std::string_view text) {
  if (!text.starts_with('/')) return Quote(text) + " must begin with `/`";
  if (text.find_first_of("?#") != std::string_view::npos) {
    return Quote(text) + ": a path has no query and no fragment";
  }
  if (!IsVisibleAscii(text)) {
    return Quote(text) + ": percent-encode what is not visible ASCII";
  }
  if (text.ends_with('*')) {
    return Quote(text) + ": a path is a prefix; leave the `*` out";
  }
  std::string storage;
  const std::string_view compared = NormalizePath(text, &storage);
  if (compared != text) {
    return Quote(text) + " is never seen; requests for it are compared as " +
           Quote(compared);
  }
  return {};
}

std::string ProbePathProblem(std::string_view text) {
  if (!text.starts_with('/')) return Quote(text) + " must begin with `/`";
  if (text.find('#') != std::string_view::npos) {
    return Quote(text) + ": a request has no fragment";
  }
  if (!IsVisibleAscii(text)) {
    return Quote(text) + ": percent-encode what is not visible ASCII";
  }
  return {};
}

std::string MethodProblem(std::string_view text) {
  if (!IsToken(text)) return Quote(text) + " is no method";
  for (const std::string_view method : kMethods) {
    if (text != method && EqualsIgnoreCase(text, method)) {
      return Quote(text) + ": methods are case-sensitive" +
             DidYouMean(text, {&method, 1});
    }
  }
  return {};
}

std::string LogTargetProblem(std::string_view text) {
  if (text.find('/') != std::string_view::npos) {
    return text.ends_with('/') ? Quote(text) + " is a directory" : "";
  }
  if (std::ranges::find(kLogTargets, text) != std::end(kLogTargets)) return {};
  return "`stdout`, `stderr`, `off` or a path with a `/` is expected, not " +
         Quote(text) + DidYouMean(text, kLogTargets);
}

std::string ServerNameProblem(std::string_view text) {
  if (text.starts_with('*')) {
    return Quote(text) + ": a server has one name; leave the `*` out";
  }
  std::string_view name = text;
  if (name.ends_with('.')) name.remove_suffix(1);
  if (IsIp(text) || (IsDnsName(name) && !EndsInNumber(name))) return {};
  return HostProblem(text);
}

std::string ListenAddressProblem(std::string_view text) {
  if (!IsUrl(text) && !Address::Parse(text) && WithoutPort(text) != text &&
      IsDnsName(WithoutPort(text)) && !EndsInNumber(WithoutPort(text))) {
    const bool local = EqualsIgnoreCase(WithoutPort(text), "localhost");
    const std::string_view port = text.substr(text.rfind(':'));
    return Quote(text) + ": an IP address is expected, not a host name" +
           (local ? "; did you mean `127.0.0.1" + std::string(port) + "`?"
                  : "");
  }
  return AddressProblem(text);
}

std::string ServerAddressProblem(std::string_view text) {
  std::string_view host = WithoutPort(text);
  if (host.ends_with('.')) host.remove_suffix(1);
  if (!IsUrl(text) && IsDnsName(host) && !EndsInNumber(host)) {
    if (host.size() + 1 >= text.size()) {
      return Quote(text) + " needs a port: HOST:PORT";
    }
    const auto port = ParseDecimal(text.substr(text.rfind(':') + 1));
    if (port && *port > 0 && *port <= kMaxPort) return {};
    return Quote(text) + ": a port is 1 to 65535";
  }
  std::string problem = AddressProblem(text);
  if (!problem.empty()) return problem;
  const Address address = *Address::Parse(text);
  if (address.is_unix()) return {};
  if (address.port() == 0) return Quote(text) + ": a server has no port 0";
  if (IsAnyAddress(address.IpBytes())) {
    return Quote(text) + " is every address and none; name the server's";
  }
  return {};
}

std::string ResolverAddressProblem(std::string_view text) {
  std::string problem = ListenAddressProblem(text);
  if (!problem.empty()) return problem;
  const Address address = *Address::Parse(text);
  if (!address.is_unix() && address.port() != 0 &&
      !IsAnyAddress(address.IpBytes())) {
    return {};
  }
  return Quote(text) + " is no nameserver; one is 127.0.0.1:53";
}

std::string NetworkProblem(std::string_view text) {
  const std::string_view host = text.substr(0, text.find('/'));
  if (!Network::Parse(text)) {
    return Quote(text) +
           " is no network; one is 10.0.0.0/8, \"2001:db8::/32\""
           " or an IP address";
  }
  if (EqualsIgnoreCase(host.substr(0, 7), "::ffff:")) {
    return Quote(text) + ": write it as the IPv4 network that it is";
  }
  if (host.size() == text.size()) return {};
  const std::string_view bits = text.substr(host.size() + 1);
  const std::string masked = MaskedNetwork(host, *ParseDecimal(bits));
  if (IsSameIp(masked, host)) return {};
  return Quote(text) + " has bits beyond its prefix; did you mean `" + masked +
         '/' + std::string(bits) + "` or `" + std::string(host) + "`?";
}

}  // namespace whichhop
