// Bodies off one framing and onto another.

#include "proxy/server/body.h"

#include <random>
#include <string>
#include <vector>

#include "tests/catch.h"
#include "tests/proxy/net/connections.h"

namespace whichhop {
namespace {

struct Arrival {
  Framing framing;
  uint64_t length;
  std::string_view bytes;    // of the connection
  std::string_view payload;  // of the body
  std::string_view state;    // "done", "open" or "failed"
  size_t left;               // bytes behind the body
};

constexpr Arrival kArrivals[] = {
    {Framing::kNone, 0, "GET", "", "done", 3},
    {Framing::kNone, 7, "", "", "done", 0},
    {Framing::kLength, 0, "GET", "", "done", 3},
    {Framing::kLength, 5, "hello", "hello", "done", 0},
    {Framing::kLength, 5, "helloGET", "hello", "done", 3},
    {Framing::kLength, 5, "hell", "hell", "open", 0},
    {Framing::kUntilClose, 0, "all of it", "all of it", "open", 0},
    {Framing::kChunked, 0, "0\r\n\r\n", "", "done", 0},
    {Framing::kChunked, 0, "5\r\nhello\r\n3;x=y\r\n yo\r\n0\r\n\r\nGET",
     "hello yo", "done", 3},
    {Framing::kChunked, 0, "0\r\nX-Sum: 9\r\n\r\nG", "", "done", 1},
    {Framing::kChunked, 0, "5\r\nhel", "hel", "open", 0},
    {Framing::kChunked, 0, "5\r\nhello\r\n0\r\n", "hello", "open", 0},
    {Framing::kChunked, 0, "2\r\nhiX", "hi", "failed", 1},
    {Framing::kChunked, 0, "xyz", "", "failed", 3},
};

// What a reader made of a body.
struct Reading {
  explicit Reading(const Arrival& row) : reader(TrailerMode::kRefuse, {}) {
    reader.Start(row.framing, row.length);
  }

  // Hands on the next piece, with what was left of those before.
  void Take(std::string_view piece) {
    pending += piece;
    const auto taken = reader.Take(pending.data(), pending.size());
    payload += taken.payload;
    pending.erase(0, taken.consumed);
  }
  std::string_view state() const {
    return reader.failed() ? "failed" : reader.done() ? "done" : "open";
  }

  BodyReader reader;
  std::string pending;
  std::string payload;
};

bool IsAs(const Reading& reading, const Arrival& row) {
  return reading.payload == row.payload && reading.state() == row.state &&
         reading.pending.size() == row.left &&
         reading.reader.received() == row.payload.size();
}

TEST_CASE("a body is taken out of what surrounds it, however it is cut") {
  for (const Arrival& row : kArrivals) {
    CAPTURE(row.bytes);
    for (size_t cut = 0; cut <= row.bytes.size(); ++cut) {
      CAPTURE(cut);
      Reading reading(row);
      reading.Take(row.bytes.substr(0, cut));
      reading.Take(row.bytes.substr(cut));
      CHECK(IsAs(reading, row));
    }
  }
}

TEST_CASE("a body can come byte by byte") {
  for (const Arrival& row : kArrivals) {
    CAPTURE(row.bytes);
    Reading reading(row);
    for (const char byte : row.bytes) reading.Take({&byte, 1});
    CHECK(IsAs(reading, row));
  }
}

TEST_CASE("a payload of one piece stays where it was received") {
  std::string bytes = "5\r\nhello\r\n0\r\n\r\n";
  BodyReader reader(TrailerMode::kRefuse, {});
  reader.Start(Framing::kChunked, 0);
  CHECK(reader.Take(bytes.data(), bytes.size()).payload.data() ==
        bytes.data() + 3);
}

TEST_CASE("the end of the input completes a body that has no other end") {
  for (const Arrival& row : kArrivals) {
    CAPTURE(row.bytes);
    Reading reading(row);
    reading.Take(row.bytes);
    const bool complete =
        row.state == "done" || row.framing == Framing::kUntilClose;
    CHECK(reading.reader.EndOfInput() == complete);
    CHECK(reading.reader.done() == complete);
  }
}

TEST_CASE("what is expected is what the length says, or what came") {
  Reading length({Framing::kLength, 10, {}, {}, {}, 0});
  CHECK(length.reader.expected() == 10);
  length.Take("abc");
  CHECK(length.reader.expected() == 10);
  CHECK(length.reader.received() == 3);
  Reading chunked({Framing::kChunked, 10, {}, {}, {}, 0});
  chunked.Take("3\r\nabc\r\n");
  CHECK(chunked.reader.expected() == 3);
}

TEST_CASE("a length beyond 32 bits is counted") {
  const uint64_t length = uint64_t{5} << 32;
  Reading reading({Framing::kLength, length, {}, {}, {}, 0});
  reading.Take("abc");
  CHECK(reading.state() == "open");
  CHECK(reading.reader.expected() == length);
}

TEST_CASE("trailers are there once the body is done, of chunks alone") {
  Reading chunked({Framing::kChunked, 0, {}, {}, {}, 0});
  chunked.Take("0\r\nX-Sum: 9\r\nX-More: a\r\n\r\n");
  CHECK(chunked.reader.trailers() == "X-Sum: 9\r\nX-More: a\r\n");
  chunked.reader.Start(Framing::kLength, 1);
  CHECK(chunked.reader.trailers().empty());
}

TEST_CASE("a refused chunk tells its rule, and nothing more is taken") {
  Reading reading({Framing::kChunked, 0, {}, {}, {}, 0});
  reading.Take("2\r\nhiX");
  REQUIRE(reading.reader.failed());
  CHECK(reading.reader.error().rule == ParseRule::kChunkDataEnd);
  CHECK(reading.reader.error().offset == 5);
  reading.Take("0\r\n\r\n");
  CHECK(reading.payload == "hi");
  CHECK_FALSE(reading.reader.EndOfInput());
}

TEST_CASE("a reader starts anew, after success and after failure") {
  Reading reading({Framing::kChunked, 0, {}, {}, {}, 0});
  for (const std::string_view body : {"2\r\nab\r\n0\r\n\r\n", "zz"}) {
    reading.payload.clear();
    reading.pending.clear();
    reading.reader.Start(Framing::kChunked, 0);
    CHECK(reading.reader.received() == 0);
    reading.Take(body);
  }
  reading.pending.clear();
  reading.reader.Start(Framing::kLength, 3);
  reading.Take("abc");
  CHECK(reading.payload == "abc");
  CHECK(reading.state() == "done");
}

// All that a queue writes.
std::string Written(SendQueue& queue) {
  Connection connection = UnixConnection();
  Stream near(std::move(connection.near));
  REQUIRE(queue.Flush(near).kind == IoResult::Kind::kBytes);
  near.socket().Close();
  std::string all;
  for (;;) {
    const std::string some = ReceiveSome(connection.far);
    if (some.empty()) return all;
    all += some;
  }
}

TEST_CASE("a payload is framed in chunks, or not at all") {
  for (const bool chunked : {true, false}) {
    BodyWriter writer;
    SendQueue queue;
    writer.Start(chunked);
    CHECK(writer.chunked() == chunked);
    writer.Add("", &queue);
    CHECK(queue.empty());
    writer.Add("0123456789abcdefg", &queue);
    writer.AddEnd("", &queue);
    CHECK(Written(queue) == (chunked ? "11\r\n0123456789abcdefg\r\n0\r\n\r\n"
                                     : "0123456789abcdefg"));
  }
}

TEST_CASE("trailers stand behind the last chunk") {
  BodyWriter writer;
  SendQueue queue;
  writer.Start(true);
  writer.AddEnd("X-Sum: 9\r\nX-More: a\r\n", &queue);
  CHECK(Written(queue) == "0\r\nX-Sum: 9\r\nX-More: a\r\n\r\n");
  writer.Start(false);
  writer.AddEnd("X-Sum: 9\r\n", &queue);
  CHECK(queue.empty());
}

TEST_CASE("what passes by unseen counts, and may complete the body") {
  Reading reading({Framing::kLength, 100'000, {}, {}, {}, 0});
  reading.Take("hello");
  CHECK(reading.reader.left() == 99'995);
  reading.reader.Skip(99'990);
  CHECK((reading.state() == "open" && reading.reader.received() == 99'995));
  CHECK(reading.reader.expected() == 100'000);
  reading.reader.Skip(5);
  CHECK((reading.state() == "done" && reading.reader.left() == 0));
  Reading endless({Framing::kUntilClose, 0, {}, {}, {}, 0});
  endless.reader.Skip(7);
  CHECK((endless.state() == "open" && endless.reader.received() == 7));
}

TEST_CASE("what is written in chunks is read again, whatever the parts") {
  std::mt19937 random(1);
  BodyWriter writer;
  writer.Start(true);
  std::string wire;
  std::string payload;
  for (const size_t size :
       {1u, 15u, 16u, 255u, 256u, 4095u, 4096u, 65'535u, 65'536u}) {
    SendQueue queue;
    std::string part(size, '\0');
    for (char& c : part) c = static_cast<char>(random());
    writer.Add(part, &queue);
    wire += Written(queue);
    payload += part;
  }
  SendQueue end;
  writer.AddEnd("X-Sum: 9\r\n", &end);
  wire += Written(end);
  Reading reading({Framing::kChunked, 0, {}, {}, {}, 0});
  reading.Take(wire);
  CHECK((reading.payload == payload));
  CHECK(reading.state() == "done");
  CHECK(reading.reader.trailers() == "X-Sum: 9\r\n");
}

}  // namespace
}  // namespace whichhop
