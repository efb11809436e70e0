#pragma once

// A Wire is one accepted connection, read and written with blocking calls. The
// thread that serves the connection owns it; its descriptor closes with it.
// An end is chosen, never implied: FIN by destroying, RST by Reset().

#include <chrono>
#include <string>
#include <string_view>

namespace origin {

class Wire {
 public:
  explicit Wire(int fd) : fd_(fd) {}
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  // Reads once into the buffer. False at the peer's end or a broken connection.
  bool Fill();
  // What was read and not taken yet. Invalid after Fill() and Take().
  std::string_view buffered() const;
  void Take(size_t bytes);

  // Writes all of it. False once the peer has gone.
  bool Write(std::string_view bytes);

  // Ends our half; the peer sees FIN and may go on writing.
  void FinishWriting();
  // Closes with RST, once the peer's kernel has what was written (a second at
  // most): SO_LINGER 0 would throw away what is still queued here.
  void Reset();
  // Returns when the peer has closed or reset, or after `most`; what it sends
  // meanwhile stays unread in the kernel.
  void WaitForPeer(std::chrono::milliseconds most);
  // The same, but reads and forgets what the peer sends.
  void Discard(std::chrono::milliseconds most);
  // From here on the kernel drops every segment that arrives: nothing that
  // the peer sends is acknowledged, its FIN neither.
  void DropArrivals();

 private:
  void WaitAcked();

  int fd_;
  std::string in_;
  size_t taken_ = 0;
};

}  // namespace origin
