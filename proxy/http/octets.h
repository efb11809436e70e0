#pragma once
// Classes of octets in HTTP/1 and the loops that skip runs of them. The loops
// take 16 octets a step where the machine has SSE2: every x86-64 has, so this
// is the one #if here. The plain loops stay, for tails and for other machines.

#include <array>
#include <cstdint>
#include <string_view>

#if defined(__SSE2__) && !defined(WHICHHOP_NO_SIMD)
#define WHICHHOP_SSE2 1
#include <emmintrin.h>
#endif

namespace whichhop {

enum OctetClass : uint8_t {
  kTokenOctet = 1,   // RFC 9110, section 5.6.2
  kTargetOctet = 2,  // %x21-7E
  kValueOctet = 4,   // HTAB, SP, VCHAR, obs-text (RFC 9110, section 5.5)
  kHexOctet = 8,
  kDigitOctet = 16,
  kHostOctet = 32,        // unreserved and sub-delims (RFC 3986)
  kUnreservedOctet = 64,  // RFC 3986, section 2.3
};

constexpr std::array<uint8_t, 256> MakeOctetClasses() {
  constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";
  constexpr std::string_view kUnreservedMarks = "-._~";
  constexpr std::string_view kSubDelims = "!$&'()*+,;=";
  std::array<uint8_t, 256> classes{};
  for (unsigned i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    const bool digit = i >= '0' && i <= '9';
    const bool alpha = (i | 0x20) >= 'a' && (i | 0x20) <= 'z';
    const bool hex = digit || ((i | 0x20) >= 'a' && (i | 0x20) <= 'f');
    const auto in = [c](std::string_view set) {
      return set.find(c) != std::string_view::npos;
    };
    const bool plain = digit || alpha;
    const bool unreserved = plain || in(kUnreservedMarks);
    unsigned bits = 0;
    if (plain || in(kTokenMarks)) bits |= kTokenOctet;
    if (i > 0x20 && i < 0x7f) bits |= kTargetOctet;
    if (i == '\t' || (i >= 0x20 && i != 0x7f)) bits |= kValueOctet;
    if (hex) bits |= kHexOctet;
    if (digit) bits |= kDigitOctet;
    if (unreserved || in(kSubDelims)) bits |= kHostOctet;
    if (unreserved) bits |= kUnreservedOctet;
    classes[i] = static_cast<uint8_t>(bits);
  }
  return classes;
}

inline constexpr std::array<uint8_t, 256> kOctetClasses = MakeOctetClasses();

constexpr bool Is(OctetClass octet_class, char c) {
  return (kOctetClasses[static_cast<uint8_t>(c)] & octet_class) != 0;
}

// The value of a hex digit. Requires: Is(kHexOctet, c).
constexpr unsigned HexValue(char c) {
  return c <= '9' ? static_cast<unsigned>(c - '0')
                  : static_cast<unsigned>((c | 0x20) - 'a' + 10);
}

// Each returns the first octet of [p, end) outside of its class, or `end`.

inline const char* SkipPlain(OctetClass octet_class, const char* p,
                             const char* end) {
  while (p != end && Is(octet_class, *p)) ++p;
  return p;
}

// The first of [p, end) that begins "//", "/." or an escape, or `end`.
inline const char* SkipNormalPlain(const char* p, const char* end) {
  for (; p != end && *p != '%'; ++p) {
    if (*p == '/' && end - p > 1 && (p[1] == '/' || p[1] == '.')) break;
  }
  return p;
}

// The first '#' or '?' of [p, end), or `end`.
inline const char* SkipToMarkPlain(const char* p, const char* end) {
  while (p != end && *p != '#' && *p != '?') ++p;
  return p;
}

#ifdef WHICHHOP_SSE2

inline __m128i Load16(const char* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}

// Lanes whose unsigned octet lies in [first, first + span].
inline __m128i InRange(__m128i octets, char first, char span) {
  const __m128i moved = _mm_sub_epi8(octets, _mm_set1_epi8(first));
  return _mm_cmpeq_epi8(_mm_min_epu8(moved, _mm_set1_epi8(span)), moved);
}

inline unsigned Mask(__m128i lanes) {
  return static_cast<unsigned>(_mm_movemask_epi8(lanes));
}

inline const char* SkipTarget(const char* p, const char* end) {
  for (; end - p >= 16; p += 16) {
    const unsigned good = Mask(InRange(Load16(p), 0x21, 0x7e - 0x21));
    if (good != 0xffff) return p + __builtin_ctz(~good);
  }
  return SkipPlain(kTargetOctet, p, end);
}

inline const char* SkipValue(const char* p, const char* end) {
  for (; end - p >= 16; p += 16) {
    const __m128i octets = Load16(p);
    const __m128i control = InRange(octets, 0, 0x1f);
    const __m128i tab = _mm_cmpeq_epi8(octets, _mm_set1_epi8('\t'));
    const __m128i del = _mm_cmpeq_epi8(octets, _mm_set1_epi8(0x7f));
    const unsigned bad =
        Mask(_mm_or_si128(_mm_andnot_si128(tab, control), del));
    if (bad != 0) return p + __builtin_ctz(bad);
  }
  return SkipPlain(kValueOctet, p, end);
}

inline __m128i Equal(__m128i octets, char octet) {
  return _mm_cmpeq_epi8(octets, _mm_set1_epi8(octet));
}

inline const char* SkipNormal(const char* p, const char* end) {
  for (; end - p > 16; p += 16) {
    const __m128i octets = Load16(p);
    const __m128i next = Load16(p + 1);
    const __m128i odd = _mm_and_si128(
        Equal(octets, '/'), _mm_or_si128(Equal(next, '/'), Equal(next, '.')));
    const unsigned found = Mask(_mm_or_si128(Equal(octets, '%'), odd));
    if (found != 0) return p + __builtin_ctz(found);
  }
  return SkipNormalPlain(p, end);
}

inline const char* SkipToMark(const char* p, const char* end) {
  for (; end - p >= 16; p += 16) {
    const __m128i octets = Load16(p);
    const unsigned found =
        Mask(_mm_or_si128(Equal(octets, '#'), Equal(octets, '?')));
    if (found != 0) return p + __builtin_ctz(found);
  }
  return SkipToMarkPlain(p, end);
}

// Letters, digits and hyphens 16 a step: other token octets are rare.
inline const char* SkipToken(const char* p, const char* end) {
  while (end - p >= 16) {
    const __m128i octets = Load16(p);
    const __m128i lower = _mm_or_si128(octets, _mm_set1_epi8(0x20));
    const __m128i plain = _mm_or_si128(
        _mm_or_si128(InRange(lower, 'a', 25), InRange(octets, '0', 9)),
        _mm_cmpeq_epi8(octets, _mm_set1_epi8('-')));
    const unsigned good = Mask(plain);
    if (good == 0xffff) {
      p += 16;
      continue;
    }
    p += __builtin_ctz(~good);
    if (!Is(kTokenOctet, *p)) return p;
    ++p;
  }
  return SkipPlain(kTokenOctet, p, end);
}

#else

inline const char* SkipTarget(const char* p, const char* end) {
  return SkipPlain(kTargetOctet, p, end);
}
inline const char* SkipValue(const char* p, const char* end) {
  return SkipPlain(kValueOctet, p, end);
}
inline const char* SkipToken(const char* p, const char* end) {
  return SkipPlain(kTokenOctet, p, end);
}
inline const char* SkipNormal(const char* p, const char* end) {
  return SkipNormalPlain(p, end);
}
inline const char* SkipToMark(const char* p, const char* end) {
  return SkipToMarkPlain(p, end);
}

#endif

}  // namespace whichhop
