#include "tests/proxy/http/mutate.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace whichhop {
namespace {

using namespace std::string_view_literals;  // one holds a NUL

constexpr std::string_view kOctets =
    "\0\t\n\v\f\r \"#%+,-./0159:;<=>?@AFHXZ\\^_`agx{|}~\x7f\x80\xa0\xff"sv;

constexpr auto kLines = std::to_array<std::string_view>({
    "Content-Length: 5\r\n",
    "Content-Length: 0\r\n",
    "content-length:5\r\n",
    "Content-Length: 5, 5\r\n",
    "Content-Length: 05\r\n",
    "Content-Length: 18446744073709551621\r\n",
    "Content-Length : 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "transfer-encoding: Chunked \r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Transfer-Encoding: chunked, identity\r\n",
    "Transfer-Encoding:\tchunked\r\n",
    "Transfer-Encoding: xchunked\r\n",
    "Transfer-Encoding\r\n",
    "Connection: close\r\n",
    "Connection: keep-alive\r\n",
    "Connection: upgrade\r\n",
    "Connection: Transfer-Encoding\r\n",
    "Upgrade: websocket\r\n",
    "Host: b\r\n",
    "Expect: 100-continue\r\n",
    "X: y\r\n z\r\n",
    " X: y\r\n",
    "X: y\n",
    "\r\n",
    "\n",
    "0\r\n\r\n",
    "5\r\nhello\r\n",
    "5;a=\"b\"\r\nhello\r\n",
    "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
});

}  // namespace

// splitmix64
uint64_t Mutator::Below(uint64_t bound) {
  uint64_t z = state_ += 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return (z ^ (z >> 31)) % bound;
}

std::string Mutator::Mutate(std::string text) {
  for (uint64_t left = 1 + Below(4); left > 0; --left) Change(&text);
  return text;
}

void Mutator::Change(std::string* text) {
  switch (text->empty() ? 3 : Below(4)) {
    case 0:
      return ChangeOctet(text);
    case 1:
      return ChangeSpan(text);
    case 2:
      return ChangeLine(text);
    default:
      return AddLine(text);
  }
}

void Mutator::ChangeOctet(std::string* text) {
  const size_t at = Below(text->size());
  const char octet = kOctets[Below(kOctets.size())];
  switch (Below(4)) {
    case 0:
      text->erase(at, 1);
      return;
    case 1:
      (*text)[at] = octet;
      return;
    case 2:
      (*text)[at] = static_cast<char>((*text)[at] ^ 1 << Below(8));
      return;
    default:
      text->insert(at, 1, octet);
  }
}

// Cuts the end off, takes a part out, or has it twice.
void Mutator::ChangeSpan(std::string* text) {
  const size_t at = Below(text->size());
  const size_t size = 1 + Below(std::min<size_t>(text->size() - at, 24));
  switch (Below(4)) {
    case 0:
      text->resize(at);
      return;
    case 1:
      text->erase(at, size);
      return;
    default:
      text->insert(at, text->substr(at, size));
  }
}

size_t Mutator::LineStart(const std::string& text) {
  const size_t end = text.find("\r\n", Below(text.size()));
  return end == text.npos ? 0 : end + 2;
}

void Mutator::ChangeLine(std::string* text) {
  const size_t at = LineStart(*text);
  const size_t end = text->find("\r\n", at);
  if (end == text->npos) return;
  const std::string line = text->substr(at, end + 2 - at);
  if (Below(2) == 0) text->erase(at, line.size());
  if (!text->empty() && Below(2) == 0) text->insert(LineStart(*text), line);
}

void Mutator::AddLine(std::string* text) {
  const std::string_view line = kLines[Below(kLines.size())];
  text->insert(text->empty() ? 0 : LineStart(*text), line);
}

}  // namespace whichhop
