#include "proxy/http/target.h"

#include <string>

#include "tests/catch.h"

namespace whichhop {
namespace {

TEST_CASE("all spellings of a path become one") {
  const struct {
    std::string_view path;
    std::string_view normal;
  } rows[] = {
      {"/", "/"},
      {"/a/b/c/./../../g", "/a/g"},
      {"/mid/content=5/../6", "/mid/6"},
      {"/..", "/"},
      {"/../a", "/a"},
      {"/a/..", "/"},
      {"/a/.", "/a/"},
      {"/a/../../b/", "/b/"},
      {"//a///b", "/a/b"},
      {"/a//../b", "/b"},
      {"/%61%2Fb%2f", "/a%2Fb%2F"},
      {"/a/%2e%2E/b", "/b"},
      {"/%2e", "/"},
      {"/%7Ea%20b", "/~a%20b"},
      {"/%zz/%2", "/%zz/%2"},
      {"/%252e%252e/a", "/%252e%252e/a"},
      {"/...", "/..."},
      {"/.a/b", "/.a/b"},
      {"/a./b", "/a./b"},
      {"/%c3%a9", "/%C3%A9"},
  };
  for (const auto& row : rows) {
    INFO(row.path);
    std::string storage;
    CHECK(NormalizePath(row.path, &storage) == row.normal);
    std::string again;
    CHECK(NormalizePath(row.normal, &again) == row.normal);
  }
}

TEST_CASE("a path that is normal already is not copied") {
  for (const std::string_view path : {"", "/", "/a/b.c/d?", "/a."}) {
    std::string storage;
    CHECK(NormalizePath(path, &storage).data() == path.data());
    CHECK(storage.capacity() == std::string().capacity());
  }
}

}  // namespace
}  // namespace whichhop
