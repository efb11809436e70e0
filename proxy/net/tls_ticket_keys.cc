#include "proxy/net/tls_ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <mutex>

#include "proxy/net/tls_kept.h"

namespace whichhop {

namespace {

using Key = TlsTicketKeys::Key;
using Shared = std::shared_ptr<TlsTicketKeys>;

template <size_t kSize>
bool Draw(std::array<unsigned char, kSize>& bytes) {
  return RAND_priv_bytes(bytes.data(), static_cast<int>(kSize)) == 1;
}

std::string_view NameOf(const Key& key) {
  return {reinterpret_cast<const char*>(key.name.data()), key.name.size()};
}

bool SetMac(EVP_MAC_CTX* mac, Key& key) {
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac.data(),
                                        key.mac.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

// As SSL_CTX_set_tlsext_ticket_key_evp_cb(3) wants it: -1 is an error, 0 that
// the ticket is of no use, 1 that it is, 2 that it is and should be renewed.
int OnTicket(SSL* ssl, unsigned char* name, unsigned char* iv,
             EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int encrypt) {
  TlsTicketKeys* const keys = TlsKept<TlsTicketKeys>::Of(ssl);
  if (keys == nullptr) return -1;
  if (encrypt == 1) {
    auto key = keys->Newest(SteadyClock::now());
    if (!key) return -1;
    std::ranges::copy(key->name, name);
    const bool set =
        RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) == 1 &&
        EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr,
                           key->cipher.data(), iv) == 1 &&
        SetMac(mac, *key);
    return set ? 1 : -1;
  }
  auto found =
      keys->Find({reinterpret_cast<char*>(name), TlsTicketKeys::kNameSize},
                 SteadyClock::now());
  if (!found) return 0;
  const bool set = EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), nullptr,
                                      found->key.cipher.data(), iv) == 1 &&
                   SetMac(mac, found->key);
  if (!set) return -1;
  // A ticket of TLS 1.3 is used once (RFC 8446, appendix C.4): without a new
  // one the client's next connection would begin from nothing.
  return found->newest && SSL_version(ssl) < TLS1_3_VERSION ? 1 : 2;
}

}  // namespace

Key::~Key() {
  OPENSSL_cleanse(cipher.data(), cipher.size());
  OPENSSL_cleanse(mac.data(), mac.size());
}

Shared TlsTicketKeys::Process() {
  static const Shared keys = std::make_shared<TlsTicketKeys>();
  return keys;
}

bool TlsTicketKeys::Attach(Shared keys, SSL_CTX* context) {
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, OnTicket);
  return TlsKept<TlsTicketKeys>::Keep(context, std::move(keys));
}

std::optional<Key> TlsTicketKeys::NewestIfFresh(Time now) const {
  if (keys_.empty() || now - keys_.back().since >= kRotation) {
    return std::nullopt;
  }
  return keys_.back();
}

std::optional<Key> TlsTicketKeys::Newest(Time now) {
  {
    const std::shared_lock lock(mutex_);
    if (auto key = NewestIfFresh(now)) return key;
  }
  const std::unique_lock lock(mutex_);
  // Another thread may have made one meanwhile.
  if (auto key = NewestIfFresh(now)) return key;
  Key key;
  if (!Draw(key.name) || !Draw(key.cipher) || !Draw(key.mac)) {
    return std::nullopt;
  }
  key.since = now;
  std::erase_if(keys_,
                [now](const Key& old) { return now - old.since > kLifetime; });
  keys_.push_back(key);
  return key;
}

std::optional<TlsTicketKeys::Found> TlsTicketKeys::Find(std::string_view name,
                                                        Time now) const {
  const std::shared_lock lock(mutex_);
  const auto found = std::ranges::find(keys_, name, NameOf);
  if (found == keys_.end() || now - found->since > kLifetime) {
    return std::nullopt;
  }
  return Found{*found, now - found->since < kRotation};
}

}  // namespace whichhop
