#pragma once
// What other hops say of themselves, read from the fields of an answer. Values
// that own no text: they are slices of the facts. Nothing here is believed
// yet: claim.h weighs it.
//
// Bounded: of Proxy-Status the first kMaxMembers - 1 members, which are the
// innermost, and the last one, which answered us, are kept and the others
// counted. A field that its grammar does not allow says nothing (RFC 9651,
// section 4.2). Of parameters of the wrong type neither.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "diagnostics/fault.h"
#include "diagnostics/hop.h"
#include "diagnostics/model.h"
#include "diagnostics/testimony_facts.h"

namespace whichhop::diagnostics {

// A parameter that RFC 9209 (section 2.3) defines for one type of error.
struct MemberParameter {
  std::string_view key;            // "rcode"; empty: none
  std::string_view value;          // a String or Token as it was written
  std::optional<uint64_t> number;  // of an Integer
};

// A member of Proxy-Status: one proxy.
struct ProxyMember {
  std::string_view name;               // a Token or String as it was written
  bool has_error = false;              // it made this response, by `error`
  ErrorType error = ErrorType::kNone;  // kNone beside has_error: no known type
  std::string_view error_text;
  uint16_t received_status = 0;  // from behind it; 0: it does not say
  std::string_view next_hop;
  std::string_view next_protocol;
  std::string_view details;
  std::array<MemberParameter, 2> parameters;  // no type has more

  // The number of a parameter; nothing where it has none.
  std::optional<uint64_t> Number(std::string_view key) const;
};

struct Testimony {
  static constexpr size_t kMaxMembers = 8;

  std::array<ProxyMember, kMaxMembers> members;
  size_t member_count = 0;
  size_t members_left_out = 0;  // between the last two that were kept

  HopList cause;  // Error-Cause
  HopList reporter;
  HopSet cleared;
  std::string_view no_hop;  // the first name of a hop that is none
  std::string_view fault;   // the token of Error-Fault; empty: none
  RowSet rows;              // of its `row`; what is no row is left out
  std::string_view basis;
  std::string_view id;  // Error-Id, as it was written

  std::string_view via;     // the last of Via: who answered us
  std::string_view timing;  // the first metric of Server-Timing

  // Of fields of vendors.
  std::string_view vendor;  // the field line that the following are read from
  ErrorType vendor_error = ErrorType::kNone;
  bool by_app = false;     // an app wrote this answer
  bool passed_on = false;  // whoever answered us only passed it on
  std::optional<std::chrono::milliseconds> upstream_time;  // that it measured

  std::span<const ProxyMember> Members() const {
    return {members.data(), member_count};
  }
  // One of our kind speaks (Error-Fault): what others said before it, it has
  // weighed. Nobody whom it does not believe is believed through it.
  bool weighed() const { return !fault.empty(); }
  // Those whose word counts: all, or the one who weighed the others.
  std::span<const ProxyMember> Counting() const {
    const bool last_alone = weighed() && member_count > 0;
    return last_alone ? Members().last(1) : Members();
  }
  // The last member, who answered us; null where there is none.
  const ProxyMember* Outermost() const {
    return member_count == 0 ? nullptr : &members[member_count - 1];
  }
};

Testimony ReadTestimony(const TestimonyFacts& facts);

// Whether a field of this name, in any case, belongs into
// TestimonyFacts::vendor.
bool IsVendorClaim(std::string_view field_name);

}  // namespace whichhop::diagnostics
