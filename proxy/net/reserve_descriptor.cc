#include "proxy/net/reserve_descriptor.h"

#include <sys/eventfd.h>

namespace whichhop {

void ReserveDescriptor::Take() {
  if (!descriptor_.open()) descriptor_ = Socket(eventfd(0, EFD_CLOEXEC));
}

bool ReserveDescriptor::Release() {
  const bool held = descriptor_.open();
  descriptor_.Close();
  return held;
}

}  // namespace whichhop
