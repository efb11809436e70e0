#pragma once
// `whichhop version`: what this is, and which libraries it runs with.

namespace whichhop {

int Version();

}  // namespace whichhop
