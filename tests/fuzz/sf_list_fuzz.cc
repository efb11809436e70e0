// Structured field lists (RFC 9651), fed with anything. What is read can be
// written down and is read the same; and no Proxy-Status that an origin sends
// comes out as more than one field line, or in our name.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "diagnostics/proxy_status.h"
#include "diagnostics/sf_list.h"
#include "tests/fuzz/require.h"

namespace whichhop::diagnostics {
namespace {

constexpr std::string_view kNode = "whichhop";

bool IsPrintable(std::string_view text) {
  for (const char c : text) {
    if (c < ' ' || c > '~') return false;
  }
  return true;
}

// The list as it was understood, one space where some were allowed.
std::string Rewritten(std::string_view value) {
  std::string out;
  SfListReader reader(value);
  while (reader.NextMember()) {
    if (!out.empty()) out += ", ";
    out += reader.item();
    while (reader.NextParameter()) {
      (out += ';') += reader.key();
      if (!reader.value().empty()) (out += '=') += reader.value();
    }
  }
  return out;
}

// A reader that skips the parameters sees the same members.
size_t Members(std::string_view value) {
  SfListReader reader(value);
  size_t members = 0;
  while (reader.NextMember()) ++members;
  return members;
}

size_t MembersWithParameters(std::string_view value) {
  SfListReader reader(value);
  size_t members = 0;
  while (reader.NextMember()) {
    ++members;
    while (reader.NextParameter()) {
    }
  }
  return members;
}

void CheckReader(std::string_view value) {
  Require(Members(value) == MembersWithParameters(value),
          "parameters may be skipped", value);
  if (!IsSfList(value)) return;
  const std::string once = Rewritten(value);
  Require(IsPrintable(once), "items are printable", value);
  Require(IsSfList(once) && Rewritten(once) == once,
          "what was understood is understood again", value);
}

bool SpeaksInOurName(std::string_view value) {
  SfListReader reader(value);
  while (reader.NextMember()) {
    if (SfItemSays(reader.item(), kNode)) return true;
  }
  return false;
}

bool TellsOperatorsThings(std::string_view value) {
  SfListReader reader(value);
  while (reader.NextMember()) {
    while (reader.NextParameter()) {
      if (reader.key() == "details" || reader.key() == "next-hop") return true;
    }
  }
  return false;
}

void CheckRelayed(std::string_view value) {
  constexpr std::string_view kName = "Proxy-Status: ";
  const std::vector<std::string_view> received = {value, value};
  std::string line;
  AppendOthersProxyStatus({kNode, {}, received, Audience::kPublic}, line);
  if (line.empty()) return;
  Require(line.starts_with(kName) && line.ends_with("\r\n"), "it is a line",
          value);
  const std::string_view sent =
      std::string_view(line).substr(kName.size(), line.size() - 16);
  Require(IsPrintable(sent), "it is one line", value);
  Require(IsSfList(sent), "it is a list", value);
  Require(!SpeaksInOurName(sent), "nobody speaks in our name", value);
  Require(!TellsOperatorsThings(sent), "the public sees no address", value);
}

}  // namespace
}  // namespace whichhop::diagnostics

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view value(reinterpret_cast<const char*>(data), size);
  whichhop::diagnostics::CheckReader(value);
  whichhop::diagnostics::CheckRelayed(value);
  return 0;
}
