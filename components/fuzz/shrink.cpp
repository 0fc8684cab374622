// SPDX-License-Identifier: Apache-2.0
//
// Simplifies cases as in property-based testing: leaves out blocks of the recorded choices or
// lowers numbers, and tries the network that the generators make of the rest. A shorter record is
// simpler; of equally long records, the one with lower numbers.

#include <algorithm>

#include "components/fuzz/pair.h"

namespace trine::fuzz {
namespace {

bool simpler(const Record& a, const Record& b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

class Shrinker {
 public:
  Shrinker(Case c, const std::function<bool(const Pair&)>& fails, int most,
           const spec::Config* config)
      : best_(std::move(c)),
        fails_(fails),
        left_(most),
        config_(config),
        decoder_(pair_of(best_).decoder != nullptr) {}

  Case run(bool keep_config) {
    for (bool better = true; better && left_ > 0;) {
      better = cut();
      for (Record Case::*record : {&Case::network, &Case::config}) {
        if (keep_config && record == &Case::config) continue;
        better |= leave_out(record);
        better |= lower(record);
      }
    }
    return best_;
  }

 private:
  /// Removes operators at the end and at the beginning.
  bool cut() {
    bool better = false;
    for (const bool at_end : {true, false})
      for (int less = operators(best_) - 1; less > 0;) {
        Case c = best_;
        c.count = operators(best_) - less;
        if (!at_end) c.first += less;
        if (c.count > 0 && left_ > 0 && holds(c))
          better = true;
        else
          less /= 2;
      }
    return better;
  }

  /// Returns the number of operators in a network that can be cut.
  int operators(const Case& c) const {
    const Pair p = pair_of(c);
    return p.decoder != nullptr || p.imported != nullptr ? 0 : static_cast<int>(p.graph.ops.size());
  }

  /// Removes blocks, long ones first; an operator has few choices.
  bool leave_out(Record Case::*record) {
    bool better = false;
    constexpr std::size_t kOperator = 20;
    for (std::size_t length = (best_.*record).size(); length > 0;
         length = length > 2 * kOperator ? length / 2 : std::min(length - 1, kOperator))
      for (std::size_t at = 0; at + length <= (best_.*record).size();) {
        Case c = best_;
        const auto first = (c.*record).begin() + static_cast<std::ptrdiff_t>(at);
        (c.*record).erase(first, first + static_cast<std::ptrdiff_t>(length));
        if (attempt(c, record))
          better = true;
        else
          at += length > kOperator ? length / 2 : 1;
      }
    return better;
  }

  bool lower(Record Case::*record) {
    bool better = false;
    for (std::size_t i = 0; i < (best_.*record).size(); ++i) {
      const std::int32_t value = (best_.*record)[i];
      for (const std::int32_t less : {std::int32_t{0}, value / 2, value - 1}) {
        if (less >= value || less < 0) continue;
        Case c = best_;
        (c.*record)[i] = less;
        if (!attempt(c, record)) continue;
        better = true;
        break;
      }
    }
    return better;
  }

  Pair pair_of(const Case& c) const {
    Pair p = config_ != nullptr ? make_pair(c, *config_) : make_pair(c);
    if (config_ != nullptr) p.made.config = c.config;
    return p;
  }

  bool attempt(const Case& c, Record Case::*record) {
    if (left_ <= 0) return false;
    const Pair p = pair_of(c);
    return simpler(p.made.*record, best_.*record) && holds(p);
  }

  bool holds(const Case& c) { return holds(pair_of(c)); }
  bool holds(const Pair& p) {
    --left_;
    const bool other = (p.decoder != nullptr) != decoder_;
    if (other || p.graph.ops.empty() || !fails_(p)) return false;
    best_ = p.made;
    return true;
  }

  Case best_;
  const std::function<bool(const Pair&)>& fails_;
  int left_;
  const spec::Config* config_;
  bool decoder_;  ///< keeps the kind of network, because few numbers make many operators
};

}  // namespace

Case shrink(Case c, const std::function<bool(const Pair&)>& fails, bool keep_config, int most,
            const spec::Config* config) {
  return Shrinker(std::move(c), fails, most, config).run(keep_config || config != nullptr);
}

}  // namespace trine::fuzz
