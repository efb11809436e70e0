#include "tests/proxy/http/message.h"

#include <algorithm>

#include "proxy/base/text.h"
#include "proxy/http/chunked.h"
#include "proxy/http/request_parser.h"
#include "proxy/http/response_parser.h"

namespace whichhop {
namespace {

using Outcome = Message::Outcome;

std::string Lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), LowerAscii);
  return out;
}

void Refuse(const ParseError& error, Message* message) {
  message->outcome = Outcome::kRefused;
  message->refusal = RuleName(error.rule);
}

void TakeFields(const char* data, const FieldTable& fields, Message* message) {
  for (const Field& field : fields.all()) {
    message->fields.emplace_back(Lower(NameOf(data, field)),
                                 Squeezed(ValueOf(data, field)));
  }
}

void TakeChunks(TrailerMode mode, std::string bytes, Message* message) {
  ChunkedDecoder decoder(mode, {});
  const DecodedChunks chunks = decoder.Decode(bytes.data(), bytes.size());
  message->body.assign(chunks.payload, chunks.payload_size);
  message->bytes += chunks.consumed;
  if (chunks.status == ParseStatus::kError) Refuse(decoder.error(), message);
  if (chunks.status == ParseStatus::kDone) message->outcome = Outcome::kWhole;
}

void TakeBody(Side side, Framing framing, uint64_t length,
              std::string_view bytes, Message* message) {
  switch (framing) {
    case Framing::kNone:
      message->outcome = Outcome::kWhole;
      return;
    case Framing::kLength:
      message->body = bytes.substr(0, std::min<uint64_t>(length, bytes.size()));
      message->bytes += message->body.size();
      if (message->body.size() == length) message->outcome = Outcome::kWhole;
      return;
    case Framing::kChunked:
      return TakeChunks(
          side == Side::kRequest ? TrailerMode::kRefuse : TrailerMode::kDrop,
          std::string(bytes), message);
    case Framing::kUntilClose:
      message->until_end = true;
      message->body = bytes;
      message->bytes += bytes.size();
      message->outcome = Outcome::kWhole;  // the input's end is the end
  }
}

// What heads of both sides have; false where there is no whole head.
template <typename Parser>
bool TakeHead(Parser* parser, std::string* data, Message* message) {
  switch (parser->Parse(data->data(), data->size())) {
    case ParseStatus::kNeedMore:
      return false;
    case ParseStatus::kError:
      Refuse(parser->error(), message);
      return false;
    case ParseStatus::kDone:
      break;
  }
  message->head = true;
  message->minor = parser->head().line.minor_version;
  message->keep_alive = parser->head().keep_alive;
  message->bytes = parser->head_bytes();
  TakeFields(data->data(), parser->head().fields, message);
  return true;
}

template <typename Head>
void TakeRest(Side side, const Head& head, std::string_view data,
              Message* message) {
  TakeBody(side, head.framing, head.content_length, data.substr(message->bytes),
           message);
}

std::string_view Name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kWhole:
      return "whole";
    case Outcome::kMore:
      return "more";
    case Outcome::kRefused:
      return "refused";
  }
  return "";
}

}  // namespace

Message ReadByUs(Side side, std::string_view input, Method method) {
  Message message;
  std::string data(input);
  if (side == Side::kRequest) {
    RequestParser parser({});
    if (!TakeHead(&parser, &data, &message)) return message;
    message.method = parser.head().line.method_token.In(data.data());
    message.target = parser.head().line.target.In(data.data());
    TakeRest(side, parser.head(), data, &message);
    return message;
  }
  ResponseParser parser({});
  parser.Reset(method);
  if (!TakeHead(&parser, &data, &message)) return message;
  message.status = parser.head().line.status;
  TakeRest(side, parser.head(), data, &message);
  return message;
}

std::string Describe(const Message& m) {
  std::string text(Name(m.outcome));
  if (m.outcome == Outcome::kRefused) text += ' ' + m.refusal;
  if (m.outcome == Outcome::kWhole) text += ' ' + std::to_string(m.bytes);
  if (!m.head) return text;
  text += m.status == 0 ? ' ' + m.method + ' ' + m.target
                        : ' ' + std::to_string(m.status);
  text += " 1." + std::to_string(m.minor);
  if (m.keep_alive) text += " keep";
  if (m.until_end) text += " until-end";
  text += " [" + m.body + ']';
  for (const auto& [name, value] : m.fields)
    text += ' ' + name + '=' + value + ';';
  return text;
}

std::string Squeezed(std::string_view value) {
  std::string out;
  for (const char c : value) {
    const bool blank = c == ' ' || c == '\t';
    if (!blank) out += c;
    if (blank && !out.empty() && out.back() != ' ') out += ' ';
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

}  // namespace whichhop
