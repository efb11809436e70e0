// Paths and authorities, fed with anything, beside slow references that are
// written another way.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/http/authority.h"
#include "proxy/http/target.h"
#include "tests/fuzz/require.h"

namespace whichhop {
namespace {

bool IsOneOf(char c, const char* set) {
  return c != '\0' && std::strchr(set, c) != nullptr;
}

constexpr const char* kAlpha =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr const char* kDigits = "0123456789";
constexpr const char* kHex = "0123456789abcdefABCDEF";

bool IsEscape(std::string_view text) {
  return text.size() >= 3 && text[0] == '%' && IsOneOf(text[1], kHex) &&
         IsOneOf(text[2], kHex);
}

// A SLOW REFERENCE: escapes decoded first, then segments on a stack.
std::string ReferencePath(std::string_view path) {
  std::string decoded;
  for (size_t i = 0; i < path.size(); ++i) {
    if (!IsEscape(path.substr(i))) {
      decoded += path[i];
      continue;
    }
    const std::string digits(path.substr(i + 1, 2));
    const char octet = static_cast<char>(std::stoi(digits, nullptr, 16));
    if (IsOneOf(octet, kAlpha) || IsOneOf(octet, kDigits) ||
        IsOneOf(octet, "-._~")) {
      decoded += octet;
    } else {
      decoded += '%';
      for (char c : digits) {
        decoded += c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
      }
    }
    i += 2;
  }
  std::vector<std::string> segments;
  bool folder = true;  // ends in a slash
  for (size_t at = 0; at < decoded.size();) {
    const size_t end = std::min(decoded.find('/', at + 1), decoded.size());
    const std::string segment = decoded.substr(at + 1, end - at - 1);
    folder = segment.empty() || segment == "." || segment == "..";
    if (segment == ".." && !segments.empty()) segments.pop_back();
    if (!folder) segments.push_back(segment);
    at = end;
  }
  std::string out;
  for (const std::string& segment : segments) (out += '/') += segment;
  return folder ? out + '/' : out;
}

void CheckPath(std::string_view input) {
  std::string path(input);
  if (!path.starts_with('/')) path.insert(path.begin(), '/');
  std::string storage;
  const std::string_view normal = NormalizePath(path, &storage);
  Require(normal == ReferencePath(path), "the reference agrees", path);
  Require(normal.starts_with('/'), "it begins with a slash", path);
  Require(normal.find("//") == normal.npos, "runs are merged", path);
  const std::string closed = std::string(normal) + '/';
  Require(
      closed.find("/./") == closed.npos && closed.find("/../") == closed.npos,
      "no dot segment is left", path);
}

// A SLOW REFERENCE: the port is what follows the last colon.
bool ReferenceAuthority(std::string text, PortNeed need) {
  const size_t bracket = text.rfind(']');
  const size_t colon = text.rfind(':');
  const bool ported =
      colon != text.npos &&
      (text[0] != '[' || bracket == text.npos || colon > bracket);
  if (!ported && need == PortNeed::kRequired) return false;
  if (ported) {
    const std::string port = text.substr(colon + 1);
    text.resize(colon);
    if (port.empty() && need == PortNeed::kRequired) return false;
    if (port.find_first_not_of(kDigits) != port.npos || port.size() > 5 ||
        (!port.empty() && std::stoul(port) > 65535)) {
      return false;
    }
  }
  if (text.starts_with('[')) {
    const std::string inside = text.substr(1);
    return inside.size() >= 3 && inside.back() == ']' &&
           inside.find_first_not_of("0123456789abcdefABCDEF:.") ==
               inside.size() - 1;
  }
  for (size_t i = 0; i < text.size(); ++i) {
    if (IsEscape(std::string_view(text).substr(i))) {
      i += 2;
    } else if (!IsOneOf(text[i], kAlpha) && !IsOneOf(text[i], kDigits) &&
               !IsOneOf(text[i], "-._~!$&'()*+,;=")) {
      return false;
    }
  }
  return !text.empty();
}

void CheckAuthority(std::string_view text) {
  for (const PortNeed need : {PortNeed::kOptional, PortNeed::kRequired}) {
    Require(
        IsAuthority(text, need) == ReferenceAuthority(std::string(text), need),
        "the reference agrees on the authority", text);
  }
}

}  // namespace
}  // namespace whichhop

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  whichhop::CheckPath(input);
  whichhop::CheckAuthority(input);
  return 0;
}
