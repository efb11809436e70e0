#include "proxy/http/parse_rule.h"

#include <array>

namespace whichhop {
namespace {

struct Row {
  RuleClass in_request;
  RuleClass in_response;
  std::string_view name;
  std::string_view section;
  std::string_view sentence;
};

constexpr auto kRows = std::to_array<Row>({
#define X(rule, in_request, in_response, section, sentence) \
  {RuleClass::in_request, RuleClass::in_response, #rule, section, sentence},
#include "proxy/http/parse_rule.inc"
#undef X
});

const Row& RowOf(ParseRule rule) { return kRows[static_cast<size_t>(rule)]; }

}  // namespace

RuleClass ClassInRequest(ParseRule rule) { return RowOf(rule).in_request; }
RuleClass ClassInResponse(ParseRule rule) { return RowOf(rule).in_response; }
std::string_view RuleName(ParseRule rule) { return RowOf(rule).name; }
std::string_view RuleSentence(ParseRule rule) { return RowOf(rule).sentence; }
std::string_view RuleSection(ParseRule rule) { return RowOf(rule).section; }

}  // namespace whichhop
