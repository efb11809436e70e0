#include "proxy/http/chunked.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "proxy/http/field_section.h"
#include "proxy/http/field_table.h"
#include "proxy/http/octets.h"

namespace whichhop {
namespace {

constexpr unsigned kDigitsMax = 16;
constexpr uint64_t kSizeMax = INT64_MAX;

// RFC 9110, section 6.5.1: what would change how a message is framed, routed,
// let in or understood; what hops say of the client; and blame that is ours to
// write. Proxy-Status may come as a trailer (RFC 9209, section 2).
bool IsForbidden(const Field& field, const char* data) {
  switch (field.id) {
    case FieldId::kOther:
      return IsTwin(NameOf(data, field));
    case FieldId::kServer:
    case FieldId::kProxyStatus:
    case FieldId::kEtag:
    case FieldId::kLastModified:
    case FieldId::kAcceptRanges:
    case FieldId::kUserAgent:
    case FieldId::kReferer:
    case FieldId::kTraceparent:
    case FieldId::kContentMd5:
    case FieldId::kContentDigest:
    case FieldId::kDigest:
    case FieldId::kReprDigest:
      return false;
    default:
      return true;
  }
}

}  // namespace

struct ChunkedDecoder::Trailers {
  Trailers(uint64_t begins, Leniency leniency, size_t fields_max)
      : at(begins), section(leniency), table(fields_max) {
    section.Start(0);
  }

  uint64_t at;  // of the section's first octet, in the body
  FieldSection section;
  FieldTable table;
  std::string received;
  std::string kept;  // "Name: value\r\n" each
};

ChunkedDecoder::ChunkedDecoder(TrailerMode mode, const HeadLimits& limits)
    : mode_(mode), limits_(Clamp(limits)) {}
ChunkedDecoder::~ChunkedDecoder() = default;
ChunkedDecoder::ChunkedDecoder(ChunkedDecoder&&) noexcept = default;
ChunkedDecoder& ChunkedDecoder::operator=(ChunkedDecoder&&) noexcept = default;

void ChunkedDecoder::Reset(TrailerMode mode) {
  mode_ = mode;
  state_ = State::kSizeStart;
  offset_ = 0;
  extension_size_ = 0;
  extensions_size_ = 0;
  trailers_.reset();
}

std::string_view ChunkedDecoder::trailers() const {
  return trailers_ == nullptr ? std::string_view() : trailers_->kept;
}

void ChunkedDecoder::Skip(uint64_t size) {
  assert(size <= chunk_left());
  left_ -= size;
  offset_ += size;
  if (state_ == State::kData && left_ == 0) state_ = State::kDataCr;
}

void ChunkedDecoder::Refuse(ParseRule rule, uint64_t offset) {
  const bool trailer = trailers_ != nullptr;
  error_ = {rule, trailer ? RuleClass::kTrailer : RuleClass::kChunk,
            static_cast<size_t>(offset)};
  state_ = State::kError;
}

DecodedChunks ChunkedDecoder::Decode(char* data, size_t size) {
  DecodedChunks result;
  size_t at = 0;
  while (at < size && state_ < State::kDone) {
    if (state_ == State::kData) {
      at += TakeData(data + at, size - at, &result);
    } else if (state_ == State::kTrailer) {
      at += TakeTrailer(data + at, size - at);
    } else {
      Step(data[at], offset_ + at);
      // The first octet of a trailer section, and a wrong one, stay.
      if (state_ != State::kTrailer && state_ != State::kError) ++at;
    }
  }
  offset_ += at;
  result.consumed = at;
  if (state_ == State::kDone) result.status = ParseStatus::kDone;
  if (state_ == State::kError) result.status = ParseStatus::kError;
  return result;
}

size_t ChunkedDecoder::TakeData(char* data, size_t size,
                                DecodedChunks* result) {
  const size_t taken = static_cast<size_t>(std::min<uint64_t>(size, left_));
  if (result->payload == nullptr) {
    result->payload = data;
  } else if (taken != 0) {
    std::memmove(result->payload + result->payload_size, data, taken);
  }
  result->payload_size += taken;
  left_ -= taken;
  if (left_ == 0) state_ = State::kDataCr;
  return taken;
}

// One octet outside of data and trailers.
void ChunkedDecoder::Step(char octet, uint64_t offset) {
  switch (state_) {
    case State::kSizeStart:
    case State::kSize:
      return StepSize(octet, offset);
    case State::kExtension:
      return StepExtension(octet, offset);
    case State::kSizeLf:
      if (octet != '\n') return Refuse(ParseRule::kBareCr, offset - 1);
      state_ = left_ == 0 ? State::kTrailerStart : State::kData;
      return;
    case State::kDataCr:
      if (octet != '\r') return Refuse(ParseRule::kChunkDataEnd, offset);
      state_ = State::kDataLf;
      return;
    case State::kDataLf:
      if (octet != '\n') return Refuse(ParseRule::kChunkDataEnd, offset);
      state_ = State::kSizeStart;
      return;
    case State::kTrailerStart:
      return StartTrailer(octet, offset);
    case State::kLastLf:
      if (octet != '\n') return Refuse(ParseRule::kBareCr, offset - 1);
      state_ = State::kDone;
      return;
    case State::kData:
    case State::kTrailer:
    case State::kDone:
    case State::kError:
      assert(false);
  }
}

void ChunkedDecoder::StepSize(char octet, uint64_t offset) {
  if (state_ == State::kSizeStart) {
    if (!Is(kHexOctet, octet)) {
      return Refuse(ParseRule::kChunkSizeSyntax, offset);
    }
    state_ = State::kSize;
    left_ = 0;
    digits_ = 0;
    extension_size_ = 0;
  }
  if (Is(kHexOctet, octet)) {
    if (++digits_ > kDigitsMax || left_ > (kSizeMax >> 4)) {
      return Refuse(ParseRule::kChunkSizeOverflow, offset);
    }
    left_ = left_ << 4 | HexValue(octet);
    return;
  }
  if (octet == '\r') {
    state_ = State::kSizeLf;
  } else if (octet == ';') {
    BeginExtension(offset);
  } else {
    const bool lf = octet == '\n';
    Refuse(lf ? ParseRule::kBareLf : ParseRule::kChunkSizeSyntax, offset);
  }
}

void ChunkedDecoder::BeginExtension(uint64_t offset) {
  state_ = State::kExtension;
  extension_ = Extension::kNameStart;
  CountExtension(offset);
}

bool ChunkedDecoder::CountExtension(uint64_t offset) {
  ++extension_size_;
  ++extensions_size_;
  if (extension_size_ <= kExtensionMax && extensions_size_ <= kExtensionsMax) {
    return true;
  }
  Refuse(ParseRule::kChunkExtensionTooLong, offset);
  return false;
}

// chunk-ext without its bad whitespace: nobody sends it.
void ChunkedDecoder::StepExtension(char octet, uint64_t offset) {
  const bool open =
      extension_ == Extension::kQuoted || extension_ == Extension::kEscape;
  const bool empty = extension_ == Extension::kNameStart ||
                     extension_ == Extension::kValueStart;
  if (!open && !empty && octet == '\r') {
    state_ = State::kSizeLf;
    return;
  }
  if (!CountExtension(offset)) return;
  if (!open && !empty && octet == ';') {
    extension_ = Extension::kNameStart;
  } else if (octet == '\n') {
    Refuse(ParseRule::kBareLf, offset);
  } else if (!ExtendExtension(octet)) {
    Refuse(ParseRule::kChunkExtension, offset);
  }
}

// Whether `octet` goes on what the extension has begun.
bool ChunkedDecoder::ExtendExtension(char octet) {
  const bool token = Is(kTokenOctet, octet);
  switch (extension_) {
    case Extension::kNameStart:
      extension_ = Extension::kName;
      return token;
    case Extension::kName:
      if (octet == '=') extension_ = Extension::kValueStart;
      return token || octet == '=';
    case Extension::kValueStart:
      extension_ = octet == '"' ? Extension::kQuoted : Extension::kToken;
      return token || octet == '"';
    case Extension::kToken:
      return token;
    case Extension::kQuoted:
      if (octet == '"') extension_ = Extension::kQuotedEnd;
      if (octet == '\\') extension_ = Extension::kEscape;
      return Is(kValueOctet, octet);
    case Extension::kEscape:
      extension_ = Extension::kQuoted;
      return Is(kValueOctet, octet);
    case Extension::kQuotedEnd:
      return false;
  }
  return false;
}

void ChunkedDecoder::StartTrailer(char octet, uint64_t offset) {
  if (octet == '\r') {
    state_ = State::kLastLf;
    return;
  }
  const bool strict = mode_ == TrailerMode::kRefuse;
  trailers_ = std::make_unique<Trailers>(
      offset, strict ? Leniency::kStrict : Leniency::kRepair,
      limits_.header_fields);
  state_ = State::kTrailer;
}

size_t ChunkedDecoder::TakeTrailer(const char* data, size_t size) {
  Trailers& trailers = *trailers_;
  std::string& received = trailers.received;
  const size_t before = received.size();
  received.append(data, std::min(size, limits_.header_bytes - before));
  FieldSection& section = trailers.section;
  switch (section.Parse(received.data(), received.size(), &trailers.table)) {
    case ParseStatus::kNeedMore:
      if (received.size() == limits_.header_bytes) {
        Refuse(ParseRule::kHeadTooLarge, trailers.at + received.size());
      }
      break;
    case ParseStatus::kError:
      Refuse(section.rule(), trailers.at + section.error_offset());
      break;
    case ParseStatus::kDone:
      received.resize(section.position());
      KeepTrailers();
      break;
  }
  return received.size() - before;
}

void ChunkedDecoder::KeepTrailers() {
  Trailers& trailers = *trailers_;
  const char* const text = trailers.received.data();
  state_ = State::kDone;
  for (const Field& field : trailers.table.all()) {
    if (!IsForbidden(field, text)) {
      trailers.kept += NameOf(text, field);
      trailers.kept += ": ";
      trailers.kept += ValueOf(text, field);
      trailers.kept += "\r\n";
    } else if (mode_ == TrailerMode::kRefuse) {
      return Refuse(ParseRule::kTrailerForbidden, trailers.at + field.name_at);
    }
  }
}

}  // namespace whichhop
