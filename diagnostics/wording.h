#pragma once
// All that a page says, in each language: one table a language. English is
// said everywhere else too (plain text, fields, log); what it shares with them
// comes from their tables.
//
// A new language is a value of Language, its tag in language.cc and a table
// like wording_de.cc; wording_test.cc says what is missing in it.

#include <array>
#include <string_view>

#include "diagnostics/advice.h"
#include "diagnostics/fault.h"
#include "diagnostics/hop.h"
#include "diagnostics/language.h"
#include "diagnostics/model.h"

namespace whichhop::diagnostics {

// The faults of fault.inc.
inline constexpr size_t kFaultTexts = [] {
  size_t count = 0;
#define WHICHHOP_FAULT(...) ++count;
#include "diagnostics/fault.inc"
#undef WHICHHOP_FAULT
  return count;
}();

struct Wording {
  Language language;

  // What is known of a hop, as a word in its box.
  std::string_view cause;
  std::string_view reporter;
  std::string_view cleared;
  std::string_view unknown;
  std::string_view here;  // which box this proxy is
  std::string_view none;  // an empty list

  // The summary. <...> stands for what is put between.
  std::string_view upstream_answered;  // ... <502 Bad Gateway>
  std::string_view page;               // ... <whoever runs the app> (app)
  std::string_view next_suspect;       // ...<server>
  std::string_view next_suspects;      // ...<server, lb>
  std::string_view this_proxy;         // an owner: of the box that we are
  std::string_view client_side;        // ...<browser, browser-app>
  std::string_view nobody_to_page;     // ends client_side
  std::string_view not_known;          // who caused it
  std::string_view ask;                // ...<lb or server>
  std::string_view or_word;            // between two that are asked
  std::string_view who_reported;       // ends ask
  std::string_view teapot;             // nothing is broken

  // Headings, and what stands below them.
  std::string_view panel;           // label of what is added to a page
  std::string_view diagram;         // title of the diagram
  std::string_view next;            // what to do next
  std::string_view documented;      // rows of the model
  std::string_view documented_row;  // ...<502A>
  std::string_view evidence;        // for operators
  std::string_view report;          // what to quote
  std::string_view quote;           // why
  std::string_view error_id;
  std::string_view fault;
  std::string_view basis;
  std::string_view host;
  std::string_view path;
  std::string_view next_hop;
  std::array<std::string_view, 4> bases;  // by Basis

  // What to do next.
  std::array<std::string_view, kPartyCount> parties;  // who they are
  std::array<std::string_view, kVisitorStepCount> visitor;
  std::string_view not_yours;   // no suspect is this party's
  std::string_view look_it_up;  // the owner, where nobody is suspected
  std::string_view no_suspect;  // the network, where nobody is suspected
  std::string_view our_step;    // where this proxy is suspected

  std::array<std::string_view, kHopCount> labels;  // captions of boxes
  std::array<std::string_view, kHopCount> owners;  // "whoever runs the app"
  std::array<std::string_view, kHopCount> steps;   // where to look first
  // Empty where the model's row, and fault.inc, say it in English.
  std::array<std::string_view, kRowCount> says;      // what a status means
  std::array<std::string_view, kFaultTexts> faults;  // what happened

  std::string_view Says(RowId row) const {
    const std::string_view text = says[static_cast<size_t>(row)];
    return text.empty() ? GetRow(row).says : text;
  }
  std::string_view Sentence(Fault what) const {
    const std::string_view text = faults[static_cast<size_t>(what)];
    return text.empty() ? GetFault(what).sentence : text;
  }
};

const Wording& WordingOf(Language language);

// The tables.
extern const Wording kEnglish;
extern const Wording kGerman;

}  // namespace whichhop::diagnostics
