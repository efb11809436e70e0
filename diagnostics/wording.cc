#include "diagnostics/wording.h"

namespace whichhop::diagnostics {

const Wording& WordingOf(Language language) {
  switch (language) {
    case Language::kEnglish:
      return kEnglish;
    case Language::kGerman:
      return kGerman;
  }
  return kEnglish;
}

}  // namespace whichhop::diagnostics
