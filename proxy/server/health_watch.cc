#include "proxy/server/health_watch.h"

#include <algorithm>
#include <cerrno>

#include "diagnostics/classify.h"
#include "proxy/server/generation.h"
#include "proxy/server/witnesses.h"
#include "proxy/server/worker.h"

namespace whichhop {

using diagnostics::AttemptEnd;
using diagnostics::AttemptPhase;
using diagnostics::DecisionFacts;
using diagnostics::Fault;
using diagnostics::Micros;

namespace {

AttemptPhase PhaseOf(ProbeEnd::Phase phase) {
  switch (phase) {
    case ProbeEnd::Phase::kResolve:
      return AttemptPhase::kResolve;
    case ProbeEnd::Phase::kConnect:
      return AttemptPhase::kConnect;
    case ProbeEnd::Phase::kTls:
      return AttemptPhase::kTls;
    case ProbeEnd::Phase::kAnswer:
      return AttemptPhase::kWait;
  }
  return AttemptPhase::kWait;
}

AttemptEnd EndOf(const ProbeEnd& end) {
  switch (end.how) {
    case ProbeEnd::How::kFin:
      return AttemptEnd::kFin;
    case ProbeEnd::How::kError:
      return whichhop::EndOf(end.error);
    case ProbeEnd::How::kTimeout:
      return AttemptEnd::kTimeout;
    case ProbeEnd::How::kDns:
      return AttemptEnd::kDns;
    case ProbeEnd::How::kStatus:
    case ProbeEnd::How::kMalformed:
      break;
  }
  return AttemptEnd::kMalformed;
}

// Whatever came back of a request came the whole way. Silence says so only if
// the far end's kernel has the request.
bool GotThrough(const ProbeEnd& end, const UpstreamConnection* connection) {
  if (end.phase < ProbeEnd::Phase::kTls) return false;
  const bool came =
      end.how != ProbeEnd::How::kTimeout && end.how != ProbeEnd::How::kError;
  if (came || EndOf(end) == AttemptEnd::kReset) return true;
  const auto facts = connection->socket().Facts();
  return !facts || (facts->established && facts->unsent == 0);
}

EjectRule RuleOf(const EjectConfig& config) {
  return {config.consecutive_faults, config.time};
}

ProbeRule RuleOf(const HealthCheckConfig& config) {
  return {config.healthy, config.unhealthy};
}

Ejection RulesOf(const UpstreamConfig& config) {
  EjectRule eject;
  ProbeRule probe;
  if (config.eject) eject = RuleOf(*config.eject);
  if (config.health_check) probe = RuleOf(*config.health_check);
  return Ejection(config.servers.size(), config.eject ? &eject : nullptr,
                  config.health_check ? &probe : nullptr);
}

// Of two servers that are down each has its own neighbours.
void MergeSiblings(const diagnostics::SiblingFacts& one,
                   diagnostics::SiblingFacts* all) {
  const auto ended = std::max(all->far_end_closed, one.far_end_closed);
  const bool both = all->far_end_closed && one.far_end_closed;
  *all = {};
  if (both) all->far_end_closed = ended;
}

}  // namespace

HealthWatch::HealthWatch(Worker& home, Generation& generation,
                         const HealthWatch* before)
    : home_(home),
      generation_(generation),
      watched_(generation.config().upstreams.size()),
      recorder_(generation.config(), home.tls_neighbours()) {
  for (size_t i = 0; i < watched_.size(); ++i) Watch(i, before);
  ArmTimer();
}

HealthWatch::~HealthWatch() {
  for (auto& watched : watched_) {
    if (watched == nullptr) continue;
    for (auto& probe : watched->probes) {
      probe->Close();
      home_.loop().Retire(std::move(probe));
    }
  }
}

void HealthWatch::Watch(size_t upstream, const HealthWatch* before) {
  const UpstreamConfig& config = generation_.config().upstreams[upstream];
  if (!config.health_check && !config.eject) return;
  watched_[upstream] = std::make_unique<Watched>(RulesOf(config));
  watched_[upstream]->facts.resize(config.servers.size());
  if (before != nullptr) Inherit(upstream, *before);
  if (config.health_check) StartProbes(upstream, before);
  // The workers know what the old watch said last; what it had yet to say to
  // some of them comes before this.
  if (before != nullptr) Report(upstream);
}

void HealthWatch::Inherit(size_t upstream, const HealthWatch& before) {
  const Config& config = generation_.config();
  const Config& older = before.generation_.config();
  const size_t old = IndexOfUpstream(older, config.upstreams[upstream].name);
  if (old == older.upstreams.size() || before.watched_[old] == nullptr) return;
  const auto& servers = config.upstreams[upstream].servers;
  const auto& olds = older.upstreams[old].servers;
  for (size_t i = 0; i < servers.size(); ++i) {
    const size_t same = IndexOfServer(olds, servers[i].text);
    if (same == olds.size()) continue;
    watched_[upstream]->ejection.Inherit(i, before.watched_[old]->ejection,
                                         same);
    watched_[upstream]->facts[i] = before.watched_[old]->facts[same];
  }
}

Time HealthWatch::NextProbe(const std::string& upstream,
                            const std::string& server) const {
  const size_t index = IndexOfUpstream(generation_.config(), upstream);
  if (index == watched_.size() || watched_[index] == nullptr) return kNoTime;
  for (const auto& probe : watched_[index]->probes) {
    if (probe->endpoint().text() == server) return probe->next();
  }
  return kNoTime;
}

// A server that is new is probed at once; reloads make nobody's probes faster.
void HealthWatch::StartProbes(size_t upstream, const HealthWatch* before) {
  const UpstreamConfig& config = generation_.config().upstreams[upstream];
  const HealthCheckConfig& check = *config.health_check;
  Upstream& servers = generation_.upstream(upstream);
  for (size_t i = 0; i < servers.servers(); ++i) {
    ProbeEvents& events = *this;
    Endpoint& endpoint = servers.server(i);
    auto probe = std::make_unique<Probe>(
        home_.loop(), home_.buffers(), endpoint,
        Probe::Options{check.path, check.interval, check.timeout}, events);
    const Time due = before == nullptr
                         ? kNoTime
                         : before->NextProbe(config.name, endpoint.text());
    Duration delay{};
    if (due != kNoTime) {
      delay = std::clamp(due - home_.loop().now(), Duration{},
                         Duration(check.interval));
    }
    probe->Start(delay);
    watched_[upstream]->probes.push_back(std::move(probe));
  }
}

void HealthWatch::OnFault(size_t upstream, size_t server) {
  Watched* const watched = watched_[upstream].get();
  if (watched == nullptr) return;
  if (!watched->ejection.OnFault(server, home_.loop().now())) return;
  Report(upstream);
  ArmTimer();
}

void HealthWatch::OnSuccess(size_t upstream, size_t server) {
  Watched* const watched = watched_[upstream].get();
  if (watched == nullptr) return;
  if (watched->ejection.OnSuccess(server)) Report(upstream);
}

void HealthWatch::ArmTimer() {
  Time next = Time::max();
  for (const auto& watched : watched_) {
    if (watched == nullptr) continue;
    next = std::min(next, watched->ejection.next_time());
  }
  if (next == Time::max()) return;
  timer_.Arm(home_.loop().wheel(),
             std::max(Duration{}, next - home_.loop().now()), *this);
}

void HealthWatch::OnTimer(Timer&) {
  for (size_t i = 0; i < watched_.size(); ++i) {
    if (watched_[i] == nullptr) continue;
    if (watched_[i]->ejection.OnTime(home_.loop().now())) Report(i);
  }
  ArmTimer();
}

void HealthWatch::OnProbe(Probe& probe, const ProbeEnd& end,
                          UpstreamConnection* connection) {
  size_t upstream = 0;
  size_t server = 0;
  for (size_t u = 0; u < watched_.size(); ++u) {
    if (watched_[u] == nullptr) continue;
    const auto& probes = watched_[u]->probes;
    const auto found =
        std::ranges::find(probes, &probe, &std::unique_ptr<Probe>::get);
    if (found == probes.end()) continue;
    upstream = u;
    server = static_cast<size_t>(found - probes.begin());
  }
  Watched& watched = *watched_[upstream];
  // For requests that fail there, or beside it.
  if (connection != nullptr && end.how == ProbeEnd::How::kStatus) {
    AddressMemory* const memory = connection->memory();
    if (memory != nullptr) memory->NoteAnswer(end.begun);
  }
  if (!end.good()) {
    const DecisionFacts facts = Examine(upstream, server, end, connection);
    // Without a port or a descriptor of ours nothing was learned of a server.
    if (facts.last_probe && IsOurs(*facts.last_probe)) return;
    watched.facts[server] = facts;
  }
  const bool changed = watched.ejection.OnProbe(server, end.good());
  // Where none may be left, the news of the last probe are wanted too.
  if (changed || watched.ejection.standing(server).down) Report(upstream);
}

Fault HealthWatch::Classify(const ProbeEnd& end, const Endpoint& endpoint,
                            UpstreamConnection* connection) {
  recorder_.Begin(end.begun);
  recorder_.BeginAttempt(endpoint, end.begun);
  AttemptRecord& record = recorder_.attempt();
  record.connected = end.connected;
  record.sent = end.sent;
  if (endpoint.name() != nullptr && connection != nullptr) {
    record.address = connection->address();
  }
  AttemptFailure failure;
  failure.phase = PhaseOf(end.phase);
  failure.end = EndOf(end);
  failure.error = end.error;
  failure.synchronous = end.synchronous;
  failure.dns = AnswerOf(end.dns);
  if (failure.end == AttemptEnd::kReset &&
      failure.phase == AttemptPhase::kConnect) {
    // A SYN is refused, not reset: the handshake was complete before.
    failure.phase = AttemptPhase::kRequest;
  }
  return recorder_.Fail(failure, connection, home_.loop().now());
}

DecisionFacts HealthWatch::Examine(size_t upstream, size_t server,
                                   const ProbeEnd& end,
                                   UpstreamConnection* connection) {
  const Endpoint& endpoint = generation_.upstream(upstream).server(server);
  DecisionFacts facts;
  facts.probe_got_through = GotThrough(end, connection);
  if (end.how == ProbeEnd::How::kStatus) return facts;
  facts.last_probe = Classify(end, endpoint, connection);
  if (connection == nullptr) return facts;
  AddConnect(upstream, server, end, *connection, &facts);
  return facts;
}

// Requests that fail there, or beside it, are told of it too.
void HealthWatch::AddConnect(size_t upstream, size_t server,
                             const ProbeEnd& end,
                             UpstreamConnection& connection,
                             DecisionFacts* facts) {
  const Time now = home_.loop().now();
  const Fault fault = *facts->last_probe;
  const bool connected = end.connected != kNoTime;
  const Time silent_since = connected ? end.connected : end.begun;
  facts->probe_connect =
      std::chrono::duration_cast<Micros>(now - connection.connect_begun());
  facts->probe_peer_rtt = recorder_.facts().peer_min_rtt;
  if (recorder_.facts().end == AttemptEnd::kErrno) {
    facts->probe_icmp = recorder_.facts().icmp;
  }
  if (facts->probe_icmp) facts->probe_icmp->address = {};  // not ours to keep
  if (AddressMemory* const memory = connection.memory()) {
    NoteFailure(*memory, fault, silent_since, now);
  }
  AskWitnesses(generation_, home_.crew().walks(), recorder_,
               {upstream, server, connection.address(), fault, connected,
                silent_since, now},
               &facts->probe_siblings);
}

// What the last probes of all servers that are down say alike. One may hang
// where another's way is dead: then none of them speaks for all.
DecisionFacts HealthWatch::Agreed(const Watched& watched) {
  std::optional<DecisionFacts> agreed;
  for (size_t i = 0; i < watched.facts.size(); ++i) {
    if (!watched.ejection.standing(i).down) continue;
    const DecisionFacts& one = watched.facts[i];
    if (!agreed) {
      agreed = one;
      continue;
    }
    if (one.last_probe != agreed->last_probe ||
        one.probe_got_through != agreed->probe_got_through) {
      return {};
    }
    agreed->probe_icmp.reset();
    MergeSiblings(one.probe_siblings, &agreed->probe_siblings);
    // A refusal shows whence it came by its time: the doubtful one counts.
    agreed->probe_connect = std::min(one.probe_connect, agreed->probe_connect);
    const bool known = one.probe_peer_rtt && agreed->probe_peer_rtt;
    agreed->probe_peer_rtt =
        known ? std::max(one.probe_peer_rtt, agreed->probe_peer_rtt)
              : std::nullopt;
  }
  return agreed.value_or(DecisionFacts{});
}

void HealthWatch::Report(size_t upstream) {
  const Watched& watched = *watched_[upstream];
  const Upstream& servers = generation_.upstream(upstream);
  HealthReport report;
  report.upstream = upstream;
  report.facts = Agreed(watched);
  report.facts.servers = static_cast<uint32_t>(servers.servers());
  for (size_t i = 0; i < servers.servers(); ++i) {
    const Standing& standing = watched.ejection.standing(i);
    report.standings.push_back(standing);
    if (!standing.in_service()) ++report.facts.ejected;
  }
  for (const auto& probe : watched.probes) {
    report.next_probe = report.next_probe == kNoTime
                            ? probe->next()
                            : std::min(report.next_probe, probe->next());
  }
  home_.crew().Tell(generation_.shared_config(), report);
}

}  // namespace whichhop
