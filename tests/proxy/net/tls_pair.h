#pragma once
// A client and a server on the two ends of a connection, each of whatever
// contexts it was made of.

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>

#include "proxy/net/stream.h"
#include "proxy/net/tls_client.h"
#include "proxy/net/tls_server.h"

namespace whichhop {

class TlsPair {
 public:
  TlsPair(SslPtr client, SslPtr server);

  TlsLayer& client() { return *client_.tls(); }
  TlsLayer& server() { return *server_.tls(); }

  // Until both are done or one has failed. Whether they agreed.
  bool Shake();
  // Sends a byte each way, so that tickets that were sent arrive.
  void Talk();

 private:
  BufferPool pool_;
  Stream client_;
  Stream server_;
};

// What a test's client is: a context of OpenSSL's with no opinion.
SslCtxPtr IndifferentClient(uint16_t version = 0);
// A connection of it that asks for `name`, unless that is empty.
SslPtr Ask(const SslCtxPtr& context, const std::string& name);

// The subject of the certificate that the client was shown; "" if none was.
std::string ShownTo(TlsLayer& client);
// "RSA", "EC".
std::string KeyShownTo(TlsLayer& client);

}  // namespace whichhop
