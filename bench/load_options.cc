#include "bench/load_options.h"

#include <getopt.h>
#include <netdb.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace load {

namespace {

int Usage(std::FILE* out, int code) {
  std::fputs(
      "usage: whichhop-load --target "
      "ADDRESS:PORT|http[s]://HOST[:PORT][/PATH]\n"
      "\n"
      "  --path PATH      ask for this alone; without it, and without a path\n"
      "                   in the URL, for the table's (whichhop-origin's)\n"
      "  --requests N     100000 if not given\n"
      "  --seconds N      so long instead\n"
      "  --connections N  64; as many requests are on their way at once\n"
      "  --rate N         open loop: so many requests a second are due, early\n"
      "                   answers or late; latency counts from when each was\n"
      "                   due (0: closed loop)\n"
      "  --close          a connection for each request\n"
      "  --faults N%      5%: the share of faults and error statuses\n"
      "  --verify         hold every answer against the table\n"
      "  --deadline N     600 seconds: ends in any case then\n"
      "  --json FILE      the report, for programs\n\n"
      "Exit 1 if an answer was lost, crossed or mislabelled.\n",
      out);
  return code;
}

int Complain(const std::string& what) {
  std::fprintf(stderr, "whichhop-load: %s\n", what.c_str());
  return 2;
}

// False if `text` is no number, or more than one.
template <typename T>
bool ReadNumber(std::string_view text, T* number) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, *number);
  return error == std::errc() && stop == end;
}

bool ReadSeconds(std::string_view text, std::chrono::seconds* seconds) {
  unsigned number = 0;
  if (!ReadNumber(text, &number)) return false;
  *seconds = std::chrono::seconds(number);
  return true;
}

bool ReadShare(std::string_view text, double* share) {
  if (!text.ends_with('%')) return false;
  text.remove_suffix(1);
  if (!ReadNumber(text, share)) return false;
  *share /= 100;
  return true;
}

// host, host:port, [v6]:port -> its two parts; the port may be empty.
void Split(std::string_view authority, std::string* name, std::string* port) {
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos &&
                        (bracket == std::string_view::npos || colon > bracket);
  *name = authority.substr(0, has_port ? colon : authority.size());
  *port = has_port ? authority.substr(colon + 1) : std::string_view();
  if (bracket != std::string_view::npos) {
    *name = authority.substr(1, bracket - 1);
  }
}

// The first address of a name: a load is on one server.
bool Resolve(const std::string& name, const std::string& port, Target* target) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(name.c_str(), port.c_str(), &hints, &found) != 0) {
    return false;
  }
  std::memcpy(&target->address, found->ai_addr, found->ai_addrlen);
  target->size = found->ai_addrlen;
  freeaddrinfo(found);
  return true;
}

bool ReadTarget(std::string_view text, Options* options) {
  constexpr std::string_view kPlain = "http://";
  constexpr std::string_view kTls = "https://";
  options->target.tls = text.starts_with(kTls);
  const bool is_url = options->target.tls || text.starts_with(kPlain);
  if (is_url) text.remove_prefix(text.find("//") + 2);
  const std::string_view authority = text.substr(0, text.find('/'));
  text.remove_prefix(authority.size());
  std::string port;
  Split(authority, &options->target.name, &port);
  if (port.empty() && is_url) port = options->target.tls ? "443" : "80";
  if (options->target.name.empty() || port.empty()) return false;
  if (!text.empty() && !is_url) return false;
  options->host = authority;
  options->path = text;
  return Resolve(options->target.name, port, &options->target);
}

bool ReadOption(int option, const std::string& value, Options* options) {
  switch (option) {
    case 't':
      return ReadTarget(value, options);
    case 'p':
      options->path = value;
      return value.starts_with('/');
    case 'r':
      return ReadNumber(value, &options->requests);
    case 's':
      return ReadSeconds(value, &options->time);
    case 'c':
      return ReadNumber(value, &options->connections) &&
             options->connections > 0;
    case 'o':
      return ReadNumber(value, &options->rate) && options->rate >= 0;
    case 'f':
      return ReadShare(value, &options->faults);
    case 'd':
      return ReadSeconds(value, &options->deadline);
    case 'j':
      options->json = value;
      return true;
    case 'x':
      options->close = true;
      return true;
    case 'v':
      options->verify = true;
      return true;
    default:
      return false;
  }
}

}  // namespace

std::optional<Options> ReadOptions(int argc, char** argv, int* code) {
  const option known[] = {{"target", required_argument, nullptr, 't'},
                          {"path", required_argument, nullptr, 'p'},
                          {"requests", required_argument, nullptr, 'r'},
                          {"seconds", required_argument, nullptr, 's'},
                          {"connections", required_argument, nullptr, 'c'},
                          {"rate", required_argument, nullptr, 'o'},
                          {"faults", required_argument, nullptr, 'f'},
                          {"deadline", required_argument, nullptr, 'd'},
                          {"json", required_argument, nullptr, 'j'},
                          {"close", no_argument, nullptr, 'x'},
                          {"verify", no_argument, nullptr, 'v'},
                          {"help", no_argument, nullptr, 'h'},
                          {}};
  Options options;
  *code = 2;
  for (int c; (c = getopt_long(argc, argv, "h", known, nullptr)) != -1;) {
    if (c == 'h') {
      *code = Usage(stdout, 0);
      return std::nullopt;
    }
    if (c == '?') {
      Usage(stderr, 2);
      return std::nullopt;
    }
    if (!ReadOption(c, optarg == nullptr ? "" : optarg, &options)) {
      Complain("can't use `" + std::string(argv[optind - 1]) + "`");
      return std::nullopt;
    }
  }
  if (optind != argc || options.host.empty()) {
    Usage(stderr, 2);
    return std::nullopt;
  }
  if (options.verify && options.path.size() > 1) {
    Complain("--verify has the table's paths: the URL may have none");
    return std::nullopt;
  }
  if (options.verify) options.path.clear();
  return options;
}

}  // namespace load
