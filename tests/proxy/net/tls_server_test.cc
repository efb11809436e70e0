// Whoever accepts TLS, by what clients are shown and told.

#include "proxy/net/tls_server.h"

#include <openssl/ocsp.h>

#include <string>

#include "tests/catch.h"
#include "tests/proxy/net/authority.h"
#include "tests/proxy/net/tls_pair.h"

namespace whichhop {
namespace {

using Options = TlsServer::Options;

constexpr uint16_t kVersions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

std::shared_ptr<const TlsServer> Load(
    const Options& options,
    std::shared_ptr<TlsTicketKeys> keys = std::make_shared<TlsTicketKeys>()) {
  std::vector<TlsLoadError> errors;
  auto server = TlsServer::Load(options, std::move(keys), &errors);
  for (const TlsLoadError& error : errors) FAIL_CHECK(error.message);
  REQUIRE(server != nullptr);
  return server;
}

// "cert 0: ..." for each error.
std::vector<std::string> ErrorsOf(const Options& options) {
  std::vector<TlsLoadError> errors;
  CHECK(TlsServer::Load(options, TlsTicketKeys::Process(), &errors) == nullptr);
  std::vector<std::string> texts;
  for (const TlsLoadError& error : errors) {
    texts.push_back(std::string(error.key) + ' ' + std::to_string(error.index) +
                    ": " + error.message);
  }
  return texts;
}

Options With(std::vector<TlsCertificateFiles> certificates) {
  Options options;
  options.certificates = std::move(certificates);
  return options;
}

// A client that keeps what it is given, and offers it.
class Resuming {
 public:
  explicit Resuming(uint16_t version) : context_(IndifferentClient(version)) {
    TlsClientSessions::Attach(context_.get());
  }

  SSL_CTX* context() { return context_.get(); }
  void Show(const TlsCertificateFiles& files) {
    const auto chain = LoadCertificates(files.cert);
    const auto key = LoadPrivateKey(files.key);
    REQUIRE(
        UseCertificate(context(), chain.value(), key.value().get()).empty());
  }
  // A connection that agreed and talked.
  std::unique_ptr<TlsPair> Connect(const TlsServer& server,
                                   const std::string& name = "server.test") {
    auto pair = std::make_unique<TlsPair>(Ask(context_, name), server.New());
    sessions_.Join(pair->client());
    REQUIRE(pair->Shake());
    pair->Talk();
    return pair;
  }
  size_t sessions() const { return sessions_.size(); }

 private:
  SslCtxPtr context_;
  TlsClientSessions sessions_;
};

}  // namespace

TEST_CASE("the name that a client asks for picks the certificate") {
  const ScratchDirectory files;
  TestAuthority authority(files, "ca");
  const auto server = Load(
      With({authority.Issue({.subject = "first", .names = {"DNS:A.test"}}),
            authority.Issue(
                {.subject = "second", .names = {"DNS:b.test", "DNS:*.b.test"}}),
            authority.Issue({.subject = "third", .names = {"DNS:x.b.test"}}),
            authority.Issue({.subject = "common.test", .names = {}})}));
  struct Row {
    const char* asked;
    const char* shown;
    bool served;
  };
  for (const Row& row :
       {Row{"a.test", "first", true}, Row{"B.TEST", "second", true},
        Row{"y.b.test", "second", true}, Row{"x.b.test", "third", true},
        Row{"z.y.b.test", "first", false},
        Row{"common.test", "common.test", true},
        Row{"other.test", "first", false}, Row{"", "first", true}}) {
    CAPTURE(row.asked);
    TlsPair pair(Ask(IndifferentClient(), row.asked), server->New());
    REQUIRE(pair.Shake());
    CHECK(ShownTo(pair.client()) == row.shown);
    CHECK(TlsServer::NameServed(pair.server()) == row.served);
  }
}

TEST_CASE("a certificate covers its names and addresses") {
  const ScratchDirectory files;
  TestAuthority authority(files, "ca");
  const auto server = Load(With(
      {authority.Issue({.subject = "only.test",
                        .names = {"DNS:a.test", "DNS:*.b.test", "IP:192.0.2.1",
                                  "IP:2001:db8::1", "DNS:192.0.2.9"}})}));
  TlsPair pair(Ask(IndifferentClient(), "a.test"), server->New());
  REQUIRE(pair.Shake());
  for (const char* host : {"a.test", "A.Test", "a.test.", "x.b.test",
                           "192.0.2.1", "2001:db8::1", "[2001:DB8::1]"}) {
    CAPTURE(host);
    CHECK(TlsServer::Covers(pair.server(), host));
  }
  for (const char* host :
       {"", ".", "b.test", ".b.test", "y.x.b.test", "only.test", "*.b.test",
        "192.0.2.2", "192.0.2.9", "a.test:443", "[a.test]x"}) {
    CAPTURE(host);
    CHECK_FALSE(TlsServer::Covers(pair.server(), host));
  }
}

TEST_CASE("one name has a certificate for each type of key") {
  const ScratchDirectory files;
  TestAuthority authority(files, "ca");
  const auto server = Load(
      With({authority.Issue({.names = {"DNS:server.test", "DNS:r.test"},
                             .key = TestKey::kRsa}),
            authority.Issue({.names = {"DNS:server.test", "DNS:e.test"}})}));
  for (const uint16_t version : kVersions) {
    for (const std::string type : {"RSA", "EC"}) {
      const SslCtxPtr client = IndifferentClient(version);
      SSL_CTX_set1_sigalgs_list(client.get(),
                                type == "RSA" ? "rsa_pss_rsae_sha256:RSA+SHA256"
                                              : "ecdsa_secp256r1_sha256");
      TlsPair pair(Ask(client, "server.test"), server->New());
      REQUIRE(pair.Shake());
      CHECK(KeyShownTo(pair.client()) == type);
      CHECK(TlsServer::Covers(pair.server(), "server.test"));
      CHECK(TlsServer::Covers(pair.server(), "r.test") == (type == "RSA"));
      CHECK(TlsServer::Covers(pair.server(), "e.test") == (type == "EC"));
    }
  }
  TlsPair other(Ask(IndifferentClient(), "e.test"), server->New());
  REQUIRE(other.Shake());
  CHECK(KeyShownTo(other.client()) == "EC");
}

TEST_CASE("a connection outlives what it was made of") {
  const ScratchDirectory files;
  TestAuthority authority(files, "ca");
  auto server = Load(With({authority.Issue({.names = {"DNS:a.test"}}),
                           authority.Issue({.names = {"DNS:b.test"}})}));
  TlsPair pair(Ask(IndifferentClient(), "b.test"), server->New());
  server.reset();
  REQUIRE(pair.Shake());
  CHECK(TlsServer::Covers(pair.server(), "b.test"));
  CHECK_FALSE(TlsServer::Covers(pair.server(), "a.test"));
}

TEST_CASE("only what is safe is spoken") {
  const ScratchDirectory files;
  TestAuthority authority(files, "ca");
  Options options =
      With({authority.Issue({.key = TestKey::kRsa}), authority.Issue()});
  const auto both = Load(options);
  options.min_version = TLS1_3_VERSION;
  const auto newest = Load(options);
  const auto agrees = [](const TlsServer& server, uint16_t version,
                         const char* ciphers) {
    const SslCtxPtr client = IndifferentClient(version);
    SSL_CTX_set_security_level(client.get(), 0);
    if (*ciphers != '\0') {
      REQUIRE(SSL_CTX_set_cipher_list(client.get(), ciphers) == 1);
    }
    return TlsPair(Ask(client, "server.test"), server.New()).Shake();
  };
  CHECK(agrees(*both, TLS1_2_VERSION, ""));
  CHECK(agrees(*both, TLS1_3_VERSION, ""));
  CHECK_FALSE(agrees(*both, TLS1_1_VERSION, ""));
  CHECK_FALSE(agrees(*newest, TLS1_2_VERSION, ""));
  CHECK(agrees(*newest, TLS1_3_VERSION, ""));
  CHECK(agrees(*both, TLS1_2_VERSION, "ECDHE-RSA-CHACHA20-POLY1305"));
  for (const char* weak : {"ECDHE-RSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384",
                           "AES128-GCM-SHA256", "DHE-RSA-AES128-GCM-SHA256",
                           "ECDHE-ECDSA-AES128-CCM", "aNULL"}) {
    CAPTURE(weak);
    CHECK_FALSE(agrees(*both, TLS1_2_VERSION, weak));
  }
}

TEST_CASE("ChaCha is for those who put it first") {
  const ScratchDirectory files;
  TestAuthority authority(files, "ca");
  const auto server = Load(With({authority.Issue()}));
  const SslCtxPtr client = IndifferentClient(TLS1_3_VERSION);
  const auto agreed = [&](const char* suites) {
    SSL_CTX_set_ciphersuites(client.get(), suites);
    TlsPair pair(Ask(client, "server.test"), server->New());
    REQUIRE(pair.Shake());
    return std::string(SSL_get_cipher_name(pair.client().ssl()));
  };
  CHECK(agreed("TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256") ==
        "TLS_CHACHA20_POLY1305_SHA256");
  CHECK(agreed("TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256") ==
        "TLS_AES_128_GCM_SHA256");
}

TEST_CASE("HTTP/1.1 is chosen, or 1.0, and strangers are told that there is none") {
  const ScratchDirectory files;
  TestAuthority authority(files, "ca");
  const auto server = Load(With({authority.Issue()}));
  struct Row {
    std::string offered;
    std::string chosen;  // "-": the handshake ends
  };
  for (const Row& row :
       {Row{"\x02h2\x08http/1.1", "http/1.1"},
        Row{"\x08http/1.0\x08http/1.1", "http/1.1"},
        Row{"\x08http/1.0", "http/1.0"}, Row{"", ""}, Row{"\x02h2", "-"}}) {
    CAPTURE(row.offered);
    const SslCtxPtr client = IndifferentClient();
    SSL_CTX_set_alpn_protos(
        client.get(),
        reinterpret_cast<const unsigned char*>(row.offered.data()),
        static_cast<unsigned>(row.offered.size()));
    TlsPair pair(Ask(client, "server.test"), server->New());
    CHECK(pair.Shake() == (row.chosen != "-"));
    const TlsAlert& alert = pair.client().facts().received;
    if (row.chosen == "-")
      CHECK(alert.number == TLS1_AD_NO_APPLICATION_PROTOCOL);
    const unsigned char* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(pair.client().ssl(), &protocol, &size);
    const std::string chosen(reinterpret_cast<const char*>(protocol), size);
    CHECK(chosen == (row.chosen == "-" ? "" : row.chosen));
    CHECK(pair.server().facts().agreed.alpn == chosen);
  }
}

TEST_CASE("a session is resumed by any configuration with the same keys") {
  const ScratchDirectory files;
  TestAuthority authority(files, "ca");
  const Options options = With({authority.Issue()});
  const Options renewed = With({authority.Issue()});
  const Options other = With({authority.Issue({.names = {"DNS:other.test"}})});
  for (const uint16_t version : kVersions) {
    const auto keys = std::make_shared<TlsTicketKeys>();
    Resuming client(version);
    const auto resumed = [&client](const TlsServer& server) {
      const auto pair = client.Connect(server);
      CHECK(TlsServer::Covers(pair->server(), "server.test") ==
            TlsServer::NameServed(pair->server()));
      CHECK_FALSE(TlsServer::Covers(pair->server(), "stranger.test"));
      return SSL_session_reused(pair->server().ssl()) == 1;
    };
    CHECK_FALSE(resumed(*Load(options, keys)));
    CHECK(client.sessions() == 1);
    CHECK(resumed(*Load(options, keys)));
    CHECK(resumed(*Load(renewed, keys)));
    CHECK_FALSE(resumed(*Load(other, keys)));
    CHECK_FALSE(resumed(*Load(options)));
  }
}

TEST_CASE("a client shows a certificate, and every handshake goes on") {
  const ScratchDirectory files;
  TestAuthority authority(files, "ca"), clients(files, "clients"),
      operators(files, "operators");
  Options options = With({authority.Issue()});
  options.client_ca = clients.path();
  options.operator_ca = operators.path();
  const auto strict = Load(options);
  options.client_ca.clear();
  const auto open = Load(options);
  struct Row {
    const char* what;
    TlsCertificateFiles shown;
    bool client, is_operator;
    int code;
  };
  const Row rows[] = {
      {"nothing", {}, false, false, X509_V_OK},
      {"a client's", clients.Issue(), true, false, X509_V_OK},
      {"an operator's", operators.Issue(), false, true,
       X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN},
      {"a stranger's", authority.Issue(), false, false,
       X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN},
      {"an expired one", clients.Issue({.ends_in_days = -1}), false, false,
       X509_V_ERR_CERT_HAS_EXPIRED},
      {"a server's", clients.Issue({.usage = "serverAuth"}), false, false,
       X509_V_ERR_INVALID_PURPOSE},
  };
  for (const uint16_t version : kVersions) {
    for (const Row& row : rows) {
      CAPTURE(row.what, version);
      Resuming client(version);
      if (!row.shown.cert.empty()) client.Show(row.shown);
      for (const bool again : {false, true}) {
        CAPTURE(again);
        const auto pair = client.Connect(*strict);
        // Who was not admitted is asked anew.
        CHECK((SSL_session_reused(pair->server().ssl()) == 1) ==
              (again && row.client));
        CHECK(strict->ClientAdmitted(pair->server()) == row.client);
        CHECK(strict->IsOperator(pair->server()) == row.is_operator);
        CHECK(SSL_get_verify_result(pair->server().ssl()) == row.code);
        if (again) continue;
        const TlsFacts& facts = pair->server().facts();
        CHECK(facts.certificate_requested);
        CHECK(facts.certificate_sent == !row.shown.cert.empty());
      }
      // The sessions of one are not those of the other.
      for (const bool again : {false, true}) {
        CAPTURE(again);
        const auto pair = client.Connect(*open);
        CHECK((SSL_session_reused(pair->server().ssl()) == 1) == again);
        CHECK(open->ClientAdmitted(pair->server()));
        CHECK(open->IsOperator(pair->server()) == row.is_operator);
      }
    }
  }
}

TEST_CASE("a ticket does not make a client of one who shows nothing") {
  const ScratchDirectory files;
  TestAuthority authority(files, "ca"), clients(files, "clients"),
      others(files, "others");
  const auto keys = std::make_shared<TlsTicketKeys>();
  Options options = With({authority.Issue()});
  options.client_ca = clients.path();
  const auto before = Load(options, keys);
  options.client_ca = others.path();
  const auto after = Load(options, keys);
  for (const uint16_t version : kVersions) {
    Resuming client(version);
    client.Show(clients.Issue());
    CHECK(before->ClientAdmitted(client.Connect(*before)->server()));
    const auto pair = client.Connect(*after);
    CHECK(SSL_session_reused(pair->server().ssl()) == 0);
    CHECK_FALSE(after->ClientAdmitted(pair->server()));
  }
}

TEST_CASE("clients are told whose certificates are wanted") {
  const ScratchDirectory files;
  TestAuthority authority(files, "ca"), clients(files, "clients"),
      operators(files, "operators");
  Options options =
      With({authority.Issue({.names = {"DNS:a.test"}}), authority.Issue()});
  options.client_ca = clients.path();
  options.operator_ca = operators.path();
  const auto server = Load(options);
  TlsPair pair(Ask(IndifferentClient(), "server.test"), server->New());
  REQUIRE(pair.Shake());
  CHECK(sk_X509_NAME_num(SSL_get0_peer_CA_list(pair.client().ssl())) == 2);
  options.client_ca.clear();
  options.operator_ca.clear();
  TlsPair plain(Ask(IndifferentClient(), "server.test"), Load(options)->New());
  REQUIRE(plain.Shake());
  CHECK_FALSE(plain.server().facts().certificate_requested);
}

TEST_CASE("each certificate staples its own response, while it is good") {
  const ScratchDirectory files;
  TestAuthority authority(files, "ca");
  TlsCertificateFiles rsa = authority.Issue({.key = TestKey::kRsa});
  TlsCertificateFiles ec = authority.Issue();
  TlsCertificateFiles old = authority.Issue({.names = {"DNS:old.test"}});
  rsa.ocsp = authority.Staple(rsa);
  ec.ocsp = authority.Staple(ec);
  old.ocsp = authority.Staple(old, -1);
  const auto server = Load(With({rsa, ec, old}));
  const auto stapled = [&](const char* name, const char* signatures) {
    const SslCtxPtr client = IndifferentClient();
    SSL_CTX_set1_sigalgs_list(client.get(), signatures);
    SslPtr ssl = Ask(client, name);
    SSL_set_tlsext_status_type(ssl.get(), TLSEXT_STATUSTYPE_ocsp);
    TlsPair pair(std::move(ssl), server->New());
    REQUIRE(pair.Shake());
    unsigned char* response = nullptr;
    const long size =
        SSL_get_tlsext_status_ocsp_resp(pair.client().ssl(), &response);
    return size <= 0 ? std::string()
                     : std::string(reinterpret_cast<char*>(response),
                                   static_cast<size_t>(size));
  };
  const auto der = [](const TlsCertificateFiles& of) {
    const auto chain = LoadCertificates(of.cert);
    return LoadStaple(of.ocsp, chain.value().front().get()).value().der;
  };
  CHECK(stapled("server.test", "rsa_pss_rsae_sha256") == der(rsa));
  CHECK(stapled("server.test", "ecdsa_secp256r1_sha256") == der(ec));
  CHECK(stapled("old.test", "ecdsa_secp256r1_sha256").empty());
}

TEST_CASE("each file that can't be used is told, with why") {
  const ScratchDirectory files;
  TestAuthority authority(files, "ca");
  const TlsCertificateFiles good = authority.Issue();
  const TlsCertificateFiles other = authority.Issue();
  const TlsCertificateFiles rsa = authority.Issue({.key = TestKey::kRsa});
  const TlsCertificateFiles weak = authority.Issue({.key = TestKey::kWeakRsa});
  const std::string text = files.Write("text", "hello\n");
  const std::string torn = files.Write("torn",
                                       "-----BEGIN CERTIFICATE-----\nAAAA\n"
                                       "-----END CERTIFICATE-----\n");
  const std::string encrypted = authority.Encrypt(good);
  const std::string stranger = authority.Staple(other);
  const std::string& dir = files.path();
  Options options = With({{dir + "/none", dir, ""},
                          {text, text, ""},
                          {torn, encrypted, ""},
                          {good.cert, other.key, text},
                          {good.cert, rsa.key, stranger},
                          {weak.cert, weak.key, ""}});
  options.client_ca = text;
  options.operator_ca = dir + "/none";
  const std::string not_the_key =
      " is not the key of the first certificate in " + good.cert + ": ";
  // What OpenSSL says behind that differs by its version.
  const std::string expected[] = {
      "cert 0: cannot read " + dir + "/none: No such file or directory",
      "key 0: cannot read " + dir + ": it is not a regular file",
      "cert 1: " + text + " has no certificate in PEM",
      "key 1: " + text + " has no private key in PEM",
      "cert 2: " + torn + ": certificate number 1 is malformed: ",
      "key 2: " + encrypted + ": the key is encrypted, and nobody is there",
      "ocsp 3: " + text + " is no OCSP response in DER: ",
      "key 3: " + other.key + not_the_key,
      "ocsp 4: " + stranger + " is an OCSP response about another certificate",
      "key 4: " + rsa.key + not_the_key,
      "cert 5: " + weak.cert + " can't be used: ee key too small",
      "client_ca 0: " + text + " has no certificate in PEM",
      "operator_ca 0: cannot read " + dir + "/none: No such file or directory"};
  const std::vector<std::string> errors = ErrorsOf(options);
  REQUIRE(errors.size() == std::size(expected));
  for (size_t i = 0; i < errors.size(); ++i) {
    CHECK_THAT(errors[i], Catch::Matchers::StartsWith(expected[i]));
  }
  CHECK(ErrorsOf({}) ==
        std::vector<std::string>{"certificates 0: there is no certificate"});
}

}  // namespace whichhop
