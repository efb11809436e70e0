#include "diagnostics/fault.h"

#include <map>

#include "tests/catch.h"

namespace whichhop::diagnostics {
namespace {

bool IsKebab(std::string_view id) {
  for (char c : id) {
    if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-') return false;
  }
  return !id.empty() && id.front() != '-' && id.back() != '-';
}

TEST_CASE("ids are kebab-case and lead back to their fault") {
  for (size_t i = 0; i < kFaultCount; ++i) {
    const FaultInfo& info = GetFault(static_cast<Fault>(i));
    INFO(info.id);
    CHECK(IsKebab(info.id));
    REQUIRE(ParseFault(info.id).has_value());
    CHECK(GetFault(*ParseFault(info.id)).id == info.id);
  }
  CHECK(ParseFault("relay-404") == Fault::kRelay);
  CHECK_FALSE(ParseFault("no-such-fault").has_value());
}

TEST_CASE("only faults that differ in status or type share an id") {
  std::map<std::string_view, const FaultInfo*> seen;
  for (size_t i = 0; i < kFaultCount; ++i) {
    const FaultInfo& info = GetFault(static_cast<Fault>(i));
    const auto [other, fresh] = seen.emplace(info.id, &info);
    if (fresh) continue;
    INFO(info.id);
    CHECK((other->second->edge_status != info.edge_status ||
           other->second->type != info.type));
  }
}

TEST_CASE("a row belongs to the status beside it") {
  for (size_t i = 0; i < kFaultCount; ++i) {
    const FaultInfo& info = GetFault(static_cast<Fault>(i));
    INFO(info.id);
    if (info.gateway_row != RowId::kNone) {
      CHECK(GetRow(info.gateway_row).status == info.gateway_status);
    }
    if (info.edge_row != RowId::kNone) {
      CHECK(GetRow(info.edge_row).status == info.edge_status);
    }
    CHECK((info.gateway_status == 0) == (info.edge_status == 0));
  }
}

TEST_CASE("every fault has a sentence, and a status has a type or no error") {
  for (size_t i = 0; i < kFaultCount; ++i) {
    const FaultInfo& info = GetFault(static_cast<Fault>(i));
    INFO(info.id);
    REQUIRE(!info.sentence.empty());
    CHECK(info.sentence.back() == '.');
  }
  CHECK(ErrorTypeName(ErrorType::kNone).empty());
  CHECK(ErrorTypeName(ErrorType::kHttpProtocolError) == "http_protocol_error");
  CHECK(ErrorTypeName(ErrorType::kProxyLoopDetected) == "proxy_loop_detected");
}

}  // namespace
}  // namespace whichhop::diagnostics
