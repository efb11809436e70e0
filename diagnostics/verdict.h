#pragma once
// What Diagnose() concludes: whose fault it is, how that is known, and why. A
// plain value of about 2 KiB that owns all its text; no heap.

#include <array>
#include <cstdint>
#include <string_view>

#include "diagnostics/fault.h"
#include "diagnostics/fixed_text.h"
#include "diagnostics/hop.h"
#include "diagnostics/model.h"

namespace whichhop::diagnostics {

// How a verdict is known.
enum class Basis : uint8_t {
  kObserved,    // seen by this proxy
  kClaimed,     // said by another hop that is believed
  kInferred,    // from the fingerprint of a page
  kDocumented,  // the row of the model alone
};
constexpr std::string_view BasisName(Basis basis) {
  constexpr std::array<std::string_view, 4> kNames = {"observed", "claimed",
                                                      "inferred", "documented"};
  return kNames[static_cast<size_t>(basis)];
}

// What became of what other hops say of blame.
enum class Hearing : uint8_t {
  kNothing,      // they say nothing
  kIgnored,      // nobody believes them here, or it names no cause
  kBelieved,     // it counts
  kQuarantined,  // they are believed, and contradict what is known
};
constexpr std::string_view HearingName(Hearing hearing) {
  constexpr std::array<std::string_view, 4> kNames = {
      "nothing", "ignored", "believed", "quarantined"};
  return kNames[static_cast<size_t>(hearing)];
}

// Which rule of the README a piece of evidence belongs to.
enum class Rule : uint8_t {
  kFault,    // what happened, and whom its fault may be due to
  kRow,      // the documented row
  kX1,       // the request reached us whole
  kX3,       // an answer of the target's kernel
  kX4,       // a completed handshake
  kX5,       // bytes that were, or were not, acknowledged
  kX6,       // a handshake of TLS that was, or was not, verified
  kX7,       // bytes of an answer
  kX8,       // who wrote an error page
  kX9,       // siblings
  kX10,      // an ICMP error or a path walk names a router
  kX12,      // what we know of ourselves
  kClaim,    // what other hops say of themselves
  kRemark,   // remarkable, and moves nothing
  kUnknown,  // the evidence contradicts itself
};
constexpr std::string_view RuleName(Rule rule) {
  constexpr std::array<std::string_view, 15> kNames = {
      "fault", "row", "X1",  "X3",  "X4",    "X5",     "X6",     "X7",
      "X8",    "X9",  "X10", "X12", "claim", "remark", "unknown"};
  return kNames[static_cast<size_t>(rule)];
}

// The sentences that carry a verdict: at most kMaxItems of them in one inline
// buffer; what does not fit is cut, never an error.
class Evidence {
 public:
  static constexpr size_t kMaxItems = 10;
  static constexpr size_t kMaxBytes = 1200;

  struct Item {
    Rule rule;
    HopSet cleared;
    HopSet blamed;
    std::string_view sentence;  // valid as long as the Evidence is
  };

  // Starts a sentence of this rule. Dropped silently where none fits.
  void Begin(Rule rule, HopSet cleared, HopSet blamed);
  // Adds to the sentence that was begun last.
  Evidence& operator<<(std::string_view text);
  Evidence& operator<<(uint64_t number);

  size_t size() const { return size_; }
  Item operator[](size_t i) const;

 private:
  struct Mark {
    Rule rule;
    HopSet cleared;
    HopSet blamed;
    uint16_t begin;
    uint16_t end;
  };
  uint8_t size_ = 0;
  bool open_ = false;  // whether the sentence begun last is being kept
  uint16_t used_ = 0;
  // Deliberately not initialised: a relayed error pays for what it writes.
  std::array<Mark, kMaxItems> marks_;
  std::array<char, kMaxBytes> text_;
};

// A parameter that RFC 9209 defines for an error type.
struct ErrorParameter {
  enum class Form : uint8_t { kAbsent, kInteger, kString, kToken };
  Form form = Form::kAbsent;
  std::string_view key;  // a literal
  uint64_t integer = 0;
  FixedText<48> text;
};
using ErrorParameters = std::array<ErrorParameter, 2>;  // no type has more

// What happened and who is at fault, without what shows it: all that a picture
// or a sentence for everybody is made of.
struct Ruling {
  Position position = Position::kLb;
  Fault fault = Fault::kRelay;
  uint16_t status = 0;    // for the client; 0: none can be sent
  uint16_t unsent = 0;    // would be `status`, but for a CDN's own page for it
  uint16_t received = 0;  // of a status line that was parsed; 0: none
  RowSet rows;            // documented rows that stand beside the verdict
  HopList cause;          // suspects, likeliest first; empty: unknown
  HopList reporter;
  HopSet cleared;

  bool operator==(const Ruling&) const = default;
};

struct Verdict : Ruling {
  FixedText<40> id;     // Error-Fault: "connect-timeout", "relay-404"
  uint16_t masked = 0;  // the true status behind a mask; 0: `status` is true
  Basis basis = Basis::kObserved;
  Hearing hearing = Hearing::kNothing;
  ErrorType type = ErrorType::kNone;
  ErrorParameters parameters;
  FixedText<32> protocol;  // ALPN id of the leg behind us; empty: not known
  FixedText<64> next_hop;  // the upstream's address; for operators
  FixedText<160> details;  // one line of facts; for operators
  Evidence evidence;       // for operators

  // The sentence for people: what happened.
  std::string_view sentence() const { return GetFault(fault).sentence; }
};

}  // namespace whichhop::diagnostics
