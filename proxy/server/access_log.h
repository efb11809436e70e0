#pragma once
// The access log: one flat JSON object a line for every exchange, with
// OpenTelemetry's names, formatted into the worker's own chunk and written by
// the LogWriter's thread. On a terminal: a coloured line for people instead.

#include <cstdint>
#include <string>

#include "proxy/base/clock.h"
#include "proxy/base/counter.h"
#include "proxy/net/loop.h"
#include "proxy/server/log_writer.h"

namespace whichhop {

class Exchange;

class AccessLog final : private TimerEvents {
 public:
  // `dropped` counts the lines that have no place.
  AccessLog(Loop& loop, LogWriter& writer, WallText& wall_text,
            Counter& dropped);

  // Requires: the exchange is about to end; its facts are final.
  void Write(const Exchange& exchange);

  // Hands over what was formatted, if it is much; the rest follows within
  // 50 ms.
  void OnTurnEnd();
  void Flush();

 private:
  void OnTimer(Timer& timer) override;
  void WriteJson(const Exchange& exchange);
  void WritePlain(const Exchange& exchange);
  void AppendError(const Exchange& exchange);
  bool MakeRoom();

  Loop& loop_;
  LogWriter& writer_;
  WallText& wall_text_;
  Timer flush_timer_;
  std::string chunk_;
  Counter& dropped_;
};

}  // namespace whichhop
