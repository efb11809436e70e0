#pragma once
// The access log: one flat JSON object a line for every exchange, with
// OpenTelemetry's names, formatted into the worker's own chunk and written by
// the LogWriter's thread. On a terminal: a coloured line for people instead.

#include <cstdint>
#include <string>

#include "diagnostics/verdict.h"
#include "proxy/base/clock.h"
#include "proxy/base/counter.h"
#include "proxy/net/loop.h"
#include "proxy/server/json_line.h"
#include "proxy/server/log_writer.h"

namespace whichhop {

class Exchange;
struct Config;
struct Refusal;

class AccessLog final : private TimerEvents {
 public:
  // `dropped` counts the lines that have no place.
  AccessLog(Loop& loop, LogWriter& writer, WallText& wall_text,
            Counter& dropped);

  // Requires: the exchange is about to end; its facts are final.
  void Write(const Exchange& exchange);
  void Write(const Refusal& refusal, const Config& config);

  // Hands over what was formatted, if it is much; the rest follows within
  // 50 ms.
  void OnTurnEnd();
  void Flush();

 private:
  void OnTimer(Timer& timer) override;
  bool BeginLine();
  void BeginJson(const Config& config, std::string_view severity);
  void WriteJson(const Exchange& exchange);
  void WritePlain(const Exchange& exchange);
  void WriteJson(const Refusal& refusal, const Config& config);
  void EndJson();
  void WritePlain(const Refusal& refusal);
  void AppendPlainStatus(uint16_t status, bool error);
  void AppendVerdict(const diagnostics::Verdict& verdict,
                     std::string_view error_id);
  void AppendPlainVerdict(const diagnostics::Verdict& verdict,
                          std::string_view error_id);
  bool MakeRoom();

  Loop& loop_;
  LogWriter& writer_;
  WallText& wall_text_;
  Timer flush_timer_;
  JsonLine line_;
  std::string chunk_;
  Counter& dropped_;
};

}  // namespace whichhop
