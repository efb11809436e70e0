#include "proxy/server/instance.h"

#include <array>
#include <random>

#include "proxy/base/text.h"

namespace whichhop {

namespace {

std::array<char, 8> DrawId() {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::random_device device;
  uint32_t bits = device();
  std::array<char, 8> digits;
  for (char& digit : digits) {
    digit = kHex[bits & 15];
    bits >>= 4;
  }
  return digits;
}

// cdn-id *( OWS ";" OWS "id=" instance )
bool IsInCdnLoop(std::string_view member, std::string_view node,
                 std::string_view instance) {
  size_t end = member.find(';');
  if (end == std::string_view::npos) return false;
  if (!EqualsIgnoreCase(TrimOws(member.substr(0, end)), node)) return false;
  while (end != std::string_view::npos) {
    member.remove_prefix(end + 1);
    end = member.find(';');
    const std::string_view parameter = TrimOws(member.substr(0, end));
    if (parameter.starts_with("id=") && parameter.substr(3) == instance) {
      return true;
    }
  }
  return false;
}

// received-protocol RWS received-by RWS "(" instance ")"
bool IsInVia(std::string_view member, std::string_view node,
             std::string_view instance) {
  const size_t open = member.find('(');
  const size_t space = member.find_first_of(" \t");
  if (open == std::string_view::npos || space >= open) return false;
  return EqualsIgnoreCase(TrimOws(member.substr(space, open - space)), node) &&
         member.substr(open + 1).starts_with(instance) &&
         member.substr(open + 1 + instance.size()).starts_with(')');
}

template <typename Is>
bool AnyMember(const RequestHead& head, const char* data, FieldId id, Is is) {
  if (!head.fields.Has(id)) return false;
  for (const Field& field : head.fields.all()) {
    if (field.id != id) continue;
    std::string_view list = ValueOf(data, field);
    for (auto member = NextListMember(list); !member.empty();
         member = NextListMember(list)) {
      if (is(member)) return true;
    }
  }
  return false;
}

}  // namespace

std::string_view InstanceId() {
  static const std::array<char, 8> id = DrawId();
  return {id.data(), id.size()};
}

Passage PassageOf(const NodeConfig& node) {
  const std::string id(InstanceId());
  const bool cdn = node.position == diagnostics::Position::kCdn;
  return {node.name + " (" + id + ")", cdn ? node.name + "; id=" + id : ""};
}

std::string_view LoopField(const RequestHead& head, const char* data,
                           std::string_view node, std::string_view instance) {
  const bool cdn_loop =
      AnyMember(head, data, FieldId::kCdnLoop, [&](std::string_view member) {
        return IsInCdnLoop(member, node, instance);
      });
  if (cdn_loop) return "CDN-Loop";
  const bool via = AnyMember(
      head, data, FieldId::kVia,
      [&](std::string_view member) { return IsInVia(member, node, instance); });
  return via ? "Via" : "";
}

}  // namespace whichhop
