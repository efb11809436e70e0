#pragma once
// A verdict as response header fields: Proxy-Status (RFC 9209) and Error-*,
// all Structured Fields (RFC 9651).

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "diagnostics/verdict.h"

namespace whichhop::diagnostics {

// Who reads the answer. The public sees no address, path or errno.
enum class Audience : uint8_t { kPublic, kOperator };

struct FieldOptions {
  std::string_view node;      // node.name: our name in Proxy-Status
  std::string_view error_id;  // ULID; empty: no Error-Id
  // The values of all Proxy-Status fields that the upstream sent, in order.
  std::span<const std::string_view> received_proxy_status;
  Audience audience = Audience::kPublic;
  bool error_fields = true;  // errors.fields: whether Error-* are written
  uint16_t masked = 0;       // true status behind a mask, for operators
};

// Appends `Name: value\r\n` lines. Fields without a value are left out.
void AppendFields(const Verdict& verdict, const FieldOptions& options,
                  std::string& out);

// The values alone, for a log, HTTP/2 or a trailer. Nothing is appended where
// the field is to be omitted.
void AppendErrorCause(const Verdict& verdict, std::string& out);
void AppendErrorReporter(const Verdict& verdict, std::string& out);
void AppendErrorCleared(const Verdict& verdict, std::string& out);
void AppendErrorFault(const Verdict& verdict, uint16_t masked,
                      std::string& out);

}  // namespace whichhop::diagnostics
