#include "proxy/cli/version.h"

#include <iostream>

#include "proxy/net/loop.h"

namespace whichhop {

int Version() {
  std::cout << "whichhop " WHICHHOP_VERSION " (libevent "
            << Loop::LibraryVersion() << ")\n";
  return 0;
}

}  // namespace whichhop
