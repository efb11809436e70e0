#include "proxy/net/buffer.h"

#include <cstdlib>
#include <cstring>
#include <new>

namespace whichhop {

namespace {

char* Allocate(size_t bytes) {
  return static_cast<char*>(::operator new(bytes));
}
void Free(char* block) { ::operator delete(block); }

}  // namespace

BufferPool::~BufferPool() {
  while (free_count_ > 0) Free(free_[--free_count_]);
}

char* BufferPool::Take() {
  return free_count_ > 0 ? free_[--free_count_] : Allocate(kBlockBytes);
}

void BufferPool::Give(char* block) {
  if (free_count_ == kKept) return Free(block);
  free_[free_count_++] = block;
}

void Buffer::Acquire(BufferPool& pool) {
  if (block_ != nullptr) return;
  block_ = pool.Take();
  capacity_ = kBlockBytes;
}

void Buffer::GiveBack(BufferPool& pool) {
  if (capacity_ == kBlockBytes) {
    pool.Give(block_);
  } else {
    Free(block_);
  }
  block_ = nullptr;
  capacity_ = begin_ = end_ = 0;
}

void Buffer::Grow(BufferPool& pool, size_t capacity) {
  assert(block_ != nullptr);
  if (capacity <= capacity_) return Compact();
  MoveTo(pool, capacity);
}

void Buffer::Fit(BufferPool& pool) {
  assert(!empty());
  // A block of the usual size would be taken for one of the pool's.
  if (size() < capacity_ && size() != kBlockBytes) MoveTo(pool, size());
}

void Buffer::MoveTo(BufferPool& pool, size_t capacity) {
  char* moved = Allocate(capacity);
  const size_t bytes = size();
  std::memcpy(moved, data(), bytes);
  Release(pool);
  block_ = moved;
  capacity_ = capacity;
  end_ = bytes;
}

void Buffer::Add(BufferPool& pool, std::string_view bytes) {
  if (bytes.empty()) return;
  if (bytes.size() > space_size()) Grow(pool, size() + bytes.size());
  std::memcpy(space(), bytes.data(), bytes.size());
  Append(bytes.size());
}

void Buffer::Consume(size_t bytes) {
  assert(bytes <= size());
  begin_ += bytes;
  if (begin_ == end_) Clear();
}

void Buffer::Compact() {
  if (begin_ == 0) return;
  std::memmove(block_, data(), size());
  end_ -= begin_;
  begin_ = 0;
}

}  // namespace whichhop
