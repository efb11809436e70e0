#include "diagnostics/error_meaning.h"

#include <iterator>

namespace whichhop::diagnostics {
namespace {

// What an app asks for itself.
constexpr HopList kBackends{Hop::kDb, Hop::kDatastore, Hop::kAuth};
constexpr HopList kBackendsByWay{Hop::kTor, Hop::kDb, Hop::kDatastore,
                                 Hop::kAuth};

// Whom the proxy that says it suspects by it: as fault.inc has it of faults
// that we meet ourselves, at the place of that proxy.
struct Meaning {
  ErrorType type;
  HopList of_proxy;     // a balancer or server says it, of the way to the app
  HopList of_app;       // an app says it, of what it asks
  bool itself = false;  // it suspects itself too, last
};

constexpr HopList kNobody{};
constexpr HopList kDnsAlone{Hop::kDns};
constexpr HopList kAppAlone{Hop::kApp};
constexpr HopList kClient{Hop::kBrowserApp, Hop::kBrowser};

// In the order of ErrorType, behind kNone.
constexpr Meaning kMeanings[] = {
    {ErrorType::kDnsTimeout, kDnsAlone, kDnsAlone},
    {ErrorType::kDnsError, kDnsAlone, kDnsAlone},
    {ErrorType::kDestinationNotFound, kNobody, kNobody, true},
    {ErrorType::kDestinationUnavailable,
     {Hop::kApp, Hop::kServer, Hop::kTor},
     kBackendsByWay},
    {ErrorType::kDestinationIpProhibited, kDnsAlone, kDnsAlone, true},
    {ErrorType::kDestinationIpUnroutable,
     {Hop::kTor, Hop::kServer},
     kBackendsByWay},
    {ErrorType::kConnectionRefused, {Hop::kApp, Hop::kServer}, kBackends},
    {ErrorType::kConnectionTerminated, {Hop::kApp, Hop::kServer}, kBackends},
    {ErrorType::kConnectionTimeout,
     {Hop::kTor, Hop::kServer, Hop::kApp},
     kBackendsByWay},
    {ErrorType::kConnectionReadTimeout, kAppAlone, kBackends},
    {ErrorType::kConnectionWriteTimeout,
     {Hop::kApp, Hop::kTor, Hop::kServer},
     kBackendsByWay},
    {ErrorType::kConnectionLimitReached,
     {Hop::kApp, Hop::kServer, Hop::kTor},
     kBackends,
     true},
    {ErrorType::kTlsProtocolError, {Hop::kServer, Hop::kApp}, kBackends},
    {ErrorType::kTlsCertificateError,
     {Hop::kServer, Hop::kApp},
     kBackends,
     true},
    {ErrorType::kTlsAlertReceived, {Hop::kServer, Hop::kApp}, kBackends, true},
    {ErrorType::kHttpRequestError, kClient, kClient},
    {ErrorType::kHttpRequestDenied, kClient, kClient, true},
    {ErrorType::kHttpResponseIncomplete, {Hop::kApp, Hop::kServer}, kBackends},
    {ErrorType::kHttpResponseHeaderSectionSize, kAppAlone, kBackends},
    {ErrorType::kHttpResponseHeaderSize, kAppAlone, kBackends},
    {ErrorType::kHttpResponseBodySize, kAppAlone, kBackends, true},
    {ErrorType::kHttpResponseTrailerSectionSize, kAppAlone, kBackends},
    {ErrorType::kHttpResponseTrailerSize, kAppAlone, kBackends},
    {ErrorType::kHttpResponseTransferCoding, kAppAlone, kBackends},
    {ErrorType::kHttpResponseContentCoding,
     {Hop::kApp, Hop::kServer},
     kBackends},
    {ErrorType::kHttpResponseTimeout, kAppAlone, kBackends},
    {ErrorType::kHttpUpgradeFailed, kAppAlone, kBackends},
    {ErrorType::kHttpProtocolError, {Hop::kApp, Hop::kServer}, kBackends},
    {ErrorType::kProxyInternalResponse, kNobody, kNobody, true},
    {ErrorType::kProxyInternalError, kNobody, kNobody, true},
    {ErrorType::kProxyConfigurationError, kNobody, kNobody, true},
    {ErrorType::kProxyLoopDetected, kDnsAlone, kDnsAlone, true},
};
static_assert(std::size(kMeanings) == kErrorTypeCount - 1);
static_assert([] {
  for (size_t i = 0; i < std::size(kMeanings); ++i) {
    if (static_cast<size_t>(kMeanings[i].type) != i + 1) return false;
  }
  return true;
}());

void AddAll(const HopList& hops, HopList& to) {
  for (Hop hop : hops) to.Add(hop);
}

}  // namespace

HopList MeaningOf(ErrorType type, HopSet speakers) {
  HopList suspects;
  if (type == ErrorType::kNone) return suspects;
  const Meaning& meaning = kMeanings[static_cast<size_t>(type) - 1];
  const bool proxy = !(speakers - HopSet{Hop::kApp}).empty();
  if (proxy) AddAll(meaning.of_proxy, suspects);
  if (speakers.contains(Hop::kApp)) AddAll(meaning.of_app, suspects);
  if (meaning.itself) AddAll(HopList(speakers), suspects);
  return suspects;
}

}  // namespace whichhop::diagnostics
