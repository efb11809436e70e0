#include "proxy/server/access_log.h"

#include <algorithm>
#include <cstdlib>

#include "diagnostics/fingerprint.h"
#include "diagnostics/page.h"
#include "diagnostics/text.h"
#include "proxy/server/exchange.h"
#include "proxy/server/refusal.h"

namespace whichhop {

using diagnostics::AppendTerminal;

namespace {

constexpr size_t kChunkBytes = 64 * 1024;
constexpr size_t kHandOverBytes = 32 * 1024;
constexpr auto kFlushDelay = std::chrono::milliseconds(50);

// A status; null where there is none.
template <Literal kName>
void PutStatus(JsonLine& line, uint16_t status) {
  if (status != 0) return line.Number<kName>(status);
  line.Null<kName>();
}

template <Literal kName>
void PutSpan(JsonLine& line, Time from, Time to) {
  if (from != kNoTime && to != kNoTime) line.Seconds<kName>(to - from);
}

// version "-" trace-id "-" parent-id "-" flags (W3C Trace Context, section
// 3.2). Empty if it is not that.
std::string_view TraceId(std::string_view traceparent) {
  constexpr std::string_view kHex = "0123456789abcdef";
  if (traceparent.size() < 55 || traceparent[2] != '-' ||
      traceparent[35] != '-') {
    return {};
  }
  const std::string_view id = traceparent.substr(3, 32);
  const bool hex = id.find_first_not_of(kHex) == std::string_view::npos;
  const bool zero = id.find_first_not_of('0') == std::string_view::npos;
  return hex && !zero ? id : std::string_view();
}

void PutEnded(JsonLine& line, Ended ended) {
  const char letters[2] = {ended.who, ended.phase};
  line.Text<"ended">({letters, 2});
}

void PutRequest(JsonLine& line, const Exchange& exchange,
                const LogsConfig& logs) {
  const RequestHead* request = exchange.request();
  if (request == nullptr) return;
  const char* data = exchange.request_data();
  line.Text<"http_request_method">(request->line.method_token.In(data));
  line.Text<"server_address">(request->host.In(data));
  line.Text<"url_path">(request->line.path.In(data));
  if (logs.query && request->line.has_query) {
    line.Text<"url_query">(request->line.query.In(data));
  }
  line.Text<"network_protocol_version">(
      request->line.minor_version == 0 ? "1.0" : "1.1");
  if (const Field* agent = request->fields.First(FieldId::kUserAgent)) {
    line.Text<"user_agent_original">(ValueOf(data, *agent));
  }
  if (const Field* trace = request->fields.First(FieldId::kTraceparent)) {
    const std::string_view id = TraceId(ValueOf(data, *trace));
    if (!id.empty()) line.Text<"trace_id">(id);
  }
}

// Where an attempt went. A literal address is text already.
void PutAddress(JsonLine& line, const AttemptRecord& attempt) {
  if (!attempt.address) return line.String(attempt.endpoint->text());
  line.String(attempt.address->ToString());
}

void PutAttempt(JsonLine& line, const AttemptRecord& attempt, Time now) {
  line.Raw<R"({"address":)">();
  PutAddress(line, attempt);
  const Time ended = attempt.ended == kNoTime ? now : attempt.ended;
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(
      ended - attempt.begun);
  line.Number<"ms">(static_cast<uint64_t>(ms.count()));
  if (attempt.reused) line.Raw<R"(,"reused":true)">();
  if (attempt.fault) {
    line.Text<"fault">(diagnostics::GetFault(*attempt.fault).id);
  }
  line.Raw<"}">();
}

// "1.3"; none before there is one.
std::string_view VersionText(uint16_t version) {
  return version == 0x0304 ? "1.3" : version == 0x0303 ? "1.2" : "";
}

// What was agreed on with the client, as OpenTelemetry names it.
void PutTls(JsonLine& line, const TlsFacts& facts) {
  line.Text<"tls_protocol_version">(VersionText(facts.agreed.version));
  line.Text<"tls_cipher">(facts.agreed.cipher);
  if (!facts.agreed.alpn.empty()) {
    line.Text<"tls_next_protocol">(facts.agreed.alpn);
  }
  if (!facts.sni.empty()) line.Text<"tls_client_server_name">(facts.sni);
  line.Flag<"tls_resumed">(facts.agreed.resumed);
  line.Seconds<"tls_handshake_seconds">(facts.took);
}

// Which alert ended it, if one did.
template <Literal kName, Literal kDirectionName>
void PutAlert(JsonLine& line, const TlsFacts& facts) {
  const bool received = facts.received.fatal;
  if (!received && !facts.sent.fatal) return;
  line.Number<kName>(received ? facts.received.number : facts.sent.number);
  line.Text<kDirectionName>(received ? "received" : "sent");
}

// A handshake with a client that failed.
void PutFailedTls(JsonLine& line, const TlsFacts& facts) {
  if (!facts.sni.empty()) line.Text<"tls_client_server_name">(facts.sni);
  line.Seconds<"tls_handshake_seconds">(facts.took);
  PutAlert<"tls_alert", "tls_alert_direction">(line, facts);
}

// With the server; `failed`: how it failed, if it did.
void PutUpstreamTls(JsonLine& line, const AttemptRecord& record,
                    const TlsFacts* failed) {
  const TlsAgreement& agreed =
      failed == nullptr ? record.agreed : failed->agreed;
  if (agreed.version != 0) {
    line.Text<"upstream_tls_protocol_version">(VersionText(agreed.version));
    line.Text<"upstream_tls_cipher">(agreed.cipher);
    if (!agreed.alpn.empty()) {
      line.Text<"upstream_tls_next_protocol">(agreed.alpn);
    }
    line.Flag<"upstream_tls_resumed">(agreed.resumed);
  }
  if (failed == nullptr) return;
  if (!failed->sni.empty()) line.Text<"upstream_tls_server_name">(failed->sni);
  if (failed->verify_code != 0) {
    line.Number<"upstream_tls_verify_code">(
        static_cast<uint64_t>(failed->verify_code));
    line.Number<"upstream_tls_verify_depth">(
        static_cast<uint64_t>(failed->verify_depth));
  }
  PutAlert<"upstream_tls_alert", "upstream_tls_alert_direction">(line, *failed);
}

void PutAttempts(JsonLine& line, const Exchange& exchange, Time now) {
  const auto attempts = exchange.recorder().attempts();
  if (attempts.empty()) return;
  const AttemptRecord& last = attempts.back();
  line.Raw<R"(,"upstream_address":)">();
  PutAddress(line, last);
  PutStatus<"upstream_status">(line, last.status);
  line.Raw<R"(,"attempts":[)">();
  for (const AttemptRecord& attempt : attempts) {
    if (&attempt != attempts.data()) line.Raw<",">();
    PutAttempt(line, attempt, now);
  }
  line.Raw<"]">();
  PutSpan<"dns_seconds">(line, last.begun, last.resolved);
  PutSpan<"connect_seconds">(line, last.reused ? kNoTime : last.connect_begun(),
                             last.connected);
  PutSpan<"tls_seconds">(line, last.reused ? kNoTime : last.connected,
                         last.secured);
  if (last.tls) PutUpstreamTls(line, last, exchange.recorder().tls());
  PutSpan<"first_byte_seconds">(line, last.begun, last.first_byte);
}

// The status that a CDN's own page would have hidden, or that page.
void PutCdn(JsonLine& line, const Exchange& exchange) {
  const diagnostics::Cdn cdn = exchange.config().errors.cdn;
  const uint16_t unsent = exchange.recorder().verdict()->unsent;
  if (unsent != 0) line.Number<"unsent_status">(unsent);
  if (diagnostics::ShowsOwnPage(cdn, exchange.status())) {
    line.Text<"cdn_page">(diagnostics::CdnName(cdn));
  }
}

// Whose page a relayed error was, and what is remarkable in it.
void PutPage(JsonLine& line, const Recorder& recorder) {
  using diagnostics::Generator;
  if (recorder.generator() != Generator::kNone) {
    line.Text<"upstream_generator">(
        diagnostics::GetGenerator(recorder.generator()).name);
  }
  if (!recorder.remarks().empty()) {
    line.Text<"upstream_remarks">(recorder.remarks());
  }
}

// A 4xx or 5xx that was sent, or a verdict about what could not be.
bool IsError(const Exchange& exchange) {
  return exchange.recorder().verdict() != nullptr;
}

std::string_view SeverityOf(const Exchange& exchange) {
  if (!IsError(exchange)) return "INFO";
  const uint16_t status = exchange.status();
  return status >= 400 && status < 500 ? "WARN" : "ERROR";
}

// What became of the upstream's claims. Where nothing is wrong nobody asks.
std::string_view HearingOf(const Exchange& exchange) {
  using diagnostics::Hearing;
  const diagnostics::Verdict* const verdict = exchange.recorder().verdict();
  const bool heard =
      verdict != nullptr && verdict->hearing != Hearing::kNothing;
  return HearingName(heard ? verdict->hearing : Hearing::kIgnored);
}

}  // namespace

AccessLog::AccessLog(Loop& loop, LogWriter& writer, WallText& wall_text,
                     Counter& dropped)
    : loop_(loop), writer_(writer), wall_text_(wall_text), dropped_(dropped) {}

// False: the line is not wanted, or has no place.
bool AccessLog::BeginLine() {
  if (writer_.off() || !MakeRoom()) return false;
  if (chunk_.empty()) flush_timer_.Arm(loop_.wheel(), kFlushDelay, *this);
  return true;
}

void AccessLog::Write(const Exchange& exchange) {
  if (!BeginLine()) return;
  if (writer_.to_terminal()) {
    WritePlain(exchange);
  } else {
    WriteJson(exchange);
  }
}

void AccessLog::Write(const Refusal& refusal, const Config& config) {
  if (!BeginLine()) return;
  if (writer_.to_terminal()) {
    WritePlain(refusal);
  } else {
    WriteJson(refusal, config);
  }
}

// False: the line has no place, and is counted.
bool AccessLog::MakeRoom() {
  if (chunk_.size() < kChunkBytes) return true;
  Flush();
  if (chunk_.empty()) return true;
  dropped_.Add();
  return false;
}

void AccessLog::BeginJson(const Config& config, std::string_view severity) {
  line_.Clear();
  line_.Raw<R"({"event_name":"exchange")">();
  line_.Text<"timestamp">(wall_text_.Rfc3339(WallMicroseconds()));
  line_.Text<"severity_text">(severity);
  line_.Text<"node">(config.node.name);
  line_.Text<"position">(
      diagnostics::HopName(diagnostics::SelfHop(config.node.position)));
}

void AccessLog::WriteJson(const Exchange& exchange) {
  const Time now = loop_.now();
  const Config& config = exchange.config();
  BeginJson(config, SeverityOf(exchange));
  line_.Text<"request_id">(exchange.request_id());
  line_.Text<"client_address">(exchange.client_host());
  PutRequest(line_, exchange, config.logs);
  if (const TlsLayer* const tls = exchange.session().stream().tls()) {
    PutTls(line_, tls->facts());
  }
  if (const RouteConfig* route = exchange.recorder().route()) {
    line_.Text<"http_route">(route->label);
    if (route->respond == 0) {
      line_.Text<"upstream">(config.upstreams[route->upstream].name);
    }
  }
  PutStatus<"http_response_status_code">(line_, exchange.status());
  line_.Number<"bytes_in">(exchange.bytes_in());
  line_.Number<"bytes_out">(exchange.bytes_out());
  PutAttempts(line_, exchange, now);
  PutSpan<"duration_seconds">(line_, exchange.recorder().begun(), now);
  PutEnded(line_, exchange.ended());
  if (!exchange.claims().empty()) {
    line_.Text<"upstream_claims">(exchange.claims());
    line_.Text<"upstream_claims_taken">(HearingOf(exchange));
  }
  if (IsError(exchange)) {
    const uint16_t masked = exchange.recorder().verdict()->masked;
    if (masked != 0) line_.Number<"masked_status">(masked);
    PutCdn(line_, exchange);
    AppendVerdict(*exchange.recorder().verdict(), exchange.error_id());
  }
  if (IsError(exchange)) PutPage(line_, exchange.recorder());
  if (!exchange.upstream_body().empty()) {
    line_.Text<"upstream_body">(exchange.upstream_body());
  }
  EndJson();
}

void AccessLog::WriteJson(const Refusal& refusal, const Config& config) {
  BeginJson(config, "ERROR");
  line_.Text<"client_address">(refusal.peer.Text());
  if (refusal.tls != nullptr) PutFailedTls(line_, *refusal.tls);
  PutStatus<"http_response_status_code">(line_, refusal.status);
  line_.Number<"bytes_in">(refusal.bytes_in);
  line_.Number<"bytes_out">(refusal.bytes_out);
  line_.Seconds<"duration_seconds">(refusal.age);
  PutEnded(line_, refusal.ended);
  AppendVerdict(refusal.verdict, refusal.error_id.text());
  EndJson();
}

void AccessLog::EndJson() {
  line_.Raw<"}\n">();
  chunk_ += line_.text();
}

// Behind what the line has so far.
void AccessLog::AppendVerdict(const diagnostics::Verdict& verdict,
                              std::string_view error_id) {
  chunk_ += line_.text();
  line_.Clear();
  diagnostics::AppendVerdictMembers(verdict, error_id,
                                    diagnostics::Audience::kOperator, chunk_);
  const std::string_view type = diagnostics::ErrorTypeName(verdict.type);
  if (!type.empty()) line_.Text<"error_type">(type);
}

// 12:34:56 502 GET shop.example/cart 0.003210s 10.0.0.5:8000
// connect-refused-rst: The upstream refused ... id=01JD...
void AccessLog::WritePlain(const Exchange& exchange) {
  std::string& out = chunk_;
  AppendPlainStatus(exchange.status(), IsError(exchange));
  if (const RequestHead* request = exchange.request()) {
    const char* data = exchange.request_data();
    out += ' ';
    AppendTerminal(out, request->line.method_token.In(data));
    out += ' ';
    AppendTerminal(out, request->host.In(data));
    AppendTerminal(out, request->line.path.In(data));
  }
  out += ' ';
  char seconds[kMaxSeconds];
  const Duration duration = loop_.now() - exchange.recorder().begun();
  out.append(seconds, WriteSeconds(seconds, duration));
  out += 's';
  if (exchange.recorder().tried()) {
    out += ' ';
    out += exchange.recorder().attempt().AddressText();
  }
  if (IsError(exchange)) {
    AppendPlainVerdict(*exchange.recorder().verdict(), exchange.error_id());
  }
  out += '\n';
}

// 12:34:56 503 from 192.0.2.1  accept-emfile: This proxy ... id=01JD...
void AccessLog::WritePlain(const Refusal& refusal) {
  AppendPlainStatus(refusal.status, true);
  chunk_ += " from ";
  chunk_ += refusal.peer.Text();
  AppendPlainVerdict(refusal.verdict, refusal.error_id.text());
  chunk_ += '\n';
}

void AccessLog::AppendPlainStatus(uint16_t status, bool error) {
  constexpr std::string_view kRed = "\x1b[31m";
  constexpr std::string_view kYellow = "\x1b[33m";
  constexpr std::string_view kGreen = "\x1b[32m";
  const bool colour = std::getenv("NO_COLOR") == nullptr;
  chunk_ += wall_text_.Rfc3339(WallMicroseconds()).substr(11, 8);
  chunk_ += ' ';
  if (colour) chunk_ += !error ? kGreen : status < 500 ? kYellow : kRed;
  chunk_ += status == 0 ? "---" : std::to_string(status);
  if (colour) chunk_ += "\x1b[0m";
}

void AccessLog::AppendPlainVerdict(const diagnostics::Verdict& verdict,
                                   std::string_view error_id) {
  chunk_ += "  ";
  chunk_ += verdict.id.view();
  chunk_ += ": ";
  diagnostics::AppendSummary(verdict, chunk_);
  chunk_ += " id=";
  chunk_ += error_id;
}

void AccessLog::OnTurnEnd() {
  if (chunk_.size() >= kHandOverBytes) Flush();
}

void AccessLog::OnTimer(Timer&) { Flush(); }

void AccessLog::Flush() {
  if (chunk_.empty()) return;
  if (!writer_.Submit(&chunk_)) {
    flush_timer_.Arm(loop_.wheel(), kFlushDelay, *this);
    return;
  }
  if (chunk_.capacity() < kChunkBytes) chunk_.reserve(kChunkBytes + 4096);
}

}  // namespace whichhop
