#include "proxy/net/dns_channel.h"

#include <ares.h>
#include <netdb.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <limits>

#include "proxy/net/dns_extended_error.h"

namespace whichhop {

namespace {

constexpr int kClassIn = 1;
constexpr int kTypeA = 1;
constexpr int kTypeAaaa = 28;
constexpr int kMaxAddresses = 64;  // of one family
constexpr int kTries = 2;          // of each nameserver
// What fits through every path without fragments (DNS flag day 2020).
constexpr int kUdpBytes = 1232;

Address FromV4(const in_addr& ip) {
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_addr = ip;
  return Address::From(reinterpret_cast<const sockaddr*>(&v4), sizeof(v4));
}

Address FromV6(const void* ip) {
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  std::copy_n(static_cast<const uint8_t*>(ip), 16, v6.sin6_addr.s6_addr);
  return Address::From(reinterpret_cast<const sockaddr*>(&v6), sizeof(v6));
}

DnsOutcome OutcomeOf(int status, DnsChannel::Transport transport) {
  switch (status) {
    case ARES_SUCCESS:
      return DnsOutcome::kAddresses;
    case ARES_ENODATA:
      return DnsOutcome::kNodata;
    case ARES_ENOTFOUND:
      return DnsOutcome::kNxdomain;
    case ARES_EREFUSED:
      return DnsOutcome::kRefused;
    case ARES_ENOTIMP:
      return DnsOutcome::kNotimp;
    case ARES_EFORMERR:
      return DnsOutcome::kFormerr;
    case ARES_ETIMEOUT:
    case ARES_ECONNREFUSED:
      return transport == DnsChannel::Transport::kTcp ? DnsOutcome::kTcpFailed
                                                      : DnsOutcome::kTimeout;
    default:  // c-ares's codes, not ours
      return DnsOutcome::kServfail;
  }
}

// The addresses of a successful answer. One that has none, but aliases or other
// records, says that the name has none.
DnsReply ParseAnswer(int family, const unsigned char* data, int size) {
  DnsReply reply;
  int ttl = std::numeric_limits<int>::max();
  int count = kMaxAddresses;
  int status = ARES_SUCCESS;
  if (family == AF_INET) {
    ares_addrttl found[kMaxAddresses];
    status = ares_parse_a_reply(data, size, nullptr, found, &count);
    for (int i = 0; status == ARES_SUCCESS && i < count; ++i) {
      reply.addresses.push_back(FromV4(found[i].ipaddr));
      ttl = std::min(ttl, found[i].ttl);
    }
  } else {
    ares_addr6ttl found[kMaxAddresses];
    status = ares_parse_aaaa_reply(data, size, nullptr, found, &count);
    for (int i = 0; status == ARES_SUCCESS && i < count; ++i) {
      reply.addresses.push_back(FromV6(&found[i].ip6addr));
      ttl = std::min(ttl, found[i].ttl);
    }
  }
  reply.ttl = std::chrono::seconds(std::max(ttl, 0));
  const bool none = status == ARES_SUCCESS && reply.addresses.empty();
  reply.outcome =
      none ? DnsOutcome::kNodata : OutcomeOf(status, DnsChannel::Transport{});
  return reply;
}

bool IsTruncated(const unsigned char* data, int size) {
  constexpr int kHeaderBytes = 12;
  constexpr unsigned char kTc = 0x02;
  return data != nullptr && size >= kHeaderBytes && (data[2] & kTc) != 0;
}

std::string ServersText(const std::vector<Address>& servers) {
  std::string text;
  for (const Address& server : servers) {
    text += (text.empty() ? "" : ",") + server.ToString();
  }
  return text;
}

// What there is to read of a socket: bytes, its end, or nothing yet.
bool HasMore(int fd) {
  char byte;
  if (recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0) return true;
  return errno != EAGAIN && errno != EWOULDBLOCK;
}

// Frees what c-ares made.
struct OptionsDeleter {
  void operator()(ares_options* options) const {
    ares_destroy_options(options);
    delete options;
  }
};

struct HostDeleter {
  void operator()(hostent* host) const { ares_free_hostent(host); }
};

}  // namespace

// A socket of c-ares. It may be closed within its own callback.
class DnsChannel::SocketWatch final : public Retired, private WatchEvents {
 public:
  SocketWatch(DnsChannel& channel, int fd) : channel_(channel), fd_(fd) {
    // No memory for a registration: the question's timeout ends it.
    (void)watch_.Arm(channel.loop_, fd, *this);
  }
  void Close() { watch_.Disarm(); }

 private:
  // Edges; and of TCP c-ares reads one piece a call.
  void OnReadable() override {
    do {
      channel_.Process(fd_, ARES_SOCKET_BAD);
    } while (watch_.armed() && HasMore(fd_));
  }
  void OnWritable() override { channel_.Process(ARES_SOCKET_BAD, fd_); }

  DnsChannel& channel_;
  const int fd_;
  Watch watch_;
};

struct DnsChannel::Asked {
  DnsChannel& channel;
  int family;
  std::unique_ptr<DnsQuestion> question;
};

DnsChannel::DnsChannel(Loop& loop, Transport transport,
                       const DnsOptions& options)
    : loop_(loop), transport_(transport) {
  ares_options wanted{};
  int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
             ARES_OPT_SOCK_STATE_CB | ARES_OPT_EDNSPSZ;
  // NOCHECKRESP: an answer that refuses is an answer, and is not asked for
  // again as if nobody had spoken.
  wanted.flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_IGNTC | ARES_FLAG_EDNS;
  if (transport == Transport::kTcp) wanted.flags |= ARES_FLAG_USEVC;
  wanted.ednspsz = kUdpBytes;
  // The second try waits twice as long: both fit.
  const auto servers = std::max<size_t>(options.servers.size(), 1);
  const Duration first = options.timeout / (3 * static_cast<int>(servers));
  wanted.timeout = std::max(
      1, static_cast<int>(
             std::chrono::duration_cast<std::chrono::milliseconds>(first)
                 .count()));
  wanted.tries = kTries;
  wanted.sock_state_cb = OnSocketState;
  wanted.sock_state_cb_data = this;
  // A search list belongs to the nameservers that it stands beside.
  if (!options.servers.empty()) mask |= ARES_OPT_DOMAINS;
  if (ares_init_options(&channel_, &wanted, mask) != ARES_SUCCESS) {
    std::abort();  // no memory
  }
  if (options.servers.empty()) return;
  const std::string text = ServersText(options.servers);
  if (ares_set_servers_ports_csv(channel_, text.c_str()) != ARES_SUCCESS) {
    std::abort();  // no memory: addresses are checked with the configuration
  }
}

DnsChannel::~DnsChannel() {
  closing_ = true;
  ares_destroy(channel_);
  assert(watches_.empty());
}

void DnsChannel::Ask(const std::string& name, int family,
                     std::unique_ptr<DnsQuestion> question) {
  auto* asked = new Asked{*this, family, std::move(question)};
  ares_query(channel_, name.c_str(), kClassIn,
             family == AF_INET ? kTypeA : kTypeAaaa, OnAnswer, asked);
  ArmTimer();
}

void DnsChannel::OnAnswer(void* arg, int status, int, unsigned char* data,
                          int size) {
  const std::unique_ptr<Asked> asked(static_cast<Asked*>(arg));
  if (asked->channel.closing_) return;
  const Transport transport = asked->channel.transport_;
  DnsReply reply;
  if (transport == Transport::kUdp && IsTruncated(data, size)) {
    reply.truncated = true;
  } else if (status == ARES_SUCCESS) {
    reply = ParseAnswer(asked->family, data, size);
  } else {
    reply.outcome = OutcomeOf(status, transport);
  }
  if (data != nullptr && reply.outcome != DnsOutcome::kAddresses) {
    reply.extended = ExtendedDnsError({data, static_cast<size_t>(size)});
  }
  asked->question->OnReply(std::move(reply));
}

void DnsChannel::OnSocketState(void* self, int fd, int readable, int writable) {
  auto& channel = *static_cast<DnsChannel*>(self);
  auto& watch = channel.watches_[fd];
  if (readable != 0 || writable != 0) {
    if (watch == nullptr) watch = std::make_unique<SocketWatch>(channel, fd);
    return;
  }
  if (watch != nullptr) {
    watch->Close();
    // Between turns there is no callback of its own to outlive.
    if (!channel.closing_) channel.loop_.Retire(std::move(watch));
  }
  channel.watches_.erase(fd);
}

void DnsChannel::OnTimer(Timer&) { Process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }

void DnsChannel::Process(int readable_fd, int writable_fd) {
  ares_process_fd(channel_, readable_fd, writable_fd);
  ArmTimer();
}

void DnsChannel::ArmTimer() {
  timeval left{};
  if (ares_timeout(channel_, nullptr, &left) == nullptr) {
    return timer_.Disarm();
  }
  timer_.Arm(loop_.wheel(),
             std::chrono::seconds(left.tv_sec) +
                 std::chrono::microseconds(left.tv_usec),
             *this);
}

std::vector<std::string> DnsChannel::Candidates(const std::string& host) const {
  int mask = 0;
  std::unique_ptr<ares_options, OptionsDeleter> options(new ares_options{});
  const bool known =
      ares_save_options(channel_, options.get(), &mask) == ARES_SUCCESS;
  if (!known || host.ends_with('.')) return {host};
  std::vector<std::string> names;
  for (int i = 0; i < options->ndomains; ++i) {
    names.push_back(host + '.' + options->domains[i]);
  }
  const bool first = std::ranges::count(host, '.') >= options->ndots;
  names.insert(first ? names.begin() : names.end(), host);
  return names;
}

std::vector<Address> DnsChannel::FromHostsFile(const std::string& host) const {
  std::vector<Address> addresses;
  for (const int family : {AF_INET6, AF_INET}) {
    hostent* found = nullptr;
    const int status =
        ares_gethostbyname_file(channel_, host.c_str(), family, &found);
    const std::unique_ptr<hostent, HostDeleter> entry(found);
    if (status != ARES_SUCCESS) continue;
    for (char** ip = found->h_addr_list; *ip != nullptr; ++ip) {
      in_addr v4{};
      if (family == AF_INET) std::copy_n(*ip, 4, reinterpret_cast<char*>(&v4));
      addresses.push_back(family == AF_INET ? FromV4(v4) : FromV6(*ip));
    }
  }
  return addresses;
}

}  // namespace whichhop
