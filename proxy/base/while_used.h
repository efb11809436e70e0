#pragma once
// Values by key that live as long as somebody uses them: whoever asks for one
// shares it with all who have asked before. Not thread-safe by itself.

#include <map>
#include <memory>
#include <string>

namespace whichhop {

template <typename Value>
class WhileUsed {
 public:
  // The one in use, or a new one.
  std::shared_ptr<Value> Of(const std::string& key) {
    std::erase_if(known_,
                  [](const auto& entry) { return entry.second.expired(); });
    std::weak_ptr<Value>& known = known_[key];
    std::shared_ptr<Value> value = known.lock();
    if (value == nullptr) known = value = std::make_shared<Value>();
    return value;
  }

 private:
  std::map<std::string, std::weak_ptr<Value>> known_;
};

}  // namespace whichhop
