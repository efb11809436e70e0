#pragma once
// The labels of a series, as Prometheus and OpenMetrics write them:
// `phase="dns",side="upstream"`.

#include <string>
#include <string_view>

namespace whichhop {

class Labels {
 public:
  void Clear() { text_.clear(); }
  // An empty value is the same as no label: nothing is added.
  // Requires: `name` is a name of a label. What is no UTF-8 in the value
  // becomes \xNN: one such byte, and nothing of the page would be taken.
  void Add(std::string_view name, std::string_view value);
  std::string_view text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace whichhop
