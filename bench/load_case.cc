#include "bench/load_case.h"

#include <cstdio>

namespace load {

namespace {

constexpr uint64_t kFnvBasis = 0xcbf29ce484222325;
constexpr uint64_t kFnvPrime = 0x100000001b3;

std::string Format(const char* format, uint64_t number) {
  char text[32];
  const int size = std::snprintf(text, sizeof(text), format,
                                 static_cast<unsigned long long>(number));
  return {text, static_cast<size_t>(size)};
}

// Our content: lines that bear the request's number and their own place.
std::string BodyOf(uint64_t number, size_t bytes) {
  std::string body;
  body.reserve(bytes + 32);
  while (body.size() < bytes) {
    const uint64_t place = body.size();
    body += Format("%llu:", number);
    body += Format("%llx\n", place);
  }
  body.resize(bytes);
  return body;
}

// The origin's content: its offset in hexadecimal, 16 bytes a line.
std::string BytesOf(size_t bytes) {
  std::string content;
  content.reserve(bytes + 16);
  for (uint64_t at = 0; at < bytes; at += 16)
    content += Format("%015llx\n", at);
  content.resize(bytes);
  return content;
}

std::string SinkText(std::string_view body) {
  uint64_t hash = kFnvBasis;
  for (const char c : body) {
    hash = (hash ^ static_cast<unsigned char>(c)) * kFnvPrime;
  }
  return Format("bytes=%llu", body.size()) + Format(" fnv1a64=%llx\n", hash);
}

void AppendChunked(std::string_view body, std::string* out) {
  constexpr size_t kChunk = 1000;
  for (size_t at = 0; at < body.size(); at += kChunk) {
    const std::string_view piece = body.substr(at, kChunk);
    *out += Format("%llx\r\n", piece.size());
    out->append(piece).append("\r\n");
  }
  *out += "0\r\n\r\n";
}

bool IsError(const Case& request) { return !request.verdict.fault.empty(); }

bool HasBody(const Case& request) {
  return request.content == Content::kSink || request.content == Content::kEcho;
}

// Before anything of the body was taken, or amid it.
bool DiedWithItsConnection(std::string_view fault) {
  return fault == "stale-keepalive-race" || fault == "write-early-close";
}

// "resp-rst; row="502A"; basis=observed" -> the token, and the row.
std::string_view FaultOf(std::string_view field) {
  return field.substr(0, field.find(';'));
}

std::string_view RowOf(std::string_view field) {
  constexpr std::string_view kRow = "; row=\"";
  const size_t found = field.find(kRow);
  if (found == std::string_view::npos) return {};
  field.remove_prefix(found + kRow.size());
  return field.substr(0, field.find('"'));
}

Judgement Mislabelled(std::string why) {
  return {Outcome::kMislabelled, std::move(why)};
}

std::string Differs(std::string_view what, std::string_view seen,
                    std::string_view expected) {
  std::string why(what);
  why.append(" is `").append(seen).append("`, not `").append(expected);
  return why + '`';
}

// Whoever answers others while this one is broken has a host that is well: at
// full load somebody is answered meanwhile as a rule.
Verdict NarrowedBySiblings(Verdict expected, std::string_view cleared) {
  constexpr std::string_view kHost = ", server";
  if (!cleared.ends_with(kHost)) return expected;
  if (cleared.substr(0, cleared.size() - kHost.size()) != expected.cleared) {
    return expected;
  }
  expected.cleared = cleared;
  if (expected.cause.ends_with(kHost))
    expected.cause.remove_suffix(kHost.size());
  if (expected.cause.starts_with("server, ")) {
    expected.cause.remove_prefix(std::string_view("server, ").size());
  }
  return expected;
}

Judgement JudgeVerdict(const Verdict& documented, const Answer& answer) {
  const std::string fault = answer.Value("Error-Fault");
  const std::string cause = answer.Value("Error-Cause");
  const std::string reporter = answer.Value("Error-Reporter");
  const std::string cleared = answer.Value("Error-Cleared");
  const Verdict expected = NarrowedBySiblings(documented, cleared);
  struct Compared {
    std::string_view what, seen, expected;
  };
  for (const auto& [what, seen, due] :
       {Compared{"fault", FaultOf(fault), expected.fault},
        Compared{"row", RowOf(fault), expected.row},
        Compared{"Error-Cause", cause, expected.cause},
        Compared{"Error-Reporter", reporter, expected.reporter},
        Compared{"Error-Cleared", cleared, expected.cleared}}) {
    if (seen != due) return Mislabelled(Differs(what, seen, due));
  }
  if (answer.Value("Error-Id").size() != 28) {
    return Mislabelled(Differs("Error-Id", answer.Value("Error-Id"), "a ULID"));
  }
  if (!answer.Has("Proxy-Status")) return Mislabelled("no Proxy-Status");
  return {};
}

Judgement JudgeLabels(const Case& request, const Answer& answer) {
  if (answer.status != request.status) {
    return Mislabelled(Differs("the status", std::to_string(answer.status),
                               std::to_string(request.status)) +
                       ", " + answer.Value("Error-Fault"));
  }
  if (IsError(request)) return JudgeVerdict(request.verdict, answer);
  for (const std::string_view name :
       {"Error-Fault", "Error-Cause", "Error-Reporter", "Error-Cleared",
        "Error-Id", "Proxy-Status"}) {
    if (answer.Has(name))
      return Mislabelled(std::string(name) + " on no error");
  }
  return {};
}

std::string ExpectedBody(const Case& request, uint64_t number) {
  switch (request.content) {
    case Content::kBytes:
      return BytesOf(request.bytes);
    case Content::kSink:
      return SinkText(BodyOf(number, request.bytes));
    case Content::kEcho:  // behind the head as the origin saw it
      return "\r\n\r\n" + BodyOf(number, request.bytes);
    case Content::kText:
      return std::string(request.text);
    case Content::kPage:
      break;
  }
  return {};
}

bool BodyFits(const Case& request, uint64_t number, const Answer& answer) {
  if (request.content == Content::kPage || request.method == "HEAD") {
    return true;
  }
  const std::string expected = ExpectedBody(request, number);
  if (request.content != Content::kEcho) return answer.body == expected;
  return answer.body.ends_with(expected) &&
         answer.body.find("X-Test-Id: " + TestId(number) + "\r\n") !=
             std::string::npos;
}

}  // namespace

std::string TestId(uint64_t number) { return Format("load-%llu", number); }

std::string Compose(const Case& request, uint64_t number, std::string_view host,
                    bool close) {
  std::string bytes(request.method);
  bytes.append(" ").append(request.target).append(" HTTP/1.1\r\nHost: ");
  bytes.append(host).append("\r\nX-Test-Id: ").append(TestId(number));
  bytes.append("\r\nX-Request-Id: ").append(TestId(number)).append("\r\n");
  if (close) bytes += "Connection: close\r\n";
  const bool has_body =
      request.content == Content::kSink || request.content == Content::kEcho;
  if (!has_body) return bytes + "\r\n";
  const std::string body = BodyOf(number, request.bytes);
  if (request.chunked) {
    bytes += "Transfer-Encoding: chunked\r\n\r\n";
    AppendChunked(body, &bytes);
    return bytes;
  }
  bytes += Format("Content-Length: %llu\r\n\r\n", body.size());
  return bytes + body;
}

Judgement Judge(const Case& request, uint64_t number, const Answer& answer) {
  if (answer.status == 0) return {Outcome::kLost, answer.why};
  if (answer.status == 502 && HasBody(request) &&
      DiedWithItsConnection(FaultOf(answer.Value("Error-Fault")))) {
    return {Outcome::kStale};
  }
  Judgement labels = JudgeLabels(request, answer);
  if (labels.outcome != Outcome::kRight) return labels;
  const bool must_be_cut = request.ending == Ending::kCut;
  if (answer.complete && must_be_cut) {
    return Mislabelled("what was cut looks complete");
  }
  if (!answer.complete && !(must_be_cut && answer.cut)) {
    return {Outcome::kLost, "cut: " + answer.why};
  }
  const bool successful = answer.status >= 200 && answer.status < 300;
  const std::string id = answer.Value("X-Test-Id");
  const std::string due =
      successful && request.echoes_id ? TestId(number) : std::string();
  if (id != due) return {Outcome::kCrossed, Differs("X-Test-Id", id, due)};
  if (!BodyFits(request, number, answer)) {
    return {Outcome::kCrossed, "the body is not that request's"};
  }
  return {};
}

}  // namespace load
