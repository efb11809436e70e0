#include "proxy/cli/probe_plan.h"

#include <getopt.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <vector>

#include "diagnostics/text.h"
#include "proxy/base/clock.h"
#include "proxy/base/text.h"
#include "proxy/base/ulid.h"
#include "proxy/cli/config_option.h"
#include "proxy/http/authority.h"
#include "proxy/net/tls_client.h"
#include "proxy/server/config_file.h"
#include "proxy/server/config_units.h"
#include "proxy/server/server.h"
#include "proxy/server/server_address.h"

namespace whichhop {

namespace {

constexpr std::string_view kUsage =
    R"(usage: whichhop probe [OPTIONS] http[s]://HOST[:PORT][/PATH]

  -c, --config FILE        its topology, position, timeouts, nameservers, and
                           what it says of an upstream with this server;
                           without it /etc/whichhop/whichhop.yaml, if it is there
      --json               for programs
      --timeout TIME       the most that each step may take, e.g. 2s
      --connect-to ADDRESS go there, and not to the URL's host
      --ca FILE            believe the authorities in this PEM file
  -k, --insecure           believe any certificate
  -H, --header "NAME: VALUE"
  -I, --head               ask with HEAD
      --help

Exit codes: 0 healthy, 1 not healthy (or the configuration is invalid), 2 usage.
)";

// Without a configuration. Those of a proxy leave time for slow apps; whoever
// waits here wants to know.
constexpr milliseconds kPatience{10'000};

struct Arguments {
  std::string url;
  std::optional<std::string> config;
  bool json = false;
  bool help = false;
  std::optional<milliseconds> timeout;
  std::string connect_to;
  std::string ca;
  bool insecure = false;
  bool head = false;
  std::vector<std::string> headers;
};

std::string Shown(std::string_view text) {
  std::string shown = "\"";
  diagnostics::AppendTerminal(shown, text);
  return shown + '"';
}

std::nullopt_t Refuse(std::string_view why) {
  std::cerr << "whichhop probe: " << why << '\n' << kUsage;
  return std::nullopt;
}

// Characters of a request target, and of values: no blank, no control.
bool IsVisible(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
}

bool IsFieldValue(std::string_view text) {
  return std::ranges::none_of(text, [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
}

bool IsToken(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    const char low = LowerAscii(c);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

// The request has no body and one connection of its own: fields that say
// otherwise would break it.
bool IsReserved(std::string_view name) {
  const FieldId id = LookUpField(name);
  return IsHopByHop(id) || id == FieldId::kContentLength;
}

// An empty string: it is one.
std::string HeaderProblem(std::string_view line) {
  const size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  const bool whole = colon != std::string_view::npos && IsToken(name) &&
                     IsFieldValue(line.substr(colon + 1));
  if (!whole) return "--header is not \"NAME: VALUE\": " + Shown(line);
  if (IsReserved(name)) return "--header: " + Shown(name) + " can't be set";
  return {};
}

std::optional<Arguments> ReadArguments(int argc, char** argv) {
  enum { kJson = 256, kTimeout, kConnectTo, kCa, kHelp };
  const option options[] = {
      {"config", required_argument, nullptr, 'c'},
      {"json", no_argument, nullptr, kJson},
      {"timeout", required_argument, nullptr, kTimeout},
      {"connect-to", required_argument, nullptr, kConnectTo},
      {"ca", required_argument, nullptr, kCa},
      {"insecure", no_argument, nullptr, 'k'},
      {"header", required_argument, nullptr, 'H'},
      {"head", no_argument, nullptr, 'I'},
      {"help", no_argument, nullptr, kHelp},
      {}};
  Arguments read;
  for (int c;
       (c = getopt_long(argc, argv, "c:kH:I", options, nullptr)) != -1;) {
    if (c == 'c') {
      read.config = optarg;
    } else if (c == kJson) {
      read.json = true;
    } else if (c == kTimeout) {
      read.timeout = ParseDuration(optarg);
      if (!read.timeout || read.timeout->count() == 0) {
        return Refuse("--timeout is no time like 500ms or 2s: " +
                      Shown(optarg));
      }
    } else if (c == kConnectTo) {
      read.connect_to = optarg;
    } else if (c == kCa) {
      read.ca = optarg;
    } else if (c == 'k') {
      read.insecure = true;
    } else if (c == 'H') {
      const std::string problem = HeaderProblem(optarg);
      if (!problem.empty()) return Refuse(problem);
      read.headers.emplace_back(optarg);
    } else if (c == 'I') {
      read.head = true;
    } else if (c == kHelp) {
      read.help = true;
      return read;
    } else {
      return std::nullopt;  // getopt has said why
    }
  }
  if (optind == argc) return Refuse("there is no URL");
  read.url = argv[optind];
  if (optind + 1 == argc) return read;
  return Refuse("unexpected argument: " + Shown(argv[optind + 1]));
}

std::string_view HostOf(std::string_view authority) {
  if (authority.starts_with('[')) {
    return authority.substr(1, authority.find(']') - 1);
  }
  return authority.substr(0, authority.find(':'));
}

// A server at `text`, at the scheme's port if it has none.
bool ReadServer(std::string text, bool tls, ServerConfig* server) {
  if (text.ends_with(':')) text.pop_back();
  if (ReadServerAddress(text, server)) return true;
  text += tls ? ":443" : ":80";
  return ReadServerAddress(text, server);
}

// Nothing: standard error has why.
std::optional<Config> ReadConfig(const Arguments& told, ProbePlan* plan) {
  plan->config_path = told.config.value_or(kDefaultConfigPath);
  if (!told.config && access(kDefaultConfigPath, F_OK) != 0) {
    plan->config_path.clear();
    Config config;
    config.timeouts.response_head = kPatience;
    config.timeouts.response_body = kPatience;
    return config;
  }
  std::vector<std::string> messages;
  std::optional<Config> config = LoadConfigFile(plan->config_path, messages);
  for (const std::string& message : messages) std::cerr << message << '\n';
  return config;
}

void Limit(milliseconds most, TimeoutsConfig* timeouts) {
  for (milliseconds* each :
       {&timeouts->dns, &timeouts->connect, &timeouts->tls,
        &timeouts->response_head, &timeouts->response_body}) {
    *each = std::min(*each, most);
  }
}

// What the configuration says of an upstream that has this server.
UpstreamConfig UpstreamWith(const Config& config, const ServerConfig& server,
                            bool tls) {
  UpstreamConfig upstream;
  for (const UpstreamConfig& known : config.upstreams) {
    const bool has =
        IndexOfServer(known.servers, server.text) < known.servers.size();
    if (!has || (known.tls != nullptr) != tls) continue;
    upstream.is = known.is;
    upstream.believe = known.believe;
    upstream.tls = known.tls;
    break;
  }
  upstream.name = "origin";
  upstream.servers.push_back(server);
  return upstream;
}

// Null: standard error has why.
std::shared_ptr<const TlsClient> LoadTls(const Arguments& told,
                                         const ProbeUrl& url,
                                         const TlsClient* known) {
  TlsClient::Options options;
  if (known != nullptr) options = known->options();
  if (told.insecure) options.verify = false;
  if (!told.ca.empty()) options.ca = told.ca;
  if (!told.connect_to.empty() && options.server_name.empty()) {
    options.server_name = HostOf(url.authority);
  }
  std::vector<TlsLoadError> errors;
  auto client = TlsClient::Load(options, &errors);
  for (const TlsLoadError& error : errors) {
    std::cerr << "whichhop probe: " << error.message << '\n';
  }
  return client;
}

bool Has(const std::vector<std::string>& headers, std::string_view name) {
  return std::ranges::any_of(headers, [&](std::string_view line) {
    return EqualsIgnoreCase(line.substr(0, line.find(':')), name);
  });
}

OriginRequest RequestFor(const Arguments& told, const ProbeUrl& url,
                         const std::string& id) {
  const std::array<std::pair<std::string_view, std::string_view>, 4> usual = {
      {{"Host", url.authority},
       {"User-Agent", "whichhop"},
       {"Accept", "*/*"},
       {"X-Request-Id", id}}};
  OriginRequest request;
  request.method = told.head ? Method::kHead : Method::kGet;
  std::string& head = request.head;
  head = told.head ? "HEAD " : "GET ";
  head += url.target;
  head += " HTTP/1.1\r\n";
  for (const auto& [name, value] : usual) {
    if (Has(told.headers, name)) continue;
    head += name;
    head += ": ";
    head += value;
    head += "\r\n";
  }
  for (const std::string& line : told.headers) head += line + "\r\n";
  head += "Connection: close\r\n\r\n";
  return request;
}

// That which was given, or a new one.
std::string RequestId(const std::vector<std::string>& headers) {
  for (const std::string_view line : headers) {
    const size_t colon = line.find(':');
    if (!EqualsIgnoreCase(line.substr(0, colon), "X-Request-Id")) continue;
    return std::string(TrimOws(line.substr(colon + 1)));
  }
  Rng random;
  return std::string(
      Ulid(WallMicroseconds() / 1000, random.Next(), random.Next()).text());
}

}  // namespace

std::optional<ProbeUrl> ParseProbeUrl(std::string_view text) {
  const size_t scheme = text.find("://");
  if (scheme == std::string_view::npos) return std::nullopt;
  ProbeUrl url;
  url.tls = EqualsIgnoreCase(text.substr(0, scheme), "https");
  if (!url.tls && !EqualsIgnoreCase(text.substr(0, scheme), "http")) {
    return std::nullopt;
  }
  text.remove_prefix(scheme + 3);
  text = text.substr(0, text.find('#'));
  const size_t end = std::min(text.find_first_of("/?"), text.size());
  url.authority = text.substr(0, end);
  url.target = text.substr(end);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  const bool good =
      IsAuthority(url.authority, PortNeed::kOptional) && IsVisible(url.target);
  return good ? std::optional(url) : std::nullopt;
}

std::optional<ProbePlan> ReadProbePlan(int argc, char** argv, int* exit) {
  *exit = static_cast<int>(Exit::kUsage);
  const std::optional<Arguments> told = ReadArguments(argc, argv);
  if (!told) return std::nullopt;
  if (told->help) {
    std::cout << kUsage;
    *exit = static_cast<int>(Exit::kOk);
    return std::nullopt;
  }
  const auto url = ParseProbeUrl(told->url);
  if (!url) return Refuse("no http:// or https:// URL: " + Shown(told->url));
  ServerConfig server;
  const bool redirected = !told->connect_to.empty();
  if (!ReadServer(redirected ? told->connect_to : url->authority, url->tls,
                  &server)) {
    return Refuse(redirected ? "--connect-to is no address, and no name: " +
                                   Shown(told->connect_to)
                             : "can't be connected to: " + Shown(told->url));
  }
  ProbePlan plan;
  *exit = static_cast<int>(Exit::kFailed);
  std::optional<Config> config = ReadConfig(*told, &plan);
  if (!config) return std::nullopt;
  UpstreamConfig upstream = UpstreamWith(*config, server, url->tls);
  if (url->tls) {
    upstream.tls = LoadTls(*told, *url, upstream.tls.get());
    if (upstream.tls == nullptr) {
      *exit = static_cast<int>(Exit::kUsage);
      return std::nullopt;
    }
  }
  plan.url = told->url;
  plan.json = told->json;
  plan.request_id = RequestId(told->headers);
  plan.request = RequestFor(*told, *url, plan.request_id);
  plan.config = std::move(*config);
  if (told->timeout) Limit(*told->timeout, &plan.config.timeouts);
  plan.config.upstreams.assign(1, std::move(upstream));
  plan.config.routes.assign(1, RouteConfig());
  return plan;
}

}  // namespace whichhop
