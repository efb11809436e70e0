#pragma once
// A Field is one field line of a head or trailer section, as offsets into the
// buffer that holds it; a FieldId names the fields that a relay knows.

#include <cstdint>
#include <string_view>

namespace whichhop {

// In the order of field.inc: the hop-by-hop ones first.
enum class FieldId : uint8_t {
#define X(id, name) id,
#include "proxy/http/field.inc"
#undef X
  kOther,  // any other name
};

inline constexpr unsigned kFieldIds = static_cast<unsigned>(FieldId::kOther);
static_assert(kFieldIds < 64, "sets of ids are bits of one word");

// Of a set of ids, which is the sum of its bits.
constexpr uint64_t FieldBit(FieldId id) {
  return uint64_t{1} << static_cast<unsigned>(id);
}

// The id of `name`, in any case. Requires: `name` is a token, or the answer
// may be wrong for names with octets outside of it.
FieldId LookUpField(std::string_view name);

// Whether `name` has underscores, and is one that we know once they are
// hyphens. Gateways of CGI's kind (WSGI, PHP, Rack) give both to the app as one
// variable: X_Forwarded_For would speak where X-Forwarded-For was replaced.
bool IsTwin(std::string_view name);

// In lower case; "" for kOther.
std::string_view FieldName(FieldId id);

// Whether a relay drops the field always (RFC 9110, section 7.6.1). Not
// Trailer, which speaks to the end; not Proxy-Authorization, which a proxy
// without proxy authentication leaves alone.
constexpr bool IsHopByHop(FieldId id) { return id <= FieldId::kHttp2Settings; }

// Everything from `name_at` to the end of the value is one well-formed field
// line without its CRLF.
struct Field {
  uint32_t name_at;
  uint32_t value_at;    // after OWS
  uint32_t value_size;  // without OWS
  uint16_t name_size;
  FieldId id;
  bool hop_by_hop;  // not to be forwarded: by its id, or named in Connection
};
static_assert(sizeof(Field) == 16);

inline std::string_view NameOf(const char* buffer, const Field& field) {
  return {buffer + field.name_at, field.name_size};
}
inline std::string_view ValueOf(const char* buffer, const Field& field) {
  return {buffer + field.value_at, field.value_size};
}
inline std::string_view LineOf(const char* buffer, const Field& field) {
  return {buffer + field.name_at,
          field.value_at + field.value_size - field.name_at};
}

}  // namespace whichhop
