// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <memory>
#include <utility>
#include <vector>

namespace trine {

/// A vector whose copies share its elements until one of them is changed: a network of a hundred
/// megabytes of weights is copied often, and its weights are hardly ever changed.
template <typename T>
class SharedVector {
 public:
  SharedVector() = default;
  SharedVector(std::vector<T> elements)  // NOLINT: as a vector would
      : elements_(std::make_shared<std::vector<T>>(std::move(elements))) {}

  auto begin() const { return read().begin(); }
  auto end() const { return read().end(); }
  const T* data() const { return read().data(); }
  std::size_t size() const { return read().size(); }
  bool empty() const { return read().empty(); }
  const T& operator[](std::size_t i) const { return read()[i]; }
  bool operator==(const SharedVector& other) const {
    return elements_ == other.elements_ || read() == other.read();
  }

  /// The elements, to change them. Valid until this object is copied.
  std::vector<T>& edit() {
    if (!elements_)
      elements_ = std::make_shared<std::vector<T>>();
    else if (elements_.use_count() > 1)
      elements_ = std::make_shared<std::vector<T>>(*elements_);
    return *elements_;
  }

 private:
  const std::vector<T>& read() const {
    static const std::vector<T> none;
    return elements_ ? *elements_ : none;
  }

  std::shared_ptr<std::vector<T>> elements_;
};

}  // namespace trine
