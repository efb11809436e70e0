// Everything that we read, llhttp reads the same way, or the table of
// disagreements says why not. The corpora of the fuzzers, and mutations of
// them that are the same in every run.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/proxy/http/disagreement.h"
#include "tests/proxy/http/mutate.h"

namespace whichhop {
namespace {

constexpr size_t kMutations = 250'000;

using Inputs = std::vector<std::string>;

// In one order on every machine. The first octet chooses a fuzzer's limits.
void AddCorpus(const char* name, const std::string& before, Inputs* inputs) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(WHICHHOP_CORPUS) / name)) {
    std::ifstream file(entry.path(), std::ios::binary);
    files[entry.path().filename()].assign(std::istreambuf_iterator<char>(file),
                                          std::istreambuf_iterator<char>());
  }
  for (const auto& [_, octets] : files) {
    if (octets.size() > 1) inputs->push_back(before + octets.substr(1));
  }
}

std::string Many(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

std::string Get(const std::string& target, const std::string& fields) {
  return "GET " + target + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
}

Inputs Seeds(Side side) {
  Inputs inputs;
  if (side == Side::kRequest) {
    AddCorpus("request", "", &inputs);
    AddCorpus(
        "chunked",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
        &inputs);
    inputs.push_back("GET /a HTTP/1.1\r\nHost: a.example\r\nX: y\r\n\r\n");
    inputs.push_back(
        "POST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    inputs.push_back("GET /a HTTP/2.0\r\nHost: a\r\n\r\n");
    inputs.push_back(Get("/", "Content-Length: 5\t\r\n") + "hello");
    inputs.push_back(Get("/", "Transfer-Encoding: chunked\t\r\n") +
                     "0\r\n\r\n");
    return inputs;
  }
  AddCorpus("response", "", &inputs);
  AddCorpus("chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            &inputs);
  inputs.push_back("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhello");
  inputs.push_back("HTTP/1.0 200 OK\r\nServer: x\r\n\r\nhello");
  inputs.push_back("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n");
  return inputs;
}

// Disagreements of one kind, and the first of them.
struct Unlisted {
  size_t count = 0;
  std::string example;
};

std::string Words(const Message& message) {
  const std::string text = Describe(message);
  const size_t word = text.find(' ');
  if (message.outcome != Message::Outcome::kRefused)
    return text.substr(0, word);
  return text.substr(0, text.find(' ', word + 1));
}

// Over bounds that llhttp has not.
Inputs Large() {
  Inputs inputs;
  inputs.push_back(Get("/" + std::string(9000, 'x'), ""));
  inputs.push_back(Get("/", "X: " + std::string(40'000, 'y') + "\r\n"));
  inputs.push_back(Get("/", Many("X: y\r\n", 130)));
  inputs.push_back(Get("/", "Connection: " + Many("a,", 70) + "\r\n"));
  inputs.push_back(Get("/", "Transfer-Encoding: chunked\r\n") + "1;" +
                   std::string(300, 'x') + "\r\ny\r\n0\r\n\r\n");
  return inputs;
}

class Tally {
 public:
  void Compare(Side side, const std::string& input, Method method) {
    ++compared_;
    const Readings readings = ReadTwice(side, input, method);
    if (readings.ours.outcome == Message::Outcome::kWhole) ++whole_;
    if (Agree(readings)) return;
    if (const Disagreement* row = FindDisagreement(readings)) {
      ++listed_[row];
      return;
    }
    Unlisted& group =
        unlisted_[Words(readings.ours) + ", llhttp " + Words(readings.theirs)];
    if (group.count++ > 0) return;
    group.example = Catch::StringMaker<std::string>::convert(input) +
                    "\nours:   " + Describe(readings.ours) +
                    "\nllhttp: " + Describe(readings.theirs);
  }

  void Report(const char* what) const {
    std::printf("%s: %zu compared, %zu of them whole messages\n", what,
                compared_, whole_);
    for (const auto& [row, count] : listed_) {
      std::printf("%9zu %.*s: %.*s\n", count,
                  static_cast<int>(row->name.size()), row->name.data(),
                  static_cast<int>(row->reason.size()), row->reason.data());
    }
    for (const auto& [group, unlisted] : unlisted_) {
      FAIL_CHECK(unlisted.count << " times, unlisted: ours " << group << '\n'
                                << unlisted.example);
    }
  }

  size_t whole() const { return whole_; }
  bool Met(const Disagreement& row) const { return listed_.contains(&row); }

 private:
  size_t compared_ = 0;
  size_t whole_ = 0;
  std::map<std::string, Unlisted> unlisted_;
  std::map<const Disagreement*, size_t> listed_;
};

void CompareAll(Side side, const char* what, Tally* tally) {
  const Inputs seeds = Seeds(side);
  for (const std::string& seed : seeds) {
    tally->Compare(side, seed, Method::kGet);
    tally->Compare(side, seed, Method::kHead);
  }
  if (side == Side::kRequest) {
    for (const std::string& large : Large()) {
      tally->Compare(side, large, Method::kGet);
    }
  }
  Mutator mutator(20261122);
  for (size_t i = 0; i < kMutations; ++i) {
    const std::string& seed = seeds[mutator.Below(seeds.size())];
    const Method method = mutator.Below(8) == 0 ? Method::kHead : Method::kGet;
    tally->Compare(side, mutator.Mutate(seed), method);
  }
  tally->Report(what);
}

TEST_CASE("llhttp reads what we read, and the same in it") {
  Tally requests;
  CompareAll(Side::kRequest, "requests", &requests);
  Tally responses;
  CompareAll(Side::kResponse, "responses", &responses);
  // Else nothing was compared.
  CHECK(requests.whole() > kMutations / 20);
  CHECK(responses.whole() > kMutations / 20);
  for (const Disagreement& row : Disagreements()) {
    INFO("nothing falls under: " << row.name);
    CHECK((requests.Met(row) || responses.Met(row)));
  }
}

}  // namespace
}  // namespace whichhop
