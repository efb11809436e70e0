#include "proxy/server/server_address.h"

#include <algorithm>

#include "proxy/base/text.h"
#include "proxy/server/config_checks.h"

namespace whichhop {

bool ReadServerAddress(std::string_view text, ServerConfig* server) {
  if (!ServerAddressProblem(text).empty()) return false;
  if (const auto address = Address::Parse(text)) {
    server->address = *address;
    server->text = address->ToString();
    return true;
  }
  server->text = text;
  std::ranges::transform(server->text, server->text.begin(), LowerAscii);
  const size_t colon = server->text.rfind(':');
  server->host = server->text.substr(0, colon);
  server->port = static_cast<uint16_t>(*ParseDecimal(text.substr(colon + 1)));
  return true;
}

}  // namespace whichhop
