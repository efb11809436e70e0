#pragma once
// What the head of a relayed error says of its page: whether it can be read,
// and whether something may be put in its place or added to it.

#include <string_view>

#include "diagnostics/augment.h"
#include "diagnostics/writer_facts.h"
#include "proxy/http/response_parser.h"
#include "proxy/server/recorder.h"

namespace whichhop {

// `data` is the buffer that the head was parsed in, of all of these.

// The value of the first field of that id; empty where there is none.
std::string_view FirstValue(const ResponseHead& head, const char* data,
                            FieldId id);
// Its bytes are text as it was written.
bool IsPlain(const ResponseHead& head, const char* data);
// What comes in events is wanted as it comes.
bool IsStream(const ResponseHead& head, const char* data);
// gRPC and gRPC-Web say it in their own fields and frames.
bool IsGrpc(const ResponseHead& head, const char* data);
bool MayTransform(const ResponseHead& head, const char* data);
// Says what its page may load or look like, or has that reported.
bool HasPolicy(const ResponseHead& head, const char* data);
// Of a response to HEAD: whether the body of a GET may be a stock page.
bool MayBeStock(const ResponseHead& head, const char* data);
bool VariesByUser(const ResponseHead& head, const char* data);
// Signed over its bytes, or over fields that would have to change: Signature
// (RFC 9421) and whatever else calls itself so. A digest is none.
bool IsSignature(std::string_view field_name);

// What may be added to the body, if it comes whole and has a place for it;
// kOther: nothing. Of a response to HEAD: to that of a GET.
diagnostics::BodyForm FormToAugment(const ResponseHead& head, const char* data);

// An error's page, as far as it is here.
struct PageSeen {
  std::string_view head;  // all of it; what `data` points to
  std::string_view body;  // without its framing
  bool whole = false;     // the body
};

// Who wrote it, and what is remarkable in its head and body, into `writer`;
// what only others' answers tell is left as it was. True: it is a product's
// stock page.
bool RecognizeWriter(const ResponseHead& head, const PageSeen& seen,
                     const AttemptRecord& attempt,
                     diagnostics::WriterFacts* writer);

}  // namespace whichhop
