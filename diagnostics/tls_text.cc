#include "diagnostics/tls_text.h"

#include <chrono>

namespace whichhop::diagnostics {
namespace {

// X509_V_ERR_* of OpenSSL 3, those that connections meet.
std::string_view VerifyWords(uint32_t code) {
  switch (code) {
    case 2:
      return "issuer certificate not found";
    case 3:
      return "no CRL";
    case 7:
      return "certificate signature failure";
    case 8:
      return "CRL signature failure";
    case 9:
      return "certificate is not yet valid";
    case 10:
      return "certificate has expired";
    case 11:
      return "CRL is not yet valid";
    case 12:
      return "CRL has expired";
    case 18:
      return "self-signed certificate";
    case 19:
      return "self-signed certificate in chain";
    case 20:
      return "issuer certificate not found locally";
    case 21:
      return "first certificate cannot be verified";
    case 22:
      return "certificate chain too long";
    case 23:
      return "certificate revoked";
    case 24:
      return "issuer has no public key";
    case 25:
      return "path length exceeded";
    case 26:
      return "unsuitable certificate purpose";
    case 27:
      return "certificate not trusted";
    case 28:
      return "certificate rejected";
    case 62:
      return "hostname mismatch";
    case 63:
      return "email address mismatch";
    case 64:
      return "IP address mismatch";
    case 66:
      return "key too small";
    case 67:
      return "CA key too small";
    case 68:
      return "CA signature digest too weak";
    case 73:
      return "OCSP verification needed";
    case 74:
      return "OCSP verification failed";
    case 75:
      return "OCSP unknown certificate";
    case 79:
      return "invalid CA certificate";
    default:
      return "";
  }
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

std::string_view AlertName(uint8_t alert) {
  switch (alert) {
    case 0:
      return "close_notify";
    case 10:
      return "unexpected_message";
    case 20:
      return "bad_record_mac";
    case 21:
      return "decryption_failed";
    case 22:
      return "record_overflow";
    case 30:
      return "decompression_failure";
    case 40:
      return "handshake_failure";
    case 42:
      return "bad_certificate";
    case 43:
      return "unsupported_certificate";
    case 44:
      return "certificate_revoked";
    case 45:
      return "certificate_expired";
    case 46:
      return "certificate_unknown";
    case 47:
      return "illegal_parameter";
    case 48:
      return "unknown_ca";
    case 49:
      return "access_denied";
    case 50:
      return "decode_error";
    case 51:
      return "decrypt_error";
    case 52:
      return "too_many_cids_requested";
    case 70:
      return "protocol_version";
    case 71:
      return "insufficient_security";
    case 80:
      return "internal_error";
    case 86:
      return "inappropriate_fallback";
    case 90:
      return "user_canceled";
    case 100:
      return "no_renegotiation";
    case 109:
      return "missing_extension";
    case 110:
      return "unsupported_extension";
    case 111:
      return "certificate_unobtainable";
    case 112:
      return "unrecognized_name";
    case 113:
      return "bad_certificate_status_response";
    case 114:
      return "bad_certificate_hash_value";
    case 115:
      return "unknown_psk_identity";
    case 116:
      return "certificate_required";
    case 120:
      return "no_application_protocol";
    case 121:
      return "ech_required";
    default:
      return "";
  }
}

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
  const std::string_view words = VerifyWords(code);
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
