#pragma once
// "Did you mean ...?": the word that was meant, judged by how few slips of the
// keyboard lead from it to the one that was written.

#include <span>
#include <string>
#include <string_view>

namespace whichhop {

// Slips between two words: letters left out, added, exchanged or swapped with
// their neighbour. Case is no slip, nor is `-` for `_`.
size_t EditDistance(std::string_view a, std::string_view b);

// "; did you mean `listen`?", for the end of a message. Empty if no candidate
// is near `word`: one slip for every three letters.
std::string DidYouMean(std::string_view word,
                       std::span<const std::string_view> candidates);

}  // namespace whichhop
