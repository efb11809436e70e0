#include "proxy/http/chunked.h"

#include <string>

#include "tests/catch.h"
#include "tests/proxy/http/vectors.h"

namespace whichhop {
namespace {

void Check(const Vector& vector, TrailerMode mode = TrailerMode::kRefuse) {
  CheckEveryCut(vector, [mode](std::string_view input, const Cuts& cuts) {
    return DumpChunks(input, cuts, mode);
  });
}

TEST_CASE("chunks give the same payload and end however they are cut") {
  const Vector vectors[] = {
      {WIRE("4\r\n"
            "\r\n"
            "\r\n"
            "\r\n"
            "0\r\n"
            "\r\n"),
       "[\r\n"
       "\r\n"
       "] left=0"},
      {WIRE("0\r\n"
            "\r\n"),
       "[] left=0"},
      {WIRE("5\r\n"
            "hello\r\n"
            "0\r\n"
            "\r\n"),
       "[hello] left=0"},
      {WIRE("5\r\n"
            "hello\r\n"
            "6\r\n"
            " world\r\n"
            "0\r\n"
            "\r\n"
            "GET"),
       "[hello world] left=3"},
      {WIRE("1\r\n"
            "a\r\n"
            "1\r\n"
            "b\r\n"
            "1\r\n"
            "c\r\n"
            "0\r\n"
            "\r\n"),
       "[abc] left=0"},
      {WIRE("00000000000000A\r\n"
            "0123456789\r\n"
            "0000000000000000\r\n"
            "\r\n"),
       "[0123456789] left=0"},
      {WIRE("a\r\n"
            "0123456789\r\n"
            "0\r\n"
            "\r\n"),
       "[0123456789] left=0"},
      {WIRE("3;a\r\n"
            "abc\r\n"
            "0;b=c\r\n"
            "\r\n"),
       "[abc] left=0"},
      {WIRE("3;a=b;c=\"d \\\" e;\200\";f\r\n"
            "abc\r\n"
            "0\r\n"
            "\r\n"),
       "[abc] left=0"},
      {WIRE("3\r\n"
            "\r\n"
            "\r\n"
            "\r\n"),
       "[\r\n"
       "\r] kChunkDataEnd@6 kChunk"},
      {WIRE("3\r\n"
            "ab"),
       "[ab] more"},
      {WIRE("3\r\n"
            "abc\r\n"),
       "[abc] more"},
      {WIRE("0\r\n"), "[] more"},
      {WIRE("0\r\n"
            "X-Sum: 1\r\n"
            "Etag:  \"e\" \r\n"
            "\r\n"
            "rest"),
       "[] X-Sum: 1\r\n"
       "Etag: \"e\"\r\n"
       "left=4"},
  };
  for (const Vector& vector : vectors) Check(vector);
}

TEST_CASE("a malformed chunk is refused at its octet") {
  const Vector vectors[] = {
      {WIRE("0\r\n"
            "X: 1\r\n"
            "Content-Length: 3\r\n"
            "\r\n"),
       "[] kTrailerForbidden@9 kTrailer"},
      {WIRE("0\r\n"
            "Error-Cause: app\r\n"
            "\r\n"),
       "[] kTrailerForbidden@3 kTrailer"},
      {WIRE("0\r\n"
            "X : 1\r\n"
            "\r\n"),
       "[] kSpaceBeforeColon@4 kTrailer"},
      {WIRE("0\r\n"
            "X: a\r\n"
            " b\r\n"
            "\r\n"),
       "[] kObsFold@9 kTrailer"},
      {WIRE("0\r\n"
            "X\r\n"
            "\r\n"),
       "[] kColonMissing@4 kTrailer"},
      {WIRE("0\r\n"
            "X: 1\n"
            "\r\n"),
       "[] kBareLf@7 kTrailer"},
      {WIRE("0\r\n"
            "X: 1\r\n"
            "\rX"),
       "[] kBareCr@9 kTrailer"},
      {WIRE("0\r\n"
            " X: 1\r\n"
            "\r\n"),
       "[] kSpaceBeforeFields@3 kTrailer"},
      {WIRE("0\r\n"
            "\n"),
       "[] kBareLf@3 kTrailer"},
      {WIRE("0\r\n"
            "\rX"),
       "[] kBareCr@3 kChunk"},
      {WIRE("ZZ\r\n"), "[] kChunkSizeSyntax@0 kChunk"},
      {WIRE("\r\n"), "[] kChunkSizeSyntax@0 kChunk"},
      {WIRE(" 5\r\n"
            "hello\r\n"),
       "[] kChunkSizeSyntax@0 kChunk"},
      {WIRE("5 \r\n"
            "hello\r\n"),
       "[] kChunkSizeSyntax@1 kChunk"},
      {WIRE("+5\r\n"
            "hello\r\n"),
       "[] kChunkSizeSyntax@0 kChunk"},
      {WIRE("0x5\r\n"
            "hello\r\n"),
       "[] kChunkSizeSyntax@1 kChunk"},
      {WIRE("5\n"
            "hello\n"),
       "[] kBareLf@1 kChunk"},
      {WIRE("5\rhello"), "[] kBareCr@1 kChunk"},
      {WIRE("5\r\n"
            "helloXX"),
       "[hello] kChunkDataEnd@8 kChunk"},
      {WIRE("5\r\n"
            "hello\n"
            "0\r\n"
            "\r\n"),
       "[hello] kChunkDataEnd@8 kChunk"},
      {WIRE("5\r\n"
            "hello\rX"),
       "[hello] kChunkDataEnd@9 kChunk"},
      {WIRE("5\r\n"
            "hello\r\n"
            "Z"),
       "[hello] kChunkSizeSyntax@10 kChunk"},
      {WIRE("FFFFFFFFFFFFFFFFF\r\n"), "[] kChunkSizeOverflow@15 kChunk"},
      {WIRE("8000000000000000\r\n"), "[] kChunkSizeOverflow@15 kChunk"},
      {WIRE("7FFFFFFFFFFFFFFF\r\n"
            "x"),
       "[x] more"},
      {WIRE("00000000000000000\r\n"), "[] kChunkSizeOverflow@16 kChunk"},
      {WIRE(";a\r\n"), "[] kChunkSizeSyntax@0 kChunk"},
      {WIRE("3;\r\n"
            "abc"),
       "[] kChunkExtension@2 kChunk"},
      {WIRE("3;a=\r\n"
            "abc"),
       "[] kChunkExtension@4 kChunk"},
      {WIRE("3; a\r\n"
            "abc"),
       "[] kChunkExtension@2 kChunk"},
      {WIRE("3;a b\r\n"
            "abc"),
       "[] kChunkExtension@3 kChunk"},
      {WIRE("3;a=\"b\r\n"
            "abc"),
       "[] kChunkExtension@6 kChunk"},
      {WIRE("3;a=\"b\"c\r\n"), "[] kChunkExtension@7 kChunk"},
      {WIRE("3;a\n"
            "abc"),
       "[] kBareLf@3 kChunk"},
      {WIRE("-1\r\n"), "[] kChunkSizeSyntax@0 kChunk"},
  };
  for (const Vector& vector : vectors) Check(vector);
}

TEST_CASE("responses lose forbidden trailers and have folds mended") {
  const Vector vectors[] = {
      {WIRE("0\r\n"
            "X-Sum: 1\r\n"
            "Etag:  \"e\" \r\n"
            "\r\n"
            "rest"),
       "[] X-Sum: 1\r\n"
       "Etag: \"e\"\r\n"
       "left=4"},
      {WIRE("0\r\n"
            "X: 1\r\n"
            "Content-Length: 3\r\n"
            "\r\n"),
       "[] X: 1\r\n"
       "left=0"},
      {WIRE("0\r\n"
            "Error-Cause: app\r\n"
            "\r\n"),
       "[] left=0"},
      {WIRE("0\r\n"
            "X : 1\r\n"
            "\r\n"),
       "[] X: 1\r\n"
       "left=0"},
      {WIRE("0\r\n"
            "X: a\r\n"
            " b\r\n"
            "\r\n"),
       "[] X: a   b\r\n"
       "left=0"},
      {WIRE("0\r\n"
            "X\r\n"
            "\r\n"),
       "[] kColonMissing@4 kTrailer"},
      {WIRE("0\r\n"
            "X: 1\n"
            "\r\n"),
       "[] kBareLf@7 kTrailer"},
      {WIRE("0\r\n"
            "X: 1\r\n"
            "\rX"),
       "[] kBareCr@9 kTrailer"},
      {WIRE("0\r\n"
            " X: 1\r\n"
            "\r\n"),
       "[] kSpaceBeforeFields@3 kTrailer"},
      {WIRE("0\r\n"
            "\rX"),
       "[] kBareCr@3 kChunk"},
  };
  for (const Vector& vector : vectors) Check(vector, TrailerMode::kDrop);
}

TEST_CASE("one chunk stays in its place and several are moved together") {
  ChunkedDecoder decoder(TrailerMode::kDrop, HeadLimits{});
  std::string one = "5\r\nhello";
  DecodedChunks chunks = decoder.Decode(one.data(), one.size());
  CHECK(chunks.payload == one.data() + 3);
  CHECK(chunks.payload_size == 5);
  CHECK(chunks.consumed == one.size());
  std::string two = "\r\n1\r\n,\r\n6\r\n world\r\n0\r\n\r\nrest";
  chunks = decoder.Decode(two.data(), two.size());
  CHECK(std::string(chunks.payload, chunks.payload_size) == ", world");
  CHECK(chunks.status == ParseStatus::kDone);
  CHECK(two.substr(chunks.consumed) == "rest");
}

TEST_CASE("chunk data may pass the decoder by") {
  ChunkedDecoder decoder(TrailerMode::kDrop, HeadLimits{});
  std::string begin = "10\r\nabc";
  decoder.Decode(begin.data(), begin.size());
  CHECK(decoder.chunk_left() == 13);
  decoder.Skip(13);
  CHECK(decoder.chunk_left() == 0);
  std::string end = "\r\nZ";
  CHECK(decoder.Decode(end.data(), end.size()).status == ParseStatus::kError);
  CHECK(decoder.error().offset == 22);
}

TEST_CASE("chunk extensions are bounded, each and together") {
  const std::string extension = ";" + std::string(255, 'e');
  CHECK(DumpChunks("1" + extension + "\r\nx\r\n0\r\n\r\n") == "[x] left=0");
  CHECK(DumpChunks("1" + extension + "e\r\nx\r\n0\r\n\r\n") ==
        "[] kChunkExtensionTooLong@257 kChunk");
  std::string many;
  for (int i = 0; i < 64; ++i) many += "1" + extension + "\r\nx\r\n";
  const std::string payload(64, 'x');
  CHECK(DumpChunks(many + "0\r\n\r\n") == "[" + payload + "] left=0");
  CHECK(DumpChunks(many + "0;e\r\n\r\n") ==
        "[" + payload + "] kChunkExtensionTooLong@" +
            std::to_string(many.size() + 1) + " kChunk");
}

TEST_CASE("a trailer section is bounded as a head is") {
  HeadLimits limits;
  limits.header_bytes = 10;
  limits.header_fields = 2;
  const auto dump = [&limits](std::string_view input) {
    const std::string whole = DumpChunks(input, {}, TrailerMode::kDrop, limits);
    CHECK(DumpChunks(input, EveryOctet(input), TrailerMode::kDrop, limits) ==
          whole);
    return whole;
  };
  CHECK(dump("0\r\nA: 23\r\n\r\n") == "[] A: 23\r\nleft=0");
  CHECK(dump("0\r\nA: 2345678\r\n\r\n") == "[] kHeadTooLarge@13 kTrailer");
  limits.header_bytes = 100;
  CHECK(dump("0\r\nA:1\r\nB:2\r\nC:3\r\n\r\n") ==
        "[] kTooManyFields@13 kTrailer");
}

TEST_CASE("a decoder forgets one body when it begins the next") {
  ChunkedDecoder decoder(TrailerMode::kDrop, HeadLimits{});
  std::string first = "0\r\nX: 1\r\n\r\n";
  decoder.Decode(first.data(), first.size());
  CHECK(decoder.trailers() == "X: 1\r\n");
  decoder.Reset(TrailerMode::kDrop);
  std::string second = "0\r\n\r\n";
  CHECK(decoder.Decode(second.data(), second.size()).status ==
        ParseStatus::kDone);
  CHECK(decoder.trailers().empty());
}

}  // namespace
}  // namespace whichhop
