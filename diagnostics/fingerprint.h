#pragma once
// Whose stock page an error is. The bytes are the peer's: all that is read off
// them is evidence with a score, and may be forged. Pure; no heap; time is
// linear in what is given, of a body in its first kPageBytes.

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

#include "diagnostics/hop.h"
#include "diagnostics/writer_facts.h"

namespace whichhop::diagnostics {

// Where a product usually stands.
enum class Place : uint8_t {
  kApp,       // it is the app, or runs inside of its process
  kServer,    // on the app's host, before it
  kFront,     // either: a balancer where something else is usual behind it
  kBalancer,  // before the servers
  kCdn,       // another CDN
  kStore,     // a datastore that is asked directly
};

// What a mark is, and what it counts: each kind once.
enum class MarkKind : uint8_t {
  kServer,   // 40: the product of the Server field
  kProduct,  // 40: of another field; counts as the one above
  kField,    // 30: a field of this product, or with its words
  kBody,     // 60: words inside of the body
  kWhole,    // 60: the whole body
  kHint,     // 20: the whole body, that others write too
  kPhrase,   // 20: the reason phrase
  kShape,    // 20: what the head has and has not
  kTime,     // 20: the first byte came with a timer that is its default
  kPortal,   // 0: words for the clients of a captive portal, whoever wrote them
};

// How a mark is known, as fingerprint.inc says.
struct Mark {
  Generator generator;
  MarkKind kind;
  bool own;
  uint16_t status;
  std::string_view field;
  std::string_view text;
  SubCause sub_cause;
  char proof;
};

struct GeneratorInfo {
  std::string_view name;
  Place place = Place::kApp;
  char proof = '-';
};

const GeneratorInfo& GetGenerator(Generator generator);

struct SubCauseInfo {
  std::string_view name;
  HopList suspects;   // behind the box that says it; likeliest first
  bool self = false;  // and the box itself
  std::string_view sentence;
};

const SubCauseInfo& GetSubCause(SubCause cause);

// What a status means where this product made it.
struct StatusMeaning {
  SubCause sub_cause = SubCause::kNone;
  std::string_view text;  // empty: nothing is known
};
StatusMeaning MeaningOf(Generator generator, int status);

// So much of a body is looked at.
inline constexpr size_t kPageBytes = 4096;

// A response, as it was received.
struct ErrorPage {
  uint16_t status = 0;
  std::string_view reason;
  std::string_view fields;  // field lines, each with its CRLF
  std::string_view body;    // its beginning, without framing
  bool whole = false;       // and that is all of it
  // From the request to the first byte.
  std::optional<std::chrono::microseconds> first_byte;
};

struct Recognized {
  Generator generator = Generator::kNone;
  uint8_t score = 0;  // below kNamed unless something is its own
  SubCause sub_cause = SubCause::kNone;
  bool relayed = false;  // by another product
  bool stock = false;    // the body is the product's own page, whole
  bool portal = false;   // it speaks to the clients of a captive portal
};

Recognized Recognize(const ErrorPage& page);

// The product that a Server field names: "nginx" of "nginx/1.22.1 (Debian)".
std::string_view ProductOf(std::string_view server);

// Whether a program that calls itself so stands before apps, and is none.
bool StandsBeforeApps(std::string_view product);

// Whether this generator calls itself so in Server.
bool CallsItself(Generator generator, std::string_view product);

}  // namespace whichhop::diagnostics
