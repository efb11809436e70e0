#include "diagnostics/describe.h"

#include <cerrno>

#include "diagnostics/classify_tls.h"
#include "diagnostics/describe_tls.h"
#include "diagnostics/tls_text.h"

namespace whichhop::diagnostics {
namespace {

using Line = FixedText<160>;

uint64_t Count(Micros duration) {
  return duration.count() < 0 ? 0 : static_cast<uint64_t>(duration.count());
}

void Tenths(FixedText<24>& out, uint64_t tenths, std::string_view unit) {
  out << tenths / 10 << "." << tenths % 10 << unit;
}

std::string_view DnsText(DnsAnswer answer) {
  switch (answer) {
    case DnsAnswer::kNxdomain:
      return "NXDOMAIN";
    case DnsAnswer::kNodata:
      return "NOERROR without an address";
    case DnsAnswer::kServfail:
      return "SERVFAIL";
    case DnsAnswer::kRefused:
      return "REFUSED";
    case DnsAnswer::kNotimp:
      return "NOTIMP";
    case DnsAnswer::kFormerr:
      return "FORMERR";
    case DnsAnswer::kTcpFailed:
      return "truncated over UDP, no answer over TCP";
    case DnsAnswer::kPrivate:
      return "an address that may not be used";
    case DnsAnswer::kNone:
    case DnsAnswer::kTimeout:
      return "no answer";
  }
  return "no answer";
}

// The purposes of IANA's registry, "Extended DNS Error Codes".
std::string_view ExtendedErrorText(uint16_t code) {
  constexpr std::string_view kTexts[] = {
      "Other Error",
      "Unsupported DNSKEY Algorithm",
      "Unsupported DS Digest Type",
      "Stale Answer",
      "Forged Answer",
      "DNSSEC Indeterminate",
      "DNSSEC Bogus",
      "Signature Expired",
      "Signature Not Yet Valid",
      "DNSKEY Missing",
      "RRSIGs Missing",
      "No Zone Key Bit Set",
      "NSEC Missing",
      "Cached Error",
      "Not Ready",
      "Blocked",
      "Censored",
      "Filtered",
      "Prohibited",
      "Stale NXDOMAIN Answer",
      "Not Authoritative",
      "Not Supported",
      "No Reachable Authority",
      "Network Error",
      "Invalid Data",
  };
  return code < std::size(kTexts) ? kTexts[code] : std::string_view();
}

std::string_view DnsRcode(DnsAnswer answer) {
  switch (answer) {
    case DnsAnswer::kNxdomain:
      return "NXDOMAIN";
    case DnsAnswer::kNodata:
      return "NOERROR";
    case DnsAnswer::kServfail:
      return "SERVFAIL";
    case DnsAnswer::kRefused:
      return "REFUSED";
    case DnsAnswer::kNotimp:
      return "NOTIMP";
    case DnsAnswer::kFormerr:
      return "FORMERR";
    case DnsAnswer::kNone:
    case DnsAnswer::kTcpFailed:
    case DnsAnswer::kPrivate:
    case DnsAnswer::kTimeout:
      return "";
  }
  return "";
}

void DescribeConnect(const AttemptFacts& a, Line& line) {
  if (a.end == AttemptEnd::kErrno) {
    line << ErrnoText(a.error).view() << " after "
         << DurationText(a.connect).view();
    if (a.synchronous) line << ", by our own kernel";
  } else {
    line << "no SYN-ACK in " << DurationText(a.connect).view();
    if (a.syns > 0) line << ", " << a.syns << (a.syns == 1 ? " SYN" : " SYNs");
  }
  if (a.icmp.has_value()) line << ", " << IcmpText(*a.icmp).view();
}

void DescribeTcp(const AttemptFacts& a, Line& line) {
  if (!a.tcp.has_value()) return;
  if (a.tcp->unacked > 0) {
    line << ", " << a.tcp->unacked << " segments unacknowledged, "
         << a.tcp->total_retrans << " retransmitted";
  } else if (a.tcp->snd_wnd == 0u && a.unsent.value_or(0) > 0) {
    line << ", its window is closed";
  } else if (a.received == 0 && a.acked.value_or(0) >= a.sent && a.sent > 0) {
    line << ", all acknowledged";
  }
  if (a.tcp->probes > 0) {
    line << ", then " << a.tcp->probes << " keep-alive probes unanswered";
  }
}

void DescribeUnanswered(const AttemptFacts& a, Fault fault, Line& line) {
  if (fault == Fault::kConnectResetAfterEstablished) {
    line << EndText(a).view() << " right after the handshake";
    return;
  }
  if (fault == Fault::kStaleKeepaliveRace) {
    line << EndText(a).view() << " on a connection that was idle "
         << DurationText(a.idle).view() << ", after " << a.served
         << " exchanges";
    return;
  }
  line << EndText(a).view() << " after "
       << DurationText(a.waited == Micros(0) ? a.quiet : a.waited).view()
       << ", " << a.sent << " bytes sent, " << a.received << " received";
  if (a.interim > 0) line << " (" << a.interim << " interim answers)";
  DescribeTcp(a, line);
}

void DescribeRule(const AttemptFacts& a, Line& line) {
  if (!a.rule.empty()) line << a.rule;
  if (!a.rule_value.empty())
    line << (a.rule.empty() ? "" : ": ") << a.rule_value;
  if (a.rule_bytes > 0) {
    line << (line.empty() ? "" : ", ") << a.rule_bytes << " bytes";
  }
}

void DescribeHead(const AttemptFacts& a, Line& line) {
  if (a.end == AttemptEnd::kMalformed) return DescribeRule(a, line);
  line << EndText(a).view() << " after " << a.head_bytes
       << " bytes of the head";
}

void DescribeBody(const AttemptFacts& a, Line& line) {
  if (a.end == AttemptEnd::kMalformed) return DescribeRule(a, line);
  line << EndText(a).view();
  if (TlsOf(a).failure == TlsFailure::kEof) line << " without close_notify";
  line << " after " << a.body_received;
  if (a.body_expected.has_value()) line << " of " << *a.body_expected;
  line << " bytes of the body, last byte " << DurationText(a.quiet).view()
       << " ago";
}

ErrorParameter Text(ErrorParameter::Form form, std::string_view key,
                    std::string_view text) {
  ErrorParameter parameter;
  if (text.empty()) return parameter;
  parameter.form = form;
  parameter.key = key;
  parameter.text << text;
  return parameter;
}

ErrorParameter Number(std::string_view key, uint64_t number) {
  ErrorParameter parameter;
  parameter.form = ErrorParameter::Form::kInteger;
  parameter.key = key;
  parameter.integer = number;
  return parameter;
}

// Zero stands for a number that is not known.
ErrorParameter Integer(std::string_view key, uint64_t number) {
  return number == 0 ? ErrorParameter() : Number(key, number);
}

// RFC 9209 section 2.3.15.
ErrorParameters AlertParameters(const TlsFacts& tls) {
  if (!tls.alert_received.has_value()) return {};
  return {Number("alert-id", *tls.alert_received),
          Text(ErrorParameter::Form::kToken, "alert-message",
               AlertName(*tls.alert_received))};
}

}  // namespace

FixedText<24> DurationText(Micros duration) {
  FixedText<24> out;
  const uint64_t micros = Count(duration);
  if (micros < 10'000) {
    Tenths(out, (micros + 50) / 100, " ms");
  } else if (micros < 1'000'000) {
    out << micros / 1000 << " ms";
  } else {
    Tenths(out, micros / 100'000, " s");
  }
  return out;
}

FixedText<24> ErrnoText(int error) {
  switch (error) {
#define WHICHHOP_ERRNO(name) \
  case name:                 \
    return FixedText<24>(#name);
    WHICHHOP_ERRNO(EACCES)
    WHICHHOP_ERRNO(EADDRINUSE)
    WHICHHOP_ERRNO(EADDRNOTAVAIL)
    WHICHHOP_ERRNO(EAFNOSUPPORT)
    WHICHHOP_ERRNO(EAGAIN)
    WHICHHOP_ERRNO(ECONNABORTED)
    WHICHHOP_ERRNO(ECONNREFUSED)
    WHICHHOP_ERRNO(ECONNRESET)
    WHICHHOP_ERRNO(EHOSTDOWN)
    WHICHHOP_ERRNO(EHOSTUNREACH)
    WHICHHOP_ERRNO(EINVAL)
    WHICHHOP_ERRNO(EMFILE)
    WHICHHOP_ERRNO(ENETDOWN)
    WHICHHOP_ERRNO(ENETUNREACH)
    WHICHHOP_ERRNO(ENFILE)
    WHICHHOP_ERRNO(ENOBUFS)
    WHICHHOP_ERRNO(ENOENT)
    WHICHHOP_ERRNO(ENOMEM)
    WHICHHOP_ERRNO(EPERM)
    WHICHHOP_ERRNO(EPIPE)
    WHICHHOP_ERRNO(EPROTO)
    WHICHHOP_ERRNO(ETIMEDOUT)
#undef WHICHHOP_ERRNO
    default:
      break;
  }
  FixedText<24> out("errno ");
  // Errnos are positive; whatever else is told as the bits that it is.
  out << uint64_t{static_cast<uint32_t>(error)};
  return out;
}

FixedText<24> EndText(const AttemptFacts& a) {
  switch (a.end) {
    case AttemptEnd::kFin:
      return FixedText<24>("FIN");
    case AttemptEnd::kReset:
      return FixedText<24>("RST");
    case AttemptEnd::kErrno:
      return ErrnoText(a.error);
    case AttemptEnd::kTimeout:
      return FixedText<24>("timeout");
    case AttemptEnd::kDeadline:
      return FixedText<24>("deadline");
    case AttemptEnd::kMalformed:
      return FixedText<24>("malformed");
    case AttemptEnd::kDns:
      return FixedText<24>("DNS");
    case AttemptEnd::kTls:
      return FixedText<24>("TLS failure");
  }
  return {};
}

FixedText<80> IcmpText(const IcmpFacts& icmp) {
  FixedText<80> out(icmp.v6 ? "icmpv6 " : "icmp ");
  out << uint64_t{icmp.type} << "/" << uint64_t{icmp.code};
  if (!icmp.address.empty()) out << " from " << icmp.address;
  return out;
}

FixedText<160> DescribeAttempt(const AttemptFacts& attempt, Fault fault) {
  if (IsOfTls(fault)) return DescribeTls(attempt, fault);
  Line line;
  switch (attempt.phase) {
    case AttemptPhase::kResolve:
      line << DnsText(attempt.dns);
      if (attempt.dns_extended) {
        line << ", extended error " << *attempt.dns_extended;
        const std::string_view meaning =
            ExtendedErrorText(*attempt.dns_extended);
        if (!meaning.empty()) line << " (" << meaning << ")";
      }
      break;
    case AttemptPhase::kConnect:
      if (fault == Fault::kConnectResetAfterEstablished) {
        DescribeUnanswered(attempt, fault, line);
      } else {
        DescribeConnect(attempt, line);
      }
      break;
    case AttemptPhase::kTls:
    case AttemptPhase::kRequest:
    case AttemptPhase::kWait:
    case AttemptPhase::kHead:
      if (attempt.head_bytes > 0 || attempt.end == AttemptEnd::kMalformed) {
        DescribeHead(attempt, line);
      } else {
        DescribeUnanswered(attempt, fault, line);
      }
      break;
    case AttemptPhase::kBody:
      DescribeBody(attempt, line);
      break;
  }
  return line;
}

FixedText<160> DescribeRequest(const RequestFacts& request, Fault fault) {
  Line line;
  if (request.tls.has_value()) {
    line = DescribeClientTls(*request.tls, fault);
    if (!line.empty()) return line;
  }
  if (!request.rule.empty()) {
    line << request.rule;
    if (!request.offset.has_value()) return line;
    const bool body = GetFault(fault).phase == Phase::kRequestBody;
    line << " at byte " << *request.offset << (body ? " of the body" : "");
    return line;
  }
  if (fault == Fault::kReqHeadTooLarge) {
    line << request.head_bytes << " bytes of " << request.head_limit;
    if (!request.biggest_field.empty()) {
      line << ", largest " << request.biggest_field << " with "
           << request.biggest_field_bytes;
    }
    return line;
  }
  if (GetFault(fault).phase == Phase::kRequestBody) {
    line << "body: " << request.body_received;
    if (request.body_expected.has_value()) {
      line << " of " << *request.body_expected;
    }
    line << " bytes";
  } else if (request.head_bytes > 0) {
    line << "head: " << request.head_bytes << " bytes";
  } else {
    return line;
  }
  line << " in " << DurationText(request.elapsed).view();
  return line;
}

FixedText<160> DescribeDecision(const DecisionFacts& decision) {
  Line line;
  if (!decision.detail.empty()) {
    line << decision.detail;
  } else if (decision.servers > 0) {
    line << decision.ejected << " of " << decision.servers
         << " servers ejected";
  } else if (decision.limit > 0) {
    line << decision.in_flight << " of " << decision.limit
         << " in flight, oldest for "
         << DurationText(decision.oldest_in_flight).view();
  }
  return line;
}

ErrorParameters DescribeParameters(const Observation& seen, Fault fault,
                                   uint16_t status) {
  using Form = ErrorParameter::Form;
  const AttemptFacts& a = seen.attempt;
  // Which parameters exist is the type's affair; the rest has none.
  switch (GetFault(fault).type) {
    case ErrorType::kHttpRequestError:
      return {Integer("status-code", status)};
    case ErrorType::kDnsError:
      return {Text(Form::kString, "rcode", DnsRcode(a.dns)),
              a.dns_extended ? Number("info-code", *a.dns_extended)
                             : ErrorParameter()};
    case ErrorType::kTlsAlertReceived:
      return AlertParameters(TlsOf(a));
    case ErrorType::kHttpResponseHeaderSectionSize:
      return {Integer("header-section-size", a.rule_bytes)};
    case ErrorType::kHttpResponseHeaderSize:
      return {Integer("header-size", a.rule_bytes)};
    case ErrorType::kHttpResponseBodySize:
      return {Integer("body-size", a.rule_bytes)};
    case ErrorType::kHttpResponseTransferCoding:
      return {Text(Form::kToken, "coding",
                   a.phase == AttemptPhase::kBody ? "chunked" : a.rule_value)};
    default:  // not one of our own enums' meanings: most types have none
      return {};
  }
}

}  // namespace whichhop::diagnostics
