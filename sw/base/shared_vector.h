// SPDX-License-Identifier: Apache-2.0

#pragma once

#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

namespace trine {

/// A vector whose copies share their elements until one copy is changed. A network with a hundred
/// megabytes of weights is copied often, but its weights are hardly ever changed.
template <typename T>
class SharedVector {
 public:
  SharedVector() = default;
  SharedVector(std::vector<T> elements)  // NOLINT: as a vector would
      : elements_(std::make_shared<std::vector<T>>(std::move(elements))) {}

  SharedVector(std::initializer_list<T> elements) : SharedVector(std::vector<T>(elements)) {}

  /// Returns the elements.
  const std::vector<T>& all() const {
    static const std::vector<T> none;
    return elements_ ? *elements_ : none;
  }
  auto begin() const { return all().begin(); }
  auto end() const { return all().end(); }
  const T* data() const { return all().data(); }
  std::size_t size() const { return all().size(); }
  bool empty() const { return all().empty(); }
  const T& operator[](std::size_t i) const { return all()[i]; }
  bool operator==(const SharedVector& other) const {
    return elements_ == other.elements_ || all() == other.all();
  }

  /// Returns the elements for writing. The reference is valid until this object is copied.
  std::vector<T>& edit() {
    if (!elements_)
      elements_ = std::make_shared<std::vector<T>>();
    else if (elements_.use_count() > 1)
      elements_ = std::make_shared<std::vector<T>>(*elements_);
    return *elements_;
  }

 private:
  std::shared_ptr<std::vector<T>> elements_;
};

}  // namespace trine
