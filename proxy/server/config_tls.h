#pragma once
// The `tls` of listeners and upstreams: its keys, and the files that they name.
// Those are read at once, so that whatever is wrong with one is an error of the
// configuration, at the place of its path.

#include <string>
#include <vector>

#include "proxy/server/config.h"
#include "proxy/server/config_error.h"
#include "proxy/server/config_tree.h"

namespace whichhop {

// Listeners ask for certificates of `operator_ca` too, unless it is empty. What
// is wrong with that file is an error of ReadOperatorCa alone.
void ReadListenTls(const ConfigNode& node, const std::string& operator_ca,
                   ListenConfig& listen, ConfigErrors& errors);
void ListListenTlsKeys(const std::string& path,
                       std::vector<std::string>& paths);

void ReadUpstreamTls(const ConfigNode& node, UpstreamConfig& upstream,
                     ConfigErrors& errors);
void ListUpstreamTlsKeys(const std::string& path,
                         std::vector<std::string>& paths);
// Adds an error where a server has nothing that its certificate could be
// verified by. `node` is the upstream's.
void CheckVerifiable(const ConfigNode& node, const UpstreamConfig& upstream,
                     ConfigErrors& errors);

void ReadOperatorCa(const ConfigNode& node, ErrorsConfig& owner,
                    ConfigErrors& errors);

}  // namespace whichhop
