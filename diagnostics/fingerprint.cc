#include "diagnostics/fingerprint.h"

#include <algorithm>
#include <bitset>
#include <cstring>
#include <iterator>
#include <span>

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

constexpr Mark kMarks[] = {
#define WHICHHOP_MARK(generator, kind, own, status, field, text, sub_cause, \
                      proof)                                                \
  {Generator::generator, MarkKind::kind, own, status, field, text,          \
   SubCause::sub_cause,  proof[0]},
#include "diagnostics/fingerprint.inc"
};
constexpr size_t kMarkCount = std::size(kMarks);

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

struct RelayMark {
  std::string_view field;
  std::string_view text;
  Generator generator;
};
constexpr RelayMark kRelayMarks[] = {
#define WHICHHOP_RELAY_MARK(field, text, generator) \
  {field, text, Generator::generator},
#include "diagnostics/fingerprint.inc"
};

// --- Text

constexpr char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool SameWord(std::string_view one, std::string_view other) {
  return std::ranges::equal(one, other, {}, Lower, Lower);
}

bool Contains(std::string_view text, std::string_view words) {
  return !std::ranges::search(text, words, {}, Lower, Lower).empty() ||
         words.empty();
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() &&
         (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) {
    text.remove_suffix(1);
  }
  return text;
}

// --- Words inside of a body are looked for all at once: whoever has the first
// four octets of some is compared with those.

constexpr size_t kGram = 4;

constexpr uint32_t GramOf(const char* text) {
  uint32_t gram = 0;
  for (size_t i = 0; i < kGram; ++i) {
    gram |= static_cast<uint32_t>(static_cast<unsigned char>(text[i]))
            << (8 * i);
  }
  return gram;
}

constexpr size_t BucketOf(uint32_t gram) {
  return static_cast<size_t>((gram * uint32_t{0x9E3779B1}) >> 22);
}

constexpr size_t CountBodyMarks() {
  return static_cast<size_t>(std::ranges::count_if(
      kMarks, [](const Mark& mark) { return mark.kind == MarkKind::kBody; }));
}

struct Word {
  uint32_t gram = 0;
  uint16_t mark = 0;
};

struct WordIndex {
  std::array<Word, CountBodyMarks()> words;  // sorted by gram
  std::array<uint64_t, 16> buckets{};        // a bit each: some gram is there

  constexpr WordIndex() {
    size_t count = 0;
    for (size_t i = 0; i < kMarkCount; ++i) {
      if (kMarks[i].kind != MarkKind::kBody) continue;
      const uint32_t gram = GramOf(kMarks[i].text.data());
      words[count++] = {gram, static_cast<uint16_t>(i)};
      const size_t bucket = BucketOf(gram);
      buckets[bucket / 64] |= uint64_t{1} << bucket % 64;
    }
    std::ranges::sort(words, {}, &Word::gram);
  }

  bool MayHold(uint32_t gram) const {
    const size_t bucket = BucketOf(gram);
    return (buckets[bucket / 64] >> bucket % 64 & 1) != 0;
  }
};
constexpr WordIndex kWords;

constexpr bool BodyMarksAreLongEnough() {
  return std::ranges::all_of(kMarks, [](const Mark& mark) {
    return mark.kind != MarkKind::kBody || mark.text.size() >= kGram;
  });
}
static_assert(BodyMarksAreLongEnough());

// --- Marks of fields are asked by the length of a field's name: few have the
// length of any that an error has.

constexpr bool IsOfField(const Mark& mark) { return !mark.field.empty(); }

constexpr size_t CountFieldMarks() {
  return static_cast<size_t>(std::ranges::count_if(kMarks, IsOfField));
}

struct FieldIndex {
  static constexpr size_t kLongest = 48;
  std::array<uint16_t, CountFieldMarks()> marks{};  // by length, else in order
  std::array<uint16_t, kLongest + 2> begins{};      // of each length

  constexpr FieldIndex() {
    uint16_t count = 0;
    for (size_t length = 0; length <= kLongest; ++length) {
      begins[length] = count;
      for (size_t i = 0; i < kMarkCount; ++i) {
        if (!IsOfField(kMarks[i]) || kMarks[i].field.size() != length) continue;
        marks[count++] = static_cast<uint16_t>(i);
      }
    }
    begins[kLongest + 1] = count;
  }

  std::span<const uint16_t> OfLength(size_t length) const {
    if (length > kLongest) return {};
    return std::span(marks).subspan(
        begins[length],
        static_cast<size_t>(begins[length + 1]) - begins[length]);
  }
};
constexpr FieldIndex kFieldIndex;
static_assert(kFieldIndex.begins.back() == CountFieldMarks());

// --- The score

// What was found of each generator.
enum class Part : uint8_t {
  kProduct,
  kField,
  kBody,
  kHint,
  kPhrase,
  kShape,
  kTime
};
constexpr uint8_t kPartPoints[] = {40, 30, 60, 20, 20, 20, 20};

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
  }
  return Part::kTime;
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
    unsigned score = 0;
    for (size_t i = 0; i < std::size(kPartPoints); ++i) {
      if (Has(static_cast<Part>(i))) score += kPartPoints[i];
    }
    return own ? score : std::min(score, kNamed - 1u);
  }
};

using Tallies = std::array<Tally, kGeneratorCount>;

bool IsFor(const Mark& mark, uint16_t status) {
  if (mark.status == 0 || mark.status == status) return true;
  if (mark.status < 10) return status / 100 == mark.status;
  return mark.status < 100 && status / 10 == mark.status;
}

void Note(const ErrorPage& page, const Mark& mark, Tallies* tallies) {
  if (!IsFor(mark, page.status)) return;
  (*tallies)[static_cast<size_t>(mark.generator)].Add(mark);
}

// --- The head

struct Head {
  size_t fields = 0;
  bool server = false;
  bool date = false;
  bool close = false;       // Connection: close
  bool only_bare = true;    // none but those that every answer may have
  bool empty = false;       // Content-Length: 0
  uint32_t relayed_by = 0;  // a bit for each of kRelayMarks
};

bool IsBare(std::string_view name) {
  constexpr std::string_view kBare[] = {"server",     "date",
                                        "connection", "content-length",
                                        "keep-alive", "alt-svc"};
  return std::ranges::any_of(
      kBare, [&](std::string_view bare) { return SameWord(name, bare); });
}

bool Fits(const Mark& mark, std::string_view value) {
  switch (mark.kind) {
    case MarkKind::kServer:
    case MarkKind::kProduct:
      return SameWord(ProductOf(value), mark.text);
    case MarkKind::kField:
      return Contains(value, mark.text);
    default:  // the other kinds are none of fields
      return false;
  }
}

void ReadField(const ErrorPage& page, std::string_view name,
               std::string_view value, Head* head, Tallies* tallies) {
  ++head->fields;
  head->only_bare = head->only_bare && IsBare(name);
  head->server = head->server || SameWord(name, "server");
  head->date = head->date || SameWord(name, "date");
  head->close =
      head->close || (SameWord(name, "connection") && SameWord(value, "close"));
  head->empty =
      head->empty || (SameWord(name, "content-length") && value == "0");
  for (const uint16_t index : kFieldIndex.OfLength(name.size())) {
    const Mark& mark = kMarks[index];
    if (SameWord(name, mark.field) && Fits(mark, value)) {
      Note(page, mark, tallies);
    }
  }
  for (size_t i = 0; i < std::size(kRelayMarks); ++i) {
    const RelayMark& mark = kRelayMarks[i];
    if (!SameWord(name, mark.field) || !Contains(value, mark.text)) continue;
    head->relayed_by |= 1u << i;
  }
}

// Not inlined: g++ 12 would warn of bounds that size() excludes.
[[gnu::noinline]] std::string_view TakeLine(std::string_view* rest) {
  const size_t end = rest->find('\n');
  const std::string_view line = rest->substr(0, end);
  rest->remove_prefix(end == std::string_view::npos ? rest->size() : end + 1);
  return line;
}

Head ReadHead(const ErrorPage& page, Tallies* tallies) {
  Head head;
  std::string_view rest = page.fields;
  while (!rest.empty()) {
    const std::string_view line = TakeLine(&rest);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    ReadField(page, line.substr(0, colon), Trim(line.substr(colon + 1)), &head,
              tallies);
  }
  return head;
}

bool HasShape(const ErrorPage& page, const Head& head, std::string_view shape) {
  if (shape == "no server, no date") return !head.server && !head.date;
  if (shape == "bare and empty") {
    return head.server && head.only_bare && head.empty;
  }
  // "nothing but close"
  return head.fields == 1 && head.close && page.whole && page.body.empty();
}

// Within 2 % of a default of so many seconds.
bool HasTime(const ErrorPage& page, std::string_view text) {
  if (!page.first_byte.has_value()) return false;
  int64_t count = 0;
  for (const char c : text) {
    if (c >= '0' && c <= '9') count = count * 10 + (c - '0');
  }
  const microseconds limit = seconds(count);
  return *page.first_byte >= limit - limit / 50 &&
         *page.first_byte <= limit + limit / 50;
}

void ReadRest(const ErrorPage& page, const Head& head, Tallies* tallies) {
  for (const Mark& mark : kMarks) {
    switch (mark.kind) {
      case MarkKind::kWhole:
      case MarkKind::kHint:
        if (!page.whole || page.body != mark.text) continue;
        break;
      case MarkKind::kPhrase:
        if (page.reason != mark.text) continue;
        break;
      case MarkKind::kShape:
        if (!HasShape(page, head, mark.text)) continue;
        break;
      case MarkKind::kTime:
        if (!HasTime(page, mark.text)) continue;
        break;
      case MarkKind::kServer:
      case MarkKind::kProduct:
      case MarkKind::kField:
      case MarkKind::kBody:
        continue;
    }
    Note(page, mark, tallies);
  }
}

// --- The body

using Found = std::bitset<kMarkCount>;

void FindAt(std::string_view rest, uint32_t gram, Found* found) {
  const auto range =
      std::ranges::equal_range(kWords.words, gram, {}, &Word::gram);
  for (const Word& word : range) {
    if (rest.starts_with(kMarks[word.mark].text)) found->set(word.mark);
  }
}

// Noted in the order of the table: what is most exact stands first.
void ReadBody(const ErrorPage& page, Tallies* tallies) {
  const std::string_view body = page.body.substr(0, kPageBytes);
  Found found;
  for (size_t at = 0; at + kGram <= body.size(); ++at) {
    const uint32_t gram = GramOf(body.data() + at);
    if (kWords.MayHold(gram)) FindAt(body.substr(at), gram, &found);
  }
  if (found.none()) return;
  for (size_t i = 0; i < kMarkCount; ++i) {
    if (found.test(i)) Note(page, kMarks[i], tallies);
  }
}

// --- All of it

// The words of a database's driver are no product's: they count for the app
// that the head names, if it names one.
void LendDatabase(Tallies* tallies) {
  Tally& database = (*tallies)[static_cast<size_t>(Generator::kDatabaseText)];
  if (database.parts == 0) return;
  Tally* named = nullptr;
  for (size_t i = 1; i < kGeneratorCount; ++i) {
    Tally& tally = (*tallies)[i];
    const bool app = kGenerators[i].place == Place::kApp && &tally != &database;
    if (!app || !tally.Has(Part::kProduct)) continue;
    if (named == nullptr || tally.Score() > named->Score()) named = &tally;
  }
  if (named == nullptr) return;
  named->parts |= database.parts;
  named->own = true;
  named->sub_cause = SubCause::kDatabase;
}

// Of several with the same score one that left something of its own.
size_t Likeliest(const Tallies& tallies) {
  size_t best = 0;
  unsigned most = 0;
  for (size_t i = 1; i < kGeneratorCount; ++i) {
    const unsigned weight = 2 * tallies[i].Score() + (tallies[i].own ? 1 : 0);
    if (weight <= most) continue;
    most = weight;
    best = i;
  }
  return best;
}

bool IsRelayed(const Head& head, Generator generator) {
  for (size_t i = 0; i < std::size(kRelayMarks); ++i) {
    if ((head.relayed_by >> i & 1) == 0) continue;
    if (kRelayMarks[i].generator != generator) return true;
  }
  return false;
}
static_assert(std::size(kRelayMarks) <= 32);

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
  return server.substr(0, server.find_first_of("/ (\t"));
}

bool StandsBeforeApps(std::string_view product) {
  bool found = false;
  for (const Mark& mark : kMarks) {
    const bool named =
        mark.kind == MarkKind::kServer && SameWord(mark.text, product);
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
           SameWord(mark.text, product);
  });
}

Recognized Recognize(const ErrorPage& page) {
  Tallies tallies;
  const Head head = ReadHead(page, &tallies);
  ReadBody(page, &tallies);
  ReadRest(page, head, &tallies);
  LendDatabase(&tallies);
  Recognized recognized;
  const size_t best = Likeliest(tallies);
  const Tally& tally = tallies[best];
  recognized.generator = static_cast<Generator>(best);
  recognized.score = static_cast<uint8_t>(std::min(tally.Score(), 255u));
  recognized.sub_cause = tally.sub_cause;
  recognized.relayed = IsRelayed(head, recognized.generator);
  recognized.stock = page.whole && recognized.score >= kNamed &&
                     (tally.Has(Part::kBody) || tally.Has(Part::kHint)) &&
                     kGenerators[best].place != Place::kApp &&
                     kGenerators[best].place != Place::kStore;
  return recognized;
}

}  // namespace whichhop::diagnostics
