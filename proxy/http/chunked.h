#pragma once
// A ChunkedDecoder takes the chunked transfer coding off a body (RFC 9112,
// section 7.1), in place and strictly. A state machine: any split of the
// input gives the same payload, trailers and end.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/http/head.h"
#include "proxy/http/parse_rule.h"

namespace whichhop {

// What becomes of a trailer field that RFC 9110, section 6.5.1 forbids
// (framing, routing, authentication, content) or that claims a hop's blame.
enum class TrailerMode : uint8_t {
  kRefuse,  // requests
  kDrop,    // responses
};

// What one call made of its input.
struct DecodedChunks {
  ParseStatus status = ParseStatus::kNeedMore;
  size_t consumed = 0;  // all of the input, or up to the body's end or error
  char* payload = nullptr;  // inside the input, contiguous
  size_t payload_size = 0;  // also before an error
};

class ChunkedDecoder {
 public:
  static constexpr size_t kExtensionMax = 256;         // octets a chunk
  static constexpr size_t kExtensionsMax = 16 * 1024;  // octets a body

  ChunkedDecoder(TrailerMode mode, const HeadLimits& limits);
  ~ChunkedDecoder();
  ChunkedDecoder(ChunkedDecoder&&) noexcept;
  ChunkedDecoder& operator=(ChunkedDecoder&&) noexcept;

  // For the next body.
  void Reset(TrailerMode mode);

  // `data` is what follows the octets that earlier calls consumed. A payload
  // of one piece is left where it is; several are moved together. What was
  // consumed and is not payload is then of no use to anyone.
  DecodedChunks Decode(char* data, size_t size);

  bool done() const { return state_ == State::kDone; }
  const ParseError& error() const { return error_; }  // once refused

  // Octets of the chunk in progress that are still to come: such many may
  // pass unseen through Skip(), as by splice(2).
  uint64_t chunk_left() const { return state_ == State::kData ? left_ : 0; }

  // `size` octets of chunk data went by without Decode().
  // Requires: size <= chunk_left().
  void Skip(uint64_t size);

  // Once done: the trailer fields as "Name: value\r\n", without those that
  // were dropped; empty for nearly every body.
  std::string_view trailers() const;

 private:
  enum class State : uint8_t {
    kSizeStart,  // the first digit
    kSize,       // digits
    kExtension,  // see extension_
    kSizeLf,     // CR behind the size seen
    kData,       // left_ octets
    kDataCr,     // behind the data
    kDataLf,     // CR behind the data seen
    kTrailerStart,
    kLastLf,  // CR of the empty line without trailers seen
    kTrailer,
    kDone,
    kError,
  };
  enum class Extension : uint8_t {
    kNameStart,
    kName,
    kValueStart,
    kToken,
    kQuoted,
    kEscape,  // behind a backslash
    kQuotedEnd,
  };
  struct Trailers;  // made for the bodies that have some

  size_t TakeData(char* data, size_t size, DecodedChunks* result);
  size_t TakeTrailer(const char* data, size_t size);
  void Step(char octet, uint64_t offset);
  void StepSize(char octet, uint64_t offset);
  void StepExtension(char octet, uint64_t offset);
  void BeginExtension(uint64_t offset);
  bool ExtendExtension(char octet);
  bool CountExtension(uint64_t offset);
  void StartTrailer(char octet, uint64_t offset);
  void KeepTrailers();
  void Refuse(ParseRule rule, uint64_t offset);

  TrailerMode mode_;
  HeadLimits limits_;
  State state_ = State::kSizeStart;
  Extension extension_ = Extension::kNameStart;
  uint8_t digits_ = 0;
  uint64_t left_ = 0;           // of the chunk, or its size so far
  uint64_t offset_ = 0;         // octets of the body consumed
  size_t extension_size_ = 0;   // of this chunk
  size_t extensions_size_ = 0;  // of the body
  std::unique_ptr<Trailers> trailers_;
  ParseError error_;
};

}  // namespace whichhop
