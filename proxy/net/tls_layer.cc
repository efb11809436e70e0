#include "proxy/net/tls_layer.h"

#include <openssl/err.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace whichhop {

namespace {

constexpr size_t kRecord = SSL3_RT_MAX_PLAIN_LENGTH;

// Of a SSL: its layer.
int LayerIndex() {
  static const int index =
      SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

IoResult Ended(int error) { return {IoResult::Kind::kError, 0, error}; }

// One that ALPN chose, as what lasts.
std::string_view ProtocolName(std::string_view chosen) {
  for (const std::string_view protocol : {"http/1.1", "http/1.0"}) {
    if (chosen == protocol) return protocol;
  }
  return {};
}

// Of the newest list of whoever issued `certificate`; 0: there is none. The
// one that was asked is forgotten when verification ends.
int64_t NextUpdateOf(X509_STORE_CTX* context, const X509& certificate) {
  auto* const lists =
      X509_STORE_CTX_get1_crls(context, X509_get_issuer_name(&certificate));
  int64_t newest = 0;
  const int count = lists == nullptr ? 0 : sk_X509_CRL_num(lists);
  for (int i = 0; i < count; ++i) {
    const ASN1_TIME* const due =
        X509_CRL_get0_nextUpdate(sk_X509_CRL_value(lists, i));
    if (due != nullptr) newest = std::max(newest, SecondsOf(due));
  }
  sk_X509_CRL_pop_free(lists, X509_CRL_free);
  return newest;
}

// What others left in this thread's queue would be taken for ours. Looking is
// cheaper than emptying it.
void ForgetErrors() {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

size_t SizeOf(const iovec* parts, int count) {
  size_t size = 0;
  for (int i = 0; i < count; ++i) size += parts[i].iov_len;
  return size;
}

}  // namespace

// The socket as OpenSSL sees it.
struct TlsBio {
  static const BIO_METHOD* Method() {
    static const BIO_METHOD* const method = Make();
    return method;
  }

  static BIO_METHOD* Make() {
    BIO_METHOD* const method = BIO_meth_new(
        BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "whichhop socket");
    BIO_meth_set_create(method, Create);
    BIO_meth_set_read(method, Read);
    BIO_meth_set_write(method, Write);
    BIO_meth_set_ctrl(method, Control);
    return method;
  }

  static TlsLayer& Layer(BIO* bio) {
    return *static_cast<TlsLayer*>(BIO_get_data(bio));
  }

  static int Create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }

  static int Read(BIO* bio, char* data, int size) {
    BIO_clear_retry_flags(bio);
    const IoResult got = Layer(bio).ReadRaw(data, static_cast<size_t>(size));
    if (got.kind == IoResult::Kind::kBytes) return static_cast<int>(got.bytes);
    if (got.kind == IoResult::Kind::kEnd) return 0;
    if (got.kind == IoResult::Kind::kAgain) BIO_set_retry_read(bio);
    return -1;
  }

  static int Write(BIO* bio, const char* data, int size) {
    Layer(bio).WriteRaw({data, static_cast<size_t>(size)});
    return size;
  }

  static long Control(BIO* bio, int what, long, void*) {
    if (what == BIO_CTRL_EOF) return Layer(bio).raw_end_;
    return what == BIO_CTRL_FLUSH;
  }
};

void TlsLayer::Prepare(SSL_CTX* context) {
  // OpenSSL's own buffers go back as they empty, and are filled by one read.
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_info_callback(context, OnInfo);
  SSL_CTX_set_msg_callback(context, OnMessage);
  SSL_CTX_set_client_hello_cb(context, OnClientHello, nullptr);
}

TlsLayer& TlsLayer::Of(const SSL* ssl) {
  return *static_cast<TlsLayer*>(SSL_get_ex_data(ssl, LayerIndex()));
}

std::unique_ptr<TlsLayer> TlsLayer::Make(SslPtr ssl, Socket& socket,
                                         BufferPool& pool, Time now) {
  BIO* const bio = ssl == nullptr ? nullptr : BIO_new(TlsBio::Method());
  if (bio == nullptr) return nullptr;
  SSL_set_bio(ssl.get(), bio, bio);  // it owns it now
  // Private constructor: make_unique can't reach it.
  std::unique_ptr<TlsLayer> layer(
      new TlsLayer(std::move(ssl), socket, pool, now));
  BIO_set_data(bio, layer.get());
  if (SSL_set_ex_data(layer->ssl(), LayerIndex(), layer.get()) != 1) {
    return nullptr;
  }
  return layer;
}

TlsLayer::TlsLayer(SslPtr ssl, Socket& socket, BufferPool& pool, Time now)
    : ssl_(std::move(ssl)), socket_(socket), pool_(pool), begun_(now) {}

TlsLayer::~TlsLayer() {
  // Or OpenSSL would forbid that the session be resumed: how a connection ends
  // says nothing of its keys. It does not ask whether they failed, so we do.
  if (!failed_) {
    SSL_set_shutdown(ssl(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }
  ssl_.reset();
  in_.Release(pool_);
  out_.Release(pool_);
}

void TlsLayer::Feed(std::string_view raw) {
  in_.Acquire(pool_);
  in_.Add(pool_, raw);
}

// What was fed, then what the socket has.
IoResult TlsLayer::ReadRaw(char* data, size_t size) {
  if (handshakes_ > kHandshakesMost) return Ended(EPROTO);
  IoResult got{IoResult::Kind::kBytes};
  if (in_.empty()) {
    got = socket_.Receive(data, size);
  } else {
    got.bytes = std::min(size, in_.size());
    std::memcpy(data, in_.data(), got.bytes);
    in_.Consume(got.bytes);
    if (in_.empty()) in_.Release(pool_);
  }
  raw_emptied_ = got.emptied || got.kind == IoResult::Kind::kAgain;
  raw_end_ = got.kind == IoResult::Kind::kEnd;
  if (got.kind == IoResult::Kind::kError) facts_.error = got.error;
  if (!facts_.complete) NoteRaw({data, got.bytes});
  return got;
}

void TlsLayer::NoteRaw(std::string_view raw) {
  facts_.bytes_received += raw.size();
  const size_t room = facts_.first_bytes.size() - facts_.first_bytes_size;
  const size_t kept = std::min(room, raw.size());
  std::memcpy(facts_.first_bytes.data() + facts_.first_bytes_size, raw.data(),
              kept);
  facts_.first_bytes_size += static_cast<uint8_t>(kept);
}

void TlsLayer::WriteRaw(std::string_view raw) {
  if (write_error_ != 0) return;
  raw_sent_ += raw.size();
  if (!facts_.complete) facts_.bytes_sent = raw_sent_;
  const bool fits = out_.size() + raw.size() <= kBlockBytes;
  if (blocked_ || (holding_ && fits)) return Keep(raw);
  Push(raw);
}

void TlsLayer::Keep(std::string_view raw) {
  out_.Acquire(pool_);
  out_.Add(pool_, raw);
}

// What was kept and `raw` to the socket, and what that does not take to out_.
IoResult TlsLayer::Push(std::string_view raw) {
  const iovec parts[] = {{out_.data(), out_.size()},
                         {const_cast<char*>(raw.data()), raw.size()}};
  const int first = out_.empty() ? 1 : 0;
  const int end = raw.empty() ? 1 : 2;
  const IoResult sent = socket_.Send(parts + first, end - first);
  if (sent.kind == IoResult::Kind::kError) write_error_ = sent.error;
  const size_t of_kept = std::min(sent.bytes, out_.size());
  out_.Consume(of_kept);
  raw.remove_prefix(sent.bytes - of_kept);
  if (write_error_ == 0 && !raw.empty()) Keep(raw);
  blocked_ = write_error_ == 0 && !out_.empty();
  if (!blocked_) out_.Release(pool_);
  return sent;
}

IoResult TlsLayer::Flush() {
  while (!out_.empty() && write_error_ == 0) {
    const IoResult sent = Push({});
    if (sent.kind == IoResult::Kind::kAgain) return sent;
  }
  if (write_error_ != 0) return Ended(write_error_);
  return {IoResult::Kind::kBytes};
}

TlsLayer::Step TlsLayer::Handshake() {
  // What the socket did not take of our last flight comes first.
  if (Flush().kind == IoResult::Kind::kAgain) return Step::kAgain;
  ForgetErrors();
  // The first flight leaves before we look for the answer to it.
  holding_ = SSL_is_server(ssl()) == 1 && raw_sent_ > 0;
  const int result = SSL_do_handshake(ssl());
  // Much of it is computing, for which the time of the turn stands still.
  facts_.took = SteadyClock::now() - begun_;
  EndHandshakeWrites(result == 1);
  if (result == 1) {
    NoteAgreement();
    facts_.complete = true;
    return Step::kDone;
  }
  const IoResult why = WhyNot(result);
  if (why.kind == IoResult::Kind::kAgain) return Step::kAgain;
  NoteAgreement();
  NoteOffer();
  end_ = why;
  return Step::kFailed;
}

// What was held back leaves in one write. Where it is the ticket alone, as in
// TLS 1.3, it waits for the answer to a request that is here already.
void TlsLayer::EndHandshakeWrites(bool done) {
  const bool ticket_only =
      holding_ && done && SSL_version(ssl()) >= TLS1_3_VERSION;
  holding_ = false;
  if (ticket_only && may_have_more()) return;
  Flush();
}

// What both sides are at, or were as it failed.
void TlsLayer::NoteAgreement() {
  const SSL_CIPHER* const cipher = SSL_get_current_cipher(ssl());
  TlsAgreement& agreed = facts_.agreed;
  if (cipher != nullptr) {
    agreed.version = static_cast<uint16_t>(SSL_version(ssl()));
    agreed.cipher = SSL_CIPHER_standard_name(cipher);
  }
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl(), &protocol, &size);
  agreed.alpn = ProtocolName({reinterpret_cast<const char*>(protocol), size});
  agreed.resumed = SSL_session_reused(ssl()) == 1;
  const char* const name = SSL_get_servername(ssl(), TLSEXT_NAMETYPE_host_name);
  if (name != nullptr) facts_.sni = name;
  if (facts_.bad_certificate == nullptr) {
    facts_.verify_code = static_cast<int>(SSL_get_verify_result(ssl()));
  }
}

TlsPeer TlsLayer::Peer() const {
  const X509* const shown = SSL_get0_peer_certificate(ssl());
  if (shown == nullptr) return {};
  return {KeyHash(*shown), Describe(*shown).issuer};
}

IoResult TlsLayer::Receive(char* data, size_t size) {
  if (end_) return *end_;
  IoResult got{IoResult::Kind::kBytes};
  while (got.bytes < size && !got.emptied) {
    size_t bytes = 0;
    ForgetErrors();
    const int result =
        SSL_read_ex(ssl(), data + got.bytes, size - got.bytes, &bytes);
    if (result != 1) {
      const IoResult why = WhyNot(result);
      if (why.kind != IoResult::Kind::kAgain) end_ = why;
      if (got.bytes == 0) return why;
      got.emptied = !end_;
      break;
    }
    got.bytes += bytes;
    got.emptied = raw_emptied_ && SSL_has_pending(ssl()) == 0;
  }
  return got;
}

IoResult TlsLayer::Peek() {
  if (end_) return *end_;
  char first;
  size_t bytes = 0;
  ForgetErrors();
  const int result = SSL_peek_ex(ssl(), &first, 1, &bytes);
  if (result == 1) return {IoResult::Kind::kBytes, bytes};
  const IoResult why = WhyNot(result);
  if (why.kind != IoResult::Kind::kAgain) end_ = why;
  return why;
}

// What we showed a client, and what it offered: for one that did not agree.
void TlsLayer::NoteOffer() {
  if (SSL_is_server(ssl()) == 0) return;
  if (const X509* const own = SSL_get_certificate(ssl())) {
    facts_.own_not_after = SecondsOf(X509_get0_notAfter(own));
  }
  const auto* const ciphers = SSL_get_client_ciphers(ssl());
  const int count = ciphers == nullptr ? 0 : sk_SSL_CIPHER_num(ciphers);
  constexpr size_t kTextMost = 100;
  for (int i = 0; i < count; ++i) {
    const std::string_view name =
        SSL_CIPHER_standard_name(sk_SSL_CIPHER_value(ciphers, i));
    if (facts_.client_ciphers.size() + name.size() >= kTextMost) return;
    if (i > 0) facts_.client_ciphers += ' ';
    facts_.client_ciphers += name;
  }
}

IoResult TlsLayer::TooManyHandshakes() {
  facts_.problem = TlsProblem::kPolicy;
  facts_.reason = "too many handshake records";
  failed_ = true;
  return Ended(EPROTO);
}

// Why OpenSSL did not do what it was asked for.
IoResult TlsLayer::WhyNot(int result) {
  switch (SSL_get_error(ssl(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return {IoResult::Kind::kAgain};
    case SSL_ERROR_ZERO_RETURN:
      return {IoResult::Kind::kEnd};
    case SSL_ERROR_SYSCALL:
      if (handshakes_ > kHandshakesMost) return TooManyHandshakes();
      return Ended(facts_.error != 0 ? facts_.error : EPROTO);
    default:
      break;
  }
  const unsigned long error = ERR_peek_error();
  if (raw_end_ && ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    facts_.problem = TlsProblem::kEof;
    facts_.sent = {};  // OpenSSL calls the end a decode_error: that is none
    return {IoResult::Kind::kEnd};
  }
  const char* const text = ERR_reason_error_string(error);
  facts_.problem =
      NoRecord() ? TlsProblem::kNotTls : ProblemOf(ERR_GET_REASON(error));
  facts_.reason = text == nullptr ? "" : text;
  failed_ = true;
  return Ended(EPROTO);
}

// What came has not begun as TLS does: with a handshake, or an alert.
bool TlsLayer::NoRecord() const {
  const char first = facts_.first_bytes[0];
  return !facts_.complete && facts_.first_bytes_size > 0 &&
         first != SSL3_RT_HANDSHAKE && first != SSL3_RT_ALERT;
}

// In records of 16 KiB: small parts share one.
IoResult TlsLayer::Send(const iovec* parts, int count) {
  if (blocked_ || write_error_ != 0) {
    const IoResult flushed = Flush();
    if (flushed.kind != IoResult::Kind::kBytes) return flushed;
  }
  IoResult sent{IoResult::Kind::kBytes};
  size_t left = SizeOf(parts, count);
  size_t offset = 0;  // in *parts
  while (count > 0 && !unsent() && write_error_ == 0) {
    const std::string_view part(
        static_cast<const char*>(parts->iov_base) + offset,
        parts->iov_len - offset);
    const bool alone = count == 1 || part.size() >= kRecord;
    holding_ = left > kRecord || ends_;
    size_t taken = alone ? Encrypt(part.substr(0, kRecord))
                         : EncryptSome(parts, count, offset);
    holding_ = false;
    if (taken == 0) return Ended(EPROTO);
    sent.bytes += taken;
    left -= taken;
    offset += taken;
    while (count > 0 && offset >= parts->iov_len) {
      offset -= parts->iov_len;
      ++parts;
      --count;
    }
  }
  if (left == 0 && ends_) SendCloseNotify();
  if (!blocked_) Flush();
  return sent;
}

// One record. 0: TLS has failed.
size_t TlsLayer::Encrypt(std::string_view bytes) {
  size_t taken = 0;
  ForgetErrors();
  SSL_write_ex(ssl(), bytes.data(), bytes.size(), &taken);
  return taken;
}

// One record of what several parts hold, from `offset` in the first.
size_t TlsLayer::EncryptSome(const iovec* parts, int count, size_t offset) {
  static_assert(kRecord <= kBlockBytes);
  char* const record = pool_.Take();
  size_t size = 0;
  for (int i = 0; i < count && size < kRecord; ++i) {
    const size_t bytes = std::min(parts[i].iov_len - offset, kRecord - size);
    std::memcpy(record + size,
                static_cast<const char*>(parts[i].iov_base) + offset, bytes);
    size += bytes;
    offset = 0;
  }
  const size_t taken = Encrypt({record, size});
  pool_.Give(record);
  return taken;
}

void TlsLayer::SendCloseNotify() {
  const bool whole = facts_.complete && !unsent() && !failed_;
  const bool said = (SSL_get_shutdown(ssl()) & SSL_SENT_SHUTDOWN) != 0;
  if (!whole || said || write_error_ != 0) return;
  ForgetErrors();
  SSL_shutdown(ssl());
}

void TlsLayer::NoteUnverified(X509_STORE_CTX* context) {
  const auto* const ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(
      context, SSL_get_ex_data_X509_STORE_CTX_idx()));
  TlsFacts& facts = Of(ssl).facts_;
  if (facts.bad_certificate != nullptr) return;
  TlsCertificate described;
  facts.verify_code = X509_STORE_CTX_get_error(context);
  facts.verify_depth = X509_STORE_CTX_get_error_depth(context);
  const X509* bad = X509_STORE_CTX_get_current_cert(context);
  if (bad == nullptr) bad = X509_STORE_CTX_get0_cert(context);
  if (bad != nullptr) described = Describe(*bad);
  // The names that count are those of the peer's own.
  if (const X509* const leaf = X509_STORE_CTX_get0_cert(context)) {
    described.names = Describe(*leaf).names;
    described.leaf_key = KeyHash(*leaf);
  }
  facts.bad_certificate =
      std::make_shared<const TlsCertificate>(std::move(described));
  const auto* const chain = X509_STORE_CTX_get0_untrusted(context);
  facts.chain =
      chain == nullptr ? 1 : static_cast<uint32_t>(sk_X509_num(chain));
  if (facts.verify_code == X509_V_ERR_CRL_HAS_EXPIRED && bad != nullptr) {
    facts.crl_next_update = NextUpdateOf(context, *bad);
  }
}

// The highest version that it offers: of 1.3 only the extension tells (RFC
// 8446, section 4.2.1).
int TlsLayer::OnClientHello(SSL* ssl, int*, void*) {
  uint16_t& highest = Of(ssl).facts_.client_version;
  highest = static_cast<uint16_t>(SSL_client_hello_get0_legacy_version(ssl));
  const unsigned char* data = nullptr;
  size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_supported_versions, &data,
                                &size) != 1) {
    return SSL_CLIENT_HELLO_SUCCESS;
  }
  for (size_t i = 1; i + 1 < size; i += 2) {
    const auto version = static_cast<uint16_t>(data[i] << 8 | data[i + 1]);
    const bool grease = (version & 0x0f0f) == 0x0a0a;  // RFC 8701
    if (!grease) highest = std::max(highest, version);
  }
  return SSL_CLIENT_HELLO_SUCCESS;
}

void TlsLayer::OnInfo(const SSL* ssl, int where, int value) {
  if ((where & SSL_CB_ALERT) == 0) return;
  TlsFacts& facts = Of(ssl).facts_;
  TlsAlert& alert = (where & SSL_CB_READ) != 0 ? facts.received : facts.sent;
  alert = {true, (value >> 8) == SSL3_AL_FATAL,
           static_cast<uint8_t>(value & 0xff), facts.complete};
}

// TLS 1.3 has the type of a record inside of it, TLS 1.2 in its header.
void TlsLayer::OnMessage(int sent, int, int type, const void* data, size_t size,
                         SSL* ssl, void*) {
  const bool typed =
      type == SSL3_RT_HEADER || type == SSL3_RT_INNER_CONTENT_TYPE;
  if (sent != 0 || !typed || size == 0) return;
  TlsLayer& layer = Of(ssl);
  const bool handshake =
      *static_cast<const uint8_t*>(data) == SSL3_RT_HANDSHAKE;
  if (handshake && layer.facts_.complete) ++layer.handshakes_;
}

}  // namespace whichhop
