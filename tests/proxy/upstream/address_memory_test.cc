#include "proxy/upstream/address_memory.h"

#include "tests/catch.h"

namespace whichhop {
namespace {

using std::chrono::seconds;

constexpr Time kStart{seconds(1000)};

TEST_CASE("an address' memory has the last word of a router") {
  AddressMemory memory;
  CHECK_FALSE(memory.no_way());
  const Address router = *Address::Parse("10.0.0.1:0");
  memory.NoteNoWay({*Address::Parse("10.0.0.2:0"), false, kStart});
  memory.NoteNoWay({router, true, kStart + seconds(1)});
  REQUIRE(memory.no_way());
  CHECK(memory.no_way()->said_by == router);
  CHECK(memory.no_way()->no_such_host);
  CHECK(memory.no_way()->at == kStart + seconds(1));
}

TEST_CASE("a silence that goes on is one, until somebody is answered") {
  AddressMemory memory;
  memory.NoteSilence(kStart, kStart + seconds(2));
  memory.NoteSilence(kStart + seconds(10), kStart + seconds(12));
  CHECK(memory.silent_since() == kStart);
  CHECK(memory.silent_until() == kStart + seconds(12));
  memory.NoteAnswer(kStart + seconds(13));
  memory.NoteSilence(kStart + seconds(14), kStart + seconds(15));
  CHECK(memory.silent_since() == kStart + seconds(14));
}

}  // namespace
}  // namespace whichhop
