#include "proxy/server/refusal.h"

#include <algorithm>

#include "diagnostics/diagnose.h"
#include "diagnostics/page.h"

namespace whichhop {

namespace {

bool Gets(Everyone who, bool is_operator) {
  return who == Everyone::kEveryone ||
         (who == Everyone::kOperators && is_operator);
}

// Nothing was read: where a balancer may say for whom it connected, the peer
// may be one.
bool MayBeBalancer(const Ip& peer, const Config& config) {
  const bool takes_headers =
      std::ranges::any_of(config.listen, [](const ListenConfig& listen) {
        return listen.proxy_protocol != ProxyProtocol::kOff;
      });
  return takes_headers || IsTrusted(peer, config.trusted_proxies);
}

}  // namespace

Refusal Refuse(const Config& config, diagnostics::Fault fault,
               std::string_view detail, const Ip& peer, Rng& rng,
               const diagnostics::ClientTlsFacts* tls) {
  diagnostics::Observation seen;
  seen.position = config.node.position;
  seen.statuses = config.errors.statuses;
  seen.kind = diagnostics::Kind::kDecision;
  seen.fault = fault;
  seen.decision.detail = detail;
  if (tls != nullptr) seen.request.tls = *tls;
  Refusal refusal;
  refusal.verdict = diagnostics::Diagnose(seen);
  refusal.error_id = Ulid(WallMicroseconds() / 1000, rng.Next(), rng.Next());
  refusal.peer = peer;
  return refusal;
}

std::string RefusalAnswer(const Config& config, const Refusal& refusal,
                          std::string_view date) {
  const ErrorsConfig& errors = config.errors;
  const bool is_operator = IsOperator(
      {refusal.peer, !MayBeBalancer(refusal.peer, config)}, errors.operators);
  diagnostics::PageInput input;
  input.error_id = refusal.error_id.text();
  input.audience = Gets(errors.details, is_operator)
                       ? diagnostics::Audience::kOperator
                       : diagnostics::Audience::kPublic;
  std::string body;
  diagnostics::AppendBody(diagnostics::BodyType::kText, refusal.verdict, input,
                          body);
  std::string answer = "HTTP/1.1 ";
  answer += std::to_string(refusal.verdict.status);
  answer += ' ';
  answer += diagnostics::ReasonPhrase(refusal.verdict.status);
  answer += "\r\nDate: ";
  answer += date;
  answer += "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ";
  answer += std::to_string(body.size());
  answer += "\r\nCache-Control: ";
  if (input.audience == diagnostics::Audience::kOperator) answer += "private, ";
  answer += "no-store\r\n";
  if (refusal.verdict.status == 503) answer += "Retry-After: 1\r\n";
  answer += "Connection: close\r\n";
  diagnostics::AppendFields(refusal.verdict,
                            {config.node.name,
                             input.error_id,
                             {},
                             input.audience,
                             Gets(errors.fields, is_operator)},
                            answer);
  answer += "\r\n";
  answer += body;
  return answer;
}

}  // namespace whichhop
