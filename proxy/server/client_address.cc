#include "proxy/server/client_address.h"

#include <algorithm>
#include <optional>

#include "proxy/http/forwarded.h"

namespace whichhop {

namespace {

// Whom the fields of one kind name; nothing if whoever wrote last, the peer,
// names nobody. Read from the left, and so each element is taken as if all to
// its right were trusted: one that is not trusted is the client for all that
// we know, and forgets who stands before it; one that names nobody does, too.
template <typename Reader>
std::optional<Ip> Walk(FieldId id, const FieldTable& fields, const char* data,
                       std::span<const Network> trusted) {
  std::optional<Ip> client;
  for (const Field& field : fields.all()) {
    if (field.id != id) continue;
    Reader reader(ValueOf(data, field));
    while (reader.Next()) {
      const std::optional<Ip> named = Ip::Parse(reader.address());
      const bool passed_on = named && client && IsTrusted(*named, trusted);
      if (!passed_on) client = named;
    }
    if (reader.malformed()) client.reset();
  }
  return client;
}

// An address alone, and only once: it says nothing of the proxies between.
std::optional<Ip> CfConnectingIp(const FieldTable& fields, const char* data) {
  if (fields.Repeated(FieldId::kCfConnectingIp)) return std::nullopt;
  return Ip::Parse(ValueOf(data, *fields.First(FieldId::kCfConnectingIp)));
}

bool IsIn(std::span<const Network> networks, const Ip& ip) {
  return std::ranges::any_of(
      networks, [&ip](const Network& network) { return network.Contains(ip); });
}

}  // namespace

bool IsOperator(const ClientAddress& client,
                std::span<const Network> operators) {
  return client.certain && IsIn(operators, client.ip);
}

bool IsTrusted(const Ip& ip, std::span<const Network> trusted) {
  return IsIn(trusted, ip);
}

ClientAddress FindClient(const FieldTable& fields, const char* data,
                         const Ip& peer, std::span<const Network> trusted) {
  std::optional<Ip> said[3];
  size_t kinds = 0;
  if (fields.Has(FieldId::kXForwardedFor)) {
    said[kinds++] = Walk<ForwardedForReader>(FieldId::kXForwardedFor, fields,
                                             data, trusted);
  }
  if (fields.Has(FieldId::kForwarded)) {
    said[kinds++] =
        Walk<ForwardedReader>(FieldId::kForwarded, fields, data, trusted);
  }
  if (fields.Has(FieldId::kCfConnectingIp)) {
    said[kinds++] = CfConnectingIp(fields, data);
  }
  const bool agreed =
      std::all_of(said, said + kinds,
                  [&said](const auto& other) { return other == said[0]; });
  const Ip& client = kinds > 0 && said[0] ? *said[0] : peer;
  return {client, agreed && !IsTrusted(client, trusted)};
}

}  // namespace whichhop
