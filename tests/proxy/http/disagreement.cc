#include "tests/proxy/http/disagreement.h"

#include "tests/proxy/http/llhttp_reader.h"

namespace whichhop {
namespace {

using Outcome = Message::Outcome;

bool Has(const Message& message, std::string_view name) {
  for (const auto& field : message.fields) {
    if (field.first == name) return true;
  }
  return false;
}

// We look at framing when the head is complete, llhttp line by line.
bool RefusedByUsLater(const Readings& r) {
  if (r.ours.outcome != Outcome::kMore) return false;
  for (const std::string_view rest : {"\r\n", "\n", ":\r\n\r\n", "\r\n\r\n"}) {
    const std::string whole = std::string(r.input) + std::string(rest);
    if (ReadByUs(r.side, whole, Method::kGet).outcome == Outcome::kRefused) {
      return true;
    }
  }
  return false;
}

bool IsOldKeepAlive(const Readings& r) {
  return !r.ours.keep_alive && r.ours.head && r.theirs.keep_alive &&
         Has(r.ours, "connection") && r.ours.outcome == r.theirs.outcome &&
         r.ours.body == r.theirs.body;
}

bool HasNoBodyByStatus(const Readings& r) {
  return r.side == Side::kResponse && r.ours.outcome == Outcome::kWhole &&
         r.ours.body.empty() &&
         (r.ours.status == 304 || r.ours.status == 204 || r.ours.status < 200);
}

bool IsConnect(const Readings& r) { return r.ours.method == "CONNECT"; }

// A line with two semicolons, or with one and a quote.
bool HasLongExtension(const Readings& r) {
  for (size_t at = r.input.find(';'); at != r.input.npos;
       at = r.input.find(';', at + 1)) {
    const std::string_view rest = r.input.substr(at + 1);
    if (rest.substr(0, rest.find('\n')).find_first_of(";\"") != rest.npos) {
      return true;
    }
  }
  return false;
}

bool HasTab(const Readings& r) { return r.input.find('\t') != r.input.npos; }

// A value ends in a tab, or in a line of blanks that was folded into it.
bool HasBlankBehindCoding(const Readings& r) {
  return r.side == Side::kResponse && r.theirs.until_end && !r.ours.until_end &&
         (HasTab(r) || r.input.find("\r\n ") != r.input.npos);
}

bool IsFoldedConnection(const Readings& r) {
  return r.side == Side::kResponse && r.ours.keep_alive &&
         !r.theirs.keep_alive && Has(r.ours, "connection") &&
         r.input.find("\n ") != r.input.npos;
}

bool IsResponse(const Readings& r) { return r.side == Side::kResponse; }

// "Name: value" of ours is "Name : value" in the input.
bool HasSpacedName(const Readings& r) {
  return r.side == Side::kResponse && (r.input.find(" :") != r.input.npos ||
                                       r.input.find("\t:") != r.input.npos);
}

bool IsMinorToCome(const Readings& r) {
  return r.input.find(" HTTP/1.") != r.input.npos ||
         r.input.starts_with("HTTP/1.");
}

constexpr std::string_view kHostReason =
    "llhttp leaves Host to the application; a proxy routes by it";
constexpr std::string_view kCodingReason =
    "llhttp believes the last coding; we have no other than chunked, once";

// What we refuse and llhttp takes: strictness costs nobody a message that has
// one meaning. Then what llhttp refuses and we take, and what both take and
// read in two ways: each of those rows says why it opens no door.
constexpr Disagreement kTable[] = {
    {"no Host", "kHostMissing", "", nullptr, kHostReason},
    {"several Hosts", "kHostRepeated", "", nullptr, kHostReason},
    {"Host is no host", "kHostInvalid", "", nullptr, kHostReason},
    {"other codings", "kTransferCodingUnknown", "", nullptr, kCodingReason},
    {"codings in lines", "kTransferEncodingRepeated", "", nullptr,
     kCodingReason},
    {"codings that end oddly", "kTransferEncodingNotChunked", "", nullptr,
     kCodingReason},
    {"coding in HTTP/1.0", "kTransferEncodingInHttp10", "", nullptr,
     "RFC 9112 6.1: faulty framing, even if well-formed"},
    {"empty coding and a length", "kContentLengthAndTransferEncoding", "",
     nullptr, "llhttp takes an empty Transfer-Encoding for none"},
    {"bare LF", "kBareLf", "", nullptr,
     "RFC 9112 2.2 lets a recipient take LF for CRLF; two may not agree"},
    {"bare CR", "kBareCr", "", nullptr,
     "llhttp skips CR and LF before a start line"},
    {"empty lines", "kEmptyLines", "", nullptr,
     "RFC 9112 2.2 asks to ignore one; llhttp ignores any number"},
    {"lines before a response", "kNotHttp", "", IsResponse,
     "llhttp skips CR and LF before a start line"},
    {"version of a cut response", "kResponseVersion", "", IsResponse,
     "llhttp looks at the version when both digits are here"},
    {"another major version", "kVersionMajor", "", nullptr,
     "llhttp takes 0.9 and 2.0 too"},
    {"spaces before the target", "kTargetMissing", "", nullptr,
     "llhttp skips spaces; RFC 9112 3 has one"},
    {"spaces before the version", "kVersionSyntax", "", nullptr,
     "llhttp skips spaces; RFC 9112 3 has one"},
    {"folds in requests", "kObsFold", "", nullptr,
     "llhttp unfolds; RFC 9112 5.2 lets a server refuse"},
    {"empty names", "kFieldNameEmpty", "", nullptr, "llhttp 8 takes them"},
    {"target of no form", "kTargetForm", "", nullptr,
     "llhttp does not compare the form with the method"},
    {"authority of the target", "kTargetAuthority", "", nullptr,
     "llhttp allows user information and any port"},
    {"fragment", "kTargetFragment", "", nullptr, "llhttp reads any URL"},
    {"status of other digits", "kStatusSyntax", "", nullptr,
     "llhttp takes fewer than three digits"},
    {"status out of range", "kStatusRange", "", nullptr,
     "llhttp takes any number up to 999"},
    {"reason with controls", "kReasonOctet", "", nullptr,
     "llhttp looks for CR and LF alone"},
    {"length of 2^63", "kContentLengthSyntax", "", nullptr,
     "llhttp's lengths reach 2^64"},
    {"large chunk", "kChunkSizeOverflow", "", nullptr,
     "llhttp's sizes reach 2^64 behind any number of zeros"},
    {"chunk extension", "kChunkExtension", "", nullptr,
     "llhttp takes extensions without a value behind the ="},
    {"long chunk extensions", "kChunkExtensionTooLong", "", nullptr,
     "llhttp has no bound"},
    {"trailers that may be none", "kTrailerForbidden", "", nullptr,
     "llhttp does not look at the names of trailers"},
    {"too many fields", "kTooManyFields", "", nullptr, "llhttp has no bound"},
    {"too many options", "kTooManyOptions", "", nullptr, "llhttp has no bound"},
    {"head too large", "kHeadTooLarge", "", nullptr, "llhttp has no bound"},
    {"long target", "kTargetTooLong", "", nullptr, "llhttp has no bound"},

    {"unknown method", "", "HPE_INVALID_METHOD", nullptr,
     "llhttp has a list; any token is a method (RFC 9110 9.1)"},
    {"minor version to come", "", "HPE_INVALID_VERSION", IsMinorToCome,
     "RFC 9110 2.5: HTTP/1.2 is to be read as 1.1; it leaves as 1.1"},
    {"cut URL", "", "HPE_INVALID_URL", RefusedByUsLater,
     "llhttp refuses it octet by octet, we when it is complete"},
    {"cut lengths", "", "HPE_INVALID_CONTENT_LENGTH", RefusedByUsLater,
     "llhttp refuses it octet by octet, we at the end of the head"},
    {"cut second length", "", "HPE_UNEXPECTED_CONTENT_LENGTH", RefusedByUsLater,
     "llhttp refuses it at its name, we at the end"},
    {"cut coding", "", "HPE_INVALID_TRANSFER_ENCODING", RefusedByUsLater,
     "llhttp refuses it at its value, we at the end of the head"},
    {"cut space before a colon", "", "HPE_INVALID_HEADER_TOKEN",
     RefusedByUsLater, "llhttp refuses the space, we the colon behind it"},
    {"tab behind a length", "", "HPE_INVALID_CONTENT_LENGTH", HasTab,
     "OWS may be a tab (RFC 9110 5.6.3); the length leaves without it"},
    {"tab behind a coding", "", "HPE_INVALID_TRANSFER_ENCODING", HasTab,
     "OWS may be a tab (RFC 9110 5.6.3); the coding leaves without it"},
    {"list of equal lengths", "", "HPE_INVALID_CONTENT_LENGTH", IsResponse,
     "RFC 9110 8.6: one number repeated is that number; it leaves once"},
    {"equal lengths", "", "HPE_UNEXPECTED_CONTENT_LENGTH", IsResponse,
     "RFC 9110 8.6: one number repeated is that number; it leaves once"},
    {"space before a colon", "", "HPE_INVALID_HEADER_TOKEN", HasSpacedName,
     "RFC 9112 5.1: a proxy removes it from a response"},
    {"long extension", "", "HPE_INVALID_CHUNK_SIZE", HasLongExtension,
     "llhttp 8 knows one, and no obs-text in quotes; no extension leaves"},
    {"long extension", "", "HPE_STRICT", HasLongExtension,
     "llhttp 8 knows one, and no obs-text in quotes; no extension leaves"},
    {"no chunks by status", "", "HPE_INVALID_CHUNK_SIZE", HasNoBodyByStatus,
     "llhttp reads chunks behind a 1xx, 204 or 304; RFC 9112 6.3: none are"},

    {"Keep-Alive and close", "", "", IsOldKeepAlive,
     "close wins, as RFC 9112 9.3 says; llhttp takes the first"},
    {"no body by status", "", "", HasNoBodyByStatus,
     "llhttp 8 waits for the body of a 304 with a length; RFC 9112 6.3"},
    {"blank behind the coding", "", "", HasBlankBehindCoding,
     "OWS may be a tab (RFC 9110 5.6.3); the coding leaves without it"},
    {"blank behind the coding", "kChunkDataEnd", "", HasBlankBehindCoding,
     "OWS may be a tab (RFC 9110 5.6.3): llhttp sees no chunks, we bad ones"},
    {"CONNECT with a body", "", "", IsConnect,
     "llhttp sees a tunnel behind the head; we refuse CONNECT"},
    {"folded Connection", "", "", IsFoldedConnection,
     "what was folded is one option, and no close"},
};

}  // namespace

Readings ReadTwice(Side side, std::string_view input, Method method) {
  return {side, input, ReadByUs(side, input, method),
          ReadByLlhttp(side, input, method)};
}

bool Agree(const Readings& readings) {
  const Message& a = readings.ours;
  const Message& b = readings.theirs;
  if (a.outcome != b.outcome) return false;
  if (a.outcome == Outcome::kRefused) return true;
  if (a.head != b.head) return false;
  if (!a.head) return true;
  return a.method == b.method && a.target == b.target && a.minor == b.minor &&
         a.status == b.status && a.fields == b.fields && a.body == b.body &&
         a.until_end == b.until_end && a.keep_alive == b.keep_alive &&
         (a.outcome == Outcome::kMore || a.bytes == b.bytes);
}

std::span<const Disagreement> Disagreements() { return kTable; }

const Disagreement* FindDisagreement(const Readings& readings) {
  for (const Disagreement& row : kTable) {
    if (row.ours != readings.ours.refusal) continue;
    if (row.theirs != readings.theirs.refusal) continue;
    if (row.covers == nullptr || row.covers(readings)) return &row;
  }
  return nullptr;
}

}  // namespace whichhop
