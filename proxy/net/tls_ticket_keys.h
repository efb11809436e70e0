#pragma once
// The keys of session tickets (RFC 8446, section 4.6.1; RFC 5077): one set for
// the process, so that any worker, and any configuration after a reload, knows
// the tickets of the others. A new key takes over once an hour; one that is
// older than a day opens nothing any more. Never written anywhere.
