// Reads messages from standard input, each as "request SIZE\n" or "response
// METHOD SIZE\n" and its octets, and writes one JSON line each: what we and
// what llhttp made of it. How tests in other languages ask both.

#include <cstdint>
#include <iostream>
#include <string>

#include "diagnostics/text.h"
#include "proxy/http/method.h"
#include "tests/proxy/http/disagreement.h"

namespace whichhop {
namespace {

using diagnostics::AppendJsonKey;
using diagnostics::AppendJsonString;

void AppendText(std::string_view key, std::string_view value,
                std::string* out) {
  AppendJsonKey(*out, key);
  AppendJsonString(*out, value);
}

std::string_view Name(Message::Outcome outcome) {
  switch (outcome) {
    case Message::Outcome::kWhole:
      return "whole";
    case Message::Outcome::kMore:
      return "more";
    case Message::Outcome::kRefused:
      return "refused";
  }
  return "";
}

void AppendMessage(std::string_view key, const Message& m, std::string* out) {
  AppendJsonKey(*out, key);
  *out += '{';
  AppendText("outcome", Name(m.outcome), out);
  AppendText("refusal", m.refusal, out);
  AppendText("method", m.method, out);
  AppendText("body", m.body, out);
  AppendText("all", Describe(m), out);
  AppendJsonKey(*out, "keep_alive");
  *out += m.keep_alive ? "true" : "false";
  AppendJsonKey(*out, "status");
  diagnostics::AppendInteger(*out, m.status);
  AppendJsonKey(*out, "bytes");
  diagnostics::AppendInteger(*out, m.bytes);
  *out += '}';
}

std::string Line(const Readings& readings) {
  std::string out = "{";
  AppendMessage("ours", readings.ours, &out);
  AppendMessage("theirs", readings.theirs, &out);
  std::string_view name = "agree";
  if (!Agree(readings)) {
    const Disagreement* row = FindDisagreement(readings);
    name = row == nullptr ? "UNLISTED" : row->name;
  }
  AppendText("comparison", name, &out);
  return out + '}';
}

int Run() {
  std::string side;
  while (std::cin >> side) {
    const bool request = side == "request";
    std::string method = "GET";
    size_t size = 0;
    if (!request) std::cin >> method;
    std::cin >> size;
    std::cin.get();
    std::string input(size, '\0');
    if (!std::cin.read(input.data(), static_cast<std::streamsize>(size))) {
      return 1;
    }
    std::cout << Line(ReadTwice(request ? Side::kRequest : Side::kResponse,
                                input, LookUpMethod(method)))
              << std::endl;  // whoever asks waits for the line
  }
  return 0;
}

}  // namespace
}  // namespace whichhop

int main() { return whichhop::Run(); }
