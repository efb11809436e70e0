#pragma once
// `errors.pages`: an operator's own pages of errors. The files are read at
// once, so that whatever is wrong with one is an error of the configuration: at
// the place of its path where it can't be read, else at its own.

#include <string>
#include <vector>

#include "proxy/server/config.h"
#include "proxy/server/config_error.h"
#include "proxy/server/config_tree.h"

namespace whichhop {

void ReadPages(const ConfigNode& node, ErrorsConfig& owner,
               ConfigErrors& errors);
void ListPagesKeys(const std::string& path, std::vector<std::string>& paths);

}  // namespace whichhop
