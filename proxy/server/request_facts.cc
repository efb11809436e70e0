#include "proxy/server/request_facts.h"

#include "proxy/server/exchange.h"
#include "proxy/server/tls_evidence.h"

namespace whichhop {

using diagnostics::Fault;
using diagnostics::RequestFacts;

namespace {

// The kernel's view of the client's connection: a slow client, or a bad way?
RequestFacts ClientFacts(const Exchange& exchange) {
  RequestFacts facts;
  facts.elapsed = std::chrono::duration_cast<diagnostics::Micros>(
      SteadyClock::now() - exchange.recorder().begun());
  facts.by_trusted_proxy = exchange.peer_trusted();
  if (const TlsLayer* const tls = exchange.session().stream().tls()) {
    facts.tls = EvidenceOf(tls->facts(), *exchange.session().tls());
    if (const RequestHead* const request = exchange.request()) {
      facts.tls->host = request->host.In(exchange.request_data());
    }
  }
  const auto kernel = exchange.session().socket().Facts();
  if (!kernel) return facts;
  facts.client_retransmits = kernel->total_retransmits;
  facts.client_probes = kernel->probes;
  facts.client_window_closed = kernel->send_window == 0;
  return facts;
}

}  // namespace

Fault FaultOf(const ParseError& error) {
  switch (error.kind) {
    case RuleClass::kTargetTooLong:
      return Fault::kReqTargetTooLong;
    case RuleClass::kHeadTooLarge:
      return Fault::kReqHeadTooLarge;
    case RuleClass::kHost:
      return Fault::kReqHost;
    case RuleClass::kFraming:
      return Fault::kReqFramingConflict;
    case RuleClass::kRequestTransferCoding:
      return Fault::kReqTeUnknown;
    case RuleClass::kVersion:
      return Fault::kReqVersion;
    case RuleClass::kChunk:
    case RuleClass::kTrailer:
      return Fault::kReqbodyChunkBad;
    case RuleClass::kLineBad:
    case RuleClass::kNone:
    case RuleClass::kNotHttp:
    case RuleClass::kHttp09:
    case RuleClass::kBadVersion:
    case RuleClass::kBadStatus:
    case RuleClass::kBadField:
    case RuleClass::kResponseHeadTooLarge:
    case RuleClass::kContentLength:
    case RuleClass::kContentLengthWithTransferEncoding:
    case RuleClass::kTransferCoding:
      break;  // the rest are classes of responses
  }
  return Fault::kReqLineBad;
}

RequestFacts HeadFacts(const Exchange& exchange, size_t bytes) {
  RequestFacts facts = ClientFacts(exchange);
  facts.head_bytes = bytes;
  return facts;
}

RequestFacts RefusalFacts(const Exchange& exchange, const ParseError& error,
                          const RequestParser& parser, const Buffer& in) {
  RequestFacts facts = HeadFacts(exchange, in.size());
  facts.rule = RuleSentence(error.rule);
  facts.offset = error.offset;
  if (error.kind == RuleClass::kHeadTooLarge) {
    const BiggestField biggest = parser.biggest_field();
    facts.head_limit = exchange.header_limit();
    facts.biggest_field = biggest.name.In(in.view().data());
    facts.biggest_field_bytes = biggest.line_size;
  }
  return facts;
}

RequestFacts BodyFacts(const Exchange& exchange, const BodyReader& body) {
  RequestFacts facts = ClientFacts(exchange);
  facts.body_received = body.received();
  if (body.framing() == Framing::kLength) facts.body_expected = body.expected();
  return facts;
}

}  // namespace whichhop
