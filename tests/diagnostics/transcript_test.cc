#include "diagnostics/transcript.h"

#include <random>
#include <string>
#include <tuple>
#include <utility>

#include "diagnostics/diagnose.h"
#include "tests/catch.h"
#include "tests/diagnostics/dump.h"
#include "tests/diagnostics/sightings.h"

namespace whichhop::diagnostics {
namespace {

std::string Text(const Observation& o) {
  std::string out;
  AppendTranscript(o, out);
  return out;
}

Transcript Parse(std::string_view text) {
  Transcript out;
  std::string error;
  if (!ParseTranscript(text, &out, &error)) FAIL(error << " in\n" << text);
  return out;
}

std::string ErrorOf(std::string_view text) {
  Transcript out;
  std::string error;
  return ParseTranscript(text, &out, &error) ? "none" : error;
}

std::string DumpAll(const Verdict& v) {
  std::string out = Dump(v);
  for (std::string_view text :
       {v.next_hop.view(), v.details.view(), v.parameters[0].key,
        v.parameters[0].text.view(), v.parameters[1].key}) {
    (out += '\n') += text;
  }
  for (const ErrorParameter& parameter : v.parameters) {
    (out += '\n') += std::to_string(parameter.integer);
  }
  for (size_t i = 0; i < v.evidence.size(); ++i) {
    (out += '\n') += v.evidence[i].sentence;
  }
  return out;
}

// Asks Catch2 only where something is wrong: it is slow, and this runs often.
void DemandRoundTrip(const Observation& o) {
  const std::string text = Text(o);
  const Transcript read = Parse(text);
  if (Text(read.seen) != text) FAIL(text << "became\n" << Text(read.seen));
  if (DumpAll(Diagnose(read.seen)) != DumpAll(Diagnose(o))) FAIL(text);
}

// --- Every field of every struct. A new field does not compile here until it
// has a name in its Fields(), and fails below until it has its line.

auto Fields(RequestFacts& facts) {
  auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = facts;
  return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n);
}

auto Fields(CertificateFacts& facts) {
  auto& [a, b, c, d, e, f, g, h, i, j] = facts;
  return std::tie(a, b, c, d, e, f, g, h, i, j);
}

auto Fields(ClockFacts& facts) {
  auto& [a, b, c, d] = facts;
  return std::tie(a, b, c, d);
}

auto Fields(TlsFacts& facts) {
  auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x,
         y] = facts;
  return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u,
                  v, w, x, y);
}

auto Fields(ClientTlsFacts& facts) {
  auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r] = facts;
  return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r);
}

auto Fields(DecisionFacts& facts) {
  auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = facts;
  return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p);
}

auto Fields(WriterFacts& facts) {
  auto& [a, b, c, d, e, f, g, h, i, j, k] = facts;
  return std::tie(a, b, c, d, e, f, g, h, i, j, k);
}

auto Fields(TcpFacts& facts) {
  auto& [a, b, c, d, e, f, g, h, i, j] = facts;
  return std::tie(a, b, c, d, e, f, g, h, i, j);
}

auto Fields(IcmpFacts& facts) {
  auto& [a, b, c, d, e, f] = facts;
  return std::tie(a, b, c, d, e, f);
}

auto Fields(SiblingFacts& facts) {
  auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u] = facts;
  return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t,
                  u);
}

// All but the first bytes, which are one fact in two fields: see below.
auto Fields(AttemptFacts& facts) {
  auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x,
         y, z, aa, bb, cc, dd, ee, ff, gg, hh, ii, jj, kk, ll, mm, nn,
         first_bytes, first_bytes_size, tls, siblings] = facts;
  static_assert(std::is_same_v<decltype(first_bytes), std::array<char, 64>>);
  static_assert(std::is_same_v<decltype(first_bytes_size), uint8_t>);
  return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u,
                  v, w, x, y, z, aa, bb, cc, dd, ee, ff, gg, hh, ii, jj, kk, ll,
                  mm, nn, tls, siblings);
}

auto Fields(TestimonyFacts& facts) {
  auto& [a, b, c, d, e, f, g, h, i, j] = facts;
  return std::tie(a, b, c, d, e, f, g, h, i, j);
}

auto Fields(Observation& o) {
  auto& [a, b, c, d, e, f, g, h, i, request, decision, writer, attempt,
         testimony] = o;
  return std::tie(a, b, c, d, e, f, g, h, i, request, decision, writer, attempt,
                  testimony);
}

template <typename T>
concept Struct = requires(T& t) {
  Fields(t);
};

// Calls do(field) for each that is no struct, depth first; an optional struct
// is a field itself, and then its fields follow where it has some.
template <typename T, typename Do>
void ForEachField(T& field, const Do& act) {
  if constexpr (Struct<T>) {
    std::apply([&](auto&... each) { (ForEachField(each, act), ...); },
               Fields(field));
  } else {
    act(field);
    if constexpr (requires { Fields(*field); }) {
      if (field.has_value()) ForEachField(*field, act);
    }
  }
}

// How many enumerators an enum has, for those that count from 0: only what is
// one has a name in the compiler's eyes.
template <auto value>
constexpr bool IsEnumerator() {
  return std::string_view(__PRETTY_FUNCTION__).find("= (") ==
         std::string_view::npos;
}
template <typename Enum, size_t from = 0>
constexpr size_t EnumeratorCount() {
  if constexpr (!IsEnumerator<static_cast<Enum>(from)>()) {
    return from;
  } else {
    return EnumeratorCount<Enum, from + 1>();
  }
}
static_assert(EnumeratorCount<Hop>() == kHopCount);
static_assert(EnumeratorCount<BodyFraming>() == 3);

// Random values, of any type that a field has.
class Values {
 public:
  explicit Values(uint32_t seed) : random_(seed) {}

  uint64_t Below(uint64_t limit) { return random_() % limit; }

  void Set(bool& flag) { flag = Below(2) == 0; }
  void Set(std::integral auto& number) {
    using Number = std::remove_reference_t<decltype(number)>;
    number = static_cast<Number>(random_() >> Below(64));
    if (number < 0) number = static_cast<Number>(-(number + 1));
  }
  void Set(Micros& time) { time = Micros(Signed(Below(2) ? 100'000 : kMost)); }
  void Set(Seconds& time) { time = Seconds(Signed(kMost / 1'000'000)); }
  void Set(std::string_view& text) {
    Texts::value_type& bytes = texts_.emplace_back(Below(20), ' ');
    for (char& c : bytes) c = static_cast<char>(Below(256));
    text = bytes;
  }
  void Set(Fault& fault) { fault = static_cast<Fault>(Below(kFaultCount)); }
  template <typename Enum>
  requires std::is_enum_v<Enum>
  void Set(Enum& choice) {
    choice = static_cast<Enum>(Below(EnumeratorCount<Enum>()));
  }
  template <typename T>
  void Set(std::optional<T>& fact) {
    fact.reset();
    if (Below(2) == 0) return;
    fact.emplace();
    if constexpr (!Struct<T>) Set(*fact);
  }

 private:
  using Texts = std::deque<std::string>;
  static constexpr int64_t kMost = 900'000'000'000'000;  // 28 years

  int64_t Signed(int64_t below) {
    const auto number = static_cast<int64_t>(Below(uint64_t(below)));
    return Below(8) == 0 ? -number : number;
  }

  std::mt19937_64 random_;
  Texts texts_;  // that the observations refer to
};

Observation AnyObservation(Values& values) {
  Observation o;
  ForEachField(o, [&](auto& field) {
    if (values.Below(3) == 0) values.Set(field);
  });
  if (o.kind == Kind::kRelayed) {  // what Diagnose() requires
    o.status = static_cast<uint16_t>(400 + values.Below(200));
  }
  return o;
}

// An observation in which every group was seen, and nothing else.
Observation Bare() {
  Observation o;
  o.attempt.tcp.emplace();
  o.decision.probe_icmp.emplace();
  o.attempt.icmp.emplace();
  o.attempt.tls.emplace();
  o.request.tls.emplace();
  o.testimony.emplace();
  return o;
}

size_t FieldCount() {
  size_t count = 0;
  Observation o = Bare();
  ForEachField(o, [&](auto&) { ++count; });
  return count;
}

// Calls act(field) with the field of that number alone.
template <typename Do>
void WithField(Observation& o, size_t number, Do act) {
  size_t at = 0;
  ForEachField(o, [&](auto& field) {
    if (at++ == number) act(field);
  });
}

// Another value than it has. A group is not changed, but taken away.
template <typename T>
void Change(Values& values, T& field) {
  if constexpr (requires { Fields(*field); }) {
    field.reset();
  } else {
    for (const T before = field; field == before;) values.Set(field);
  }
}

// Whether all fields are equal.
template <typename T>
bool Same(T& one, T& other) {
  if constexpr (Struct<T>) {
    const auto compare = [&](auto&... left) {
      return std::apply(
          [&](auto&... right) { return (Same(left, right) && ...); },
          Fields(other));
    };
    return std::apply(compare, Fields(one));
  } else if constexpr (requires { Fields(*one); }) {
    if (!one.has_value() || !other.has_value()) return !one && !other;
    return Same(*one, *other);
  } else {
    return one == other;
  }
}

TEST_CASE("every field of an observation has a line of its own") {
  Values values(1);
  const std::string bare = Text(Bare());
  for (size_t i = 0; i < FieldCount(); ++i) {
    INFO("field " << i << " of observation.h, depth first");
    Observation o = Bare();
    WithField(o, i, [&](auto& field) { Change(values, field); });
    const std::string text = Text(o);
    CHECK(text != bare);
    Transcript read = Parse(text);
    CHECK(Same(o, read.seen));
    CHECK(Text(read.seen) == text);
  }
}

// Every value of the choice that is this field, one after the other.
template <typename Choice>
void DemandNames(size_t field) {
  for (size_t value = 0; value < EnumeratorCount<Choice>(); ++value) {
    Observation o = Bare();
    WithField(o, field, [&]<typename T>(T& choice) {
      if constexpr (std::is_enum_v<T>) choice = static_cast<T>(value);
    });
    Transcript read = Parse(Text(o));
    CHECK(Same(read.seen, o));
  }
}

TEST_CASE("every value of every choice has a name of its own") {
  Observation o = Bare();
  for (size_t i = 0; i < FieldCount(); ++i) {
    WithField(o, i, [&]<typename T>(T&) {
      if constexpr (std::is_enum_v<T>) DemandNames<T>(i);
    });
  }
}

TEST_CASE("faults that share an id are told apart") {
  for (size_t i = 0; i < kFaultCount; ++i) {
    Observation o;
    o.decision.last_probe = static_cast<Fault>(i);
    CHECK(Parse(Text(o)).seen.decision.last_probe == static_cast<Fault>(i));
  }
}

TEST_CASE("any observation comes back whole, and is diagnosed the same") {
  Values values(20240612);
  for (int i = 0; i < 10000; ++i) {
    Observation o = AnyObservation(values);
    DemandRoundTrip(o);
    Transcript read = Parse(Text(o));
    if (!Same(o, read.seen)) FAIL(Text(o));
  }
}

struct Golden {
  std::string_view name;
  Position position;
  Answers is;
  Statuses statuses;
  std::string_view sighting;
};

constexpr Golden kGolden[] = {
#define GOLDEN(name, position, is, statuses, sighting, ...)            \
  {name, Position::k##position, Answers::k##is, Statuses::k##statuses, \
   #sighting},
#include "tests/diagnostics/golden_verdicts.inc"
#undef GOLDEN
};

TEST_CASE("every sighting and every golden observation comes back") {
  for (const Sighting& sighting : AllSightings()) {
    INFO(sighting.name);
    Observation o;
    o.status = 404;
    sighting.see(o);
    DemandRoundTrip(o);
  }
  for (const Golden& golden : kGolden) {
    INFO(golden.name);
    Observation o;
    o.position = golden.position;
    o.is = golden.is;
    o.statuses = golden.statuses;
    o.status = 502;
    See(golden.sighting, o);
    DemandRoundTrip(o);
  }
}

// --- What it looks like.

TEST_CASE("a refused connection reads like this") {
  Observation o;
  See("ConnectRefusedIcmp", o);
  o.attempt.siblings.same_rack = Seconds(2);
  CHECK(Text(o) ==
        "position lb\n"
        "kind attempt\n"
        "attempt.phase connect\n"
        "attempt.end errno\n"
        "attempt.error 111\n"
        "attempt.address \"10.0.0.5:8000\"\n"
        "attempt.connect 1ms\n"
        "attempt.icmp seen\n"
        "attempt.icmp.code 3\n"
        "attempt.icmp.offender hop\n"
        "attempt.icmp.address \"10.0.0.1\"\n"
        "attempt.siblings.same_rack 2s\n");
}

TEST_CASE("lines may come in any order, beside comments and empty ones") {
  const Transcript read = Parse(
      "# from a ticket\n\nattempt.tcp.snd_wnd 0\nattempt.tcp seen\n"
      "kind attempt\nattempt.waited 1500ms\ndecision.last_probe "
      "connect-unix/2");
  CHECK(read.seen.kind == Kind::kAttempt);
  CHECK(read.seen.attempt.tcp.value().snd_wnd == 0u);
  CHECK(read.seen.attempt.waited == std::chrono::milliseconds(1500));
  CHECK(GetFault(read.seen.decision.last_probe.value()).id == "connect-unix");
  CHECK(Text(Parse("").seen) == "position lb\nkind relayed\n");
}

TEST_CASE("text and first bytes hold any byte") {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  Observation o;
  o.attempt.rule = all;
  o.attempt.first_bytes.fill('\xFF');
  o.attempt.first_bytes_size = 64;
  const Transcript read = Parse(Text(o));
  CHECK(read.seen.attempt.rule == all);
  CHECK(read.seen.attempt.first_bytes == o.attempt.first_bytes);
  CHECK(read.seen.attempt.first_bytes_size == 64);
  for (char c : Text(o)) CHECK(((c >= ' ' && c <= '~') || c == '\n'));
}

TEST_CASE("a transcript keeps its texts when it moves") {
  Transcript from = Parse("address \"a\"\ndecision.detail \"no route\"");
  const Transcript to = std::move(from);
  CHECK(to.seen.address == "a");
  CHECK(to.seen.decision.detail == "no route");
}

TEST_CASE("what cannot be read is said with its line and reason") {
  const std::pair<std::string_view, std::string_view> kCases[] = {
      {"\nnonsense 1", "line 2: unknown key \"nonsense\""},
      {"\x1B[2J\xFF", "line 1: unknown key \"\\x1b[2J\\xff\""},
      {" kind attempt", "line 1: unknown key \"\""},
      {"kind", "line 1: kind: no value"},
      {"kind ", "line 1: kind: none of relayed decision respond attempt"},
      {"kind attempt\r",
       "line 1: kind: none of relayed decision respond attempt"},
      {"believe no\nbelieve no", "line 2: believe: told twice"},
      {"believe 1", "line 1: believe: neither yes nor no"},
      {"status 65536", "line 1: status: no number from 0 to 65535"},
      {"status -0", "line 1: status: no number from 0 to 65535"},
      {"attempt.error -1",
       "line 1: attempt.error: no number from 0 to 2147483647"},
      {"attempt.icmp.type 0x3",
       "line 1: attempt.icmp.type: no number from 0 to 255"},
      {"attempt.waited 3",
       "line 1: attempt.waited: no whole number of us, ms or s"},
      {"attempt.waited 0.5s",
       "line 1: attempt.waited: no whole number of us, ms or s"},
      {"attempt.waited 9223372036854775807s",
       "line 1: attempt.waited: longer than 30 years"},
      {"attempt.siblings.same_rack 1500ms",
       "line 1: attempt.siblings.same_rack: no whole seconds"},
      {"fault relay-404", "line 1: fault: no fault has this id"},
      {"fault connect-unix/3", "line 1: fault: no fault has this id"},
      {"attempt.tcp yes", "line 1: attempt.tcp: can only be `seen`"},
      {"address x", "line 1: address: not in double quotes"},
      {"address \"", "line 1: address: not in double quotes"},
      {"address \"\\\"",
       "line 1: address: a byte that wants \\\", \\\\ or \\xNN"},
      {"address \"\\x+1\"",
       "line 1: address: a byte that wants \\\", \\\\ or \\xNN"},
      {"address \"\xC3\xA4\"",
       "line 1: address: a byte that wants \\\", \\\\ or \\xNN"},
      {"attempt.first_bytes \"0123456789012345678901234567890123456789"
       "0123456789012345678901234\"",
       "line 1: attempt.first_bytes: longer than 64 bytes"},
  };
  for (const auto& [text, error] : kCases) CHECK(ErrorOf(text) == error);
}

TEST_CASE("a text that cannot be read leaves the transcript as it was") {
  Transcript read = Parse("status 404");
  std::string error;
  CHECK_FALSE(ParseTranscript("status 500\nx", &read, &error));
  CHECK(read.seen.status == 404);
}

}  // namespace
}  // namespace whichhop::diagnostics
