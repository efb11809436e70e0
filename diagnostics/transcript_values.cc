#include "diagnostics/transcript_values.h"

namespace whichhop::diagnostics::transcript {
namespace {

// Several faults may share an id: all but the first are counted.
std::string FaultName(Fault fault) {
  const std::string_view id = GetFault(fault).id;
  size_t count = 1;
  for (size_t i = 0; i < static_cast<size_t>(fault); ++i) {
    if (GetFault(static_cast<Fault>(i)).id == id) ++count;
  }
  std::string name(id);
  if (count > 1) name += "/" + std::to_string(count);
  return name;
}

bool IsPrintable(char c) { return c >= ' ' && c <= '~'; }

struct Unit {
  int64_t micros;
  std::string_view name;
};
constexpr std::array<Unit, 3> kUnits = {
    {{1'000'000, "s"}, {1000, "ms"}, {1, "us"}}};

// Long enough for any exchange; short enough to calculate with.
constexpr Micros kLongest = std::chrono::hours(24 * 365 * 30);

// Takes what stands for one byte off the front of a text.
bool TakeByte(std::string_view& text, std::string& out) {
  if (text[0] != '\\') {
    out += text[0];
    text.remove_prefix(1);
    return IsPrintable(out.back()) && out.back() != '"';
  }
  if (text.starts_with("\\\\") || text.starts_with("\\\"")) {
    out += text[1];
    text.remove_prefix(2);
    return true;
  }
  if (!text.starts_with("\\x") || text.size() < 4) return false;
  const char* const digits = text.data() + 2;
  unsigned char byte = 0;
  const auto result = std::from_chars(digits, digits + 2, byte, 16);
  out += static_cast<char>(byte);
  text.remove_prefix(4);
  return result.ec == std::errc() && result.ptr == digits + 2;
}

}  // namespace

void Write(bool flag, std::string& out) { out += flag ? "yes" : "no"; }

Reason Read(std::string_view text, bool& flag, Texts&) {
  flag = text == "yes";
  return flag || text == "no" ? "" : "neither yes nor no";
}

// In the largest unit of which it is a whole number.
void Write(Micros duration, std::string& out) {
  const Unit& unit = *std::ranges::find_if(kUnits, [&](const Unit& each) {
    return duration.count() % each.micros == 0;
  });
  out += std::to_string(duration.count() / unit.micros);
  out += unit.name;
}

Reason Read(std::string_view text, Micros& duration, Texts&) {
  int64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, failed] = std::from_chars(text.data(), end, count);
  const std::string_view name(rest, static_cast<size_t>(end - rest));
  const auto* unit = std::ranges::find(kUnits, name, &Unit::name);
  if (failed != std::errc() || unit == kUnits.end()) {
    return "no whole number of us, ms or s";
  }
  const int64_t most = kLongest.count() / unit->micros;
  if (count < -most || count > most) return "longer than 30 years";
  duration = Micros(count * unit->micros);
  return "";
}

void Write(Seconds duration, std::string& out) {
  out += std::to_string(duration.count()) + "s";
}

Reason Read(std::string_view text, Seconds& duration, Texts& texts) {
  Micros exact{0};
  Reason reason = Read(text, exact, texts);
  duration = std::chrono::duration_cast<Seconds>(exact);
  if (reason.empty() && duration != exact) reason = "no whole seconds";
  return reason;
}

void Write(std::string_view text, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    if (!IsPrintable(c)) {
      const auto byte = static_cast<unsigned char>(c);
      out += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

Reason ReadText(std::string_view text, std::string& out) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') {
    return "not in double quotes";
  }
  text = text.substr(1, text.size() - 2);
  while (!text.empty()) {
    if (!TakeByte(text, out)) return "a byte that wants \\\", \\\\ or \\xNN";
  }
  return "";
}

Reason Read(std::string_view text, std::string_view& field, Texts& texts) {
  texts.emplace_back();
  Reason reason = ReadText(text, texts.back());
  field = texts.back();
  return reason;
}

void Write(Fault fault, std::string& out) { out += FaultName(fault); }

Reason Read(std::string_view text, Fault& fault, Texts&) {
  for (size_t i = 0; i < kFaultCount; ++i) {
    fault = static_cast<Fault>(i);
    if (!text.starts_with(GetFault(fault).id)) continue;
    if (FaultName(fault) == text) return "";
  }
  return "no fault has this id";
}

}  // namespace whichhop::diagnostics::transcript
