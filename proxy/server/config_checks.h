#pragma once
// What makes the texts of a configuration valid: names, hosts, paths,
// addresses. Each check returns what is wrong with `text`, a sentence that
// quotes it, or nothing.

#include <string>
#include <string_view>

namespace whichhop {

// node.name: a token (RFC 9110, section 5.6.2) of at most 128 bytes.
std::string NodeNameProblem(std::string_view text);

// The name of an upstream or of a rack: letters, digits, `_`, `.` and `-`, at
// most 64. It becomes a label of metrics.
std::string LabelProblem(std::string_view text);

// A host of a route: a DNS name, "*." and a DNS name, or an IP address, all
// without a port.
std::string HostProblem(std::string_view text);

// The path prefix of a route.
std::string PathProblem(std::string_view text);

// The path that a health check asks for; it may have a query.
std::string ProbePathProblem(std::string_view text);

// A method of a route: a token. `get` is one too, but nobody means it.
std::string MethodProblem(std::string_view text);

// Where a log goes: stdout, stderr, off or a path, which has a `/`.
std::string LogTargetProblem(std::string_view text);

// The name that a server of an upstream is to be known by in TLS: a DNS name or
// an IP address, without a port.
std::string ServerNameProblem(std::string_view text);

// The address of a listener; port 0 lets the kernel choose.
std::string ListenAddressProblem(std::string_view text);

// The address of an upstream's server: a literal one that can be connected to,
// or a host name (RFC 1123, and `_`, which names of containers have) and a
// port. A final dot keeps it from the search list.
std::string ServerAddressProblem(std::string_view text);

// The address of a nameserver: a literal one.
std::string ResolverAddressProblem(std::string_view text);

// An IP address or a prefix whose host bits are zero.
std::string NetworkProblem(std::string_view text);

}  // namespace whichhop
