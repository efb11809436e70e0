#include "proxy/cli/probe_text.h"

#include <cstdio>
#include <system_error>
#include <utility>

#include "diagnostics/advice.h"
#include "diagnostics/page.h"
#include "diagnostics/summary.h"
#include "diagnostics/text.h"
#include "diagnostics/tls_text.h"
#include "proxy/cli/probe_findings.h"
#include "proxy/net/tls_client.h"

namespace whichhop {

namespace {

using namespace diagnostics;  // this file speaks of little else

constexpr std::string_view kRed = "\x1b[31m";
constexpr std::string_view kGreen = "\x1b[32m";
constexpr std::string_view kYellow = "\x1b[33m";
constexpr std::string_view kPlain = "\x1b[0m";

void AppendTime(Duration took, std::string& out) {
  const double ms = std::chrono::duration<double, std::milli>(took).count();
  char text[32];
  const int size = ms < 1000
                       ? snprintf(text, sizeof(text), "%.1f ms", ms)
                       : snprintf(text, sizeof(text), "%.2f s", ms / 1000);
  out.append(text, static_cast<size_t>(size));
}

template <typename Hops>
std::string Names(const Hops& hops, std::string_view none) {
  std::string names;
  for (Hop hop : hops) {
    if (!names.empty()) names += ", ";
    names += HopName(hop);
  }
  return names.empty() ? std::string(none) : names;
}

// The text of a probe; everything is appended to `out`.
class Text {
 public:
  Text(const ProbePlan& plan, const OriginProbe& probe, bool colour,
       std::string& out)
      : plan_(plan), probe_(probe), colour_(colour), out_(out) {}

  void Append() {
    const ProbeSteps steps = StepsOf(plan_, probe_);
    out_ += "probe ";
    AppendTerminal(out_, plan_.url);
    out_ += " from position ";
    out_ += HopName(SelfHop(plan_.config.node.position));
    out_ += "\n\n";
    AppendStep(steps[0], Dns());
    AppendRoute();
    AppendStep(steps[1], probe_.target() ? probe_.target()->ToString() : "");
    AppendStep(steps[2], Tls());
    AppendStep(steps[3], Http());
    for (const std::string& field : probe_.answer().fields) {
      AppendLead("");
      AppendTerminal(out_, field);
      out_ += '\n';
    }
    out_ += '\n';
    if (probe_.healthy()) return AppendHealthy();
    AppendVerdict(WithoutClient(*probe_.verdict()));
  }

 private:
  std::string_view In(std::string_view code) const {
    return colour_ ? code : std::string_view();
  }

  void AppendPadded(std::string_view text, size_t width) {
    out_ += text;
    out_.append(width > text.size() ? width - text.size() : 0, ' ');
  }

  void AppendLead(std::string_view name) {
    out_ += "  ";
    AppendPadded(name, 30);
  }

  // "  tcp     ok             0.3 ms  10.0.0.5:8000"
  void AppendStep(const ProbeStep& step, std::string_view what) {
    const bool ok = step.state == ProbeStep::State::kOk;
    out_ += "  ";
    AppendPadded(step.name, 8);
    if (step.ran()) out_ += In(ok ? kGreen : kRed);
    AppendPadded(StateName(step.state), 12);
    if (step.ran()) out_ += In(kPlain);
    std::string took;
    if (step.ran()) AppendTime(step.took, took);
    AppendPadded(took, 10);
    if (step.state != ProbeStep::State::kNotReached) AppendTerminal(out_, what);
    while (out_.back() == ' ') out_.pop_back();
    out_ += '\n';
  }

  std::string Dns() const {
    std::string all;
    for (const Address& address : probe_.addresses()) {
      if (!all.empty()) all += ", ";
      all += address.Host();
    }
    if (probe_.addresses().size() > 1) all += " (one is asked)";
    return all;
  }

  void AppendRoute() {
    const auto& walk = probe_.walk();
    if (!walk) {
      const bool local = probe_.target() && probe_.target()->is_unix();
      return AppendStep(
          {"route",
           local ? ProbeStep::State::kSkipped : ProbeStep::State::kNotReached,
           {}},
          "");
    }
    std::string_view name = "route";
    for (size_t i = 0; i < walk->hops.size(); ++i) {
      AppendPathHop(std::exchange(name, ""), i + 1, walk->hops[i]);
    }
    const PathHop* const last = walk->last();
    if (last != nullptr && last->kind == PathHop::Kind::kTarget) return;
    out_ += "  ";
    AppendPadded(name, 8);
    if (walk->error != 0) {
      out_ += std::generic_category().message(walk->error) + '\n';
    } else {
      out_ += walk->hops.empty() ? "nobody answered\n"
                                 : "no further answer: the target has none\n";
    }
  }

  void AppendPathHop(std::string_view name, size_t ttl, const PathHop& hop) {
    out_ += "  ";
    AppendPadded(name, 8);
    AppendPadded(std::to_string(ttl), 12);
    if (hop.kind == PathHop::Kind::kSilent) {
      out_ += "silent\n";
      return;
    }
    std::string took;
    AppendTime(hop.took, took);
    AppendPadded(took, 10);
    out_ += hop.from.Host();
    if (const auto known = HopAt(plan_.config.topology, hop.from)) {
      out_ += "  ";
      out_ += HopName(*known);
    }
    if (hop.kind == PathHop::Kind::kTarget) out_ += "  the target";
    if (hop.kind == PathHop::Kind::kRefused) out_ += "  says: unreachable";
    out_ += '\n';
  }

  std::string Tls() const {
    const TlsAgreement& agreed = probe_.attempt().agreed;
    const auto& client = plan_.config.upstreams.front().tls;
    if (client == nullptr || agreed.version == 0) return {};
    std::string text(VersionText(agreed.version).view());
    text += ", ";
    text += agreed.cipher;
    if (!agreed.alpn.empty()) {
      text += ", ";
      text += agreed.alpn;
    }
    if (probe_.attempt().secured == kNoTime) return text;
    const int code = probe_.attempt().verify_code;
    if (client->verifies()) return text + ", verified";
    text += ", not verified";
    if (code == 0) return text;
    text += " and bad: ";
    text += VerifyText(static_cast<uint32_t>(code)).view();
    return text;
  }

  std::string Http() const {
    const AttemptRecord& attempt = probe_.attempt();
    if (attempt.status == 0) return {};
    std::string text = std::to_string(attempt.status);
    if (!probe_.answer().reason.empty()) text += ' ' + probe_.answer().reason;
    text += ", first byte after ";
    AppendTime(TimeToFirstByte(probe_), text);
    text += ", " + std::to_string(probe_.answer().body_bytes) + " bytes";
    if (probe_.answer().endless) text += ", and it goes on: not read further";
    return text;
  }

  void AppendHealthy() {
    const AttemptRecord& attempt = probe_.attempt();
    out_ += In(kGreen);
    out_ += "healthy";
    out_ += In(kPlain);
    out_ += ": " + std::to_string(attempt.status) + " in ";
    AppendTime(TookInAll(probe_), out_);
    out_ += '\n';
  }

  void AppendRow(std::string_view name, std::string_view colour,
                 std::string_view value) {
    out_ += "  ";
    AppendPadded(name, 10);
    out_ += In(colour);
    AppendTerminal(out_, value);
    out_ += In(kPlain);
    out_ += '\n';
  }

  void AppendVerdict(const Verdict& verdict) {
    out_ += In(kRed);
    out_ += "not healthy";
    out_ += In(kPlain);
    out_ += ": ";
    out_ += verdict.id.view();
    out_ += "\n  ";
    AppendWhatHappened(verdict, kEnglish, out_);
    out_ += "\n  ";
    AppendWhomToPage(verdict, kEnglish, out_);
    out_ += "\n\n";
    AppendRow("cause", kRed, Names(verdict.cause, "unknown"));
    AppendRow("reporter", kYellow, Reporter(verdict));
    AppendRow("cleared", kGreen, Names(verdict.cleared, "none"));
    std::string rows;
    for (RowId row : verdict.rows) {
      if (!rows.empty()) rows += ' ';
      rows += GetRow(row).id;
    }
    if (!rows.empty()) AppendRow("row", "", rows);
    AppendRow("basis", "", BasisName(verdict.basis));
    AppendEvidenceOf(verdict);
    AppendNext(verdict);
  }

  std::string Reporter(const Verdict& verdict) const {
    std::string names = Names(verdict.reporter, "unknown");
    if (verdict.fault != Fault::kRelay) names += " (this probe)";
    return names;
  }

  void AppendEvidenceOf(const Verdict& verdict) {
    out_ += "  evidence\n";
    std::string line;
    for (size_t i = 0; i < verdict.evidence.size(); ++i) {
      line.clear();
      AppendEvidence(verdict.evidence[i], line);
      out_ += "    - ";
      AppendTerminal(out_, line);
      out_ += '\n';
    }
  }

  void AppendNext(const Verdict& verdict) {
    if (verdict.cause.empty()) return;
    out_ += "  what to do next\n";
    for (Hop hop : verdict.cause) {
      out_ += "    - ";
      out_ += HopName(hop);
      out_ += ": ";
      out_ += NextStep(hop);
      out_ += '\n';
    }
  }

  const ProbePlan& plan_;
  const OriginProbe& probe_;
  const bool colour_;
  std::string& out_;
};

}  // namespace

void AppendProbeText(const ProbePlan& plan, const OriginProbe& probe,
                     bool colour, std::string& out) {
  Text(plan, probe, colour, out).Append();
}

}  // namespace whichhop
