// What other hops say of blame, fed with anything: the input's lines are the
// fields of an answer. What is heard lies in what was said and within its
// bounds; a verdict keeps its promises, and what is not believed moves none.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "diagnostics/claim.h"
#include "diagnostics/diagnose.h"
#include "diagnostics/testimony.h"
#include "tests/fuzz/require.h"

namespace whichhop::diagnostics {
namespace {

std::string_view TakeLine(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  return line;
}

// The first octets choose the place, the status and the time.
Observation Observe(std::string_view input) {
  std::array<uint8_t, 4> choice{};
  for (uint8_t& octet : choice) {
    if (input.empty()) break;
    octet = static_cast<uint8_t>(input[0]);
    input.remove_prefix(1);
  }
  Observation o;
  o.position = choice[0] % 2 == 0 ? Position::kLb : Position::kCdn;
  o.is = static_cast<Answers>(choice[0] / 2 % 4);
  o.believe = true;
  o.status = static_cast<uint16_t>(400 + choice[1] % 200);
  if (choice[2] % 4 == 0) o.status = choice[2] % 8 == 0 ? 502 : 504;
  TestimonyFacts& said = o.testimony.emplace();
  if (choice[3] % 2 == 0) said.elapsed = std::chrono::milliseconds(choice[3]);
  for (std::string_view* field :
       {&said.proxy_status, &said.error_cause, &said.error_reporter,
        &said.error_cleared, &said.error_fault, &said.error_id, &said.via,
        &said.server_timing}) {
    *field = TakeLine(input);
  }
  said.vendor = input;
  return o;
}

bool Within(std::string_view part, std::string_view input) {
  return part.empty() ||
         (part.data() >= input.data() &&
          part.data() + part.size() <= input.data() + input.size());
}

void CheckHeard(const Testimony& heard, std::string_view input) {
  Require(heard.member_count <= Testimony::kMaxMembers, "bounded", input);
  for (const ProxyMember& member : heard.Members()) {
    Require(!member.name.empty(), "a member has a name", input);
    for (std::string_view part :
         {member.name, member.error_text, member.next_hop, member.next_protocol,
          member.details, member.parameters[0].value,
          member.parameters[1].value}) {
      Require(Within(part, input), "it is what was said", input);
    }
  }
  for (std::string_view part :
       {heard.no_hop, heard.fault, heard.basis, heard.id, heard.via,
        heard.timing, heard.vendor}) {
    Require(Within(part, input), "it is what was said", input);
  }
}

bool Same(const Verdict& one, const Verdict& other) {
  return one.cause == other.cause && one.cleared == other.cleared &&
         one.reporter == other.reporter && one.rows == other.rows &&
         one.basis == other.basis && one.status == other.status;
}

void CheckVerdict(Observation o, std::string_view input) {
  const Verdict believed = Diagnose(o);
  o.believe = false;
  const Verdict ignored = Diagnose(o);
  o.testimony.reset();
  const Verdict plain = Diagnose(o);
  Require((believed.cause.set() & believed.cleared).empty(),
          "no suspect is cleared", input);
  Require((believed.cleared - plain.cleared).empty(), "a claim clears nobody",
          input);
  Require((believed.rows - plain.rows).empty(), "rows are of the status",
          input);
  Require(believed.rows.empty() == plain.rows.empty(), "a row stays", input);
  Require(Same(ignored, plain), "what is not believed moves nothing", input);
  const bool counts = believed.hearing == Hearing::kBelieved;
  Require(counts || Same(believed, plain), "what does not count neither",
          input);
}

}  // namespace
}  // namespace whichhop::diagnostics

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace whichhop::diagnostics;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const Observation o = Observe(input);
  CheckHeard(ReadTestimony(*o.testimony), input);
  CheckVerdict(o, input);
  return 0;
}
