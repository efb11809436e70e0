#pragma once
// The end of a load, told to people and to programs.

#include "bench/load_tally.h"

namespace load {

// On stdout. `seconds`: from the first request's time to the last answer.
void PrintReport(const Options& options, const Tally& tally, double seconds);

// As JSON into options.json. False if that can't be written.
bool WriteReport(const Options& options, const Tally& tally, double seconds);

// Whether no answer was lost, crossed or mislabelled, and none is missing.
bool IsGood(const Options& options, const Tally& tally);

}  // namespace load
