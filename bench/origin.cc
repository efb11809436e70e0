// whichhop-origin: an origin server that works or fails as the URL says, one
// blocking thread a connection. It shares no code with the proxy on purpose: a
// mistake in one must not hide in the other. TERM and INT end it at once.

#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <string>
#include <thread>

#include "bench/origin_fault.h"
#include "bench/origin_listener.h"
#include "bench/origin_table.h"

namespace origin {
namespace {

constexpr std::chrono::seconds kLingerMost{2};

struct Options {
  std::string listen = "127.0.0.1:0";
  unsigned threads = 0;  // connections served at once; 0 is no limit
  Breakage breakage = Breakage::kNone;
};

struct Flag {
  const char* name;
  Breakage breakage;
  const char* says;
};

constexpr Flag kFlags[] = {
    {"refuse", Breakage::kRefuse, "bind, never listen: connects are refused"},
    {"drop-syn", Breakage::kDropSyn, "the kernel drops every SYN"},
    {"never-accept", Breakage::kNeverAccept, "listen(16), never accept"},
    {"backlog-full", Breakage::kBacklogFull, "listen(0), and fill that queue"},
    {"unacked", Breakage::kUnacked, "handshakes; drops segments with data"},
    {"reset-accepted", Breakage::kResetAccepted, "accept, RST"},
    {"close-accepted", Breakage::kCloseAccepted, "accept, FIN"},
    {"banner", Breakage::kBanner, "accept, speak before the request"},
};

// At most so many at once; the rest wait, established, in the accept queue.
class Places {
 public:
  explicit Places(unsigned most) : most_(most) {}
  void Take() {
    std::unique_lock lock(mutex_);
    freed_.wait(lock, [this] { return most_ == 0 || taken_ < most_; });
    ++taken_;
  }
  void Free() {
    std::lock_guard lock(mutex_);
    --taken_;
    freed_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable freed_;
  unsigned most_;
  unsigned taken_ = 0;
};

// Carries out what the exchange left behind. True if the next request may come.
bool GoOn(Wire& wire, After after) {
  switch (after) {
    case After::kKeep:
      return true;
    case After::kClose:
      return false;
    case After::kLinger:
      wire.FinishWriting();
      wire.Discard(kLingerMost);
      return false;
    case After::kReset:
      wire.Reset();
      return false;
    case After::kHold:
      wire.WaitForPeer(kHoldMost);
      return false;
  }
  return false;
}

After ServeOne(Wire& wire) {
  Head head = ReadHead(wire);
  if (head.end == HeadEnd::kClosed) return After::kClose;
  if (head.end == HeadEnd::kBroken) return Refuse(wire, head.why);
  ++counts().requests;
  return Dispatch(wire, head.request, head.request.target);
}

void ServeConnection(Wire& wire, Breakage breakage) {
  ++counts().connections;
  if (breakage == Breakage::kResetAccepted) return wire.Reset();
  if (breakage == Breakage::kCloseAccepted) return;
  if (breakage == Breakage::kBanner) {
    wire.Write("220 mail.example ESMTP ready\r\n");
    return wire.Discard(kHoldMost);
  }
  while (GoOn(wire, ServeOne(wire))) {
  }
}

[[noreturn]] void AcceptForever(int listener, const Options& options) {
  static Places places(options.threads);
  Breakage breakage = options.breakage;
  while (true) {
    places.Take();
    int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) {  // out of descriptors, or a client that left already
      places.Free();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      continue;
    }
    int on = 1;  // or the end of an answer would wait for a delayed ACK
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    std::thread([fd, breakage] {
      {
        Wire wire(fd);
        ServeConnection(wire, breakage);
      }
      places.Free();
    }).detach();
  }
}

int Usage(std::FILE* out, int code) {
  std::fputs(
      "usage: whichhop-origin [--listen ADDRESS:PORT] [--threads N] [FAULT]\n\n"
      "  --listen ADDRESS:PORT  127.0.0.1:0 if not given; [::1]:0 works too\n"
      "  --threads N            connections served at once; 0 is no limit\n\n"
      "Faults of the listener itself, one at most:\n",
      out);
  for (const Flag& flag : kFlags) {
    std::fprintf(out, "  --%-20s %s\n", flag.name, flag.says);
  }
  std::fputs("\nGET / lists the faults that a URL asks for.\n", out);
  return code;
}

// -1, or the exit code with which to stop.
int ParseOptions(int argc, char** argv, Options* options) {
  constexpr int kFirstFlag = 256;
  std::vector<option> known = {{"listen", required_argument, nullptr, 'l'},
                               {"threads", required_argument, nullptr, 't'},
                               {"help", no_argument, nullptr, 'h'}};
  int code = kFirstFlag;
  for (const Flag& flag : kFlags) {
    known.push_back({flag.name, no_argument, nullptr, code++});
  }
  known.push_back({});
  int seen;
  while ((seen = getopt_long(argc, argv, "h", known.data(), nullptr)) != -1) {
    if (seen == 'h') return Usage(stdout, 0);
    if (seen == '?') return Usage(stderr, 2);
    if (seen == 'l') options->listen = optarg;
    if (seen == 't') {
      std::string_view text = optarg;
      auto parsed = std::from_chars(text.data(), text.data() + text.size(),
                                    options->threads);
      if (parsed.ec != std::errc()) return Usage(stderr, 2);
    }
    if (seen >= kFirstFlag) {
      options->breakage = kFlags[seen - kFirstFlag].breakage;
    }
  }
  return optind == argc ? -1 : Usage(stderr, 2);
}

int Main(int argc, char** argv) {
  Options options;
  int code = ParseOptions(argc, argv, &options);
  if (code >= 0) return code;
  std::signal(SIGTERM, [](int) { _exit(0); });
  std::signal(SIGINT, [](int) { _exit(0); });
  Listener listener = Listen(options.listen, options.breakage);
  if (!listener.error.empty()) {
    std::fprintf(stderr, "whichhop-origin: %s\n", listener.error.c_str());
    return 3;
  }
  std::printf("listening on %s\n", listener.address.c_str());
  std::fflush(stdout);
  if (options.breakage != Breakage::kRefuse &&
      options.breakage != Breakage::kDropSyn &&
      options.breakage != Breakage::kNeverAccept &&
      options.breakage != Breakage::kBacklogFull) {
    AcceptForever(listener.fd, options);
  }
  while (true) pause();
}

}  // namespace
}  // namespace origin

int main(int argc, char** argv) { return origin::Main(argc, argv); }
