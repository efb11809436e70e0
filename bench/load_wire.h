#pragma once
// A client connection and the answers that come over it: blocking, one thread,
// plain or TLS, HTTP/1.1 as far as the load needs it, and strict.

#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/load_tls.h"

namespace load {

using Clock = std::chrono::steady_clock;

// Where to connect to.
struct Target {
  sockaddr_storage address = {};
  socklen_t size = 0;
  bool tls = false;
  std::string name = {};  // to be asked for by TLS
};

struct Answer {
  int status = 0;  // 0: no head came
  std::vector<std::pair<std::string, std::string>> fields = {};
  std::string body = {};
  bool complete = false;  // its framing was kept to the end
  bool cut = false;       // the connection ended before that
  std::string why = {};   // if it is not: what happened instead

  // The values of a field, joined by ", "; empty if it is absent.
  std::string Value(std::string_view name) const;
  bool Has(std::string_view name) const;
};

class Connection {
 public:
  // Nothing that it does goes on beyond `deadline`.
  Connection(const Target& target, Clock::time_point deadline)
      : target_(target), deadline_(deadline) {}
  ~Connection() { Close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool open() const { return fd_ >= 0; }
  bool Open();
  void Close();
  // False if the peer takes no more; it may have answered all the same.
  bool Send(std::string_view bytes);
  // The next final answer.
  Answer Read(bool to_head);
  // What came behind the last answer: nothing, if all is well.
  std::string_view excess() const { return in_; }

 private:
  bool ReadHead(Answer* answer);
  void ReadBody(bool to_head, Answer* answer);
  void ReadChunks(Answer* answer);
  bool ReadExactly(size_t bytes, std::string* body);
  // What stands before `mark`, which is taken too. False: it never came.
  bool ReadUntil(std::string_view mark, std::string* text);
  bool Fill();
  // Waits for bytes, no longer than it may. False: none came in time.
  bool AwaitBytes() const;

  const Target target_;
  const Clock::time_point deadline_;
  int fd_ = -1;
  std::unique_ptr<Tls> tls_;  // none on plain connections
  std::string in_;
  bool peer_ended_ = false;
  std::string ended_;  // why Fill() found no more
};

}  // namespace load
