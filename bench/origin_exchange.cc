#include "bench/origin_exchange.h"

#include <algorithm>
#include <charconv>

namespace origin {
namespace {

struct Phrase {
  int status;
  std::string_view text;
};

constexpr Phrase kPhrases[] = {
    {100, "Continue"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {408, "Request Timeout"},
    {413, "Content Too Large"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
};

// A phrase of our own where the table has none: it isn't what is tested.
std::string_view PhraseOf(int status) {
  for (const Phrase& phrase : kPhrases) {
    if (phrase.status == status) return phrase.text;
  }
  return "Status";
}

bool MayHaveBody(int status) {
  return status >= 200 && status != 204 && status != 304;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool SaysClose(const std::vector<Field>& fields) {
  for (const Field& field : fields) {
    if (SameName(field.name, "connection") && SameName(field.value, "close")) {
      return true;
    }
  }
  return false;
}

// A leading number; `unit` is what follows it.
std::optional<uint64_t> LeadingNumber(std::string_view text,
                                      std::string_view* unit) {
  uint64_t number = 0;
  const char* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc()) return std::nullopt;
  *unit = text.substr(static_cast<size_t>(stop - text.data()));
  return number;
}

}  // namespace

Counts& counts() {
  static Counts all;
  return all;
}

std::optional<std::string_view> Exchange::Param(std::string_view name) const {
  for (const Field& parameter : query) {
    if (parameter.name == name) return parameter.value;
  }
  return std::nullopt;
}

std::string_view Exchange::Segment(size_t index,
                                   std::string_view otherwise) const {
  std::string_view left = rest;
  while (!left.empty()) {
    left.remove_prefix(1);  // its slash
    size_t end = std::min(left.find('/'), left.size());
    if (index == 0) return end > 0 ? left.substr(0, end) : otherwise;
    --index;
    left.remove_prefix(end);
  }
  return otherwise;
}

std::string HeadOf(const Exchange& exchange, int status,
                   const std::vector<Field>& fields) {
  std::string head = "HTTP/1.1 " + std::to_string(status) + " ";
  head.append(PhraseOf(status)).append("\r\n");
  if (status >= 200 && status < 300) {
    const std::string* id = exchange.request.Find("x-test-id");
    auto parameter = exchange.Param("id");
    if (id) {
      head += "X-Test-Id: " + *id + "\r\n";
    } else if (parameter &&
               parameter->find_first_of("\r\n") == parameter->npos) {
      head.append("X-Test-Id: ").append(*parameter).append("\r\n");
    }
  }
  for (const Field& field : fields) {
    head += field.name + ": " + field.value + "\r\n";
  }
  if (status >= 200 && !exchange.request.keep_alive && !SaysClose(fields)) {
    head += "Connection: close\r\n";
  }
  return head + "\r\n";
}

After Respond(const Exchange& exchange, const Response& response) {
  std::vector<Field> fields = response.fields;
  bool body = MayHaveBody(response.status);
  if (body) {
    if (!response.type.empty() && !response.body.empty()) {
      fields.push_back({"Content-Type", response.type});
    }
    fields.push_back({"Content-Length", std::to_string(response.body.size())});
  }
  std::string bytes = HeadOf(exchange, response.status, fields);
  if (body && exchange.request.method != "HEAD") bytes += response.body;
  if (!exchange.wire.Write(bytes)) return After::kClose;
  return SaysClose(fields) ? After::kLinger : AfterAnswer(exchange);
}

After AfterAnswer(const Exchange& exchange) {
  return exchange.request.keep_alive ? After::kKeep : After::kLinger;
}

After Refuse(Wire& wire, std::string_view why) {
  std::string body = "origin: " + std::string(why) + "\n";
  wire.Write(
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n"
      "Connection: close\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body);
  return After::kLinger;
}

std::optional<uint64_t> ParseSize(std::string_view text) {
  std::string_view unit;
  auto number = LeadingNumber(text, &unit);
  if (!number || unit.empty() || unit == "B") return number;
  int shift = unit[0] == 'K' ? 10 : unit[0] == 'M' ? 20 : 30;
  if (unit[0] != 'K' && unit[0] != 'M' && unit[0] != 'G') return std::nullopt;
  if (*number > (UINT64_MAX >> shift)) return std::nullopt;
  return *number << shift;
}

std::optional<std::chrono::milliseconds> ParseTime(std::string_view text) {
  std::string_view unit;
  auto number = LeadingNumber(text, &unit);
  if (!number || *number > 86'400'000) return std::nullopt;
  if (unit == "ms") return std::chrono::milliseconds(*number);
  if (unit == "s" || unit.empty()) return std::chrono::seconds(*number);
  return std::nullopt;
}

std::string PercentDecode(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    int high =
        text[i] == '%' && i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    int low = high >= 0 ? HexDigit(text[i + 2]) : -1;
    if (low < 0) {
      plain += text[i];
      continue;
    }
    plain += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return plain;
}

}  // namespace origin
