#pragma once
// What the load asks for, and what each request has to come back as: one table.
// The expectations are those of a proxy at position lb with gateway statuses,
// in front of whichhop-origin.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "bench/load_wire.h"

namespace load {

enum class Content : uint8_t {
  kBytes,  // what /bytes/N sends
  kSink,   // how much arrived and its hash: our own body's
  kEcho,   // the request, with our own body
  kText,   // exactly Case::text; a cut answer: as far as it came
  kPage,   // an error's: any
};

enum class Ending : uint8_t {
  kWhole,
  kCut,  // it must show that something is missing
};

// What an error says of itself; empty: the field must be absent.
struct Verdict {
  std::string_view fault;  // of Error-Fault, its token
  std::string_view row;    // its parameter
  std::string_view cause;
  std::string_view reporter;
  std::string_view cleared;
};

struct Case {
  std::string_view target;
  int status = 200;
  Verdict verdict = {};          // of an error
  std::string_view logged = {};  // the log's fault, if no client is told it
  std::string_view method = "GET";
  size_t bytes = 0;      // of the body: kBytes the answer's, else the request's
  bool chunked = false;  // how the request's body is framed
  Content content = Content::kPage;
  std::string_view text = {};
  Ending ending = Ending::kWhole;
  bool echoes_id = true;  // a 2xx that gives back X-Test-Id
};

std::span<const Case> HealthyCases();
std::span<const Case> FaultyCases();

// The row of request `number`, of all rows: the healthy ones come first. The
// same for the same number and share of faults (0 to 1), always.
size_t CaseOf(uint64_t number, double faults);
const Case& CaseAt(size_t row);

// The bytes of request `number`; with `close` it is its connection's last.
std::string Compose(const Case& request, uint64_t number, std::string_view host,
                    bool close);
std::string TestId(uint64_t number);

enum class Outcome : uint8_t {
  kRight,
  kStale,  // died with a pooled connection, its body on the way: it is not sent
           // twice, and the answer says so
  kLost,
  kCrossed,
  kMislabelled,
};

struct Judgement {
  Outcome outcome = Outcome::kRight;
  std::string why = {};
};

// Whether `answer` is what request `number` has to come back as.
Judgement Judge(const Case& request, uint64_t number, const Answer& answer);

}  // namespace load
