#pragma once
// SHA-256 (FIPS 180-4) and base64 (RFC 4648) for constants: what a policy says
// of a style is computed where the style is compiled. Slow, and not for
// secrets.

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace whichhop::diagnostics {

using Digest = std::array<uint8_t, 32>;

namespace sha256 {

inline constexpr std::array<uint32_t, 64> kConstants = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

using State = std::array<uint32_t, 8>;
inline constexpr State kInitial = {0x6a09e667, 0xbb67ae85, 0x3c6ef372,
                                   0xa54ff53a, 0x510e527f, 0x9b05688c,
                                   0x1f83d9ab, 0x5be0cd19};

// The octet at `at` of the padded message.
constexpr uint8_t PaddedOctet(std::string_view text, size_t at, size_t padded) {
  if (at < text.size()) return static_cast<uint8_t>(text[at]);
  if (at == text.size()) return 0x80;
  if (at + 8 < padded) return 0;
  const uint64_t bits = uint64_t{text.size()} * 8;
  return static_cast<uint8_t>(bits >> (8 * (padded - 1 - at)));
}

constexpr std::array<uint32_t, 64> Schedule(std::string_view text, size_t at,
                                            size_t padded) {
  std::array<uint32_t, 64> w{};
  for (size_t i = 0; i < 64; ++i) {
    w[i / 4 % 16] = w[i / 4 % 16] << 8 | PaddedOctet(text, at + i, padded);
  }
  for (size_t i = 16; i < 64; ++i) {
    const uint32_t a = w[i - 15];
    const uint32_t b = w[i - 2];
    w[i] = w[i - 16] + w[i - 7] +
           (std::rotr(a, 7) ^ std::rotr(a, 18) ^ a >> 3) +
           (std::rotr(b, 17) ^ std::rotr(b, 19) ^ b >> 10);
  }
  return w;
}

constexpr void Compress(const std::array<uint32_t, 64>& w, State& state) {
  auto [a, b, c, d, e, f, g, h] = state;
  for (size_t i = 0; i < 64; ++i) {
    const uint32_t first =
        h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) +
        ((e & f) ^ (~e & g)) + kConstants[i] + w[i];
    const uint32_t second =
        (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) +
        ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + first;
    d = c, c = b, b = a, a = first + second;
  }
  const State added = {a, b, c, d, e, f, g, h};
  for (size_t i = 0; i < 8; ++i) state[i] += added[i];
}

}  // namespace sha256

constexpr Digest Sha256(std::string_view text) {
  const size_t padded = (text.size() + 8) / 64 * 64 + 64;
  sha256::State state = sha256::kInitial;
  for (size_t at = 0; at < padded; at += 64) {
    sha256::Compress(sha256::Schedule(text, at, padded), state);
  }
  Digest digest{};
  for (size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<uint8_t>(state[i / 4] >> (24 - i % 4 * 8));
  }
  return digest;
}

// A digest in base64: 43 characters and a `=`.
constexpr std::array<char, 44> Base64(const Digest& digest) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::array<char, 44> text{};
  for (size_t i = 0; i < 43; ++i) {
    const size_t bit = i * 6;
    const unsigned next = bit / 8 + 1 < digest.size() ? digest[bit / 8 + 1] : 0;
    const unsigned pair = digest[bit / 8] * 256u + next;
    text[i] = kAlphabet[pair >> (10 - bit % 8) & 63];
  }
  text[43] = '=';
  return text;
}

}  // namespace whichhop::diagnostics
