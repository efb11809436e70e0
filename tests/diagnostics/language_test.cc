#include "diagnostics/language.h"

#include <span>

#include "diagnostics/wording.h"
#include "tests/catch.h"

namespace whichhop::diagnostics {
namespace {

TEST_CASE("the language that is read best is spoken, else English") {
  struct Case {
    std::string_view accept_language;
    Language language;
  };
  const Case cases[] = {
      {"", Language::kEnglish},
      {"de", Language::kGerman},
      {"DE", Language::kGerman},
      {"de-DE", Language::kGerman},
      {"de-AT-1996", Language::kGerman},
      {"de-Latn-x-mine", Language::kGerman},  // a single letter goes along
      {"de-x", Language::kGerman},
      {"en", Language::kEnglish},
      {"en-US,en;q=0.9,de;q=0.8", Language::kEnglish},
      {"de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7", Language::kGerman},
      {"fr, de;q=0.5, en;q=0.4", Language::kGerman},
      {"fr, *;q=0.5", Language::kEnglish},
      {"*", Language::kEnglish},
      {"de;q=0", Language::kEnglish},
      {"de;q=0, en;q=0", Language::kEnglish},
      {"de;q=0.5, en;q=0.5", Language::kGerman},
      {"en;q=0.5, de;q=0.5", Language::kEnglish},
      {"en;q=0.1, de;q=0.2", Language::kGerman},
      {"den", Language::kEnglish},
      {"d", Language::kEnglish},
      {"-de", Language::kEnglish},
      {"de-", Language::kGerman},
      {"de;q=2", Language::kEnglish},
      {" de ; q=0.5 ,", Language::kGerman},
      {",,;;=\"", Language::kEnglish},
      {"\xFF\x01-de", Language::kEnglish},
  };
  for (const Case& c : cases) {
    INFO(c.accept_language);
    CHECK(NegotiateLanguage(c.accept_language) == c.language);
  }
}

template <typename Texts>
void CheckSaid(const Texts& texts, std::string_view what) {
  for (size_t i = 0; i < texts.size(); ++i) {
    INFO(what << " " << i << ": " << texts[i]);
    CHECK_FALSE(texts[i].empty());
    // They go into a page as they are.
    CHECK(texts[i].find_first_of("<>&\"") == texts[i].npos);
  }
}

TEST_CASE("every language says everything, and nothing that HTML escapes") {
  for (size_t i = 0; i < kLanguageCount; ++i) {
    const Language language = static_cast<Language>(i);
    const Wording& words = WordingOf(language);
    CHECK(words.language == language);
    INFO(LanguageTag(language));
    const std::string_view singles[] = {words.cause,
                                        words.reporter,
                                        words.cleared,
                                        words.unknown,
                                        words.here,
                                        words.none,
                                        words.upstream_answered,
                                        words.page,
                                        words.next_suspect,
                                        words.next_suspects,
                                        words.this_proxy,
                                        words.client_side,
                                        words.nobody_to_page,
                                        words.not_known,
                                        words.ask,
                                        words.or_word,
                                        words.who_reported,
                                        words.teapot,
                                        words.diagram,
                                        words.next,
                                        words.documented,
                                        words.documented_row,
                                        words.evidence,
                                        words.report,
                                        words.quote,
                                        words.error_id,
                                        words.fault,
                                        words.basis,
                                        words.host,
                                        words.path,
                                        words.next_hop,
                                        words.not_yours,
                                        words.look_it_up,
                                        words.no_suspect,
                                        words.our_step};
    CheckSaid(std::span(singles), "word");
    CheckSaid(words.bases, "basis");
    CheckSaid(words.parties, "party");
    CheckSaid(words.visitor, "visitor");
    CheckSaid(words.labels, "label");
    CheckSaid(words.owners, "owner");
    CheckSaid(words.steps, "step");
    if (language == Language::kEnglish) continue;
    CheckSaid(words.says, "row");
    CheckSaid(words.faults, "fault");
  }
}

TEST_CASE("what English says is what the tables say") {
  CHECK(kFaultTexts == kFaultCount);
  for (size_t i = 0; i < kRowCount; ++i) {
    CHECK(kEnglish.Says(static_cast<RowId>(i)) == kModel[i].says);
  }
  CHECK(kEnglish.Sentence(Fault::kRouteNone) ==
        GetFault(Fault::kRouteNone).sentence);
  CHECK(kGerman.Sentence(Fault::kRouteNone) !=
        GetFault(Fault::kRouteNone).sentence);
}

}  // namespace
}  // namespace whichhop::diagnostics
