#include "diagnostics/tls_text.h"

#include <algorithm>
#include <chrono>
#include <span>

namespace whichhop::diagnostics {
namespace {

struct Words {
  uint32_t number;
  std::string_view text;
};

// X509_V_ERR_* of OpenSSL 3, those that connections meet.
constexpr Words kVerifyWords[] = {
    {2, "issuer certificate not found"},
    {3, "no CRL"},
    {7, "certificate signature failure"},
    {8, "CRL signature failure"},
    {9, "certificate is not yet valid"},
    {10, "certificate has expired"},
    {11, "CRL is not yet valid"},
    {12, "CRL has expired"},
    {18, "self-signed certificate"},
    {19, "self-signed certificate in chain"},
    {20, "issuer certificate not found locally"},
    {21, "first certificate cannot be verified"},
    {22, "certificate chain too long"},
    {23, "certificate revoked"},
    {24, "issuer has no public key"},
    {25, "path length exceeded"},
    {26, "unsuitable certificate purpose"},
    {27, "certificate not trusted"},
    {28, "certificate rejected"},
    {62, "hostname mismatch"},
    {63, "email address mismatch"},
    {64, "IP address mismatch"},
    {66, "key too small"},
    {67, "CA key too small"},
    {68, "CA signature digest too weak"},
    {73, "OCSP verification needed"},
    {74, "OCSP verification failed"},
    {75, "OCSP unknown certificate"},
    {79, "invalid CA certificate"},
};

// IANA's "TLS Alerts".
constexpr Words kAlertNames[] = {
    {0, "close_notify"},
    {10, "unexpected_message"},
    {20, "bad_record_mac"},
    {21, "decryption_failed"},
    {22, "record_overflow"},
    {30, "decompression_failure"},
    {40, "handshake_failure"},
    {42, "bad_certificate"},
    {43, "unsupported_certificate"},
    {44, "certificate_revoked"},
    {45, "certificate_expired"},
    {46, "certificate_unknown"},
    {47, "illegal_parameter"},
    {48, "unknown_ca"},
    {49, "access_denied"},
    {50, "decode_error"},
    {51, "decrypt_error"},
    {52, "too_many_cids_requested"},
    {70, "protocol_version"},
    {71, "insufficient_security"},
    {80, "internal_error"},
    {86, "inappropriate_fallback"},
    {90, "user_canceled"},
    {100, "no_renegotiation"},
    {109, "missing_extension"},
    {110, "unsupported_extension"},
    {111, "certificate_unobtainable"},
    {112, "unrecognized_name"},
    {113, "bad_certificate_status_response"},
    {114, "bad_certificate_hash_value"},
    {115, "unknown_psk_identity"},
    {116, "certificate_required"},
    {120, "no_application_protocol"},
    {121, "ech_required"},
};

std::string_view Find(std::span<const Words> table, uint32_t number) {
  const auto found = std::ranges::find(table, number, &Words::number);
  return found == table.end() ? std::string_view() : found->text;
}

// Appends digits, at least two of them.
void TwoDigits(unsigned number, FixedText<24>& out) {
  if (number < 10) out << "0";
  out << uint64_t{number};
}

FixedText<24> Counted(uint64_t count, std::string_view unit) {
  FixedText<24> out;
  out << count << unit;
  return out;
}

}  // namespace

std::string_view AlertName(uint8_t alert) { return Find(kAlertNames, alert); }

FixedText<48> AlertText(uint8_t alert) {
  FixedText<48> out;
  out << uint64_t{alert};
  const std::string_view name = AlertName(alert);
  if (!name.empty()) out << " (" << name << ")";
  return out;
}

FixedText<24> VersionText(uint16_t version) {
  constexpr std::string_view kHex = "0123456789abcdef";
  if (version == 0x0300) return FixedText<24>("SSL 3.0");
  FixedText<24> out;
  if (version >= 0x0301 && version <= 0x0304) {
    out << "TLS 1." << uint64_t{version} - 0x0301;
    return out;
  }
  out << "version 0x";
  for (int shift = 12; shift >= 0; shift -= 4) {
    out << kHex.substr((version >> shift) & 15, 1);
  }
  return out;
}

FixedText<64> VerifyText(uint32_t code) {
  FixedText<64> out;
  out << code;
  const std::string_view words = Find(kVerifyWords, code);
  if (!words.empty()) out << " (" << words << ")";
  return out;
}

FixedText<24> DateText(uint64_t seconds) {
  constexpr uint64_t kDay = 86400;
  constexpr uint64_t kLastDay = 2932896;  // 9999-12-31, from 1970-01-01
  FixedText<24> out;
  if (seconds / kDay >= kLastDay) return FixedText<24>("never");
  const std::chrono::year_month_day date = std::chrono::sys_days(
      std::chrono::days(static_cast<int>(seconds / kDay)));
  out << static_cast<uint64_t>(static_cast<int>(date.year())) << "-";
  TwoDigits(static_cast<unsigned>(date.month()), out);
  out << "-";
  TwoDigits(static_cast<unsigned>(date.day()), out);
  return out;
}

FixedText<24> SpanText(uint64_t seconds) {
  if (seconds >= 2 * 86400) return Counted(seconds / 86400, " days");
  if (seconds >= 86400) return Counted(1, " day");
  if (seconds >= 3600) return Counted(seconds / 3600, " h");
  if (seconds >= 60) return Counted(seconds / 60, " min");
  return Counted(seconds, " s");
}

}  // namespace whichhop::diagnostics
