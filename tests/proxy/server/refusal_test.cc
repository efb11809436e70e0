// What a connection is told that is refused before it has said anything.

#include "proxy/server/refusal.h"

#include <string>

#include "tests/catch.h"

namespace whichhop {
namespace {

const Ip kPeer = *Ip::Parse("10.0.0.5");

Config OperatorsInTheNetworkOfThePeer() {
  Config config;
  config.listen.emplace_back();
  config.errors.operators = {*Network::Parse("10.0.0.0/8")};
  return config;
}

std::string AnswerBy(const Config& config) {
  Rng rng;
  const Refusal refusal = Refuse(config, diagnostics::Fault::kAcceptEmfile,
                                 "no descriptor", kPeer, rng);
  return RefusalAnswer(config, refusal, "Sun, 06 Nov 1994 08:49:37 GMT");
}

bool HasDetails(const std::string& answer) {
  return answer.find("no descriptor") != std::string::npos;
}

TEST_CASE("an operator is told why it is refused") {
  CHECK(HasDetails(AnswerBy(OperatorsInTheNetworkOfThePeer())));
}

TEST_CASE("whoever may speak for others is told what the public is") {
  Config trusted = OperatorsInTheNetworkOfThePeer();
  trusted.trusted_proxies = {*Network::Parse("10.0.0.5")};
  CHECK_FALSE(HasDetails(AnswerBy(trusted)));
  Config balanced = OperatorsInTheNetworkOfThePeer();
  balanced.listen[0].proxy_protocol = ProxyProtocol::kRequired;
  CHECK_FALSE(HasDetails(AnswerBy(balanced)));
}

}  // namespace
}  // namespace whichhop
