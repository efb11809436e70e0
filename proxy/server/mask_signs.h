#pragma once
// What a worker remembers so that a 404 which hides a 401 or 403 may be told:
// the 404 that each route had last, and which URLs were there, lately, for
// somebody with credentials. Signs, never proof. Bounded: what comes to the
// same place of a table replaces what was there. Single-threaded; owned by the
// worker.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "proxy/base/clock.h"

namespace whichhop {

class MaskSigns {
 public:
  static constexpr size_t kUrls = 1024;
  static constexpr size_t kRoutes = 64;
  static constexpr Duration kLately = std::chrono::minutes(10);

  struct Url {
    std::string_view host;
    std::string_view target;
  };

  // A request with credentials was answered with 2xx.
  void NoteAnswered(const Url& url, Time now);
  bool AnsweredLately(const Url& url, Time now) const;

  // A 404 with this body, as far as it was seen, on a route. True: the route's
  // last one, for another path, had another body, and not only because bodies
  // there tell the path.
  bool NoteMissing(std::string_view route, const Url& url,
                   std::string_view body);

 private:
  struct Answered {
    uint64_t url = 0;
    Time at = kNoTime;
  };
  struct Missing {
    uint64_t route = 0;
    uint64_t url = 0;
    uint64_t body = 0;
    size_t target_size = 0;
    size_t body_size = 0;
  };

  // Both empty before the first use: most workers see neither.
  std::vector<Answered> answered_;
  std::vector<Missing> missing_;
};

}  // namespace whichhop
