#pragma once
// One HTTP/1 message as a parser understood it: what two parsers have to agree
// on. Read by our own codecs here, by llhttp in llhttp_reader.h.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/http/head.h"
#include "proxy/http/method.h"

namespace whichhop {

enum class Side : uint8_t { kRequest, kResponse };

struct Message {
  enum class Outcome : uint8_t {
    kWhole,    // up to `bytes` of the input
    kMore,     // all that came is right so far, and more is needed
    kRefused,  // `refusal` says why
  };
  using Fields = std::vector<std::pair<std::string, std::string>>;

  Outcome outcome = Outcome::kMore;
  std::string refusal;      // a rule of ours; an error code of llhttp
  std::string method;       // requests
  std::string target;       // requests
  unsigned minor = 0;       // HTTP/1.minor
  unsigned status = 0;      // responses
  bool head = false;        // the head was complete
  Fields fields;            // of the head: lower-case names, trimmed values
  std::string body;         // without its framing, as far as it came
  bool until_end = false;   // only the end of the connection ends the body
  bool keep_alive = false;  // once the head is complete
  size_t bytes = 0;         // once whole
};

// The first message of `input`, behind which nothing follows. A response is
// one to `method`.
Message ReadByUs(Side side, std::string_view input, Method method);

// One line: "whole 57 GET /x 1.1 keep [body] host=h;"
std::string Describe(const Message& message);

// With one blank between words and none at the ends: folds and blanks in front
// of a value are taken away by one parser and kept by another.
std::string Squeezed(std::string_view value);

}  // namespace whichhop
