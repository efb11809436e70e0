#include "diagnostics/fingerprint_head.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "diagnostics/field_name.h"

namespace whichhop::diagnostics {
namespace {

// --- Text

bool Contains(std::string_view text, std::string_view words) {
  const auto alike = [](char a, char b) {
    return LowerCase(a) == LowerCase(b);
  };
  return std::search(text.begin(), text.end(), words.begin(), words.end(),
                     alike) != text.end() ||
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

// --- Names that anything is known of. They are asked for by their length: few
// have that of any field.

// Fields that every answer may have.
enum class Bare : uint8_t {
  kNot,
  kServer,
  kDate,
  kConnection,
  kContentLength,
  kOther
};
struct BareField {
  std::string_view name;
  Bare bare;
};
constexpr BareField kBareFields[] = {
    {"server", Bare::kServer},         {"date", Bare::kDate},
    {"connection", Bare::kConnection}, {"content-length", Bare::kContentLength},
    {"keep-alive", Bare::kOther},      {"alt-svc", Bare::kOther}};

struct KnownName {
  std::string_view name;  // in lower case
  Bare bare = Bare::kNot;
  bool marked = false;
  MarkSet products;  // of these the product of the value is one
  MarkSet words;     // that the value has
  RelayMarkSet relay_marks;
};

class KnownNames {
 public:
  constexpr KnownNames() {
    for (const BareField& field : kBareFields)
      Add(field.name).bare = field.bare;
    for (size_t i = 0; i < kMarkCount; ++i) {
      if (kMarks[i].field.empty()) continue;
      KnownName& known = AddMarked(kMarks[i].field);
      const bool words = kMarks[i].kind == MarkKind::kField;
      (words ? known.words : known.products).Add(i);
    }
    for (size_t i = 0; i < std::size(kRelayMarks); ++i) {
      AddMarked(kRelayMarks[i].field).relay_marks.Add(i);
    }
    SortByLength();
  }

  // Null: nothing is known of it.
  const KnownName* Find(std::string_view name) const {
    if (name.size() > kLongest) return nullptr;
    for (size_t i = begins_[name.size()]; i < begins_[name.size() + 1]; ++i) {
      if (NameIs(name, names_[i].name)) return &names_[i];
    }
    return nullptr;
  }

 private:
  static constexpr size_t kMost = 48;  // more would not compile
  static constexpr size_t kLongest = 40;

  constexpr KnownName& Add(std::string_view name) {
    for (size_t i = 0; i < count_; ++i) {
      if (names_[i].name == name) return names_[i];
    }
    names_[count_].name = name;
    return names_[count_++];
  }

  constexpr KnownName& AddMarked(std::string_view name) {
    KnownName& known = Add(name);
    known.marked = true;
    return known;
  }

  constexpr void SortByLength() {
    const auto end = names_.begin() + count_;
    std::ranges::sort(names_.begin(), end, {}, &NameLength);
    for (size_t length = 0; length < begins_.size(); ++length) {
      const auto* const first = std::ranges::lower_bound(
          names_.begin(), end, length, {}, &NameLength);
      begins_[length] = static_cast<uint16_t>(first - names_.begin());
    }
  }
  static constexpr size_t NameLength(const KnownName& known) {
    return known.name.size();
  }

  std::array<KnownName, kMost> names_{};  // `count_` of them, by length
  size_t count_ = 0;
  std::array<uint16_t, kLongest + 2> begins_{};  // of each length
};
constexpr KnownNames kKnownNames;

constexpr MarksByLength kProducts{MarkKind::kServer, MarkKind::kProduct};

// --- Fields

void AddMarks(const KnownName& known, std::string_view value, Head* head) {
  const std::string_view product = ProductOf(value);
  const MarkSet products = known.products & kProducts.OfLength(product.size());
  products.ForEach([&](size_t i) {
    if (EqualWords(product, kMarks[i].text)) head->marks.Add(i);
  });
  known.words.ForEach([&](size_t i) {
    if (Contains(value, kMarks[i].text)) head->marks.Add(i);
  });
  known.relay_marks.ForEach([&](size_t i) {
    if (Contains(value, kRelayMarks[i].text)) head->relayed_by.Add(i);
  });
}

void NoteBare(Bare bare, std::string_view value, Head* head) {
  switch (bare) {
    case Bare::kNot:
      head->only_bare = false;
      break;
    case Bare::kServer:
      head->server = true;
      break;
    case Bare::kDate:
      head->date = true;
      break;
    case Bare::kConnection:
      head->close = head->close || EqualWords(value, "close");
      break;
    case Bare::kContentLength:
      head->empty = head->empty || value == "0";
      break;
    case Bare::kOther:
      break;
  }
}

void ReadField(std::string_view name, std::string_view value, Head* head) {
  ++head->fields;
  const KnownName* const known = kKnownNames.Find(name);
  NoteBare(known == nullptr ? Bare::kNot : known->bare, value, head);
  if (known == nullptr) return;
  if (known->marked) AddMarks(*known, value, head);
}

// Not inlined: g++ 12 would warn of bounds that size() excludes.
[[gnu::noinline]] std::string_view TakeLine(std::string_view* rest) {
  const size_t end = rest->find('\n');
  const std::string_view line = rest->substr(0, end);
  rest->remove_prefix(end == std::string_view::npos ? rest->size() : end + 1);
  return line;
}

}  // namespace

Head ReadHead(std::string_view fields) {
  Head head;
  while (!fields.empty()) {
    const std::string_view line = TakeLine(&fields);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    ReadField(line.substr(0, colon), Trim(line.substr(colon + 1)), &head);
  }
  return head;
}

}  // namespace whichhop::diagnostics
