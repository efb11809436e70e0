#pragma once

// What a handler is given and what it leaves behind: an Exchange is one request
// with its route, on the connection's thread; an After says how the connection
// goes on. Also the well-formed answer that most handlers give.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/origin_request.h"
#include "bench/origin_wire.h"

namespace origin {

enum class After {
  kKeep,    // the next request may come
  kClose,   // close(): FIN, or RST where request bytes are left unread
  kLinger,  // FIN, then read what still comes, so that the answer survives
  kReset,   // RST
  kHold,    // nothing more is written; wait until the peer gives up
};

struct Exchange;
using Handler = After (*)(Exchange&);

enum class BodyUse {
  kDiscard,  // read and forgotten before the handler runs
  kHandler,  // the handler reads it, or doesn't
};

// One row of the vocabulary (origin_table.cc).
struct Route {
  std::string_view path;  // whole segments
  std::string_view args;  // what may follow, for people
  std::string_view says;  // one line
  Handler handler;
  BodyUse body = BodyUse::kDiscard;
  std::string_view bytes = {};  // of Canned: the answer, as it is
  After after = After::kKeep;   // of Canned
};

struct Exchange {
  Wire& wire;
  const Request& request;
  const Route& route;
  std::string_view target;   // from the route's path on, with its query
  std::string_view rest;     // what follows the route's path, without query
  std::vector<Field> query;  // decoded, in order

  // The first parameter of that name; empty optional if there is none.
  std::optional<std::string_view> Param(std::string_view name) const;
  // The path segment at `index` of what follows the route, else `otherwise`.
  std::string_view Segment(size_t index, std::string_view otherwise) const;
};

struct Counts {
  std::atomic<uint64_t> connections{0};
  std::atomic<uint64_t> requests{0};
};
Counts& counts();  // of this process

struct Response {
  int status = 200;
  std::string type = "text/plain";  // empty: no Content-Type
  std::vector<Field> fields = {};
  std::string body = {};
};

// The head of an answer: status line, X-Test-Id if the request has one (a 2xx
// only), Connection: close if the client wants that, `fields`, blank line.
std::string HeadOf(const Exchange& exchange, int status,
                   const std::vector<Field>& fields);

// Writes a whole answer with its Content-Length (none where none may be).
After Respond(const Exchange& exchange, const Response& response);

// How a connection goes on after a well-formed answer.
After AfterAnswer(const Exchange& exchange);

// Answers 400 with `why` in the body.
After Refuse(Wire& wire, std::string_view why);

// "10", "10KiB", "2MiB", "1GiB"; the first letter of the unit is enough.
std::optional<uint64_t> ParseSize(std::string_view text);
// "250ms", "3s"; a bare number is in seconds.
std::optional<std::chrono::milliseconds> ParseTime(std::string_view text);
std::string PercentDecode(std::string_view text);

}  // namespace origin
