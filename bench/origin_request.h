#pragma once

// The origin's own reading of HTTP/1.x requests: values in, no opinion about
// the answer. It keeps each head exactly as it came, and is strict where a
// lenient reading would hide a proxy's mistake (framing, bare octets).

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/origin_wire.h"

namespace origin {

struct Field {
  std::string name;   // as it came
  std::string value;  // without surrounding blanks
};

enum class Framing {
  kNone,     // no body
  kLength,   // Content-Length
  kChunked,  // Transfer-Encoding: chunked
};

struct Request {
  std::string head;     // as received, with its blank line
  std::string method;   // as it came
  std::string target;   // as it came, in any of the four forms
  std::string version;  // "HTTP/1.1"
  std::vector<Field> fields;
  Framing framing = Framing::kNone;
  uint64_t length = 0;           // of kLength
  bool keep_alive = true;        // what the client asks for
  bool expect_continue = false;  // waits for a 100 before it sends the body

  // The first field of that name (case-insensitive); nullptr if there is none.
  const std::string* Find(std::string_view name) const;
};

enum class HeadEnd {
  kComplete,  // `request` is whole
  kClosed,    // the peer ended the connection, between requests or inside one
  kBroken,    // not a request: `why` says what is wrong
};

struct Head {
  HeadEnd end = HeadEnd::kClosed;
  Request request;
  std::string why;
};

// Blocks until a head is complete, broken, or will never come.
Head ReadHead(Wire& wire);

struct BodySink {
  std::function<void(std::string_view)> content;  // without chunk framing
  std::function<void(std::string_view)> raw;      // as received; may be empty
};

struct BodyFacts {
  uint64_t bytes = 0;    // of content
  uint64_t chunks = 0;   // that had content
  std::string trailers;  // lines as received
  std::string broken;    // why it isn't whole; empty if it is
};

// Blocks until the body of `request` is read. Sends the 100 that is waited for.
BodyFacts ReadBody(Wire& wire, const Request& request, const BodySink& sink);

bool SameName(std::string_view a, std::string_view b);

}  // namespace origin
