#pragma once
// Questions to the nameservers: c-ares on a loop, and nothing else uses it.
// One channel speaks UDP or TCP, never both: an answer that was cut over UDP is
// asked for again by whoever asked, so that a nameserver without TCP is told
// from one that is silent. Single-threaded.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proxy/net/address.h"
#include "proxy/net/loop.h"

struct ares_channeldata;

namespace whichhop {

// What became of a question. Of two families' outcomes the lesser one says
// more about the name.
enum class DnsOutcome : uint8_t {
  kAddresses,
  kNxdomain,   // there is no such name, of whatever family
  kServfail,   // also an answer that makes no sense
  kRefused,    // the nameserver does not serve us
  kNotimp,     // the nameserver does not know such questions
  kFormerr,    // the nameserver does not understand them
  kTcpFailed,  // cut over UDP, and no answer over TCP
  kTimeout,    // no answer, or the nameserver's port is closed
  kNodata,     // the name has no address of this family
};

struct DnsReply {
  DnsOutcome outcome = DnsOutcome::kTimeout;
  bool truncated = false;              // over UDP: it has to be asked over TCP
  std::vector<Address> addresses{};    // without a port
  Duration ttl{};                      // the shortest of them
  std::optional<uint16_t> extended{};  // RFC 8914: why there are none
};

// The channel's while it is asked, and then deleted.
class DnsQuestion {
 public:
  virtual ~DnsQuestion() = default;
  // Once, or never if the channel goes before. May come from within Ask.
  virtual void OnReply(DnsReply reply) = 0;
};

struct DnsOptions {
  // Empty: those of /etc/resolv.conf, with its search list and options.
  std::vector<Address> servers{};
  Duration timeout = std::chrono::seconds(5);  // of a name, in all
};

class DnsChannel final : private TimerEvents {
 public:
  enum class Transport : uint8_t { kUdp, kTcp };

  DnsChannel(Loop& loop, Transport transport, const DnsOptions& options);
  DnsChannel(const DnsChannel&) = delete;
  DnsChannel& operator=(const DnsChannel&) = delete;
  ~DnsChannel();

  // For the A records (AF_INET) or the AAAA records (AF_INET6) of `name`.
  void Ask(const std::string& name, int family,
           std::unique_ptr<DnsQuestion> question);

  // The names that `host` may stand for, in the order of asking: itself, and
  // with the domains of the search list.
  std::vector<std::string> Candidates(const std::string& host) const;
  // What /etc/hosts says of `host`. Reads the file.
  std::vector<Address> FromHostsFile(const std::string& host) const;

 private:
  class SocketWatch;
  struct Asked;

  static void OnSocketState(void* self, int fd, int readable, int writable);
  static void OnAnswer(void* asked, int status, int timeouts,
                       unsigned char* data, int size);
  void OnTimer(Timer& timer) override;
  void Process(int readable_fd, int writable_fd);
  void ArmTimer();

  Loop& loop_;
  const Transport transport_;
  ares_channeldata* channel_ = nullptr;
  std::map<int, std::unique_ptr<SocketWatch>> watches_;
  Timer timer_;
  bool closing_ = false;
};

}  // namespace whichhop
