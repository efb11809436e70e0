#pragma once
// `whichhop check`: is this configuration valid? Binds nothing.

#include <iostream>
#include <string>

namespace whichhop {

// Writes every error of the file at `path` to `err`, one a line, and returns
// 1; or says "PATH: ok" and what the configuration holds, and returns 0.
int Check(const std::string& path, std::ostream& out = std::cout,
          std::ostream& err = std::cerr);

}  // namespace whichhop
