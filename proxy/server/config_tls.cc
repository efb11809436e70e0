#include "proxy/server/config_tls.h"

#include <algorithm>
#include <string_view>

#include "proxy/net/tls_client.h"
#include "proxy/net/tls_server.h"
#include "proxy/server/config_checks.h"
#include "proxy/server/config_rows.h"
#include "proxy/server/schema.h"

namespace whichhop {

namespace {

constexpr Word<uint16_t> kVersions[] = {{"1.2", TLS1_2_VERSION},
                                        {"1.3", TLS1_3_VERSION}};

template <auto kMember, typename Owner>
void Path(const ConfigNode& node, Owner& owner, ConfigErrors& errors) {
  Assign<kMember>(owner, ReadText(node, errors));
}

constexpr Row<TlsCertificateFiles> kCertificateRows[] = {
    {{"cert", Presence::kRequired}, Path<&TlsCertificateFiles::cert>},
    {{"key", Presence::kRequired}, Path<&TlsCertificateFiles::key>},
    {{"ocsp"}, Path<&TlsCertificateFiles::ocsp>},
};

// The same without `ocsp`: nobody asks a client for one.
constexpr Row<TlsCertificateFiles> kOwnCertificateRows[] = {
    kCertificateRows[0],
    kCertificateRows[1],
};

// --- listeners ---------------------------------------------------------------

struct ListenTls : TlsServer::Options {
  std::vector<const ConfigNode*> nodes;  // of each certificate
};

// Those that are complete: the others had their error.
void ReadCertificates(const ConfigNode& node, ListenTls& tls,
                      ConfigErrors& errors) {
  for (const ConfigNode& item : ReadList(node, AtLeast::kOne, errors)) {
    TlsCertificateFiles files;
    ReadMap(item, kCertificateRows, files, errors);
    if (files.cert.empty() || files.key.empty()) continue;
    tls.certificates.push_back(std::move(files));
    tls.nodes.push_back(&item);
  }
}

constexpr Row<ListenTls> kListenTlsRows[] = {
    {{"certificates", Presence::kRequired},
     ReadCertificates,
     KeysOf<kCertificateRows>},
    {{"min_version"}, Choice<&ListenTls::min_version, kVersions>},
    {{"client_ca"}, Path<&ListenTls::client_ca>},
    {{"strict_sni"}, Bool<&ListenTls::strict_sni>},
};

// The place of the path that names the file, in `node`, or of `node`.
ConfigPlace PlaceOf(const ConfigNode& node, std::string_view key) {
  const ConfigNode* const value = node.Find(key);
  return value == nullptr ? node.place : value->place;
}

ConfigPlace PlaceOf(const TlsLoadError& error, const ConfigNode& node,
                    const ListenTls& tls) {
  const bool of_listener = node.Find(error.key) != nullptr;
  return PlaceOf(of_listener ? node : *tls.nodes[error.index], error.key);
}

// --- upstreams ---------------------------------------------------------------

constexpr Row<TlsClient::Options> kUpstreamTlsRows[] = {
    {{"verify"}, Bool<&TlsClient::Options::verify>},
    {{"ca"}, Path<&TlsClient::Options::ca>},
    {{"crl"}, Path<&TlsClient::Options::crl>},
    {{"server_name"},
     Text<&TlsClient::Options::server_name, ServerNameProblem>},
    {{"certificate"},
     Block<&TlsClient::Options::certificate, kOwnCertificateRows>,
     KeysOf<kOwnCertificateRows>},
    {{"min_version"}, Choice<&TlsClient::Options::min_version, kVersions>},
};

ConfigPlace PlaceOf(const TlsLoadError& error, const ConfigNode& node) {
  const ConfigNode* const own = node.Find("certificate");
  const bool is_own = own != nullptr && own->Find(error.key) != nullptr;
  return PlaceOf(is_own ? *own : node, error.key);
}

}  // namespace

void ReadListenTls(const ConfigNode& node, const std::string& operator_ca,
                   ListenConfig& listen, ConfigErrors& errors) {
  ListenTls tls;
  ReadMap(node, kListenTlsRows, tls, errors);
  if (tls.certificates.empty()) return;  // it had its error
  tls.operator_ca = operator_ca;
  std::vector<TlsLoadError> load_errors;
  listen.tls = TlsServer::Load(tls, TlsTicketKeys::Process(), &load_errors);
  for (const TlsLoadError& error : load_errors) {
    if (std::string_view(error.key) == "operator_ca") continue;
    errors.push_back({PlaceOf(error, node, tls), error.message});
  }
}

void ListListenTlsKeys(const std::string& path,
                       std::vector<std::string>& paths) {
  ListKeys(kListenTlsRows, path, paths);
}

void ReadUpstreamTls(const ConfigNode& node, UpstreamConfig& upstream,
                     ConfigErrors& errors) {
  TlsClient::Options options;
  ReadMap(node, kUpstreamTlsRows, options, errors);
  const TlsCertificateFiles& own = options.certificate;
  if (own.cert.empty() || own.key.empty()) options.certificate = {};
  std::vector<TlsLoadError> load_errors;
  upstream.tls = TlsClient::Load(options, &load_errors);
  for (const TlsLoadError& error : load_errors) {
    errors.push_back({PlaceOf(error, node), error.message});
  }
}

void ListUpstreamTlsKeys(const std::string& path,
                         std::vector<std::string>& paths) {
  ListKeys(kUpstreamTlsRows, path, paths);
}

void CheckVerifiable(const ConfigNode& node, const UpstreamConfig& upstream,
                     ConfigErrors& errors) {
  if (upstream.tls == nullptr || !upstream.tls->verifies()) return;
  if (!upstream.tls->options().server_name.empty()) return;
  const bool has_unix = std::ranges::any_of(
      upstream.servers,
      [](const ServerConfig& server) { return server.address.is_unix(); });
  if (!has_unix) return;
  errors.push_back({PlaceOf(node, "tls"),
                    "`server_name` is missing here: a Unix socket has no name "
                    "that a certificate could be for"});
}

void ReadOperatorCa(const ConfigNode& node, ErrorsConfig& owner,
                    ConfigErrors& errors) {
  const auto path = ReadText(node, errors);
  if (!path) return;
  const auto authorities = LoadCertificates(*path);
  if (!authorities.ok()) errors.push_back({node.place, authorities.error()});
  owner.operator_ca = *path;
}

}  // namespace whichhop
