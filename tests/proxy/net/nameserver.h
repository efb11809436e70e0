#pragma once
// A nameserver on a loop: a UDP socket of loopback without TCP, which answers
// each question as it is told to at the moment.

#include <optional>
#include <string>

#include "proxy/net/address.h"
#include "proxy/net/loop.h"

namespace whichhop {

enum Rcode { kNoError, kFormErr, kServFail, kNxDomain, kNotImp, kRefused };

class Nameserver final : private LevelWatch::Events {
 public:
  explicit Nameserver(Loop& loop);
  ~Nameserver() { Close(); }

  const Address& address() const { return address_; }
  void Close();

  Rcode rcode = kNoError;
  std::optional<uint16_t> extended;  // RFC 8914
  bool silent = false;
  bool silent_v6 = false;  // to questions for AAAA alone
  bool truncates = false;
  uint8_t ttl = 60;  // seconds
  std::string v4;    // the bytes of an address each; empty: none
  std::string v6;
  int questions = 0;

 private:
  void OnReadable() override;
  std::string Reply(const char* query) const;
  std::string Opt() const;

  int fd_;
  Address address_;
  LevelWatch watch_;
};

}  // namespace whichhop
