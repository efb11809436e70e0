#include "tests/proxy/http/dump.h"

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "proxy/http/parse_rule.h"
#include "proxy/http/request_parser.h"
#include "proxy/http/response_parser.h"

namespace whichhop {
namespace {

// Calls `step(data, size)` for each piece until it returns false.
template <typename Step>
void Grow(std::string_view input, const Cuts& cuts, Step step) {
  std::unique_ptr<char[]> data(new char[0]);
  size_t size = 0;
  Cuts ends = cuts;
  ends.push_back(input.size());
  for (const size_t end : ends) {
    std::unique_ptr<char[]> grown(new char[end]);
    std::copy(data.get(), data.get() + size, grown.get());
    std::copy(input.begin() + static_cast<ptrdiff_t>(size),
              input.begin() + static_cast<ptrdiff_t>(end), grown.get() + size);
    data = std::move(grown);
    size = end;
    if (!step(data.get(), size)) return;
  }
}

std::string_view ClassName(RuleClass kind) {
  switch (kind) {
#define X(name)         \
  case RuleClass::name: \
    return #name;
    X(kNone)
    X(kLineBad)
    X(kTargetTooLong)
    X(kHeadTooLarge)
    X(kHost)
    X(kFraming)
    X(kRequestTransferCoding)
    X(kVersion)
    X(kNotHttp)
    X(kHttp09)
    X(kBadVersion)
    X(kBadStatus)
    X(kBadField)
    X(kResponseHeadTooLarge)
    X(kContentLength)
    X(kContentLengthWithTransferEncoding)
    X(kTransferCoding)
    X(kChunk)
    X(kTrailer)
#undef X
  }
  std::abort();
}

std::string Describe(const ParseError& error) {
  std::string text(RuleName(error.rule));
  text += '@' + std::to_string(error.offset) + ' ';
  text += ClassName(error.kind);
  return text;
}

std::string Describe(const char* data, const FieldTable& fields) {
  std::string text = " |";
  for (const Field& field : fields.all()) {
    text += field.hop_by_hop ? " -" : " ";
    text += NameOf(data, field);
    text += ": ";
    text += ValueOf(data, field);
    text += ';';
    // The line may be copied as it stands.
    const std::string_view line = LineOf(data, field);
    if (line[field.name_size] != ':') std::abort();
    if (line.find_first_of("\r\n") != std::string_view::npos) std::abort();
  }
  return text;
}

std::string Describe(Framing framing, uint64_t length) {
  switch (framing) {
    case Framing::kNone:
      return " none";
    case Framing::kLength:
      return " length " + std::to_string(length);
    case Framing::kChunked:
      return " chunked";
    case Framing::kUntilClose:
      return " until-close";
  }
  std::abort();
}

std::string Describe(const char* data, const RequestHead& head) {
  const RequestLine& line = head.line;
  std::string text;
  if (line.method == Method::kOther) text += '~';
  text += line.method_token.In(data);
  text += ' ';
  text += "oau*"[static_cast<int>(line.form)];
  text += ' ';
  text += line.path.In(data);
  if (line.has_query) text += " ? ";
  text += line.query.In(data);
  text += line.minor_version == 0 ? " 1.0" : " 1.1";
  text += " host=";
  text += head.host.In(data);
  text += Describe(head.framing, head.content_length);
  if (head.keep_alive) text += " keep";
  if (head.expect == Expect::kContinue) text += " continue";
  if (head.expect == Expect::kUnknown) text += " expects";
  if (head.upgrade) text += " upgrade";
  if (head.te_trailers) text += " trailers";
  return text + Describe(data, head.fields);
}

std::string Describe(const char* data, const ResponseHead& head) {
  std::string text = std::to_string(head.line.status) + ' ';
  text += head.line.reason.In(data);
  text += head.line.minor_version == 0 ? " 1.0" : " 1.1";
  text += Describe(head.framing, head.content_length);
  if (head.keep_alive) text += " keep";
  if (head.upgrade) text += " upgrade";
  return text + Describe(data, head.fields);
}

template <typename Parser>
std::string DumpHead(std::string_view input, const Cuts& cuts, Parser* parser) {
  std::string text = "more";
  Grow(input, cuts, [&](char* data, size_t size) {
    const ParseStatus status = parser->Parse(data, size);
    if (parser->Parse(data, size) != status) std::abort();
    if (status == ParseStatus::kError) text = Describe(parser->error());
    if (status == ParseStatus::kDone) {
      text = Describe(data, parser->head());
      const size_t excess = input.size() - parser->head_bytes();
      if (excess != 0) text += " left=" + std::to_string(excess);
    }
    return status == ParseStatus::kNeedMore;
  });
  return text;
}

}  // namespace

Cuts EveryOctet(std::string_view input) {
  Cuts cuts;
  for (size_t at = 1; at < input.size(); ++at) cuts.push_back(at);
  return cuts;
}

std::string DumpRequest(std::string_view input, const Cuts& cuts,
                        const HeadLimits& limits) {
  RequestParser parser(limits);
  return DumpHead(input, cuts, &parser);
}

std::string DumpResponse(std::string_view input, const Cuts& cuts,
                         Method method, const HeadLimits& limits) {
  ResponseParser parser(limits);
  parser.Reset(method);
  return DumpHead(input, cuts, &parser);
}

std::string DumpChunks(std::string_view input, const Cuts& cuts,
                       TrailerMode mode, const HeadLimits& limits) {
  ChunkedDecoder decoder(mode, limits);
  std::string text = "[";
  std::string end = "] more";
  size_t consumed = 0;
  Grow(input, cuts, [&](char* data, size_t size) {
    // A decoder sees each octet once: give it what is new, alone.
    const std::unique_ptr<char[]> piece(new char[size - consumed]);
    std::copy(data + consumed, data + size, piece.get());
    const DecodedChunks chunks = decoder.Decode(piece.get(), size - consumed);
    text.append(chunks.payload, chunks.payload_size);
    consumed += chunks.consumed;
    if (chunks.status == ParseStatus::kError) {
      end = "] " + Describe(decoder.error());
    } else if (chunks.status == ParseStatus::kDone) {
      end = "] " + std::string(decoder.trailers());
      end += "left=" + std::to_string(input.size() - consumed);
    } else if (consumed != size) {
      std::abort();
    }
    return chunks.status == ParseStatus::kNeedMore;
  });
  return text + end;
}

}  // namespace whichhop
