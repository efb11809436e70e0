#include "proxy/http/field.h"

#include <string>

#include "proxy/http/field_table.h"
#include "proxy/http/method.h"
#include "proxy/http/parse_rule.h"
#include "tests/catch.h"

namespace whichhop {
namespace {

TEST_CASE("every known field is found in any case, and nothing near it") {
  for (unsigned i = 0; i < kFieldIds; ++i) {
    const FieldId id = static_cast<FieldId>(i);
    std::string name(FieldName(id));
    INFO(name);
    CHECK(LookUpField(name) == id);
    for (char& c : name) c = static_cast<char>(std::toupper(c));
    CHECK(LookUpField(name) == id);
    CHECK(LookUpField(name + "s") == FieldId::kOther);
    CHECK(LookUpField("x" + name) == FieldId::kOther);
    for (size_t at = 0; at < name.size(); ++at) {
      std::string other = name;
      other[at] = other[at] == '_' ? '+' : '_';
      CHECK(LookUpField(other) == FieldId::kOther);
    }
  }
}

TEST_CASE("what CGI takes for a known field is its twin") {
  for (const char* name :
       {"X_Forwarded_For", "x-forwarded_for", "HTTP2_SETTINGS",
        "Content_Length", "transfer_encoding"}) {
    INFO(name);
    CHECK(IsTwin(name));
  }
  for (const char* name : {"X-Forwarded-For", "X_Y", "_", "", "Content_Lengths",
                           "Con_tent-Length", "Host"}) {
    INFO(name);
    CHECK_FALSE(IsTwin(name));
  }
  CHECK_FALSE(IsTwin(std::string(70000, '_')));
}

TEST_CASE("a prefix of a known field is another field") {
  CHECK(LookUpField("") == FieldId::kOther);
  CHECK(LookUpField("t") == FieldId::kOther);
  CHECK(LookUpField("te") == FieldId::kTe);
  CHECK(LookUpField("hos") == FieldId::kOther);
  CHECK(LookUpField("content-lengt") == FieldId::kOther);
  CHECK(LookUpField("transfer-encodinX") == FieldId::kOther);
  CHECK(LookUpField(std::string(70000, 'a')) == FieldId::kOther);
}

TEST_CASE("exactly the hop-by-hop fields are hop-by-hop") {
  CHECK(IsHopByHop(FieldId::kConnection));
  CHECK(IsHopByHop(FieldId::kHttp2Settings));
  CHECK_FALSE(IsHopByHop(FieldId::kHost));
  CHECK_FALSE(IsHopByHop(FieldId::kTrailer));
  CHECK_FALSE(IsHopByHop(FieldId::kProxyAuthorization));
  CHECK_FALSE(IsHopByHop(FieldId::kOther));
}

TEST_CASE("a table knows the first field of an id and whether it repeats") {
  FieldTable table(4);
  const auto add = [&table](FieldId id, uint32_t at) {
    table.Add({at, at, 0, 0, id, false});
  };
  add(FieldId::kOther, 1);
  add(FieldId::kCacheControl, 2);
  add(FieldId::kOther, 3);
  CHECK_FALSE(table.full());
  add(FieldId::kCacheControl, 4);
  CHECK(table.full());
  CHECK(table.First(FieldId::kCacheControl)->name_at == 2);
  CHECK(table.Repeated(FieldId::kCacheControl));
  CHECK_FALSE(table.Has(FieldId::kOther));
  CHECK_FALSE(table.Repeated(FieldId::kOther));
  CHECK_FALSE(table.Has(FieldId::kHost));
  table.Clear();
  CHECK_FALSE(table.Has(FieldId::kCacheControl));
  CHECK(table.all().empty());
}

TEST_CASE("a table knows which of a set it holds, and what fields can take") {
  // As parsers leave them: "a:b" CRLF "host: c" CRLF, from octet 10.
  FieldTable fields(8);
  CHECK_FALSE(fields.HasAny(~uint64_t{0}));
  CHECK(fields.written_bytes() == 0);
  fields.Add({10, 12, 1, 1, FieldId::kOther, false});
  CHECK(fields.written_bytes() >= 1 + 2 + 1 + 2);
  fields.Add({15, 21, 1, 4, FieldId::kHost, false});
  CHECK(fields.written_bytes() >= (1 + 2 + 1 + 2) + (4 + 2 + 1 + 2));
  CHECK(fields.HasAny(FieldBit(FieldId::kHost) | FieldBit(FieldId::kVia)));
  CHECK_FALSE(fields.HasAny(FieldBit(FieldId::kVia)));
  CHECK_FALSE(fields.Has(FieldId::kOther));
  CHECK(fields.First(FieldId::kOther) == nullptr);
  fields.Add({24, 26, 1, 1, FieldId::kOther, false});
  CHECK_FALSE(fields.Repeated(FieldId::kOther));
}

TEST_CASE("methods are told apart by their case") {
  CHECK(LookUpMethod("GET") == Method::kGet);
  CHECK(LookUpMethod("DELETE") == Method::kDelete);
  CHECK(LookUpMethod("OPTIONS") == Method::kOptions);
  CHECK(LookUpMethod("CONNECT") == Method::kConnect);
  CHECK(LookUpMethod("PATCH") == Method::kPatch);
  CHECK(LookUpMethod("get") == Method::kOther);
  CHECK(LookUpMethod("GOT") == Method::kOther);
  CHECK(IsIdempotent(Method::kPut));
  CHECK_FALSE(IsIdempotent(Method::kPost));
  CHECK_FALSE(IsIdempotent(Method::kPatch));
  CHECK_FALSE(IsIdempotent(Method::kOther));
}

TEST_CASE("every rule has its sentence, its section and its classes") {
  CHECK(RuleName(ParseRule::kBareLf) == "kBareLf");
  CHECK(RuleSentence(ParseRule::kBareLf) == "bare LF ends a line");
  CHECK(RuleSection(ParseRule::kBareLf) == "RFC 9112 2.2");
  CHECK(ClassInRequest(ParseRule::kBareLf) == RuleClass::kLineBad);
  CHECK(ClassInResponse(ParseRule::kBareLf) == RuleClass::kBadField);
  CHECK(ClassInRequest(ParseRule::kStatusRange) == RuleClass::kNone);
}

}  // namespace
}  // namespace whichhop
