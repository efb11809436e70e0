#include "diagnostics/model.h"

#include <set>
#include <string>

#include "tests/catch.h"
#include "tests/diagnostics/dump.h"

namespace whichhop::diagnostics {
namespace {

TEST_CASE("the model has 25 rows for 21 statuses") {
  std::set<uint16_t> statuses;
  std::set<std::string_view> ids;
  for (const Row& row : kModel) {
    statuses.insert(row.status);
    ids.insert(row.id);
  }
  CHECK(ids.size() == 25);
  CHECK(statuses.size() == 21);
}

TEST_CASE("rows say what the diagrams say") {
  struct Case {
    RowId row;
    std::string_view cause, reporter, cleared;
  };
  const Case cases[] = {
      {RowId::k400, "browser", "app", "-"},
      {RowId::k404, "image-host,datastore", "browser",
       "browser-app,device,router,isp,tor,lb,server,app,db-host,db,store-host,"
       "auth-host,auth"},
      {RowId::k418, "-", "teapot",
       "browser-app,browser,device,router,image-host,isp,tor,lb,server,app,"
       "db-host,db,store-host,datastore,auth-host,auth"},
      {RowId::k431, "router,isp,tor,lb", "browser", "device"},
      {RowId::k502B, "db", "app", "-"},
      {RowId::k522, "isp,tor,lb,app", "cdn",
       "browser-app,browser,device,router,image-host"},
      {RowId::k526, "lb,server", "cdn",
       "browser-app,browser,device,router,image-host,isp,tor"},
  };
  for (const Case& c : cases) {
    const Row& row = GetRow(c.row);
    INFO(row.id);
    CHECK(Join(row.cause) == c.cause);
    CHECK(HopName(row.reporter) == c.reporter);
    CHECK(Join(row.cleared) == c.cleared);
  }
}

TEST_CASE("a status leads to its rows") {
  CHECK(Join(RowsOf(502)) == "502A 502B 502C");
  CHECK(Join(RowsOf(504)) == "504A 504B 504C");
  CHECK(Join(RowsOf(404)) == "404");
  CHECK(Join(RowsOf(405)) == "-");
  for (const int status : {-1, 0, 200, 399, 599, 600, 1000, 65535}) {
    CHECK(RowsOf(status).empty());
  }
  for (size_t i = 0; i < kRowCount; ++i) {
    const RowId id = static_cast<RowId>(i);
    CHECK(RowsOf(GetRow(id).status).contains(id));
    CHECK(ReasonPhrase(GetRow(id).status) == GetRow(id).phrase);
  }
  CHECK(ParseRow("502A") == RowId::k502A);
  CHECK_FALSE(ParseRow("502").has_value());
  CHECK_FALSE(ParseRow("502D").has_value());
}

TEST_CASE("phrases are known for the model, for RFC 9110 and beyond") {
  CHECK(ReasonPhrase(200) == "OK");
  CHECK(ReasonPhrase(418) == "I'm a teapot");
  CHECK(ReasonPhrase(413) == "Content Too Large");
  CHECK(ReasonPhrase(499) == "Client Closed Request");
  CHECK(ReasonPhrase(524) == "A Timeout Occurred");
  CHECK(ReasonPhrase(530) == "Origin DNS Error");
  CHECK(ReasonPhrase(599) == "Network Connect Timeout");
  CHECK(ReasonPhrase(477) == "Unknown Status");
}

}  // namespace
}  // namespace whichhop::diagnostics
