#include "tests/proxy/http/llhttp_reader.h"

#include <algorithm>

#include "llhttp.h"
#include "proxy/base/text.h"

namespace whichhop {
namespace {

using Outcome = Message::Outcome;

struct Reading {
  Message message;
  bool bodiless = false;  // a response to HEAD
  std::string name;
  std::string value;
};

Reading& Of(llhttp_t* parser) { return *static_cast<Reading*>(parser->data); }

int OnUrl(llhttp_t* parser, const char* at, size_t size) {
  Of(parser).message.target.append(at, size);
  return 0;
}

int OnMethod(llhttp_t* parser, const char* at, size_t size) {
  Of(parser).message.method.append(at, size);
  return 0;
}

int OnName(llhttp_t* parser, const char* at, size_t size) {
  for (const char c : std::string_view(at, size)) {
    Of(parser).name += LowerAscii(c);
  }
  return 0;
}

int OnValue(llhttp_t* parser, const char* at, size_t size) {
  Of(parser).value.append(at, size);
  return 0;
}

// Trailers are told in the same way; they are no fields of the head.
int OnValueEnd(llhttp_t* parser) {
  Reading& reading = Of(parser);
  if (!reading.message.head) {
    reading.message.fields.emplace_back(reading.name, Squeezed(reading.value));
  }
  reading.name.clear();
  reading.value.clear();
  return 0;
}

int OnHead(llhttp_t* parser) {
  Reading& reading = Of(parser);
  reading.message.head = true;
  if (reading.bodiless) parser->flags |= F_SKIPBODY;
  reading.message.minor = llhttp_get_http_minor(parser);
  reading.message.keep_alive = llhttp_should_keep_alive(parser) != 0;
  reading.message.until_end = llhttp_message_needs_eof(parser) != 0;
  if (llhttp_get_type(parser) == HTTP_RESPONSE) {
    reading.message.status = static_cast<unsigned>(parser->status_code);
  }
  return reading.bodiless ? 1 : 0;
}

int OnBody(llhttp_t* parser, const char* at, size_t size) {
  Of(parser).message.body.append(at, size);
  return 0;
}

int OnEnd(llhttp_t*) { return HPE_PAUSED; }

llhttp_settings_t Settings() {
  llhttp_settings_t settings;
  llhttp_settings_init(&settings);
  settings.on_url = OnUrl;
  settings.on_method = OnMethod;
  settings.on_header_field = OnName;
  settings.on_header_value = OnValue;
  settings.on_header_value_complete = OnValueEnd;
  settings.on_headers_complete = OnHead;
  settings.on_body = OnBody;
  settings.on_message_complete = OnEnd;
  return settings;
}

}  // namespace

Message ReadByLlhttp(Side side, std::string_view input, Method method) {
  static const llhttp_settings_t settings = Settings();
  Reading reading;
  reading.bodiless = side == Side::kResponse && method == Method::kHead;
  llhttp_t parser;
  llhttp_init(&parser, side == Side::kRequest ? HTTP_REQUEST : HTTP_RESPONSE,
              &settings);
  parser.data = &reading;
  llhttp_errno_t code = llhttp_execute(&parser, input.data(), input.size());
  Message& message = reading.message;
  const bool paused = code == HPE_PAUSED || code == HPE_PAUSED_UPGRADE;
  if (paused) {
    message.bytes =
        static_cast<size_t>(llhttp_get_error_pos(&parser) - input.data());
  } else if (code == HPE_OK && message.head && message.until_end) {
    code = llhttp_finish(&parser);
    message.bytes = input.size();
    if (code == HPE_PAUSED) code = HPE_OK;
    if (code == HPE_OK) message.outcome = Outcome::kWhole;
  }
  if (paused) message.outcome = Outcome::kWhole;
  if (!paused && code != HPE_OK) {
    message.outcome = Outcome::kRefused;
    message.refusal = llhttp_errno_name(code);
  }
  return std::move(reading.message);
}

}  // namespace whichhop
