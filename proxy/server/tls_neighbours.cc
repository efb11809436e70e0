#include "proxy/server/tls_neighbours.h"

#include <algorithm>

namespace whichhop {

namespace {

// How long one handshake says something of others, and a Date of our clock.
constexpr auto kJudgedFor = std::chrono::seconds(60);
constexpr auto kDatedFor = std::chrono::minutes(10);

// X509_V_ERR_CERT_NOT_YET_VALID to _CRL_HAS_EXPIRED.
bool IsAboutDates(int code) { return code >= 9 && code <= 12; }

// Nobody whom we trust has signed it: X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, and
// _DEPTH_ZERO_SELF_SIGNED_CERT to _UNABLE_TO_VERIFY_LEAF_SIGNATURE.
bool IsAboutTrust(int code) { return code == 2 || (code >= 18 && code <= 21); }

bool Since(Time then, Time now, Duration most) {
  return then != kNoTime && now - then <= most;
}

std::chrono::seconds Age(Time then, Time now) {
  return std::chrono::duration_cast<std::chrono::seconds>(now - then);
}

}  // namespace

const TlsNeighbours::Seen* TlsNeighbours::Find(const Server& server) const {
  const auto found = std::ranges::find_if(servers_, [&](const Seen& seen) {
    return seen.upstream == server.upstream && seen.address == server.address;
  });
  return found == servers_.end() ? nullptr : &*found;
}

TlsNeighbours::Seen& TlsNeighbours::Touch(const Server& server, Time now) {
  Seen* seen = const_cast<Seen*>(Find(server));
  if (seen == nullptr && servers_.size() < kMost) {
    seen = &servers_.emplace_back();
  } else if (seen == nullptr) {
    seen = &*std::ranges::min_element(servers_, {}, &Seen::heard);
    *seen = {};
  }
  if (seen->upstream.empty()) {
    seen->upstream = server.upstream;
    seen->address = server.address;
  }
  seen->min_version = server.min_version;
  seen->heard = now;
  return *seen;
}

void TlsNeighbours::NoteAgreed(const Server& server, const TlsLayer& tls,
                               Time now) {
  Seen& seen = Touch(server, now);
  seen.agreed = now;
  seen.sni = tls.facts().sni;
  // Who resumes shows no certificate.
  if (tls.facts().agreed.resumed || tls.facts().verify_code != 0) return;
  seen.judged = now;
  seen.code = 0;
  const TlsPeer peer = tls.Peer();
  seen.key = peer.key;
  seen.judged_key = peer.key;
  seen.issuer = peer.issuer;
}

void TlsNeighbours::NoteRefused(const Server& server, const TlsFacts& facts,
                                Time now) {
  if (facts.bad_certificate == nullptr) return;
  Seen& seen = Touch(server, now);
  seen.judged = now;
  seen.code = facts.verify_code;
  seen.judged_key = facts.bad_certificate->leaf_key;
}

void TlsNeighbours::NoteDate(const Server& server, int64_t ahead, Time now) {
  Seen& seen = Touch(server, now);
  seen.dated = now;
  seen.ahead = ahead;
}

void TlsNeighbours::Add(const Server& server, const TlsFacts& failed, Time now,
                        diagnostics::TlsFacts* facts) const {
  const auto newer = [now](std::optional<std::chrono::seconds>& age,
                           const Seen& seen) {
    const auto seconds = Age(seen.agreed, now);
    if (!age || seconds < *age) age = seconds;
  };
  for (const Seen& seen : servers_) {
    if (!Since(seen.agreed, now, kJudgedFor)) continue;
    const bool same_policy = seen.min_version == server.min_version;
    if (seen.upstream != server.upstream && same_policy) {
      newer(facts->policy_agreed, seen);
    }
    if (seen.address == server.address && seen.sni != failed.sni) {
      newer(facts->other_name_agreed, seen);
    }
  }
  Count(now, facts);
  const Seen* const before = Find(server);
  if (before == nullptr || before->key.empty()) return;
  facts->certificate.usual_issuer = before->issuer;
  if (failed.bad_certificate == nullptr) return;
  facts->certificate.new_key = failed.bad_certificate->leaf_key != before->key;
}

// Servers of one upstream, and those with one certificate, are no strangers to
// each other: what is wrong with one is wrong with all.
bool TlsNeighbours::IsFirstOfItsKind(size_t index, Time now) const {
  const Seen& seen = servers_[index];
  for (size_t i = 0; i < index; ++i) {
    const Seen& other = servers_[i];
    const bool related =
        other.upstream == seen.upstream || other.judged_key == seen.judged_key;
    if (related && Since(other.judged, now, kJudgedFor)) return false;
  }
  return true;
}

void TlsNeighbours::Count(Time now, diagnostics::TlsFacts* facts) const {
  for (size_t i = 0; i < servers_.size(); ++i) {
    const Seen& seen = servers_[i];
    if (!Since(seen.judged, now, kJudgedFor)) continue;
    if (!IsFirstOfItsKind(i, now)) continue;
    ++facts->clock.origins;
    if (IsAboutDates(seen.code)) ++facts->clock.failed;
    if (IsAboutTrust(seen.code)) ++facts->untrusted;
  }
  facts->clock.ahead = MedianDate(now, &facts->clock.dates);
}

std::optional<std::chrono::seconds> TlsNeighbours::MedianDate(
    Time now, uint32_t* dates) const {
  std::vector<int64_t> ahead;
  for (const Seen& seen : servers_) {
    if (Since(seen.dated, now, kDatedFor)) ahead.push_back(seen.ahead);
  }
  *dates = static_cast<uint32_t>(ahead.size());
  if (ahead.empty()) return std::nullopt;
  const auto middle =
      ahead.begin() + static_cast<std::ptrdiff_t>(ahead.size() / 2);
  std::ranges::nth_element(ahead, middle);
  return std::chrono::seconds(*middle);
}

}  // namespace whichhop
