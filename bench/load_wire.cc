#include "bench/load_wire.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>

namespace load {

namespace {

// An answer that takes longer is lost. Sanitizers on a busy core need some.
constexpr auto kPatience = std::chrono::seconds(60);

bool SameName(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

std::optional<size_t> Number(std::string_view text, int base) {
  size_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, base);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::string_view Trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string Answer::Value(std::string_view name) const {
  std::string all;
  for (const auto& [key, value] : fields) {
    if (!SameName(key, name)) continue;
    if (!all.empty()) all += ", ";
    all += value;
  }
  return all;
}

bool Answer::Has(std::string_view name) const {
  return std::ranges::any_of(fields, [name](const auto& field) {
    return SameName(field.first, name);
  });
}

bool Connection::Open() {
  Close();
  fd_ = socket(target_.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  // Bounds connect() too. At least 1: 0 would be no bound at all.
  const auto left = std::chrono::ceil<std::chrono::seconds>(
      std::min(deadline_ - Clock::now(), Clock::duration(kPatience)));
  const timeval patience{std::max<time_t>(left.count(), 1), 0};
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  const auto* address = reinterpret_cast<const sockaddr*>(&target_.address);
  bool open = connect(fd_, address, target_.size) == 0;
  if (open && target_.tls) {
    tls_ = Tls::Connect(fd_, target_.name);
    open = tls_ != nullptr;
  }
  if (!open) Close();
  return open;
}

void Connection::Close() {
  tls_.reset();
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  in_.clear();
  peer_ended_ = false;
}

bool Connection::Send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = tls_ ? tls_->Send(bytes.data(), bytes.size())
                              : send(fd_, bytes.data(), bytes.size(), 0);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool Connection::AwaitBytes() const {
  if (tls_ && tls_->pending()) return true;
  const Clock::time_point until = std::min(deadline_, Clock::now() + kPatience);
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
  pollfd readable{fd_, POLLIN, 0};
  return left.count() > 0 &&
         poll(&readable, 1, static_cast<int>(left.count())) != 0;
}

bool Connection::Fill() {
  if (!AwaitBytes()) {
    ended_ = "nothing came in time";
    return false;
  }
  std::array<char, 65536> piece;
  const ssize_t got = tls_ ? tls_->Receive(piece.data(), piece.size())
                           : recv(fd_, piece.data(), piece.size(), 0);
  if (got < 0 && errno == EINTR) return Fill();
  if (got <= 0) {
    peer_ended_ = true;
    ended_ = got == 0 ? "the connection ended" : std::strerror(errno);
    return false;
  }
  in_.append(piece.data(), static_cast<size_t>(got));
  return true;
}

bool Connection::ReadUntil(std::string_view mark, std::string* text) {
  size_t searched = 0;
  size_t found;
  while ((found = in_.find(mark, searched)) == std::string::npos) {
    searched = in_.size() - std::min(in_.size(), mark.size());
    if (!Fill()) return false;
  }
  *text = in_.substr(0, found);
  in_.erase(0, found + mark.size());
  return true;
}

bool Connection::ReadExactly(size_t bytes, std::string* body) {
  while (in_.size() < bytes && Fill()) continue;
  const size_t taken = std::min(bytes, in_.size());
  body->append(in_, 0, taken);
  in_.erase(0, taken);
  return taken == bytes;
}

bool Connection::ReadHead(Answer* answer) {
  std::string head;
  *answer = {};
  if (!ReadUntil("\r\n\r\n", &head)) {
    answer->why = ended_ + (in_.empty() ? "" : ", inside the head");
    return false;
  }
  std::string_view left = head;
  const std::string_view line = left.substr(0, left.find("\r\n"));
  left.remove_prefix(std::min(left.size(), line.size() + 2));
  const auto status =
      line.starts_with("HTTP/1.1 ") && line.size() > 12 && line[12] == ' '
          ? Number(line.substr(9, 3), 10)
          : std::nullopt;
  if (!status) {
    answer->why = "not a status line: " + std::string(line.substr(0, 80));
    return false;
  }
  answer->status = static_cast<int>(*status);
  while (!left.empty()) {
    const std::string_view field = left.substr(0, left.find("\r\n"));
    left.remove_prefix(std::min(left.size(), field.size() + 2));
    const size_t colon = std::min(field.find(':'), field.size());
    const std::string_view value =
        field.substr(std::min(colon + 1, field.size()));
    answer->fields.emplace_back(field.substr(0, colon), Trimmed(value));
  }
  return true;
}

Answer Connection::Read(bool to_head) {
  Answer answer;
  do {
    if (!ReadHead(&answer)) return answer;
  } while (answer.status < 200);
  ReadBody(to_head, &answer);
  if (answer.complete || !answer.why.empty()) return answer;
  answer.cut = peer_ended_;
  answer.why = ended_;
  return answer;
}

void Connection::ReadBody(bool to_head, Answer* answer) {
  const bool bodyless =
      to_head || answer->status == 204 || answer->status == 304;
  if (bodyless) {
    answer->complete = true;
    return;
  }
  const std::string coding = answer->Value("Transfer-Encoding");
  const std::string length = answer->Value("Content-Length");
  if (coding == "chunked" && length.empty()) return ReadChunks(answer);
  const auto bytes = Number(length, 10);
  if (!coding.empty() || !bytes) {
    // HTTP/1.1 clients are never sent a body that only the end delimits.
    answer->why =
        "no framing: length `" + length + "`, coding `" + coding + "`";
    return;
  }
  answer->complete = ReadExactly(*bytes, &answer->body);
}

void Connection::ReadChunks(Answer* answer) {
  std::string line;
  while (ReadUntil("\r\n", &line)) {
    const auto size = Number(line.substr(0, line.find(';')), 16);
    if (!size) {
      answer->why = "not a chunk's size: " + line.substr(0, 80);
      return;
    }
    if (*size == 0) {
      while (ReadUntil("\r\n", &line)) {
        answer->complete = line.empty();  // else a trailer field
        if (answer->complete) return;
      }
      return;
    }
    std::string end;
    if (!ReadExactly(*size, &answer->body) || !ReadExactly(2, &end)) return;
    if (end != "\r\n") {
      answer->why = "a chunk is longer than its size";
      return;
    }
  }
}

}  // namespace load
