// Who is out of service, by how requests and probes ended.

#include "proxy/upstream/ejection.h"

#include <string>

#include "tests/catch.h"

namespace whichhop {
namespace {

using std::chrono::seconds;

const Time kStart = Time(seconds(1000));
constexpr EjectRule kEject{3, seconds(30)};
constexpr ProbeRule kProbe{2, 3};

// A letter a server: u up, d down, e ejected; capitals: suspected.
std::string Dump(const Ejection& ejection, size_t servers) {
  std::string text;
  for (size_t i = 0; i < servers; ++i) {
    const Standing& standing = ejection.standing(i);
    const char letter = standing.down ? 'd' : standing.ejected ? 'e' : 'u';
    text += static_cast<char>(standing.suspected ? letter - 32 : letter);
  }
  return text;
}

// Faults (f), successes (s), good (+) and bad (-) probes of the first server.
std::string Tell(Ejection& ejection, const std::string& story,
                 size_t servers = 2) {
  for (const char event : story) {
    if (event == 'f') ejection.OnFault(0, kStart);
    if (event == 's') ejection.OnSuccess(0);
    if (event == '+') ejection.OnProbe(0, true);
    if (event == '-') ejection.OnProbe(0, false);
  }
  return Dump(ejection, servers);
}

struct Story {
  const char* events;
  const char* standing;
};

TEST_CASE("faults in a row eject a server, and a success resets them") {
  const Story rows[] = {
      {"", "uu"},     {"f", "Uu"},      {"ff", "Uu"},     {"fff", "eu"},
      {"ffs", "uu"},  {"ffsff", "Uu"},  {"ffsfff", "eu"}, {"ffffff", "eu"},
      {"fffs", "eu"}, {"---fff", "uu"}, {"sss", "uu"},
  };
  for (const Story& row : rows) {
    CAPTURE(row.events);
    Ejection ejection(2, &kEject, nullptr);
    const std::string standing = Tell(ejection, row.events);
    const bool probed = std::string(row.events).find('-') != std::string::npos;
    CHECK(standing == (probed ? "eu" : row.standing));
  }
}

TEST_CASE("probes in a row take a server out and bring it back") {
  const Story rows[] = {
      {"--", "uu"},       {"---", "du"},     {"--+--", "uu"},
      {"--+---", "du"},   {"---+", "du"},    {"---++", "uu"},
      {"---+-+", "du"},   {"---+-++", "uu"}, {"---++--", "uu"},
      {"---++---", "du"}, {"++++---", "du"},
  };
  for (const Story& row : rows) {
    CAPTURE(row.events);
    Ejection ejection(2, nullptr, &kProbe);
    CHECK(Tell(ejection, row.events) == row.standing);
  }
}

TEST_CASE("what is not asked for does not happen") {
  Ejection ejection(2, nullptr, nullptr);
  CHECK(Tell(ejection, "ffffff------") == "uu");
}

TEST_CASE("a change is told once") {
  Ejection ejection(2, &kEject, &kProbe);
  CHECK(ejection.OnFault(0, kStart));  // suspected
  CHECK_FALSE(ejection.OnFault(0, kStart));
  CHECK(ejection.OnSuccess(0));
  CHECK_FALSE(ejection.OnSuccess(0));
  CHECK_FALSE(ejection.OnProbe(0, true));
  CHECK_FALSE(ejection.OnProbe(0, false));
}

TEST_CASE("an ejected server comes back when its time is over") {
  Ejection ejection(2, &kEject, nullptr);
  CHECK(ejection.next_time() == Time::max());
  CHECK(Tell(ejection, "fff") == "eu");
  CHECK(ejection.next_time() == kStart + seconds(30));
  CHECK_FALSE(ejection.OnTime(kStart + seconds(29)));
  CHECK(ejection.OnTime(kStart + seconds(30)));
  CHECK(Dump(ejection, 2) == "uu");
  CHECK(ejection.next_time() == Time::max());
  CHECK(Tell(ejection, "ff") == "Uu");  // it begins anew
}

TEST_CASE("the last server in service is not ejected") {
  Ejection alone(1, &kEject, nullptr);
  CHECK(Tell(alone, "ffffff", 1) == "U");
  Ejection pair(2, &kEject, nullptr);
  for (int i = 0; i < 3; ++i) pair.OnFault(1, kStart);
  CHECK(Tell(pair, "ffffff") == "Ue");
}

TEST_CASE("the last one goes with its next fault if another is back") {
  Ejection pair(2, &kEject, nullptr);
  for (int i = 0; i < 3; ++i) pair.OnFault(1, kStart);
  CHECK(Tell(pair, "fff") == "Ue");
  pair.OnTime(kStart + seconds(30));
  CHECK(Tell(pair, "f") == "eu");
}

TEST_CASE("a server that is down counts as none to fall back on") {
  Ejection pair(2, &kEject, &kProbe);
  for (int i = 0; i < 3; ++i) pair.OnProbe(1, false);
  CHECK(Tell(pair, "fff") == "Ud");
}

TEST_CASE("probes may take even the last one out") {
  Ejection pair(2, &kEject, &kProbe);
  for (int i = 0; i < 3; ++i) pair.OnProbe(1, false);
  CHECK(Tell(pair, "---") == "dd");
}

TEST_CASE("a reload keeps standings, counts and times of what is still on") {
  Ejection old(2, &kEject, &kProbe);
  CHECK(Tell(old, "fff--") == "eu");
  Ejection both(2, &kEject, &kProbe);
  both.Inherit(1, old, 0);
  CHECK(Dump(both, 2) == "ue");
  CHECK(both.next_time() == kStart + seconds(30));
  both.OnProbe(1, false);
  CHECK(Dump(both, 2) == "ud");  // the third bad one
  Ejection probes_alone(2, nullptr, &kProbe);
  probes_alone.Inherit(0, both, 1);
  CHECK(Dump(probes_alone, 2) == "du");
  Ejection faults_alone(2, &kEject, nullptr);
  faults_alone.Inherit(0, both, 1);
  CHECK(Dump(faults_alone, 2) == "eu");
}

}  // namespace
}  // namespace whichhop
