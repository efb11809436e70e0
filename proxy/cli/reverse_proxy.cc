#include "proxy/cli/reverse_proxy.h"

#include <getopt.h>

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/net/tls_client.h"
#include "proxy/server/server.h"
#include "proxy/server/server_address.h"

namespace whichhop {

namespace {

constexpr std::string_view kUsage =
    "usage: whichhop reverse-proxy --from ADDRESS --to http[s]://ADDRESS\n"
    "  for example: whichhop reverse-proxy --from :8080 --to "
    "http://127.0.0.1:9000\n";

struct Origin {
  ServerConfig server;
  bool tls = false;
};

// http://10.0.0.5:8000 or https://app.internal, with or without a slash behind;
// port 80 or 443 if there is none. Nothing for anything else.
std::optional<Origin> ParseOrigin(std::string_view url) {
  const bool tls = url.starts_with("https://");
  if (!tls && !url.starts_with("http://")) return std::nullopt;
  url.remove_prefix(url.find("://") + 3);
  if (url.ends_with('/')) url.remove_suffix(1);
  const std::string with_port = std::string(url) + (tls ? ":443" : ":80");
  Origin origin{{}, tls};
  if (ReadServerAddress(url, &origin.server)) return origin;
  if (ReadServerAddress(with_port, &origin.server)) return origin;
  return std::nullopt;
}

// As `tls: {}` of an upstream. Null: standard error has why.
std::shared_ptr<const TlsClient> Verifying() {
  std::vector<TlsLoadError> errors;
  auto client = TlsClient::Load({}, &errors);
  for (const TlsLoadError& error : errors) {
    std::cerr << "whichhop reverse-proxy: " << error.message << '\n';
  }
  return client;
}

int UsageError(std::string_view why) {
  std::cerr << "whichhop reverse-proxy: " << why << '\n' << kUsage;
  return static_cast<int>(Exit::kUsage);
}

}  // namespace

int ReverseProxy(int argc, char** argv) {
  const option options[] = {{"from", required_argument, nullptr, 'f'},
                            {"to", required_argument, nullptr, 't'},
                            {}};
  std::string from, to;
  for (int c; (c = getopt_long(argc, argv, "", options, nullptr)) != -1;) {
    if (c != 'f' && c != 't') return static_cast<int>(Exit::kUsage);
    (c == 'f' ? from : to) = optarg;
  }
  if (optind != argc) {
    return UsageError(std::string("unexpected argument: ") + argv[optind]);
  }
  const auto listen = Address::Parse(from);
  if (!listen) return UsageError("--from is not an address: \"" + from + '"');
  const auto origin = ParseOrigin(to);
  if (!origin) {
    return UsageError(
        "--to is not http:// or https:// and an address or a name: \"" + to +
        '"');
  }
  auto config = std::make_shared<Config>();
  config->listen.push_back({*listen});
  UpstreamConfig upstream;
  upstream.name = "origin";
  upstream.servers.push_back(origin->server);
  if (origin->tls) {
    upstream.tls = Verifying();
    if (upstream.tls == nullptr) return static_cast<int>(Exit::kFailed);
  }
  config->upstreams.push_back(std::move(upstream));
  RouteConfig route;
  route.label = "/";
  config->routes.push_back(std::move(route));
  return static_cast<int>(Serve(std::move(config), {}));
}

}  // namespace whichhop
