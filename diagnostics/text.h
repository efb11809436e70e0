#pragma once
// How anything is said: JSON, structured fields (RFC 9651), HTML and lines for
// a terminal. All append to a string, so that a caller can reuse its memory.

#include <cstdint>
#include <string>
#include <string_view>

namespace whichhop::diagnostics {

// A JSON string with its quotes. Valid UTF-8 passes; any other byte becomes
// the four characters \xNN in the string's value. Control characters, DEL and
// U+2028/2029 are escaped.
void AppendJsonString(std::string& out, std::string_view text);

// `"key":` ready for a value, after a comma unless `{`, `[` or nothing is
// before it. Requires: the key needs no escaping.
void AppendJsonKey(std::string& out, std::string_view key);

void AppendInteger(std::string& out, uint64_t number);

// An sf-token where the text is one, else an sf-string.
void AppendSfTokenOrString(std::string& out, std::string_view text);
// An sf-string: quotes and backslashes escaped, anything that is not printable
// ASCII percent-encoded.
void AppendSfString(std::string& out, std::string_view text);
// An sf-token where the text is one, else a byte sequence.
void AppendSfTokenOrBytes(std::string& out, std::string_view text);
bool IsSfToken(std::string_view text);

// Text in HTML, also inside a quoted attribute. Bytes that are not UTF-8
// become U+FFFD, control characters too.
void AppendHtml(std::string& out, std::string_view text);

// Text for a terminal or a text/plain body: no control character, no escape
// sequence, no byte that is not UTF-8 passes; they become \xNN.
void AppendTerminal(std::string& out, std::string_view text);

// The length of the valid UTF-8 sequence that `text` starts with, 1 to 4; 0
// where it starts with none. Overlong forms and surrogates are not valid.
size_t Utf8SequenceLength(std::string_view text);

}  // namespace whichhop::diagnostics
