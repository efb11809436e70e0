// Names, and a nameserver that says what a test tells it to.

#include "proxy/net/resolver.h"

#include <functional>

#include "proxy/net/dns_extended_error.h"
#include "tests/catch.h"
#include "tests/proxy/net/nameserver.h"
#include "tests/proxy/net/story.h"

namespace whichhop {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Waiting final : NameWaiter {
  void OnResolved() override {
    ++resolved;
    then();
  }
  NameWait wait;
  int resolved = 0;
  std::function<void()> then = [] {};
};

struct Subscribed final : NameEvents {
  void OnAddresses(ResolvedName&) override { ++changes; }
  int changes = 0;
};

struct Names {
  explicit Names(Duration timeout = milliseconds(300))
      : resolver(loop, {{server.address()}, timeout}) {
    name.Subscribe(subscribed);
  }
  // What the addresses are, or why there are none.
  std::string Resolve() {
    Waiting waiting;
    name.Await(waiting.wait, waiting);
    CHECK(waiting.resolved == 0);
    Story story(loop);
    story.Until([&] { return waiting.resolved > 0; }).Play();
    CHECK(waiting.resolved == 1);
    return Text();
  }
  std::string Text() const {
    std::string text;
    for (const Address& address : name.addresses()) {
      text += (text.empty() ? "" : " ") + address.Host();
    }
    if (!text.empty()) return text;
    constexpr const char* kOutcomes[] = {"addresses", "NXDOMAIN",  "SERVFAIL",
                                         "REFUSED",   "NOTIMP",    "FORMERR",
                                         "no TCP",    "no answer", "NODATA"};
    return kOutcomes[static_cast<size_t>(name.outcome())];
  }

  Loop loop;
  Nameserver server{loop};
  Resolver resolver;
  Subscribed subscribed;
  ResolvedName& name = resolver.Name("app.test");
};

const std::string kV4("\x0A\x00\x00\x05", 4);
const std::string kV6("\x20\x01\x0D\xB8\0\0\0\0\0\0\0\0\0\0\0\x05", 16);

TEST_CASE("a name has the addresses of both families") {
  Names names;
  names.server.v4 = kV4;
  names.server.v6 = kV6;
  const std::string both = names.Resolve();
  CHECK((both == "2001:db8::5 10.0.0.5" || both == "10.0.0.5 2001:db8::5"));
  CHECK(names.server.questions == 2);
  CHECK(names.subscribed.changes == 1);
  CHECK(names.name.last_resolved() != kNoTime);
}

TEST_CASE("one family is enough, and the other is not waited for long") {
  Names names(seconds(15));
  names.server.v4 = kV4;
  names.server.silent_v6 = true;
  CHECK(names.Resolve() == "10.0.0.5");
}

TEST_CASE("each way in which there is no address is told from the others") {
  struct Row {
    Rcode rcode;
    const char* outcome;
  };
  for (const Row& row : {Row{kNxDomain, "NXDOMAIN"}, Row{kServFail, "SERVFAIL"},
                         Row{kRefused, "REFUSED"}, Row{kNotImp, "NOTIMP"},
                         Row{kFormErr, "FORMERR"}, Row{kNoError, "NODATA"}}) {
    Names names;
    names.server.rcode = row.rcode;
    CHECK(names.Resolve() == row.outcome);
    CHECK(names.name.failed());
    CHECK(names.name.last_resolved() == kNoTime);
  }
}

TEST_CASE("a nameserver's reason is kept until the next lookup") {
  Names names;
  names.server.rcode = kServFail;
  names.server.extended = 22;
  CHECK(names.Resolve() == "SERVFAIL");
  CHECK(names.name.extended_error() == 22);
}

TEST_CASE("an extended error is read from whole messages alone") {
  const std::string head("\0\0\x81\x82\0\0\0\0\0\0\0\1", 12);
  const std::string opt("\0\0\x29\x04\xD0\0\0\0\0\0\6\0\x0F\0\2\1\2", 17);
  const std::string message = head + opt;
  const auto read = [](const std::string& bytes) {
    return ExtendedDnsError(
        {reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()});
  };
  CHECK(read(message) == 0x102);
  for (size_t size = 0; size < message.size(); ++size) {
    CHECK(read(message.substr(0, size)) == std::nullopt);
  }
  std::string longer = message;
  longer[26] = 3;  // the option says more than the record holds
  CHECK(read(longer) == std::nullopt);
}

TEST_CASE("a silent nameserver is waited for as long as configured") {
  Names names(milliseconds(300));
  names.server.silent = true;
  const Time begun = SteadyClock::now();
  CHECK(names.Resolve() == "no answer");
  CHECK(SteadyClock::now() - begun >= milliseconds(280));
  CHECK(names.server.questions == 4);  // two tries of each family
}

TEST_CASE("a nameserver whose port is closed gives no answer either") {
  Names names;
  names.server.Close();
  CHECK(names.Resolve() == "no answer");
}

TEST_CASE("an answer that was cut is asked for over TCP") {
  Names names;
  names.server.truncates = true;
  CHECK(names.Resolve() == "no TCP");
}

TEST_CASE("those who ask for one name share its questions") {
  Names names;
  names.server.v4 = kV4;
  Waiting first, second, gone;
  names.name.Await(first.wait, first);
  names.name.Await(second.wait, second);
  names.name.Await(gone.wait, gone);
  gone.wait.Cancel();
  Story(names.loop).Until([&] { return second.resolved == 1; }).Play();
  CHECK(first.resolved == 1);
  CHECK(gone.resolved == 0);
  CHECK(names.server.questions == 2);
  CHECK(&names.resolver.Name("APP.test") == &names.name);
}

TEST_CASE("whoever is called may end the others' wait, or ask anew") {
  Names names;
  names.server.rcode = kServFail;
  Waiting first, second;
  first.then = [&] { second.wait.Cancel(); };
  names.name.Await(first.wait, first);
  names.name.Await(second.wait, second);
  Story(names.loop).Until([&] { return first.resolved == 1; }).Turns(2).Play();
  CHECK(second.resolved == 0);
}

TEST_CASE("when the TTL ends the name is looked up again") {
  Names names;
  names.server.ttl = 1;
  names.server.v4 = kV4;
  Waiting waiting;
  names.name.Await(waiting.wait, waiting);
  Story story(names.loop);
  story.Until([&] { return waiting.resolved == 1; })
      .Do([&] { names.server.v4.back() = 6; })
      .Until([&] { return names.Text() == "10.0.0.6"; })
      .Do([&] { names.server.rcode = kServFail; })
      .Do([&] { names.server.questions = 0; })
      .Until([&] { return names.server.questions >= 4; })
      .Do([&] { CHECK(names.Text() == "10.0.0.6"); })
      .Do([&] { names.server.v4.clear(); })
      .Do([&] { names.server.rcode = kNxDomain; })
      .Until([&] { return names.Text() == "NXDOMAIN"; })
      .Play();
  CHECK(names.subscribed.changes == 3);
  CHECK(names.name.failed());
}

TEST_CASE("a resolver at rest asks nothing in the background") {
  Names names;
  names.server.ttl = 0;  // counts as a second
  names.server.v4 = kV4;
  Waiting waiting;
  names.name.Await(waiting.wait, waiting);
  Story(names.loop)
      .Until([&] { return waiting.resolved == 1; })
      .Do([&] { names.resolver.Rest(); })
      .Wait(milliseconds(1300))
      .Play();
  CHECK(names.server.questions == 2);
  CHECK(names.Text() == "10.0.0.5");
}

TEST_CASE("a resolver takes over what an older one knows, and asks again") {
  Names names;
  names.server.v4 = kV4;
  Waiting waiting;
  names.name.Await(waiting.wait, waiting);
  Resolver newer(names.loop, {{names.server.address()}, seconds(1)});
  ResolvedName& name = newer.Name("app.test");
  Story(names.loop)
      .Until([&] { return waiting.resolved == 1; })
      .Do([&] { newer.Inherit(names.resolver); })
      .Do([&] { CHECK(name.addresses() == names.name.addresses()); })
      .Do([&] { names.server.v4.back() = 6; })
      .Until([&] { return name.addresses()[0].Host() == "10.0.0.6"; })
      .Play();
  CHECK(names.server.questions == 4);
}

TEST_CASE("a resolver may go while questions are out") {
  Loop loop;
  Nameserver server(loop);
  server.silent = true;
  auto resolver = std::make_unique<Resolver>(
      loop, DnsOptions{{server.address()}, seconds(5)});
  Waiting waiting;
  resolver->Name("app.test").Await(waiting.wait, waiting);
  Story(loop)
      .Until([&] { return server.questions == 2; })
      .Do([&] { waiting.wait.Cancel(); })
      .Do([&] { resolver.reset(); })
      .Turns(2)
      .Play();
  CHECK(waiting.resolved == 0);
}

TEST_CASE("the file of hosts knows a name before any nameserver does") {
  Names names;
  ResolvedName& local = names.resolver.Name("localhost");
  Waiting waiting;
  local.Await(waiting.wait, waiting);
  CHECK(waiting.resolved == 0);
  Story(names.loop).Until([&] { return waiting.resolved == 1; }).Play();
  CHECK_FALSE(local.addresses().empty());
  CHECK(names.server.questions == 0);
}

}  // namespace
}  // namespace whichhop
