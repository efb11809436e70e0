#pragma once
// The boxes of the documented model, sets and orders of them, and where this
// proxy stands among them. Values only: everything here is constexpr.

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "diagnostics/enum_set.h"

namespace whichhop::diagnostics {

// Where this process stands: the box that it is.
enum class Position : uint8_t { kLb, kCdn };
// What answers first behind an upstream (`is:`); unset leaves it open.
enum class Answers : uint8_t { kUnset, kLb, kServer, kApp };
// Which family of statuses produced errors carry.
enum class Statuses : uint8_t { kGateway, kEdge };

// In the order of the model: that in which a request meets them.
enum class Hop : uint8_t {
  kBrowserApp,  // the page: HTML, CSS, JS
  kBrowser,     // sends the request
  kDevice,      // the client's machine
  kRouter,      // the client's way into the Internet
  kDns,         // ours: resolver and zone of an upstream; the model has none
  kImageHost,   // object store beside us, reached by the device itself
  kCdn,         // between the client and the data center
  kIsp,         // leads to the data center
  kTor,         // top-of-rack switch
  kLb,          // balancer
  kServer,      // host of the app
  kApp,         // the app
  kDbHost,      // host of the database
  kDb,          // the database
  kStoreHost,   // host of the datastore
  kDatastore,   // the files
  kAuthHost,    // host of the auth service
  kAuth,        // the auth service
  kTeapot,      // RFC 2324
};
inline constexpr size_t kHopCount = 19;

// What a hop is called: `name` in fields and logs, the rest on the page.
struct HopText {
  std::string_view name;    // token of Error-Cause
  std::string_view label;   // caption of the box
  std::string_view detail;  // small print of the box
};

inline constexpr std::array<HopText, kHopCount> kHopTexts = {{
    {"browser-app", "App", "HTML, CSS, JS"},
    {"browser", "Device Browser", "sends GET, PUT, POST"},
    {"device", "Device", "NIC, DNS"},
    {"router", "Router", "reached over Wi-Fi (DHCP)"},
    {"dns", "DNS", "resolver and zone of the upstream's address"},
    {"image-host", "Image/Script Host", "S3, object or block store"},
    {"cdn", "CDN",
     "Cloudflare; reached over the Internet (BGP, OSPF); only in the 407 and "
     "52x diagrams"},
    {"isp", "ISP", "leads to the data center (MPLS)"},
    {"tor", "TOR", "top-of-rack switch of the data center"},
    {"lb", "LB", "NetScaler, ELB, ..."},
    {"server", "Server/Serverless",
     "Windows, Linux, Lambda, Heroku, App Engine, ..."},
    {"app", "App", "IIS, Node, Java, C#, ..."},
    {"db-host", "DB Host", "Windows, Linux"},
    {"db", "DB", "SQL, MySQL, PostgreSQL, NoSQL, Mongo, ..."},
    {"store-host", "Data Store", "Windows, Linux, object or block store"},
    {"datastore", "Datastore", "the files themselves"},
    {"auth-host", "Auth Host",
     "two in the diagram, one auth service across both"},
    {"auth", "Auth", "AD, LDAP, login, ..."},
    {"teapot", "Teapot", "beside the device; only in the 418 diagram"},
}};

constexpr size_t Index(Hop hop) { return static_cast<size_t>(hop); }
constexpr std::string_view HopName(Hop hop) {
  return kHopTexts[Index(hop)].name;
}
constexpr std::string_view HopLabel(Hop hop) {
  return kHopTexts[Index(hop)].label;
}
constexpr std::string_view HopDetail(Hop hop) {
  return kHopTexts[Index(hop)].detail;
}

// The hop of that name, exactly; nothing for any other text.
constexpr std::optional<Hop> ParseHop(std::string_view name) {
  for (size_t i = 0; i < kHopCount; ++i) {
    if (kHopTexts[i].name == name) return static_cast<Hop>(i);
  }
  return std::nullopt;
}

// The box that a proxy at this position is.
constexpr Hop SelfHop(Position position) {
  return position == Position::kLb ? Hop::kLb : Hop::kCdn;
}

// Iterates in the order of the model.
using HopSet = EnumSet<Hop>;

// Hops in an order that means something (likeliest first). Each at most once.
class HopList {
 public:
  constexpr HopList() = default;
  constexpr HopList(std::initializer_list<Hop> hops) {
    for (Hop hop : hops) Add(hop);
  }
  // The hops of a set in the order of the model.
  constexpr explicit HopList(HopSet hops) {
    for (Hop hop : hops) Add(hop);
  }

  // Appends, unless the list holds the hop already.
  constexpr void Add(Hop hop) {
    if (set_.contains(hop)) return;
    hops_[size_++] = hop;
    set_.Add(hop);
  }
  constexpr bool contains(Hop hop) const { return set_.contains(hop); }
  constexpr bool empty() const { return size_ == 0; }
  constexpr size_t size() const { return size_; }
  constexpr Hop operator[](size_t i) const { return hops_[i]; }
  constexpr const Hop* begin() const { return hops_.data(); }
  constexpr const Hop* end() const { return hops_.data() + size_; }
  constexpr HopSet set() const { return set_; }

  // This list without the hops that `keep` does not hold; order is kept.
  constexpr HopList Only(HopSet keep) const {
    HopList kept;
    for (Hop hop : *this) {
      if (keep.contains(hop)) kept.Add(hop);
    }
    return kept;
  }
  constexpr bool operator==(const HopList& other) const {
    if (size_ != other.size_) return false;
    for (size_t i = 0; i < size_; ++i) {
      if (hops_[i] != other.hops_[i]) return false;
    }
    return true;
  }

 private:
  std::array<Hop, kHopCount> hops_{};
  uint8_t size_ = 0;
  HopSet set_;
};

// The path before us: hops that the request passed (image-host stands beside).
constexpr HopSet PathBefore(Position position) {
  HopSet path{Hop::kBrowserApp, Hop::kBrowser, Hop::kDevice, Hop::kRouter,
              Hop::kImageHost};
  if (position == Position::kLb) {
    path = path | HopSet{Hop::kCdn, Hop::kIsp, Hop::kTor};
  }
  return path;
}

// Whether another balancer may hold the far end of our connections.
constexpr bool BalancerBehind(Position position, Answers is) {
  return is == Answers::kLb ||
         (position == Position::kCdn && is == Answers::kUnset);
}

// The path behind us: the leg from this proxy to the app.
constexpr HopSet PathBehind(Position position, Answers is) {
  HopSet path{Hop::kTor, Hop::kServer, Hop::kApp};
  if (position == Position::kCdn) path.Add(Hop::kIsp);
  if (BalancerBehind(position, is)) path.Add(Hop::kLb);
  return path;
}

}  // namespace whichhop::diagnostics
