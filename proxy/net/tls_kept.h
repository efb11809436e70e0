#pragma once
// What a context of OpenSSL keeps of ours: shared, and let go of together with
// the context, which lives as long as the last connection that it is set for.

#include <openssl/ssl.h>

#include <memory>

namespace whichhop {

template <typename T>
class TlsKept {
 public:
  using Share = std::shared_ptr<T>;

  // False: no memory. Requires: it keeps no other T.
  static bool Keep(SSL_CTX* context, Share object) {
    auto share = std::make_unique<Share>(std::move(object));
    if (SSL_CTX_set_ex_data(context, Index(), share.get()) != 1) return false;
    share.release();
    return true;
  }
  // Null if it keeps none.
  static T* Of(const SSL* ssl) {
    auto* share =
        static_cast<Share*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), Index()));
    return share == nullptr ? nullptr : share->get();
  }

 private:
  static void Free(void*, void* share, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<Share*>(share);
  }
  static int Index() {
    static const int index =
        SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, Free);
    return index;
  }
};

}  // namespace whichhop
