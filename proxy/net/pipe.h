#pragma once
// A Pipe takes bytes from one socket to another inside the kernel (splice(2)):
// they are not copied, and never seen. It has descriptors only while it holds
// bytes. One pool a loop; single-threaded.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "proxy/net/socket.h"

namespace whichhop {

struct PipeEnds {
  int read = -1;
  int write = -1;
};

class PipePool {
 public:
  static constexpr size_t kMost = 256;  // in use or kept: two descriptors each

  PipePool() = default;
  PipePool(const PipePool&) = delete;
  PipePool& operator=(const PipePool&) = delete;
  ~PipePool();

  // Nothing where too many are in use, or the kernel gives none that would be
  // worth it (EMFILE; pipe-user-pages-soft makes them tiny).
  std::optional<PipeEnds> Take();
  void Give(PipeEnds ends);   // empty
  void DropIdle();            // those that are kept for the next peak
  void Close(PipeEnds ends);  // no matter what is in it

 private:
  static constexpr size_t kKept = 32;  // for the next peak

  std::vector<PipeEnds> free_;
  size_t open_ = 0;
};

class Pipe {
 public:
  explicit Pipe(PipePool& pool) : pool_(pool) {}
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() { Clear(); }

  bool empty() const { return bytes_ == 0; }

  // Takes at most `most` bytes from `from`, which is left as recv would leave
  // it. Nothing: not this way, and nothing was taken; recv will do.
  // Requires: empty().
  std::optional<IoResult> Fill(Socket& from, uint64_t most);

  // Writes until it is empty (kBytes), `to` would block (kAgain) or failed
  // (kError). `bytes` counts what this call wrote, in every case.
  IoResult Drain(Socket& to);

  // Forgets what it holds.
  void Clear();

 private:
  PipePool& pool_;
  PipeEnds ends_;  // while bytes_ > 0
  size_t bytes_ = 0;
};

}  // namespace whichhop
