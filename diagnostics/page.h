#pragma once
// A verdict as a response body: plain text, application/problem+json (RFC
// 9457) or an HTML page.

#include <string>
#include <string_view>

#include "diagnostics/accept.h"
#include "diagnostics/fields.h"
#include "diagnostics/language.h"
#include "diagnostics/verdict.h"

namespace whichhop::diagnostics {

struct PageInput {
  std::string_view error_id;
  std::string_view host;  // as the client asked; untrusted
  std::string_view path;  // as the client asked; untrusted
  Audience audience = Audience::kPublic;
  Language language = Language::kEnglish;  // of a page or a panel
  bool has_policy = false;  // a Content-Security-Policy, of a panel's page
};

// Appends the whole body. Requires: verdict.status is not 0.
void AppendBody(BodyType type, const Verdict& verdict, const PageInput& input,
                std::string& out);

// The field lines that tell what such a body is: Content-Type and Vary, and of
// a page its language and its Content-Security-Policy. Each ends with CRLF.
std::string_view BodyFields(BodyType type, Language language);

// The members `"error_id"` to `"evidence"` of the JSON body, without braces:
// an `error_hops` member and the access log have the same ones.
void AppendVerdictMembers(const Verdict& verdict, std::string_view error_id,
                          Audience audience, std::string& out);

// One piece of evidence as a line: its rule, the sentence, whom it leaves and
// whom it clears. Not escaped.
void AppendEvidence(const Evidence::Item& item, std::string& out);

// One or two sentences without a line end: what happened and whom to page.
void AppendSummary(const Verdict& verdict, std::string& out);

}  // namespace whichhop::diagnostics
