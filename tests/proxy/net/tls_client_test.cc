// Connections to servers, by what is believed of them.

#include "proxy/net/tls_client.h"

#include <cstdlib>
#include <string>

#include "tests/catch.h"
#include "tests/proxy/net/authority.h"
#include "tests/proxy/net/tls_pair.h"

namespace whichhop {
namespace {

using Options = TlsClient::Options;

constexpr uint16_t kVersions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

std::shared_ptr<const TlsClient> Load(const Options& options) {
  std::vector<TlsLoadError> errors;
  auto client = TlsClient::Load(options, &errors);
  for (const TlsLoadError& error : errors) FAIL_CHECK(error.message);
  REQUIRE(client != nullptr);
  return client;
}

std::vector<std::string> ErrorsOf(const Options& options) {
  std::vector<TlsLoadError> errors;
  CHECK(TlsClient::Load(options, &errors) == nullptr);
  std::vector<std::string> texts;
  for (const TlsLoadError& error : errors) {
    texts.push_back(std::string(error.key) + ": " + error.message);
  }
  return texts;
}

std::shared_ptr<const TlsServer> Serve(const TlsCertificateFiles& files,
                                       uint16_t min_version = TLS1_2_VERSION,
                                       const std::string& client_ca = "") {
  TlsServer::Options options;
  options.certificates = {files};
  options.min_version = min_version;
  options.client_ca = client_ca;
  std::vector<TlsLoadError> errors;
  auto server =
      TlsServer::Load(options, std::make_shared<TlsTicketKeys>(), &errors);
  REQUIRE(server != nullptr);
  return server;
}

Options Trusting(const TestAuthority& authority) {
  Options options;
  options.ca = authority.path();
  return options;
}

// At most `version` is spoken.
SslPtr Upto(SslPtr ssl, uint16_t version) {
  SSL_set_max_proto_version(ssl.get(), version);
  return ssl;
}

// A variable of the environment, until this goes.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    setenv(name, value.c_str(), 1);
  }
  ~Variable() { unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* const name_;
};

}  // namespace

TEST_CASE("a server is believed by its chain, its name and its dates") {
  const ScratchDirectory files;
  TestAuthority authority(files, "ca"), stranger(files, "stranger");
  struct Row {
    const char* what;
    TlsCertificateFiles shown;
    const char* host;
    int code;
    int depth;
    int alert;
  };
  const Row rows[] = {
      {"a good one", authority.Issue(), "server.test", X509_V_OK, 0, 0},
      {"a name with a dot", authority.Issue(), "Server.Test.", X509_V_OK, 0, 0},
      {"another name", authority.Issue(), "other.test",
       X509_V_ERR_HOSTNAME_MISMATCH, 0, SSL3_AD_BAD_CERTIFICATE},
      {"a wildcard", authority.Issue({.names = {"DNS:*.server.test"}}),
       "a.server.test", X509_V_OK, 0, 0},
      {"half a wildcard", authority.Issue({.names = {"DNS:s*r.test"}}),
       "server.test", X509_V_ERR_HOSTNAME_MISMATCH, 0, SSL3_AD_BAD_CERTIFICATE},
      {"an address", authority.Issue({.names = {"IP:192.0.2.1"}}), "192.0.2.1",
       X509_V_OK, 0, 0},
      {"an address of six", authority.Issue({.names = {"IP:2001:db8::1"}}),
       "[2001:db8::1]", X509_V_OK, 0, 0},
      {"an address as a name", authority.Issue({.names = {"DNS:192.0.2.1"}}),
       "192.0.2.1", X509_V_ERR_IP_ADDRESS_MISMATCH, 0, SSL3_AD_BAD_CERTIFICATE},
      {"an expired one", authority.Issue({.ends_in_days = -1}), "server.test",
       X509_V_ERR_CERT_HAS_EXPIRED, 0, SSL3_AD_CERTIFICATE_EXPIRED},
      {"a client's", authority.Issue({.usage = "clientAuth"}), "server.test",
       X509_V_ERR_INVALID_PURPOSE, 0, SSL3_AD_UNSUPPORTED_CERTIFICATE},
      {"a stranger's", stranger.Issue(), "server.test",
       X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, 1, TLS1_AD_UNKNOWN_CA},
  };
  Options options = Trusting(authority);
  const auto strict = Load(options);
  options.verify = false;
  const auto blind = Load(options);
  for (const uint16_t version : kVersions) {
    for (const Row& row : rows) {
      CAPTURE(row.what, version);
      const auto server = Serve(row.shown);
      TlsPair pair(Upto(strict->New(row.host), version), server->New());
      CHECK(pair.Shake() == (row.code == X509_V_OK));
      const TlsFacts& facts = pair.client().facts();
      CHECK(facts.verify_code == row.code);
      CHECK(facts.verify_depth == row.depth);
      CHECK(facts.sent.number == row.alert);
      CHECK(SSL_get_verify_result(pair.client().ssl()) == row.code);
      TlsPair unseen(Upto(blind->New(row.host), version), server->New());
      CHECK(unseen.Shake());
      CHECK(unseen.client().facts().verify_code == row.code);
      CHECK(unseen.client().facts().verify_depth == row.depth);
    }
  }
}

TEST_CASE("server_name counts before the host, and only names are sent") {
  const ScratchDirectory files;
  TestAuthority authority(files, "ca");
  const auto server = Serve(authority.Issue());
  Options options = Trusting(authority);
  options.server_name = "server.test";
  TlsPair pair(Load(options)->New("10.0.0.1"), server->New());
  CHECK(pair.Shake());
  CHECK(pair.server().facts().sni == "server.test");
  const auto by_address = Serve(authority.Issue({.names = {"IP:10.0.0.1"}}));
  TlsPair plain(Load(Trusting(authority))->New("10.0.0.1"), by_address->New());
  CHECK(plain.Shake());
  CHECK(plain.server().facts().sni.empty());
  CHECK(plain.client().facts().agreed.alpn == "http/1.1");
}

TEST_CASE("nobody is verified by no name") {
  const ScratchDirectory files;
  TestAuthority authority(files, "ca");
  Options options = Trusting(authority);
  CHECK(Load(options)->New("") == nullptr);
  options.verify = false;
  const auto server = Serve(authority.Issue());
  TlsPair pair(Load(options)->New(""), server->New());
  CHECK(pair.Shake());
}

TEST_CASE("a certificate that was revoked is not believed") {
  const ScratchDirectory files;
  TestAuthority authority(files, "ca"), other(files, "other");
  const TlsCertificateFiles good = authority.Issue();
  const TlsCertificateFiles revoked = authority.Issue();
  int64_t next_update = 0;
  const auto code = [&](const TlsCertificateFiles& shown,
                        const std::string& list) {
    Options options = Trusting(authority);
    options.crl = list;
    const auto server = Serve(shown);
    TlsPair pair(Load(options)->New("server.test"), server->New());
    const bool agreed = pair.Shake();
    CHECK(agreed == (pair.client().facts().verify_code == X509_V_OK));
    next_update = pair.client().facts().crl_next_update;
    return pair.client().facts().verify_code;
  };
  CHECK(code(good, authority.Revoke(revoked)) == X509_V_OK);
  CHECK(code(revoked, authority.Revoke(revoked)) == X509_V_ERR_CERT_REVOKED);
  CHECK(next_update == 0);
  CHECK(code(good, authority.Revoke({}, -1)) == X509_V_ERR_CRL_HAS_EXPIRED);
  const int64_t now = WallMicroseconds() / 1'000'000;
  CHECK(next_update < now - 86'000);
  CHECK(next_update > now - 87'000);
  CHECK(code(good, other.Revoke({})) == X509_V_ERR_UNABLE_TO_GET_CRL);
}

TEST_CASE("a certificate is shown to servers that ask for one") {
  const ScratchDirectory files;
  TestAuthority authority(files, "ca"), clients(files, "clients");
  const TlsCertificateFiles own = clients.Issue({.subject = "whichhop"});
  for (const uint16_t version : kVersions) {
    for (const bool asked : {false, true}) {
      for (const bool has : {false, true}) {
        CAPTURE(version, asked, has);
        Options options = Trusting(authority);
        if (has) options.certificate = own;
        const auto server = Serve(authority.Issue(), TLS1_2_VERSION,
                                  asked ? clients.path() : "");
        TlsPair pair(Upto(Load(options)->New("server.test"), version),
                     server->New());
        REQUIRE(pair.Shake());
        CHECK(pair.client().facts().certificate_requested == asked);
        CHECK(pair.client().facts().certificate_sent == (asked && has));
        CHECK(server->ClientAdmitted(pair.server()) == (!asked || has));
      }
    }
  }
}

TEST_CASE("the least version holds") {
  const ScratchDirectory files;
  TestAuthority authority(files, "ca");
  Options options = Trusting(authority);
  options.min_version = TLS1_3_VERSION;
  const auto server = Serve(authority.Issue());
  SslPtr old = server->New();
  SSL_set_max_proto_version(old.get(), TLS1_2_VERSION);
  CHECK_FALSE(
      TlsPair(Load(options)->New("server.test"), std::move(old)).Shake());
}

TEST_CASE("sessions are offered to the server that they are of") {
  const ScratchDirectory files;
  TestAuthority authority(files, "ca");
  const auto server = Serve(authority.Issue());
  for (const uint16_t version : kVersions) {
    CAPTURE(version);
    const auto client = Load(Trusting(authority));
    TlsClientSessions sessions;
    const auto resumed = [&](const TlsClient& of) {
      TlsPair pair(Upto(of.New("server.test"), version), server->New());
      sessions.Join(pair.client());
      REQUIRE(pair.Shake());
      pair.Talk();
      CHECK(SSL_get_verify_result(pair.client().ssl()) == X509_V_OK);
      return pair.client().facts().agreed.resumed;
    };
    CHECK_FALSE(resumed(*client));
    CHECK(sessions.size() == 1);
    for (int i = 0; i < 3; ++i) CHECK(resumed(*client));
    CHECK(sessions.size() == 1);
    // Another may believe others.
    CHECK_FALSE(resumed(*Load(Trusting(authority))));
  }
}

TEST_CASE("a session of TLS 1.3 is used once, and a few are kept") {
  const ScratchDirectory files;
  TestAuthority authority(files, "ca");
  const auto server = Serve(authority.Issue(), TLS1_3_VERSION);
  const auto client = Load(Trusting(authority));
  TlsClientSessions sessions;
  // All begin while there is no session to offer.
  std::vector<std::unique_ptr<TlsPair>> pairs;
  for (size_t i = 0; i < TlsClientSessions::kMost + 2; ++i) {
    pairs.push_back(
        std::make_unique<TlsPair>(client->New("server.test"), server->New()));
    sessions.Join(pairs.back()->client());
  }
  for (auto& pair : pairs) {
    REQUIRE(pair->Shake());
    pair->Talk();
    CHECK_FALSE(pair->client().facts().agreed.resumed);
  }
  CHECK(sessions.size() == TlsClientSessions::kMost);
  TlsPair first(client->New("server.test"), server->New());
  TlsPair second(client->New("server.test"), server->New());
  sessions.Join(first.client());
  sessions.Join(second.client());
  CHECK(sessions.size() == TlsClientSessions::kMost - 2);
  CHECK(SSL_get0_session(first.client().ssl()) !=
        SSL_get0_session(second.client().ssl()));
}

TEST_CASE("a session is not kept beyond its certificate") {
  const ScratchDirectory files;
  TestAuthority authority(files, "ca");
  const auto server = Serve(authority.Issue({.ends_in_days = -1}));
  Options options = Trusting(authority);
  options.verify = false;
  const auto client = Load(options);
  TlsClientSessions sessions;
  for (int i = 0; i < 2; ++i) {
    TlsPair pair(client->New("server.test"), server->New());
    sessions.Join(pair.client());
    REQUIRE(pair.Shake());
    pair.Talk();
    CHECK_FALSE(pair.client().facts().agreed.resumed);
  }
}

TEST_CASE("a file of an upstream that can't be used is told, with why") {
  const ScratchDirectory files;
  TestAuthority authority(files, "ca");
  const std::string text = files.Write("text", "hello\n");
  Options options;
  options.ca = text;
  options.crl = authority.path();
  options.certificate = {authority.Issue().cert, authority.Issue().key, ""};
  const auto errors = ErrorsOf(options);
  REQUIRE(errors.size() == 3);
  CHECK(errors[0] == "ca: " + text + " has no certificate in PEM");
  CHECK(errors[1] ==
        "crl: " + authority.path() + " has no revocation list in PEM");
  CHECK_THAT(errors[2],
             Catch::Matchers::StartsWith("key: " + options.certificate.key +
                                         " is not the key of the first"));
}

TEST_CASE("a system without authorities is told, where they count") {
  const ScratchDirectory files;
  const Variable file("SSL_CERT_FILE", files.path() + "/none");
  const Variable directory("SSL_CERT_DIR", files.path());
  CHECK(ErrorsOf({}) == std::vector<std::string>{
                            "ca: the system has no authorities, neither in " +
                            files.path() + "/none nor in " + files.path() +
                            ": install ca-certificates, or name a file"});
  Options options;
  options.verify = false;
  Load(options);
}

TEST_CASE("the system's authorities are believed") {
  const ScratchDirectory files;
  TestAuthority authority(files, "ca");
  const Variable file("SSL_CERT_FILE", authority.path());
  const auto server = Serve(authority.Issue());
  TlsPair pair(Load({})->New("server.test"), server->New());
  CHECK(pair.Shake());
}

}  // namespace whichhop
