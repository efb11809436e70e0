#include "diagnostics/model.h"

#include <algorithm>

namespace whichhop::diagnostics {

constexpr std::array<Row, kRowCount> kModel = {{
    {"400",
     400,
     "Bad Request",
     "The client sent a malformed request or query string.",
     {Hop::kBrowser},
     Hop::kApp,
     {}},
    {"401",
     401,
     "Unauthorized",
     "No credentials. The response must carry a WWW-Authenticate challenge.",
     {Hop::kAuth},
     Hop::kApp,
     {Hop::kBrowserApp, Hop::kBrowser, Hop::kRouter, Hop::kIsp, Hop::kTor,
      Hop::kLb}},
    {"403",
     403,
     "Forbidden",
     "Credentials were given and rejected: no right to this resource.",
     {Hop::kAuth},
     Hop::kApp,
     {Hop::kBrowserApp, Hop::kBrowser, Hop::kRouter, Hop::kIsp, Hop::kTor,
      Hop::kLb}},
    {"404",
     404,
     "Not Found",
     "The file is missing. Also used to mask 401 and 403, so that probing "
     "can't tell what exists.",
     {Hop::kImageHost, Hop::kDatastore},
     Hop::kBrowser,
     {Hop::kBrowserApp, Hop::kDevice, Hop::kRouter, Hop::kIsp, Hop::kTor,
      Hop::kLb, Hop::kServer, Hop::kApp, Hop::kDbHost, Hop::kDb,
      Hop::kStoreHost, Hop::kAuthHost, Hop::kAuth}},
    {"407",
     407,
     "Proxy Authentication Required",
     "No credentials were given to the proxy.",
     {Hop::kCdn, Hop::kLb},
     Hop::kBrowser,
     {}},
    {"418",
     418,
     "I'm a teapot",
     "The device is a teapot (RFC 2324, 1 April 1998).",
     {},
     Hop::kTeapot,
     {Hop::kBrowserApp, Hop::kBrowser, Hop::kDevice, Hop::kRouter,
      Hop::kImageHost, Hop::kIsp, Hop::kTor, Hop::kLb, Hop::kServer, Hop::kApp,
      Hop::kDbHost, Hop::kDb, Hop::kStoreHost, Hop::kDatastore, Hop::kAuthHost,
      Hop::kAuth}},
    {"429",
     429,
     "Too Many Requests",
     "The client sent too many requests in a given time: rate limiting.",
     {Hop::kServer},
     Hop::kApp,
     {Hop::kBrowserApp, Hop::kBrowser, Hop::kDevice, Hop::kRouter,
      Hop::kImageHost, Hop::kIsp, Hop::kTor, Hop::kLb}},
    {"431",
     431,
     "Request Header Fields Too Large",
     "One header field, or all of them together, are too large.",
     {Hop::kRouter, Hop::kIsp, Hop::kTor, Hop::kLb},
     Hop::kBrowser,
     {Hop::kDevice}},
    {"500",
     500,
     "Internal Server Error",
     "An unexpected condition, and nothing more specific fits.",
     {Hop::kApp},
     Hop::kApp,
     {Hop::kBrowserApp, Hop::kBrowser, Hop::kDevice, Hop::kRouter,
      Hop::kImageHost, Hop::kIsp, Hop::kTor, Hop::kLb}},
    {"502A",
     502,
     "Bad Gateway",
     "A gateway got an invalid answer from the server behind it.",
     {Hop::kApp},
     Hop::kLb,
     {}},
    {"502B",
     502,
     "Bad Gateway",
     "The app, acting as gateway, got an invalid answer from its database.",
     {Hop::kDb},
     Hop::kApp,
     {}},
    {"502C",
     502,
     "Bad Gateway",
     "The server host, acting as gateway, got an invalid answer from its app.",
     {Hop::kApp},
     Hop::kServer,
     {}},
    {"503",
     503,
     "Service Unavailable",
     "The server can't handle the request: overloaded, or down for "
     "maintenance.",
     {Hop::kServer},
     Hop::kLb,
     {Hop::kBrowserApp, Hop::kBrowser, Hop::kDevice, Hop::kRouter,
      Hop::kImageHost, Hop::kIsp, Hop::kTor}},
    {"504A",
     504,
     "Gateway Timeout",
     "A gateway got no timely answer from the server behind it.",
     {Hop::kApp},
     Hop::kLb,
     {}},
    {"504B",
     504,
     "Gateway Timeout",
     "The app, acting as gateway, got no timely answer from its database.",
     {Hop::kDb},
     Hop::kApp,
     {}},
    {"504C",
     504,
     "Gateway Timeout",
     "The server host, acting as gateway, got no timely answer from its app.",
     {Hop::kApp},
     Hop::kServer,
     {}},
    {"505",
     505,
     "HTTP Version Not Supported",
     "The server does not support the request's protocol version.",
     {Hop::kApp},
     Hop::kBrowser,
     {Hop::kDevice, Hop::kRouter, Hop::kImageHost, Hop::kIsp, Hop::kTor,
      Hop::kLb}},
    {"511",
     511,
     "Network Authentication Required",
     "The client must authenticate to get network access: a captive portal.",
     {Hop::kRouter},
     Hop::kBrowser,
     {Hop::kDevice}},
    {"520",
     520,
     "Web Server Returned an Unknown Error",
     "The origin returned an empty, unknown or unexplained response to the "
     "CDN.",
     {Hop::kApp},
     Hop::kCdn,
     {Hop::kBrowserApp, Hop::kBrowser, Hop::kDevice, Hop::kRouter, Hop::kIsp,
      Hop::kTor, Hop::kLb}},
    {"521",
     521,
     "Web Server Is Down",
     "The origin refused the CDN's connection.",
     {Hop::kServer, Hop::kApp},
     Hop::kCdn,
     {Hop::kBrowserApp, Hop::kBrowser, Hop::kDevice, Hop::kRouter,
      Hop::kImageHost, Hop::kIsp, Hop::kTor, Hop::kLb}},
    {"522",
     522,
     "Connection Timed Out",
     "The CDN could not complete a TCP handshake with the origin.",
     {Hop::kIsp, Hop::kTor, Hop::kLb, Hop::kApp},
     Hop::kCdn,
     {Hop::kBrowserApp, Hop::kBrowser, Hop::kDevice, Hop::kRouter,
      Hop::kImageHost}},
    {"523",
     523,
     "Origin Is Unreachable",
     "The CDN could not reach the origin, for example because its DNS record "
     "is wrong.",
     {Hop::kIsp, Hop::kTor, Hop::kLb, Hop::kServer},
     Hop::kCdn,
     {Hop::kBrowserApp, Hop::kBrowser, Hop::kDevice, Hop::kRouter}},
    {"524",
     524,
     "A Timeout Occurred",
     "The TCP connection was made, and no HTTP response came in time.",
     {Hop::kApp},
     Hop::kCdn,
     {Hop::kBrowserApp, Hop::kBrowser, Hop::kDevice, Hop::kRouter,
      Hop::kImageHost, Hop::kIsp, Hop::kTor, Hop::kLb, Hop::kServer}},
    {"525",
     525,
     "SSL Handshake Failed",
     "The CDN could not agree on TLS with the origin.",
     {Hop::kLb, Hop::kServer},
     Hop::kCdn,
     {Hop::kBrowserApp, Hop::kBrowser, Hop::kDevice, Hop::kRouter,
      Hop::kImageHost, Hop::kIsp, Hop::kTor}},
    {"526",
     526,
     "Invalid SSL Certificate",
     "The CDN could not validate the origin's certificate.",
     {Hop::kLb, Hop::kServer},
     Hop::kCdn,
     {Hop::kBrowserApp, Hop::kBrowser, Hop::kDevice, Hop::kRouter,
      Hop::kImageHost, Hop::kIsp, Hop::kTor}},
}};

namespace {

constexpr bool RowsMatchTheirIds() {
  for (const Row& row : kModel) {
    if (!(row.cause.set() & row.cleared).empty()) return false;
    if (row.id.size() < 3 || row.id[2] != '0' + row.status % 10) return false;
  }
  return true;
}
static_assert(RowsMatchTheirIds());
static_assert(kModel[static_cast<size_t>(RowId::k526)].id == "526");
static_assert(kModel[static_cast<size_t>(RowId::k504C)].id == "504C");

struct Phrase {
  int status;
  std::string_view text;
};

// Sorted by status. What the model has comes from its rows.
constexpr Phrase kPhrases[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {102, "Processing"},
    {103, "Early Hints"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {203, "Non-Authoritative Information"},
    {204, "No Content"},
    {205, "Reset Content"},
    {206, "Partial Content"},
    {207, "Multi-Status"},
    {208, "Already Reported"},
    {226, "IM Used"},
    {300, "Multiple Choices"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {305, "Use Proxy"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {402, "Payment Required"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {424, "Failed Dependency"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {444, "No Response"},
    {451, "Unavailable For Legal Reasons"},
    {460, "Client Closed Connection"},
    {463, "Too Many Forwarded Addresses"},
    {494, "Request Header Too Large"},
    {495, "SSL Certificate Error"},
    {496, "SSL Certificate Required"},
    {497, "HTTP Request Sent to HTTPS Port"},
    {499, "Client Closed Request"},
    {501, "Not Implemented"},
    {506, "Variant Also Negotiates"},
    {507, "Insufficient Storage"},
    {508, "Loop Detected"},
    {509, "Bandwidth Limit Exceeded"},
    {510, "Not Extended"},
    {527, "Railgun Error"},
    {529, "Site Is Overloaded"},
    {530, "Origin DNS Error"},
    {561, "Unauthorized"},
    {598, "Network Read Timeout"},
    {599, "Network Connect Timeout"},
};

// The rows of each status, from the first that is an error.
constexpr size_t kFirstError = 400;
constexpr std::array<RowSet, 200> SortRows() {
  std::array<RowSet, 200> rows;
  for (size_t i = 0; i < kModel.size(); ++i) {
    rows[kModel[i].status - kFirstError].Add(static_cast<RowId>(i));
  }
  return rows;
}
constexpr std::array<RowSet, 200> kRowsOfStatus = SortRows();

}  // namespace

const Row& GetRow(RowId id) { return kModel[static_cast<size_t>(id)]; }

RowSet RowsOf(int status) {
  const size_t index = static_cast<size_t>(status) - kFirstError;
  return index < kRowsOfStatus.size() ? kRowsOfStatus[index] : RowSet();
}

std::optional<RowId> ParseRow(std::string_view id) {
  for (size_t i = 0; i < kModel.size(); ++i) {
    if (kModel[i].id == id) return static_cast<RowId>(i);
  }
  return std::nullopt;
}

std::string_view ReasonPhrase(int status) {
  const RowSet rows = RowsOf(status);
  if (!rows.empty()) return GetRow(*rows.begin()).phrase;
  const auto* found =
      std::ranges::lower_bound(kPhrases, status, {}, &Phrase::status);
  if (found != std::end(kPhrases) && found->status == status) {
    return found->text;
  }
  return "Unknown Status";
}

}  // namespace whichhop::diagnostics
