#pragma once
// An AdminSession is one connection to an admin or probe listener: one request,
// one answer, and the end. Owned by the Admin, on whose loop it lives; dies by
// Close().
//
// It reads with the parser of the data path, but nothing else is shared with
// it: a probe is no exchange, and is not counted as one.

#include <string>
#include <string_view>

#include "proxy/http/request_parser.h"
#include "proxy/net/buffer.h"
#include "proxy/net/loop.h"
#include "proxy/net/send_queue.h"
#include "proxy/net/stream.h"

namespace whichhop {

class Admin;

inline constexpr std::string_view kPlainText = "text/plain; charset=utf-8";

struct AdminAnswer {
  int status;
  std::string_view content_type;
  std::string body;
};

class AdminSession final : public Retired,
                           private WatchEvents,
                           private TimerEvents {
 public:
  // `whole`: see Admin::Answer.
  AdminSession(Admin& admin, Socket socket, bool whole);
  ~AdminSession() override;

  // False if the kernel takes no more registrations: the session is closed.
  [[nodiscard]] bool Start();
  void Close();

 private:
  enum class Phase : uint8_t { kHead, kAnswer, kLinger };

  void OnReadable() override;
  void OnWritable() override;
  void OnTimer(Timer& timer) override;
  void ReadHead();
  void AnswerRequest();
  void Refuse(const ParseError& error);
  void Send(const AdminAnswer& answer);
  void Flush();
  void DiscardInput();

  Admin& admin_;
  const bool whole_;
  Stream stream_;
  Watch watch_;
  Timer timer_;
  Buffer in_;
  RequestParser parser_;
  std::string out_;
  SendQueue queue_;
  Phase phase_ = Phase::kHead;
  size_t discarded_ = 0;   // bytes
  bool bodiless_ = false;  // the request is a HEAD
  bool closed_ = false;
};

}  // namespace whichhop
