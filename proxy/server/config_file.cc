#include "proxy/server/config_file.h"

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include "proxy/base/result.h"
#include "proxy/server/config_error.h"
#include "proxy/server/config_loader.h"

namespace whichhop {

namespace {

constexpr size_t kMaxFileBytes = 1024 * 1024;

Error LastError() { return {std::generic_category().message(errno)}; }

Result<std::string> ReadFile(const std::string& path) {
  using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
  const File file(std::fopen(path.c_str(), "rbe"), std::fclose);
  if (file == nullptr) return LastError();
  std::string text(kMaxFileBytes + 1, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (std::ferror(file.get()) != 0) return LastError();
  if (text.size() > kMaxFileBytes) return Error{"has more than 1 MiB"};
  return text;
}

}  // namespace

std::optional<Config> LoadConfigFile(const std::string& path,
                                     std::vector<std::string>& messages) {
  messages.clear();
  const Result<std::string> yaml = ReadFile(path);
  if (!yaml.ok()) {
    messages.push_back(path + ": " + yaml.error());
    return std::nullopt;
  }
  ConfigErrors errors;
  std::optional<Config> config = LoadConfig(yaml.value(), errors);
  for (const ConfigError& error : errors) {
    messages.push_back(FormatConfigError(path, error));
  }
  return config;
}

}  // namespace whichhop
