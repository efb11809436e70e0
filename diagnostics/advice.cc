#include "diagnostics/advice.h"

#include <array>

namespace whichhop::diagnostics {
namespace {

struct Advice {
  std::string_view owner;
  std::string_view step;
};

constexpr std::array<Advice, kHopCount> kAdvice = {{
    {"whoever writes the page in the browser",
     "Look at the request that the page or script builds."},
    {"the user", "Look at the client's request and its credentials."},
    {"the user", "Check the client's machine and its network."},
    {"whoever runs the client's network",
     "Check the client's Wi-Fi, router and captive portal."},
    {"whoever runs the zone or the resolver",
     "Look the upstream's name up at the zone's own servers, then at the "
     "resolver."},
    {"whoever runs the image or script host",
     "Check that the object exists and may be read."},
    {"whoever runs the CDN",
     "Check the CDN's status and its settings for this host."},
    {"whoever runs the network to the data center",
     "Walk the path to the data center; check routes and firewalls."},
    {"whoever runs the rack's network",
     "Check the switch, the host's port on it and the firewall."},
    {"whoever runs the balancer",
     "Check the balancer's backends, limits and listeners."},
    {"whoever runs the server's host",
     "Check that the host is up, what listens there and its load."},
    {"whoever runs the app",
     "Check that the app runs; read its log and its last deploy."},
    {"whoever runs the database's host",
     "Check that the database's host is up, its disks and memory."},
    {"whoever runs the database",
     "Check that the database answers, its slow queries and connections."},
    {"whoever runs the datastore's host",
     "Check that the datastore's host is up and its disks."},
    {"whoever runs the datastore",
     "Check that the file exists and may be read."},
    {"whoever runs the auth service's host",
     "Check that the auth service's host is up."},
    {"whoever runs the auth service",
     "Check the auth service and the rights of this account."},
    {"nobody", "Ask something else for coffee."},
}};

}  // namespace

std::string_view Owner(Hop hop) { return kAdvice[Index(hop)].owner; }
std::string_view NextStep(Hop hop) { return kAdvice[Index(hop)].step; }

}  // namespace whichhop::diagnostics
