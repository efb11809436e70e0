#include "diagnostics/fingerprint.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "diagnostics/field_name.h"
#include "diagnostics/fingerprint_head.h"
#include "diagnostics/fingerprint_marks.h"
#include "diagnostics/fingerprint_words.h"

namespace whichhop::diagnostics {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;

constexpr GeneratorInfo kGenerators[] = {
    {},
#define WHICHHOP_GENERATOR(enumerator, name, place, proof) \
  {name, Place::place, proof[0]},
#include "diagnostics/fingerprint.inc"
};
constexpr size_t kGeneratorCount = std::size(kGenerators);

constexpr SubCauseInfo kSubCauses[] = {
    {"none", {}, false, ""},
#define WHICHHOP_SUB_CAUSE(enumerator, name, suspects, self, sentence) \
  {name, suspects, self, sentence},
#include "diagnostics/fingerprint.inc"
};

struct Number {
  Generator generator;
  int status;
  StatusMeaning meaning;
};
constexpr Number kNumbers[] = {
#define WHICHHOP_NUMBER(generator, status, sub_cause, text) \
  {Generator::generator, status, {SubCause::sub_cause, text}},
#include "diagnostics/fingerprint.inc"
};

// --- The score

// What was found of each generator.
enum class Part : uint8_t {
  kProduct,
  kField,
  kBody,
  kHint,
  kPhrase,
  kShape,
  kTime,
  kPortal
};
constexpr uint8_t kPartPoints[] = {40, 30, 60, 20, 20, 20, 20, 0};

// Of each set of parts.
constexpr auto kPoints = [] {
  std::array<uint8_t, 256> points{};
  for (size_t parts = 0; parts < points.size(); ++parts) {
    unsigned sum = 0;
    for (size_t i = 0; i < std::size(kPartPoints); ++i) {
      if ((parts >> i & 1) != 0) sum += kPartPoints[i];
    }
    points[parts] = static_cast<uint8_t>(sum);
  }
  return points;
}();

constexpr Part PartOf(MarkKind kind) {
  switch (kind) {
    case MarkKind::kServer:
    case MarkKind::kProduct:
      return Part::kProduct;
    case MarkKind::kField:
      return Part::kField;
    case MarkKind::kBody:
    case MarkKind::kWhole:
      return Part::kBody;
    case MarkKind::kHint:
      return Part::kHint;
    case MarkKind::kPhrase:
      return Part::kPhrase;
    case MarkKind::kShape:
      return Part::kShape;
    case MarkKind::kTime:
      return Part::kTime;
    case MarkKind::kPortal:
      return Part::kPortal;
  }
  return Part::kPortal;
}

struct Tally {
  uint8_t parts = 0;  // a bit each
  bool own = false;
  SubCause sub_cause = SubCause::kNone;

  void Add(const Mark& mark) {
    parts = static_cast<uint8_t>(
        parts | 1u << static_cast<unsigned>(PartOf(mark.kind)));
    own = own || mark.own;
    if (sub_cause == SubCause::kNone) sub_cause = mark.sub_cause;
  }
  bool Has(Part part) const {
    return (parts >> static_cast<unsigned>(part) & 1) != 0;
  }
  unsigned Score() const {
    const unsigned score = kPoints[parts];
    return own ? score : std::min(score, kNamed - 1u);
  }
};

struct Tallies {
  std::array<Tally, kGeneratorCount> of;
  IndexSet<kGeneratorCount> marked;  // those that have any part

  Tally& Of(Generator generator) { return of[static_cast<size_t>(generator)]; }
};

bool IsFor(const Mark& mark, uint16_t status) {
  if (mark.status == 0 || mark.status == status) return true;
  if (mark.status < 10) return status / 100 == mark.status;
  return mark.status < 100 && status / 10 == mark.status;
}

// What is most exact stands first in the table.
Tallies Count(const MarkSet& found, uint16_t status) {
  Tallies tallies;
  found.ForEach([&](size_t i) {
    const Mark& mark = kMarks[i];
    if (!IsFor(mark, status)) return;
    tallies.Of(mark.generator).Add(mark);
    tallies.marked.Add(static_cast<size_t>(mark.generator));
  });
  return tallies;
}

// --- What is neither of a field nor of words

bool HasShape(const ErrorPage& page, const Head& head, std::string_view shape) {
  if (shape == "no server, no date") return !head.server && !head.date;
  if (shape == "bare and empty") {
    return head.server && head.only_bare && head.empty;
  }
  // "nothing but close"
  return head.fields == 1 && head.close && page.whole && page.body.empty();
}

// Within 2 % of a default of so many seconds.
bool IsTime(microseconds time, std::string_view text) {
  int64_t count = 0;
  for (const char c : text) {
    if (c >= '0' && c <= '9') count = count * 10 + (c - '0');
  }
  const microseconds limit = seconds(count);
  return time >= limit - limit / 50 && time <= limit + limit / 50;
}

constexpr MarksByLength kPhrases{MarkKind::kPhrase};
constexpr MarksByLength kBodies{MarkKind::kWhole, MarkKind::kHint};

constexpr MarkSet MarksOf(MarkKind kind) {
  MarkSet marks;
  for (size_t i = 0; i < kMarkCount; ++i) {
    if (kMarks[i].kind == kind) marks.Add(i);
  }
  return marks;
}
constexpr MarkSet kShapes = MarksOf(MarkKind::kShape);
constexpr MarkSet kTimes = MarksOf(MarkKind::kTime);

void FindRest(const ErrorPage& page, const Head& head, MarkSet* found) {
  const auto add = [&](const MarkSet& marks, auto has) {
    marks.ForEach([&](size_t i) {
      if (IsFor(kMarks[i], page.status) && has(kMarks[i].text)) found->Add(i);
    });
  };
  add(kPhrases.OfLength(page.reason.size()),
      [&](std::string_view text) { return page.reason == text; });
  if (page.whole) {
    add(kBodies.OfLength(page.body.size()),
        [&](std::string_view text) { return page.body == text; });
  }
  add(kShapes,
      [&](std::string_view text) { return HasShape(page, head, text); });
  if (!page.first_byte.has_value()) return;
  add(kTimes,
      [&](std::string_view text) { return IsTime(*page.first_byte, text); });
}

// --- All of it

// The words of a database's driver are no product's: they count for the app
// that the head names, if it names one.
void LendDatabase(Tallies* tallies) {
  Tally& database = tallies->Of(Generator::kDatabaseText);
  if (database.parts == 0) return;
  Tally* named = nullptr;
  tallies->marked.ForEach([&](size_t i) {
    Tally& tally = tallies->of[i];
    const bool app = kGenerators[i].place == Place::kApp && &tally != &database;
    if (!app || !tally.Has(Part::kProduct)) return;
    if (named == nullptr || tally.Score() > named->Score()) named = &tally;
  });
  if (named == nullptr) return;
  named->parts |= database.parts;
  named->own = true;
  named->sub_cause = SubCause::kDatabase;
}

// Of several with the same score one that left something of its own.
size_t Likeliest(const Tallies& tallies) {
  size_t best = 0;
  unsigned most = 0;
  tallies.marked.ForEach([&](size_t i) {
    const Tally& tally = tallies.of[i];
    const unsigned weight = 2 * tally.Score() + (tally.own ? 1 : 0);
    if (weight <= most) return;
    most = weight;
    best = i;
  });
  return best;
}

// By a box that is not itself the generator.
bool IsRelayed(const Head& head, Generator generator) {
  bool relayed = false;
  head.relayed_by.ForEach([&](size_t i) {
    relayed = relayed || kRelayMarks[i].generator != generator;
  });
  return relayed;
}

}  // namespace

const GeneratorInfo& GetGenerator(Generator generator) {
  return kGenerators[static_cast<size_t>(generator)];
}

const SubCauseInfo& GetSubCause(SubCause cause) {
  return kSubCauses[static_cast<size_t>(cause)];
}

StatusMeaning MeaningOf(Generator generator, int status) {
  for (const Number& number : kNumbers) {
    if (number.generator == generator && number.status == status) {
      return number.meaning;
    }
  }
  return {};
}

std::string_view ProductOf(std::string_view server) {
  const auto* const end = std::ranges::find_if(server, [](char c) {
    return c == '/' || c == ' ' || c == '(' || c == '\t';
  });
  return server.substr(0, static_cast<size_t>(end - server.begin()));
}

bool StandsBeforeApps(std::string_view product) {
  bool found = false;
  for (const Mark& mark : kMarks) {
    const bool named =
        mark.kind == MarkKind::kServer && EqualWords(mark.text, product);
    if (!named) continue;
    const Place place = GetGenerator(mark.generator).place;
    if (place == Place::kApp || place == Place::kStore) return false;
    found = true;
  }
  return found;
}

bool CallsItself(Generator generator, std::string_view product) {
  return std::ranges::any_of(kMarks, [&](const Mark& mark) {
    return mark.generator == generator && mark.kind == MarkKind::kServer &&
           EqualWords(mark.text, product);
  });
}

Recognized Recognize(const ErrorPage& page) {
  const Head head = ReadHead(page.fields);
  MarkSet found = head.marks;
  FindWords(page.body.substr(0, kPageBytes), &found);
  FindRest(page, head, &found);
  Tallies tallies = Count(found, page.status);
  LendDatabase(&tallies);
  Recognized recognized;
  const size_t best = Likeliest(tallies);
  const Tally& tally = tallies.of[best];
  recognized.generator = static_cast<Generator>(best);
  recognized.score = static_cast<uint8_t>(std::min(tally.Score(), 255u));
  recognized.sub_cause = tally.sub_cause;
  recognized.relayed = IsRelayed(head, recognized.generator);
  recognized.stock = page.whole && recognized.score >= kNamed &&
                     (tally.Has(Part::kBody) || tally.Has(Part::kHint)) &&
                     kGenerators[best].place != Place::kApp &&
                     kGenerators[best].place != Place::kStore;
  recognized.portal = tallies.Of(Generator::kNone).Has(Part::kPortal);
  return recognized;
}

}  // namespace whichhop::diagnostics
