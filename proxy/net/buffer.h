#pragma once
// Buffers that come from a worker's free list and go back to it: an idle
// connection keeps none. One pool a loop; single-threaded.

#include <array>
#include <cassert>
#include <cstddef>
#include <string_view>

namespace whichhop {

inline constexpr size_t kBlockBytes = 32 * 1024;

class BufferPool {
 public:
  BufferPool() = default;
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;
  ~BufferPool();

  char* Take();
  void Give(char* block);

 private:
  // Blocks that are kept for the next peak; beyond, they go back to malloc.
  static constexpr size_t kKept = 512;

  std::array<char*, kKept> free_;
  size_t free_count_ = 0;
};

// A contiguous run of bytes, [begin, end) of a block, that grows at its end.
// Holds no memory until Acquire. Larger heads than a block get one of their
// own (Grow).
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { assert(block_ == nullptr); }

  void Acquire(BufferPool& pool);  // no-op if it holds memory
  // Forgets its bytes; no-op if it holds no memory.
  void Release(BufferPool& pool) {
    if (block_ != nullptr) GiveBack(pool);
  }
  // At least `capacity` bytes in all, the content kept. Requires: Acquire.
  void Grow(BufferPool& pool, size_t capacity);
  // Not more memory than the content needs. Requires: Acquire, not empty.
  void Fit(BufferPool& pool);

  bool held() const { return block_ != nullptr; }
  char* data() { return block_ + begin_; }
  size_t size() const { return end_ - begin_; }
  bool empty() const { return end_ == begin_; }
  std::string_view view() const { return {block_ + begin_, size()}; }
  char* space() { return block_ + end_; }
  size_t space_size() const { return capacity_ - end_; }
  size_t capacity() const { return capacity_; }

  void Append(size_t bytes) { end_ += bytes; }  // were written to space()
  // Copies `bytes` behind the content, and grows as it needs.
  void Add(BufferPool& pool, std::string_view bytes);
  void Consume(size_t bytes);                             // from the front
  void Truncate(size_t bytes) { end_ = begin_ + bytes; }  // keeps the front
  void Clear() { begin_ = end_ = 0; }
  // Moves the content to the front of the block, so that space() is largest.
  void Compact();

 private:
  void GiveBack(BufferPool& pool);
  void MoveTo(BufferPool& pool, size_t capacity);

  char* block_ = nullptr;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace whichhop
