#pragma once
// TLS over a connected, blocking socket, for loads on https:// URLs. It offers
// http/1.1 and verifies no certificate: a load is no client with secrets.
// Owned by its Connection, whose descriptor it borrows.

#include <sys/types.h>

#include <cstddef>
#include <memory>
#include <string>

typedef struct ssl_st SSL;

namespace load {

class Tls {
 public:
  // Shakes hands; nothing if the peer doesn't. `name` is the one to ask for.
  static std::unique_ptr<Tls> Connect(int fd, const std::string& name);
  ~Tls();
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  // As send(2) and recv(2); any alert is an error (-1).
  ssize_t Send(const char* data, size_t bytes);
  ssize_t Receive(char* data, size_t bytes);
  // Whether bytes are here that poll(2) knows nothing of.
  bool pending() const;

 private:
  explicit Tls(SSL* ssl) : ssl_(ssl) {}

  SSL* const ssl_;
};

}  // namespace load
