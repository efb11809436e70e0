#pragma once
// A descriptor that is kept for the moment in which the process has none: given
// up, it lets one client in to be told so. Owned by a worker; single-threaded.

#include "proxy/net/socket.h"

namespace whichhop {

class ReserveDescriptor {
 public:
  ReserveDescriptor() { Take(); }

  // Has no effect where it is held, or where none is to be had.
  void Take();
  // False if there was none to give up.
  bool Release();

 private:
  Socket descriptor_;  // of an eventfd: no path can be missing
};

}  // namespace whichhop
