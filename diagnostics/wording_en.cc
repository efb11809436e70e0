#include "diagnostics/wording.h"

namespace whichhop::diagnostics {
namespace {

constexpr std::array<std::string_view, kHopCount> Labels() {
  std::array<std::string_view, kHopCount> labels;
  for (size_t i = 0; i < kHopCount; ++i) labels[i] = kHopTexts[i].label;
  return labels;
}

}  // namespace

constexpr Wording kEnglish = {
    .language = Language::kEnglish,
    .cause = "cause",
    .reporter = "reporter",
    .cleared = "cleared",
    .unknown = "unknown",
    .here = "you are here",
    .none = "none",
    .upstream_answered = "The upstream answered ",
    .page = "Page ",
    .next_suspect = "; next suspect: ",
    .next_suspects = "; next suspects: ",
    .this_proxy = "whoever runs this proxy",
    .client_side = "It comes from the client's side (",
    .nobody_to_page = "): nobody to page.",
    .not_known = "Which hop caused it is not known",
    .ask = "; ask ",
    .or_word = " or ",
    .who_reported = ", which reported it",
    .teapot = "Nothing is broken: the device is a teapot.",
    .panel = "Which hop failed",
    .diagram = "The way of the request",
    .next = "What to do next",
    .documented = "What the model documents",
    .documented_row = "Row ",
    .evidence = "Evidence",
    .report = "For the report",
    .quote = "Quote this id: it leads to all that is known of this error.",
    .error_id = "Error id",
    .fault = "Fault",
    .basis = "Basis",
    .host = "Host",
    .path = "Path",
    .next_hop = "Next hop",
    .bases = {"observed by this proxy", "said by another hop",
              "inferred from a known page", "documented by the model alone"},
    .parties = {"You are visiting", "You run the site", "You run the network"},
    .visitor = {"Load the page again. If that does not help, delete this "
                "site's cookies: the request was malformed.",
                "Sign in, then try again.",
                "Ask whoever runs the site for access, or sign in as somebody "
                "else.",
                "Check the address, or begin at the site's first page.",
                "Sign in to the proxy that your network has you use.",
                "Ask something else for coffee.",
                "Wait a minute, then try again, and less often.",
                "Delete this site's cookies, then try again.",
                "Try a newer browser.",
                "Sign in to the network that you are on, then try again.",
                "Go back and ask in another way.",
                "You can't mend it. Try again in a few minutes.",
                "You can't mend it. Try again in a few minutes; if you had "
                "sent a form, look first whether it arrived."},
    .not_yours = "None of the suspects is yours.",
    .look_it_up =
        "Look the error id up in this proxy's log: the evidence is "
        "there.",
    .no_suspect = "No suspect is known: keep the error id ready.",
    .our_step = "Look at this proxy's own log, limits and configuration.",
    .labels = Labels(),
    .owners = {"whoever writes the page in the browser", "the user", "the user",
               "whoever runs the client's network",
               "whoever runs the zone or the resolver",
               "whoever runs the image or script host", "whoever runs the CDN",
               "whoever runs the network to the data center",
               "whoever runs the rack's network", "whoever runs the balancer",
               "whoever runs the server's host", "whoever runs the app",
               "whoever runs the database's host", "whoever runs the database",
               "whoever runs the datastore's host",
               "whoever runs the datastore",
               "whoever runs the auth service's host",
               "whoever runs the auth service", "nobody"},
    .steps =
        {"Look at the request that the page or script builds.",
         "Look at the client's request and its credentials.",
         "Check the client's machine and its network.",
         "Check the client's Wi-Fi, router and captive portal.",
         "Look the upstream's name up at the zone's own servers, then at the "
         "resolver.",
         "Check that the object exists and may be read.",
         "Check the CDN's status and its settings for this host.",
         "Walk the path to the data center; check routes and firewalls.",
         "Check the switch, the host's port on it and the firewall.",
         "Check the balancer's backends, limits and listeners.",
         "Check that the host is up, what listens there and its load.",
         "Check that the app runs; read its log and its last deploy.",
         "Check that the database's host is up, its disks and memory.",
         "Check that the database answers, its slow queries and connections.",
         "Check that the datastore's host is up and its disks.",
         "Check that the file exists and may be read.",
         "Check that the auth service's host is up.",
         "Check the auth service and the rights of this account.",
         "Ask something else for coffee."},
    .says = {},    // the model's rows say it
    .faults = {},  // fault.inc says it
};

}  // namespace whichhop::diagnostics
