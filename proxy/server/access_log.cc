#include "proxy/server/access_log.h"

#include <algorithm>
#include <cstdlib>

#include "diagnostics/page.h"
#include "diagnostics/text.h"
#include "proxy/server/exchange.h"
#include "proxy/server/refusal.h"

namespace whichhop {

using diagnostics::AppendInteger;
using diagnostics::AppendJsonKey;
using diagnostics::AppendJsonString;
using diagnostics::AppendTerminal;

namespace {

constexpr size_t kChunkBytes = 64 * 1024;
constexpr size_t kHandOverBytes = 32 * 1024;
constexpr auto kFlushDelay = std::chrono::milliseconds(50);

void AppendText(std::string& out, std::string_view key, std::string_view text) {
  AppendJsonKey(out, key);
  AppendJsonString(out, text);
}

void AppendNumber(std::string& out, std::string_view key, uint64_t number) {
  AppendJsonKey(out, key);
  AppendInteger(out, number);
}

// A status; null where there is none.
void AppendStatus(std::string& out, std::string_view key, uint16_t status) {
  if (status != 0) return AppendNumber(out, key, status);
  AppendJsonKey(out, key);
  out += "null";
}

// Seconds with microseconds: 0.000123.
void AppendSeconds(std::string& out, Duration duration) {
  const auto us = static_cast<uint64_t>(std::max<int64_t>(
      0,
      std::chrono::duration_cast<std::chrono::microseconds>(duration).count()));
  AppendInteger(out, us / 1'000'000);
  char digits[7] = {'.'};
  uint64_t rest = us % 1'000'000;
  for (size_t i = 6; i > 0; --i, rest /= 10) {
    digits[i] = static_cast<char>('0' + rest % 10);
  }
  out.append(digits, sizeof(digits));
}

void AppendSpan(std::string& out, std::string_view key, Time from, Time to) {
  if (from == kNoTime || to == kNoTime) return;
  AppendJsonKey(out, key);
  AppendSeconds(out, to - from);
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

void AppendEnded(std::string& out, Ended ended) {
  const char letters[2] = {ended.who, ended.phase};
  AppendText(out, "ended", {letters, 2});
}

void AppendRequest(std::string& out, const Exchange& exchange,
                   const LogsConfig& logs) {
  const RequestHead* request = exchange.request();
  if (request == nullptr) return;
  const char* data = exchange.request_data();
  AppendText(out, "http_request_method", request->line.method_token.In(data));
  AppendText(out, "server_address", request->host.In(data));
  AppendText(out, "url_path", request->line.path.In(data));
  if (logs.query && request->line.has_query) {
    AppendText(out, "url_query", request->line.query.In(data));
  }
  AppendText(out, "network_protocol_version",
             request->line.minor_version == 0 ? "1.0" : "1.1");
  if (const Field* agent = request->fields.First(FieldId::kUserAgent)) {
    AppendText(out, "user_agent_original", ValueOf(data, *agent));
  }
  if (const Field* trace = request->fields.First(FieldId::kTraceparent)) {
    const std::string_view id = TraceId(ValueOf(data, *trace));
    if (!id.empty()) AppendText(out, "trace_id", id);
  }
}

// Where an attempt went. A literal address is text already.
void AppendAddress(std::string& out, std::string_view key,
                   const AttemptRecord& attempt) {
  if (!attempt.address) return AppendText(out, key, attempt.endpoint->text());
  AppendText(out, key, attempt.address->ToString());
}

void AppendAttempts(std::string& out, const Exchange& exchange, Time now) {
  const auto attempts = exchange.recorder().attempts();
  if (attempts.empty()) return;
  const AttemptRecord& last = attempts.back();
  AppendAddress(out, "upstream_address", last);
  AppendStatus(out, "upstream_status", last.status);
  AppendJsonKey(out, "attempts");
  out += '[';
  for (const AttemptRecord& attempt : attempts) {
    out += &attempt == attempts.data() ? "{" : ",{";
    AppendAddress(out, "address", attempt);
    const Time ended = attempt.ended == kNoTime ? now : attempt.ended;
    AppendJsonKey(out, "ms");
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(
        ended - attempt.begun);
    AppendInteger(out, static_cast<uint64_t>(us.count()) / 1000);
    if (attempt.reused) out += ",\"reused\":true";
    if (attempt.fault) {
      AppendText(out, "fault", diagnostics::GetFault(*attempt.fault).id);
    }
    out += '}';
  }
  out += ']';
  AppendSpan(out, "dns_seconds", last.begun, last.resolved);
  AppendSpan(out, "connect_seconds",
             last.reused ? kNoTime : last.connect_begun(), last.connected);
  AppendSpan(out, "first_byte_seconds", last.begun, last.first_byte);
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
  chunk_ += "{\"event_name\":\"exchange\"";
  AppendText(chunk_, "timestamp", wall_text_.Rfc3339(WallMicroseconds()));
  AppendText(chunk_, "severity_text", severity);
  AppendText(chunk_, "node", config.node.name);
  AppendText(chunk_, "position",
             diagnostics::HopName(diagnostics::SelfHop(config.node.position)));
}

void AccessLog::WriteJson(const Exchange& exchange) {
  const Time now = loop_.now();
  const Config& config = exchange.config();
  std::string& out = chunk_;
  BeginJson(config, SeverityOf(exchange));
  AppendText(out, "request_id", exchange.request_id());
  AppendText(out, "client_address", exchange.client_host());
  AppendRequest(out, exchange, config.logs);
  if (const RouteConfig* route = exchange.recorder().route()) {
    AppendText(out, "http_route", route->label);
    if (route->respond == 0) {
      AppendText(out, "upstream", config.upstreams[route->upstream].name);
    }
  }
  AppendStatus(out, "http_response_status_code", exchange.status());
  AppendNumber(out, "bytes_in", exchange.bytes_in());
  AppendNumber(out, "bytes_out", exchange.bytes_out());
  AppendAttempts(out, exchange, now);
  AppendSpan(out, "duration_seconds", exchange.recorder().begun(), now);
  AppendEnded(out, exchange.ended());
  if (!exchange.claims().empty()) {
    AppendText(out, "upstream_claims", exchange.claims());
  }
  if (IsError(exchange)) {
    AppendVerdict(*exchange.recorder().verdict(), exchange.error_id());
  }
  if (!exchange.upstream_body().empty()) {
    AppendText(out, "upstream_body", exchange.upstream_body());
  }
  out += "}\n";
}

void AccessLog::WriteJson(const Refusal& refusal, const Config& config) {
  std::string& out = chunk_;
  BeginJson(config, "ERROR");
  AppendText(out, "client_address", refusal.peer.Text());
  AppendStatus(out, "http_response_status_code", refusal.status);
  AppendNumber(out, "bytes_in", refusal.bytes_in);
  AppendNumber(out, "bytes_out", refusal.bytes_out);
  AppendJsonKey(out, "duration_seconds");
  AppendSeconds(out, refusal.age);
  AppendEnded(out, refusal.ended);
  AppendVerdict(refusal.verdict, refusal.error_id.text());
  out += "}\n";
}

void AccessLog::AppendVerdict(const diagnostics::Verdict& verdict,
                              std::string_view error_id) {
  diagnostics::AppendVerdictMembers(verdict, error_id,
                                    diagnostics::Audience::kOperator, chunk_);
  const std::string_view type = diagnostics::ErrorTypeName(verdict.type);
  if (!type.empty()) AppendText(chunk_, "error_type", type);
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
  AppendSeconds(out, loop_.now() - exchange.recorder().begun());
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
