#include "proxy/cli/probe_json.h"

#include <cstdio>

#include "diagnostics/page.h"
#include "diagnostics/text.h"
#include "diagnostics/tls_text.h"
#include "proxy/cli/probe_findings.h"
#include "proxy/net/tls_client.h"
#include "proxy/server/walk_report.h"

namespace whichhop {

namespace {

using namespace diagnostics;  // this file speaks of little else

void AppendSeconds(std::string_view key, Duration took, std::string& out) {
  AppendJsonKey(out, key);
  char text[32];
  const double seconds = std::chrono::duration<double>(took).count();
  out.append(
      text, static_cast<size_t>(snprintf(text, sizeof(text), "%.6f", seconds)));
}

void AppendText(std::string_view key, std::string_view text, std::string& out) {
  AppendJsonKey(out, key);
  AppendJsonString(out, text);
}

void AppendJsonSteps(const ProbeSteps& steps, std::string& out) {
  AppendJsonKey(out, "steps");
  out += '[';
  for (const ProbeStep& step : steps) {
    if (out.back() != '[') out += ',';
    out += '{';
    AppendText("step", step.name, out);
    AppendText("state", StateName(step.state), out);
    if (step.ran()) AppendSeconds("seconds", step.took, out);
    out += '}';
  }
  out += ']';
}

void AppendJsonTls(const ProbePlan& plan, const OriginProbe& probe,
                   std::string& out) {
  AppendJsonKey(out, "tls");
  const TlsAgreement& agreed = probe.attempt().agreed;
  if (plan.config.upstreams.front().tls == nullptr || agreed.version == 0) {
    out += "null";
    return;
  }
  out += '{';
  AppendText("version", VersionText(agreed.version).view(), out);
  AppendText("cipher", agreed.cipher, out);
  AppendText("alpn", agreed.alpn, out);
  AppendJsonKey(out, "verified");
  const bool verified = plan.config.upstreams.front().tls->verifies() &&
                        probe.attempt().secured != kNoTime;
  out += verified ? "true" : "false";
  out += '}';
}

void AppendJsonResponse(const OriginProbe& probe, std::string& out) {
  AppendJsonKey(out, "response");
  const AttemptRecord& attempt = probe.attempt();
  if (attempt.status == 0) {
    out += "null";
    return;
  }
  out += '{';
  AppendJsonKey(out, "status");
  AppendInteger(out, attempt.status);
  AppendText("reason", probe.answer().reason, out);
  AppendJsonKey(out, "fields");
  out += '[';
  for (const std::string& field : probe.answer().fields) {
    if (out.back() != '[') out += ',';
    AppendJsonString(out, field);
  }
  out += ']';
  AppendSeconds("first_byte_seconds", TimeToFirstByte(probe), out);
  AppendJsonKey(out, "body_bytes");
  AppendInteger(out, probe.answer().body_bytes);
  AppendJsonKey(out, "complete");
  out += attempt.fault || probe.answer().endless ? "false" : "true";
  out += '}';
}

void AppendJsonVerdict(const ProbePlan& plan, const OriginProbe& probe,
                       std::string& out) {
  AppendJsonKey(out, "verdict");
  if (probe.healthy()) {
    out += "null";
    return;
  }
  const Verdict verdict = WithoutClient(*probe.verdict());
  out += '{';
  std::string summary;
  AppendSummary(verdict, summary);
  AppendText("summary", summary, out);
  AppendVerdictMembers(verdict, plan.request_id, Audience::kOperator, out);
  out += '}';
}

}  // namespace

void AppendProbeJson(const ProbePlan& plan, const OriginProbe& probe,
                     std::string& out) {
  out += '{';
  AppendText("url", plan.url, out);
  AppendText("request_id", plan.request_id, out);
  AppendText("position", HopName(SelfHop(plan.config.node.position)), out);
  AppendJsonKey(out, "healthy");
  out += probe.healthy() ? "true" : "false";
  AppendSeconds("seconds", TookInAll(probe), out);
  AppendJsonKey(out, "addresses");
  out += '[';
  for (const Address& address : probe.addresses()) {
    if (out.back() != '[') out += ',';
    AppendJsonString(out, address.Host());
  }
  out += ']';
  AppendJsonKey(out, "address");
  if (probe.target()) {
    AppendJsonString(out, probe.target()->ToString());
  } else {
    out += "null";
  }
  AppendJsonSteps(StepsOf(plan, probe), out);
  AppendJsonKey(out, "route");
  if (probe.walk()) {
    AppendPathHops(*probe.walk(), plan.config.topology, out);
  } else {
    out += "null";
  }
  AppendJsonTls(plan, probe, out);
  AppendJsonResponse(probe, out);
  AppendJsonVerdict(plan, probe, out);
  out += "}\n";
}

}  // namespace whichhop
