#include "proxy/server/malformed.h"

namespace whichhop {

using diagnostics::Malformed;

Malformed MalformedOf(RuleClass kind) {
  switch (kind) {
    case RuleClass::kNotHttp:
      return Malformed::kNotHttp;
    case RuleClass::kHttp09:
      return Malformed::kHttp09;
    case RuleClass::kBadVersion:
      return Malformed::kBadVersion;
    case RuleClass::kBadStatus:
      return Malformed::kBadStatus;
    case RuleClass::kResponseHeadTooLarge:
      return Malformed::kHeadTooLarge;
    case RuleClass::kContentLength:
      return Malformed::kClInvalid;
    case RuleClass::kContentLengthWithTransferEncoding:
      return Malformed::kClTe;
    case RuleClass::kTransferCoding:
      return Malformed::kTeUnsupported;
    case RuleClass::kChunk:
      return Malformed::kChunk;
    case RuleClass::kTrailer:
      return Malformed::kTrailers;
    case RuleClass::kBadField:
    case RuleClass::kNone:
    case RuleClass::kLineBad:
    case RuleClass::kTargetTooLong:
    case RuleClass::kHeadTooLarge:
    case RuleClass::kHost:
    case RuleClass::kFraming:
    case RuleClass::kRequestTransferCoding:
    case RuleClass::kVersion:
      break;  // the rest are classes of requests
  }
  return Malformed::kBadField;
}

}  // namespace whichhop
