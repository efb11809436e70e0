// The `tls` of listeners and upstreams: what is read, and what is refused.

#include <string>
#include <vector>

#include "proxy/net/tls_client.h"
#include "tests/proxy/net/authority.h"
#include "tests/proxy/server/config_broken.h"

namespace whichhop {

namespace {

// Files of a test, by the names that its documents have for them.
class Files {
 public:
  // `yaml` with CERT, KEY, OTHERKEY, CA, CRL, OCSP, TEXT and DIR as paths.
  std::string Fill(std::string yaml) const {
    for (const auto& [name, path] : paths_) {
      for (size_t at; (at = yaml.find(name)) != std::string::npos;) {
        yaml.replace(at, name.size(), path);
      }
    }
    return yaml;
  }
  // The errors, with names for paths again.
  std::string Errors(const std::string& yaml) const {
    std::string errors = ErrorsOf(Fill(yaml));
    for (const auto& [name, path] : paths_) {
      for (size_t at; (at = errors.find(path)) != std::string::npos;) {
        errors.replace(at, path.size(), name);
      }
    }
    return errors;
  }

 private:
  ScratchDirectory directory_;
  TestAuthority authority_{directory_, "ca"};
  const TlsCertificateFiles own_ = authority_.Issue();
  // Names that are part of others come behind them, and so do paths.
  const std::vector<std::pair<std::string, std::string>> paths_ = {
      {"OTHERKEY", authority_.Issue().key},
      {"CERT", own_.cert},
      {"KEY", own_.key},
      {"CA", authority_.path()},
      {"CRL", authority_.Revoke({})},
      {"OCSP", authority_.Staple(own_)},
      {"TEXT", directory_.Write("text", "hello\n")},
      {"DIR", directory_.path()}};
};

Config Load(const std::string& yaml) {
  ConfigErrors errors;
  const auto config = LoadConfig(yaml, errors);
  for (const ConfigError& error : errors) {
    FAIL_CHECK(FormatConfigError("yaml", error));
  }
  REQUIRE(config);
  return *config;
}

std::string WithListener(const std::string& tls) {
  return "routes: [{respond: 200}]\nlisten:\n  - address: \":443\"\n    tls: " +
         tls + '\n';
}

std::string WithUpstream(const std::string& tls) {
  return "routes: [{upstream: a}]\nlisten: [\":80\"]\nupstreams:\n"
         "  a: {servers: [\"10.0.0.1:1\"], tls: " +
         tls + "}\n";
}

struct Row {
  const char* tls;
  const char* errors;  // but for the last end of line
};

}  // namespace

TEST_CASE("a listener accepts TLS where it is told to") {
  const Files files;
  const Config config = Load(files.Fill(
      "errors: {operator_ca: CA}\n"
      "routes: [{respond: 200}]\n"
      "timeouts: {tls: 7s}\n"
      "limits: {handshakes: 9}\n"
      "listen:\n"
      "  - \":80\"\n"
      "  - {address: \":443\", tls: {certificates: [{cert: CERT, key: KEY}]},\n"
      "     protocols: [http/1.1]}\n"
      "  - address: \":444\"\n"
      "    tls: {certificates: [{cert: CERT, key: KEY, ocsp: OCSP}],\n"
      "          min_version: 1.3, client_ca: CA, strict_sni: false}\n"));
  CHECK(config.listen[0].tls == nullptr);
  REQUIRE(config.listen[1].tls != nullptr);
  CHECK(config.listen[1].tls->options().min_version == TLS1_2_VERSION);
  CHECK(config.listen[1].tls->options().client_ca.empty());
  CHECK(config.listen[1].tls->options().operator_ca == files.Fill("CA"));
  CHECK(config.listen[1].tls->options().strict_sni);
  REQUIRE(config.listen[2].tls != nullptr);
  CHECK(config.listen[2].tls->options().min_version == TLS1_3_VERSION);
  CHECK(config.listen[2].tls->options().client_ca == files.Fill("CA"));
  CHECK_FALSE(config.listen[2].tls->options().strict_sni);
  CHECK(config.errors.operator_ca == files.Fill("CA"));
  CHECK(config.timeouts.tls == std::chrono::seconds(7));
  CHECK(config.limits.handshakes == 9);
}

TEST_CASE("an upstream is connected to by TLS where it is told to") {
  const Files files;
  const Config plain = Load(
      "routes: [{upstream: a}]\nlisten: [\":80\"]\n"
      "upstreams: {a: {servers: [\"10.0.0.1:1\"]}}\n");
  CHECK(plain.upstreams[0].tls == nullptr);
  CHECK(plain.timeouts.tls == std::chrono::seconds(5));
  CHECK(plain.limits.handshakes == 4096);
  const Config config = Load(files.Fill(WithUpstream(
      "{ca: CA, crl: CRL, server_name: app.internal, min_version: \"1.3\", "
      "certificate: {cert: CERT, key: KEY}}")));
  REQUIRE(config.upstreams[0].tls != nullptr);
  const TlsClient::Options& options = config.upstreams[0].tls->options();
  CHECK(options.verify);
  CHECK(options.ca == files.Fill("CA"));
  CHECK(options.crl == files.Fill("CRL"));
  CHECK(options.server_name == "app.internal");
  CHECK(options.certificate.cert == files.Fill("CERT"));
  CHECK(options.min_version == TLS1_3_VERSION);
  const Config least = Load(WithUpstream("{verify: false}"));
  CHECK_FALSE(least.upstreams[0].tls->verifies());
  CHECK(least.upstreams[0].tls->options().ca == "system");
}

TEST_CASE("a listener's TLS is refused at what is wrong with it") {
  const Files files;
  const Row rows[] = {
      {"true", "4:10: a map is expected, not `true`"},
      {"{}", "4:10: `certificates` is missing here"},
      {"{certificates: []}", "4:25: this list can't be empty"},
      {"{certificates: {cert: a}}", "4:25: a list is expected, not a map"},
      {"{certificates: [{cert: CERT}]}", "4:26: `key` is missing here"},
      {"{certificate: [{cert: CERT, key: KEY}]}",
       "4:11: unknown key `certificate`; did you mean `certificates`?"},
      {"{certificates: [{cert: DIR/none,\n key: DIR/none}]}",
       "4:33: cannot read DIR/none: No such file or directory\n"
       "5:7: cannot read DIR/none: No such file or directory"},
      {"{certificates: [{key: KEY,\n cert: TEXT}]}",
       "5:8: TEXT has no certificate in PEM"},
      {"{certificates: [{key: KEY, cert: CERT}],\n client_ca: TEXT}",
       "5:13: TEXT has no certificate in PEM"},
      {"{certificates: [{key: KEY, cert: CERT}],\n min_version: 1.1}",
       "5:15: `1.2` or `1.3` is expected, not `1.1`; did you mean `1.2`?"},
      {"{certificates: [{key: KEY, cert: CERT}],\n strict_sni: yes}",
       "5:14: true or false is expected, not `yes`; did you mean `true`?"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.tls);
    CHECK(files.Errors(WithListener(row.tls)) ==
          row.errors + std::string("\n"));
  }
}

TEST_CASE("a key is refused that is not of its certificate") {
  const Files files;
  const std::string errors = files.Errors(
      WithListener("{certificates: [{cert: CERT, key: OTHERKEY}]}"));
  CHECK_THAT(errors,
             Catch::Matchers::Contains(
                 ": OTHERKEY is not the key of the first certificate in CERT"));
}

TEST_CASE("all errors of all files are told at once") {
  const Files files;
  CHECK(files.Errors("errors: {operator_ca: TEXT}\n"
                     "routes: [{upstream: a}]\n"
                     "listen:\n"
                     "  - address: \":443\"\n"
                     "    tls:\n"
                     "      certificates:\n"
                     "        - {cert: CERT}\n"
                     "        - {cert: CERT, key: KEY}\n"
                     "        - {cert: TEXT,\n"
                     "          key: TEXT}\n"
                     "      client_ca: DIR\n"
                     "  - address: \":444\"\n"
                     "    tls: {certificates: [{cert: CERT, key: KEY}]}\n"
                     "upstreams:\n"
                     "  a:\n"
                     "    servers: [\"10.0.0.1:1\"]\n"
                     "    tls:\n"
                     "      ca: TEXT\n"
                     "      crl: CA\n"
                     "      certificate:\n"
                     "        cert: TEXT\n"
                     "        key: DIR\n") ==
        "1:23: TEXT has no certificate in PEM\n"
        "7:11: `key` is missing here\n"
        "9:18: TEXT has no certificate in PEM\n"
        "10:16: TEXT has no private key in PEM\n"
        "11:18: cannot read DIR: it is not a regular file\n"
        "18:11: TEXT has no certificate in PEM\n"
        "19:12: CA has no revocation list in PEM\n"
        "21:15: TEXT has no certificate in PEM\n"
        "22:14: cannot read DIR: it is not a regular file\n");
}

TEST_CASE("an upstream's TLS is refused at what is wrong with it") {
  const Files files;
  const Row rows[] = {
      {"true", "4:37: a map is expected, not `true`"},
      {"{verify: no}",
       "4:46: true or false is expected, not `no`; did you mean `false`?"},
      {"{verify: false, ca: DIR}",
       "4:57: cannot read DIR: it is not a regular file"},
      {"{verify: false, server_name: \"*.internal\"}",
       "4:66: `*.internal`: a server has one name; leave the `*` out"},
      {"{verify: false, server_name: \"app:80\"}",
       "4:66: `app:80`: a host stands here without its port"},
      {"{verify: false, servername: a}",
       "4:53: unknown key `servername`; did you mean `server_name`?"},
      {"{verify: false, certificate: {cert: CERT}}",
       "4:66: `key` is missing here"},
      {"{verify: false, certificate: {cert: CERT, key: KEY, ocsp: OCSP}}",
       nullptr},
  };
  for (const Row& row : rows) {
    CAPTURE(row.tls);
    const std::string errors = files.Errors(WithUpstream(row.tls));
    if (row.errors == nullptr) {
      CHECK_THAT(errors, Catch::Matchers::Contains("unknown key `ocsp`"));
    } else {
      CHECK(errors == row.errors + std::string("\n"));
    }
  }
}

TEST_CASE("a Unix socket is verified by a name that is given to it") {
  const Files files;
  const auto errors = [&files](const std::string& tls) {
    return files.Errors(
        "routes: [{upstream: a}]\nlisten: [\":80\"]\n"
        "upstreams: {a: {servers: [\"unix:/x\"], tls: " +
        tls + "}}\n");
  };
  CHECK(errors("{ca: CA}") ==
        "3:44: `server_name` is missing here: a Unix socket has no name that a "
        "certificate could be for\n");
  CHECK(errors("{ca: CA, server_name: app.internal}").empty());
  CHECK(errors("{verify: false}").empty());
}

TEST_CASE("operators show certificates over TLS alone") {
  const Files files;
  CHECK(files.Errors("errors: {operator_ca: CA}\n"
                     "routes: [{respond: 200}]\nlisten: [\":80\"]\n") ==
        "1:10: `operator_ca` needs a listener with `tls`\n");
}

TEST_CASE("a listener speaks what this version speaks") {
  CHECK(ErrorsOf("routes: [{respond: 200}]\nlisten:\n"
                 "  - {address: \":80\", protocols: []}\n"
                 "  - {address: \":81\", protocols: [h2, http/1.1]}\n"
                 "  - {address: \":82\", protocols: [http/1.1, http/1.1]}\n"
                 "  - {address: \":83\", protocols: [http/11]}\n") ==
        "3:33: this list can't be empty\n"
        "4:34: `h2` is not supported by this version\n"
        "5:44: `http/1.1` is a duplicate; the first is on line 5\n"
        "6:34: `h2` or `http/1.1` is expected, not `http/11`; did you mean "
        "`http/1.1`?\n");
}

}  // namespace whichhop
