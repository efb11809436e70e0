#include "proxy/server/worker_metrics.h"

#include <algorithm>
#include <charconv>

#include "proxy/server/exchange.h"
#include "proxy/server/generation.h"

namespace whichhop {

using diagnostics::Verdict;

namespace {

// Of routes and upstreams, of all configurations so far.
constexpr size_t kMaxNames = 4096;
constexpr std::string_view kOther = "_OTHER";

// OpenTelemetry's name of a method that is not known, or was not understood.
std::string_view MethodName(Method method) {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kHead:
      return "HEAD";
    case Method::kPost:
      return "POST";
    case Method::kPut:
      return "PUT";
    case Method::kDelete:
      return "DELETE";
    case Method::kConnect:
      return "CONNECT";
    case Method::kOptions:
      return "OPTIONS";
    case Method::kTrace:
      return "TRACE";
    case Method::kPatch:
      return "PATCH";
    case Method::kOther:
      break;
  }
  return kOther;
}

Method MethodOf(const Exchange& exchange) {
  return exchange.request() == nullptr ? Method::kOther
                                       : exchange.request()->line.method;
}

diagnostics::ErrorType TypeOf(const Exchange& exchange) {
  const Verdict* const verdict = exchange.recorder().verdict();
  return verdict == nullptr ? diagnostics::ErrorType::kNone : verdict->type;
}

diagnostics::ErrorType TypeOf(const AttemptRecord& attempt) {
  return attempt.fault ? diagnostics::GetFault(*attempt.fault).type
                       : diagnostics::ErrorType::kNone;
}

bool FailedInDns(const AttemptRecord& attempt) {
  return attempt.fault && diagnostics::GetFault(*attempt.fault).phase ==
                              diagnostics::Phase::kDns;
}

// Requires: the request's head is complete.
uint32_t MethodAndStatus(const Exchange& exchange) {
  return static_cast<uint32_t>(exchange.request()->line.method) << 16 |
         exchange.status();
}

// Four numbers side by side: a key is one of a kind.
uint64_t Key(uint16_t name, uint16_t status, uint8_t method,
             diagnostics::ErrorType type) {
  return uint64_t{name} << 32 | uint64_t{status} << 16 | uint64_t{method} << 8 |
         static_cast<uint8_t>(type);
}

void AddStatus(Labels& labels, uint16_t status) {
  char digits[5];
  const char* const end =
      std::to_chars(digits, digits + sizeof(digits), status).ptr;
  if (status != 0) {
    labels.Add("http_response_status_code",
               {digits, static_cast<size_t>(end - digits)});
  }
}

std::string_view RowName(diagnostics::RowId row) {
  return diagnostics::GetRow(row).id;
}

// "isp+tor+lb", in the order of the list.
template <typename List, typename Name>
void AddJoined(Labels& labels, std::string_view label, const List& list,
               Name name, std::string& text) {
  text.clear();
  for (const auto& one : list) {
    if (!text.empty()) text += '+';
    text += name(one);
  }
  labels.Add(label, text);
}

}  // namespace

constexpr std::string_view WorkerMetrics::kServerOverflow =
    "http_request_method=\"_OTHER\",http_response_status_code=\"_OTHER\","
    "http_route=\"_OTHER\",error_type=\"_OTHER\"";
constexpr std::string_view WorkerMetrics::kClientOverflow =
    "upstream=\"_OTHER\",http_response_status_code=\"_OTHER\","
    "error_type=\"_OTHER\"";
constexpr std::string_view WorkerMetrics::kErrorOverflow =
    "cause=\"_OTHER\",reporter=\"_OTHER\",fault=\"_OTHER\",row=\"_OTHER\","
    "basis=\"_OTHER\",http_route=\"_OTHER\",upstream=\"_OTHER\"";

WorkerMetrics::WorkerMetrics()
    : server_(kMaxServerSeries, kServerOverflow),
      client_(kMaxClientSeries, kClientOverflow),
      errors_(kMaxErrorSeries, kErrorOverflow),
      names_{""},
      server_index_(kMaxServerSeries),
      client_index_(kMaxClientSeries) {}

// Names that come beyond the bound share one.
uint16_t WorkerMetrics::IdOf(const std::string& name) {
  const auto known = std::ranges::find(names_, name);
  const auto id = static_cast<uint16_t>(known - names_.begin());
  if (known != names_.end()) return id;
  if (names_.size() + 1 < kMaxNames) {
    names_.push_back(name);
    return id;
  }
  if (names_.size() < kMaxNames) names_.emplace_back(kOther);
  return kMaxNames - 1;
}

std::vector<RouteIds> WorkerMetrics::IdsOf(const Config& config) {
  // A new configuration may lie where an old one was.
  usual_ = {};
  std::vector<RouteIds> ids;
  for (const RouteConfig& route : config.routes) {
    const bool relays = route.respond == 0;
    ids.push_back(
        {IdOf(route.label),
         relays ? IdOf(config.upstreams[route.upstream].name) : uint16_t{0}});
  }
  return ids;
}

// One attempt and no verdict: the status is that attempt's, and no fault is.
void WorkerMetrics::Count(const Exchange& exchange, Time now) {
  const Recorder& recorder = exchange.recorder();
  if (recorder.verdict() != nullptr || recorder.attempts().size() != 1 ||
      recorder.route() != usual_.route ||
      MethodAndStatus(exchange) != usual_.method_and_status ||
      !recorder.attempt().reused) {
    return CountUnusual(exchange, now);
  }
  const AttemptRecord& attempt = recorder.attempt();
  usual_.server->Observe(now - recorder.begun());
  usual_.client->Observe(attempt.last_byte - attempt.begun);
  CountFirstByte(attempt);
}

void WorkerMetrics::CountUnusual(const Exchange& exchange, Time now) {
  const Recorder& recorder = exchange.recorder();
  const RouteIds ids = exchange.generation().IdsOf(recorder.route());
  Histogram& server = Server(exchange, ids);
  server.Observe(now - recorder.begun());
  for (const AttemptRecord& attempt : recorder.attempts()) {
    CountAttempt(attempt, ids.upstream, now);
  }
  if (recorder.verdict() != nullptr) {
    return CountError(*recorder.verdict(), ids);
  }
  if (recorder.attempts().size() != 1) return;
  usual_ = {recorder.route(), MethodAndStatus(exchange), &server,
            &Client(recorder.attempt(), ids.upstream)};
}

Histogram& WorkerMetrics::Server(const Exchange& exchange, RouteIds ids) {
  const uint64_t key =
      Key(ids.route, exchange.status(),
          static_cast<uint8_t>(MethodOf(exchange)), TypeOf(exchange));
  Histogram* const known = server_index_.Find(key);
  return known != nullptr ? *known : AddServer(exchange, ids, key);
}

Histogram& WorkerMetrics::AddServer(const Exchange& exchange, RouteIds ids,
                                    uint64_t key) {
  labels_.Clear();
  labels_.Add("http_request_method", MethodName(MethodOf(exchange)));
  AddStatus(labels_, exchange.status());
  labels_.Add("http_route", names_[ids.route]);
  labels_.Add("error_type", diagnostics::ErrorTypeName(TypeOf(exchange)));
  Histogram& added = server_.Append(labels_.text());
  server_index_.Add(key, added);
  return added;
}

void WorkerMetrics::CountAttempt(const AttemptRecord& attempt,
                                 uint16_t upstream, Time now) {
  const Time ended = attempt.ended != kNoTime       ? attempt.ended
                     : attempt.last_byte != kNoTime ? attempt.last_byte
                                                    : now;
  Client(attempt, upstream).Observe(ended - attempt.begun);
  CountPhases(attempt);
}

Histogram& WorkerMetrics::Client(const AttemptRecord& attempt,
                                 uint16_t upstream) {
  const uint64_t key = Key(upstream, attempt.status, 0, TypeOf(attempt));
  Histogram* const known = client_index_.Find(key);
  return known != nullptr ? *known : AddClient(attempt, upstream, key);
}

Histogram& WorkerMetrics::AddClient(const AttemptRecord& attempt,
                                    uint16_t upstream, uint64_t key) {
  labels_.Clear();
  labels_.Add("upstream", names_[upstream]);
  AddStatus(labels_, attempt.status);
  labels_.Add("error_type", diagnostics::ErrorTypeName(TypeOf(attempt)));
  Histogram& added = client_.Append(labels_.text());
  client_index_.Add(key, added);
  return added;
}

// The phases that came to their end: those that failed are in the attempt's
// duration alone.
void WorkerMetrics::CountPhases(const AttemptRecord& attempt) {
  if (attempt.resolved != kNoTime && !FailedInDns(attempt)) {
    phase(UpstreamPhase::kDns).Observe(attempt.resolved - attempt.begun);
  }
  if (attempt.connected != kNoTime) {
    phase(UpstreamPhase::kConnect)
        .Observe(attempt.connected - attempt.connect_begun());
  }
  if (attempt.secured != kNoTime) {
    phase(UpstreamPhase::kTls).Observe(attempt.secured - attempt.connected);
    handshakes.Count(HandshakeCounters::kUpstream, attempt.agreed);
  }
  if (attempt.first_byte != kNoTime) CountFirstByte(attempt);
}

// Requires: there is one.
void WorkerMetrics::CountFirstByte(const AttemptRecord& attempt) {
  // An answer may begin before the request has ended; kNoTime is before all.
  const bool after =
      attempt.begun <= attempt.written && attempt.written <= attempt.first_byte;
  const Time asked = after ? attempt.written : attempt.begun;
  phase(UpstreamPhase::kFirstByte).Observe(attempt.first_byte - asked);
}

bool WorkerMetrics::UsualError::Is(const Verdict& verdict, RouteIds ids) const {
  return counter != nullptr && cause == verdict.cause &&
         reporter == verdict.reporter && rows == verdict.rows &&
         id.view() == verdict.id.view() && basis == verdict.basis &&
         route == ids;
}

void WorkerMetrics::CountError(const Verdict& verdict, RouteIds ids) {
  const size_t place =
      static_cast<size_t>(verdict.fault) + verdict.status + ids.route;
  UsualError& usual = usual_errors_[place % usual_errors_.size()];
  if (!usual.Is(verdict, ids)) {
    usual = {verdict.cause,       verdict.reporter, verdict.rows,
             verdict.id,          verdict.basis,    ids,
             &Error(verdict, ids)};
  }
  usual.counter->Add();
}

Counter& WorkerMetrics::Error(const Verdict& verdict, RouteIds ids) {
  labels_.Clear();
  AddJoined(labels_, "cause", verdict.cause, diagnostics::HopName, text_);
  AddJoined(labels_, "reporter", verdict.reporter, diagnostics::HopName, text_);
  labels_.Add("fault", verdict.id.view());
  AddJoined(labels_, "row", verdict.rows, RowName, text_);
  labels_.Add("basis", diagnostics::BasisName(verdict.basis));
  labels_.Add("http_route", names_[ids.route]);
  labels_.Add("upstream", names_[ids.upstream]);
  // The key's own memory is the index' alone.
  text_ = labels_.text();
  const auto known = error_index_.find(text_);
  if (known != error_index_.end()) return *known->second;
  Counter& added = errors_.Append(text_);
  if (error_index_.size() < kMaxErrorSeries) error_index_[text_] = &added;
  return added;
}

}  // namespace whichhop
