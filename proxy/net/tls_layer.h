#pragma once
// TLS between one socket and its user, on OpenSSL over a BIO_METHOD of our own:
// no SIGPIPE, one read for all that is there, and the first raw bytes kept for
// whoever has to say what it was instead of TLS.
//
// What OpenSSL wants to send goes to the socket, several records in one write;
// what that does not take is kept here, and OpenSSL never hears of it. So bytes
// that Send took are on their way, and unsent() tells whether some of them are
// here still. Bounded: while something is unsent, Send takes nothing. Of a
// handshake as a server, the session's ticket may wait for the first Send: who
// waits for its request to be answered has no hurry with it.
//
// Bounded behind the handshake too: OpenSSL reads on while there are KeyUpdates
// or renegotiations, which are refused. So handshake records are counted, and
// of one who sends more than kHandshakesMost nothing more is read.

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string_view>

#include "proxy/net/buffer.h"
#include "proxy/net/socket.h"
#include "proxy/net/tls_facts.h"

namespace whichhop {

struct SslDelete {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using SslPtr = std::unique_ptr<SSL, SslDelete>;

// Who showed a good certificate.
struct TlsPeer {
  std::string key;     // KeyHash of it
  std::string issuer;  // as in TlsCertificate
};

class TlsLayer {
 public:
  enum class Step : uint8_t { kDone, kAgain, kFailed };

  // Far more than keys that are renewed before they wear out (RFC 8446, section
  // 5.5) and tickets take in a connection's life.
  static constexpr uint32_t kHandshakesMost = 100;

  // What every context needs, whichever side it is for: modes, and the
  // callbacks by which a layer hears of alerts and requested certificates.
  static void Prepare(SSL_CTX* context);
  // Of a connection that has one.
  static TlsLayer& Of(const SSL* ssl);
  // For a callback of verification that found something wrong: the first
  // counts.
  static void NoteUnverified(X509_STORE_CTX* context);

  // `ssl` was made for accepting or for connecting; the socket and the pool
  // outlive the layer. Null: no memory.
  static std::unique_ptr<TlsLayer> Make(SslPtr ssl, Socket& socket,
                                        BufferPool& pool, Time now);
  TlsLayer(const TlsLayer&) = delete;
  TlsLayer& operator=(const TlsLayer&) = delete;
  ~TlsLayer();

  // Bytes that were read off the socket already. Before the first Handshake.
  void Feed(std::string_view raw);

  // Goes on with the handshake. kAgain: when the socket has more to read, or
  // takes more. kFailed: see facts(); our alert, if any, is on its way.
  Step Handshake();

  // As those of Socket. The end is kEnd after a close_notify, and after a FIN
  // without one too: facts().problem tells (kEof). kError with EPROTO: TLS
  // itself failed, or an alert came.
  IoResult Receive(char* data, size_t size);
  // Takes nothing, but may take records without content.
  IoResult Peek();
  IoResult Send(const iovec* parts, int count);
  // Of what was taken: kBytes if nothing is left here.
  IoResult Flush();
  // Whatever the next Send takes is the last: if it takes all, close_notify
  // leaves together with it.
  void EndWithNextSend() { ends_ = true; }
  // How it failed, or how the peer ended it. Requires: Receive or Handshake
  // said so.
  IoResult end() const { return *end_; }
  bool unsent() const { return blocked_; }
  // Whether Receive may have something that the socket will not tell of again.
  bool may_have_more() const {
    return !raw_emptied_ || SSL_has_pending(ssl_.get()) != 0;
  }

  // close_notify, once the handshake is complete and nothing is unsent.
  void SendCloseNotify();

  // Of a handshake that was completed and not resumed.
  TlsPeer Peer() const;
  // Bytes of records that were made, in all.
  uint64_t raw_sent() const { return raw_sent_; }

  TlsFacts& facts() { return facts_; }
  const TlsFacts& facts() const { return facts_; }
  SSL* ssl() const { return ssl_.get(); }

 private:
  friend struct TlsBio;
  TlsLayer(SslPtr ssl, Socket& socket, BufferPool& pool, Time now);

  IoResult ReadRaw(char* data, size_t size);
  void WriteRaw(std::string_view raw);
  IoResult Push(std::string_view raw);
  void Keep(std::string_view raw);
  void EndHandshakeWrites(bool done);
  void NoteRaw(std::string_view raw);
  void NoteAgreement();
  void NoteOffer();
  IoResult WhyNot(int result);
  IoResult TooManyHandshakes();
  bool NoRecord() const;
  size_t Encrypt(std::string_view bytes);
  size_t EncryptSome(const iovec* parts, int count, size_t offset);
  static void OnInfo(const SSL* ssl, int where, int value);
  static void OnMessage(int sent, int version, int type, const void* data,
                        size_t size, SSL* ssl, void*);
  static int OnClientHello(SSL* ssl, int* alert, void*);

  SslPtr ssl_;
  Socket& socket_;
  BufferPool& pool_;
  const Time begun_;
  Buffer in_;                    // raw bytes that were fed
  Buffer out_;                   // raw bytes that are not with the socket yet
  std::optional<IoResult> end_;  // no more can be received
  int write_error_ = 0;          // errno of a send
  bool failed_ = false;          // TLS itself: there is no farewell
  bool holding_ = false;         // more follows at once: it shares the write
  bool blocked_ = false;         // the socket did not take all of out_
  bool ends_ = false;            // with the next Send
  uint64_t raw_sent_ = 0;
  bool raw_emptied_ = false;  // the last read took all that there was
  bool raw_end_ = false;      // the peer's FIN
  uint32_t handshakes_ = 0;   // records of them that came behind the handshake
  TlsFacts facts_;
};

}  // namespace whichhop
