// Buffers and the pool of their blocks.

#include "proxy/net/buffer.h"

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "tests/catch.h"

namespace whichhop {
namespace {

void Write(Buffer& buffer, std::string_view bytes) {
  REQUIRE(bytes.size() <= buffer.space_size());
  std::memcpy(buffer.space(), bytes.data(), bytes.size());
  buffer.Append(bytes.size());
}

// A buffer with memory of a pool of its own, while it lives.
struct Held : Buffer {
  Held() { Acquire(pool); }
  ~Held() { Release(pool); }
  BufferPool pool;
};

TEST_CASE("the block that was given back last is taken first") {
  BufferPool pool;
  char* const one = pool.Take();
  char* const other = pool.Take();
  CHECK(one != other);
  pool.Give(one);
  pool.Give(other);
  CHECK(pool.Take() == other);
  CHECK(pool.Take() == one);
  pool.Give(one);
  pool.Give(other);
}

TEST_CASE("a pool takes back more blocks than it keeps") {
  BufferPool pool;
  std::vector<char*> blocks;
  for (int i = 0; i < 600; ++i) blocks.push_back(pool.Take());
  for (char* block : blocks) pool.Give(block);
  Buffer buffer;
  buffer.Acquire(pool);
  CHECK(buffer.space_size() == kBlockBytes);
  buffer.Release(pool);
}

TEST_CASE("a buffer holds no memory before it is asked to, nor after") {
  BufferPool pool;
  Buffer buffer;
  CHECK_FALSE(buffer.held());
  CHECK(buffer.empty());
  CHECK(buffer.view().empty());
  CHECK(buffer.space_size() == 0);
  buffer.Acquire(pool);
  Write(buffer, "abc");
  buffer.Acquire(pool);  // holds some: keeps it
  CHECK(buffer.view() == "abc");
  buffer.Release(pool);
  buffer.Release(pool);
  CHECK_FALSE(buffer.held());
  CHECK(buffer.capacity() == 0);
}

TEST_CASE("what a buffer was released with is not found by the next user") {
  BufferPool pool;
  Buffer buffer;
  buffer.Acquire(pool);
  Write(buffer, "secret");
  const char* const block = buffer.data();
  buffer.Release(pool);
  buffer.Acquire(pool);
  CHECK(buffer.data() == block);
  CHECK(buffer.empty());
  CHECK(buffer.space_size() == kBlockBytes);
  buffer.Release(pool);
}

TEST_CASE("bytes are taken from the front and added at the end") {
  Held buffer;
  Write(buffer, "abcdef");
  buffer.Consume(2);
  Write(buffer, "gh");
  CHECK(buffer.view() == "cdefgh");
  buffer.Truncate(3);
  CHECK(buffer.view() == "cde");
  Write(buffer, "x");
  CHECK(buffer.view() == "cdex");
}

TEST_CASE("an emptied buffer has all of its space again") {
  Held buffer;
  Write(buffer, std::string(kBlockBytes, 'a'));
  CHECK(buffer.space_size() == 0);
  buffer.Consume(kBlockBytes - 1);
  CHECK(buffer.space_size() == 0);
  buffer.Consume(1);
  CHECK(buffer.space_size() == kBlockBytes);
  Write(buffer, "b");
  buffer.Clear();
  CHECK(buffer.space_size() == kBlockBytes);
}

TEST_CASE("compacting moves the content to the front") {
  Held buffer;
  Write(buffer, std::string(kBlockBytes - 3, 'a') + "xyz");
  buffer.Consume(kBlockBytes - 3);
  buffer.Compact();
  CHECK(buffer.view() == "xyz");
  CHECK(buffer.space_size() == kBlockBytes - 3);
  buffer.Compact();
  CHECK(buffer.view() == "xyz");
}

TEST_CASE("growing keeps the content and gives the block back") {
  Held buffer;
  Write(buffer, "..abc");
  buffer.Consume(2);
  const char* const block = buffer.data() - 2;
  buffer.Grow(buffer.pool, 3 * kBlockBytes);
  CHECK(buffer.view() == "abc");
  CHECK(buffer.capacity() == 3 * kBlockBytes);
  CHECK(buffer.space_size() == 3 * kBlockBytes - 3);
  char* const reused = buffer.pool.Take();
  CHECK(reused == block);
  buffer.pool.Give(reused);
}

TEST_CASE("growing to what is there already makes room by compacting") {
  Held buffer;
  Write(buffer, std::string(kBlockBytes, 'a'));
  buffer.Consume(kBlockBytes - 5);
  buffer.Grow(buffer.pool, kBlockBytes);
  CHECK(buffer.view() == "aaaaa");
  CHECK(buffer.capacity() == kBlockBytes);
  CHECK(buffer.space_size() == kBlockBytes - 5);
}

TEST_CASE("a buffer that fits keeps its content and gives the block back") {
  Held buffer;
  Write(buffer, "..abc");
  buffer.Consume(2);
  const char* const block = buffer.data() - 2;
  buffer.Fit(buffer.pool);
  CHECK(buffer.view() == "abc");
  CHECK(buffer.capacity() == 3);
  char* const reused = buffer.pool.Take();
  CHECK(reused == block);
  buffer.pool.Give(reused);
}

TEST_CASE("what is added goes behind the content, whatever its size") {
  Held buffer;
  buffer.Add(buffer.pool, {});
  buffer.Add(buffer.pool, "ab");
  const std::string much(kBlockBytes, 'c');
  buffer.Add(buffer.pool, much);
  CHECK((buffer.view() == "ab" + much));
}

TEST_CASE("a grown buffer grows again, and its block goes not to the pool") {
  BufferPool pool;
  Buffer buffer;
  buffer.Acquire(pool);
  buffer.Grow(pool, 2 * kBlockBytes);
  Write(buffer, std::string(2 * kBlockBytes, 'b'));
  buffer.Grow(pool, 4 * kBlockBytes);
  CHECK(buffer.view() == std::string(2 * kBlockBytes, 'b'));
  buffer.Release(pool);
  buffer.Acquire(pool);
  CHECK(buffer.capacity() == kBlockBytes);
  buffer.Release(pool);
}

}  // namespace
}  // namespace whichhop
