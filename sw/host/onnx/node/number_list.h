// SPDX-License-Identifier: Apache-2.0
//
// Holds the numbers of a constant. They are stored in a vector, or a function computes each when it
// is needed. For example, 200 MB of codes then remain bytes of the file, with only one scale for
// each channel.

#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <stdexcept>
#include <utility>
#include <vector>

namespace trine::host::onnx {

template <typename T>
/// A list of numbers that are stored, or computed when they are read.
class NumberList {
 public:
  using value_type = T;

  /// A random-access iterator. Elements are values, not references.
  class Iterator {
   public:
    using iterator_concept = std::random_access_iterator_tag;
    using iterator_category = std::random_access_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = T;

    Iterator() = default;
    Iterator(const NumberList* of, std::size_t at) : of_(of), at_(at) {}
    T operator*() const { return (*of_)[at_]; }
    T operator[](difference_type n) const { return *(*this + n); }
    Iterator& operator+=(difference_type n) {
      at_ += static_cast<std::size_t>(n);
      return *this;
    }
    Iterator& operator-=(difference_type n) { return *this += -n; }
    Iterator& operator++() { return *this += 1; }
    Iterator& operator--() { return *this -= 1; }
    Iterator operator++(int) { return std::exchange(*this, *this + 1); }
    Iterator operator--(int) { return std::exchange(*this, *this - 1); }
    friend Iterator operator+(Iterator i, difference_type n) { return i += n; }
    friend Iterator operator+(difference_type n, Iterator i) { return i += n; }
    friend Iterator operator-(Iterator i, difference_type n) { return i -= n; }
    friend difference_type operator-(const Iterator& a, const Iterator& b) {
      return static_cast<difference_type>(a.at_) - static_cast<difference_type>(b.at_);
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }
    std::strong_ordering operator<=>(const Iterator& other) const { return at_ <=> other.at_; }

   private:
    const NumberList* of_ = nullptr;
    std::size_t at_ = 0;
  };

  NumberList() = default;
  NumberList(std::vector<T> held) : held_(std::move(held)) {}  // NOLINT: as a vector would
  NumberList(std::initializer_list<T> held) : held_(held) {}
  /// Makes a list whose elements are computed.
  /// @param made  returns the element at each index below `size`; must stay valid
  NumberList(std::size_t size, std::function<T(std::size_t)> made)
      : made_(std::move(made)), size_(size) {}

  std::size_t size() const { return made_ ? size_ : held_.size(); }
  bool empty() const { return size() == 0; }
  T operator[](std::size_t i) const { return made_ ? made_(i) : held_[i]; }
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, size()}; }
  /// Returns an element.
  /// @throws std::out_of_range
  T at(std::size_t i) const {
    if (i >= size()) throw std::out_of_range("a constant has too few elements");
    return (*this)[i];
  }
  T back() const { return (*this)[size() - 1]; }
  bool operator==(const NumberList& other) const {
    if (size() != other.size()) return false;
    for (std::size_t i = 0; i < size(); ++i)
      if ((*this)[i] != other[i]) return false;
    return true;
  }

  std::vector<T>& all() { return hold(); }
  const T* data() const { return hold().data(); }

  T& operator[](std::size_t i) { return made_ ? all()[i] : held_[i]; }
  auto begin() { return all().begin(); }
  auto end() { return all().end(); }
  void clear() { all().clear(); }
  void push_back(T value) { all().push_back(value); }
  void reserve(std::size_t size) { all().reserve(size); }
  void resize(std::size_t size, T value = {}) { all().resize(size, value); }
  template <typename First, typename Last>
  void assign(First first, Last last) {
    all().assign(first, last);
  }

 private:
  /// Computes the elements into the vector, unless they are there already.
  std::vector<T>& hold() const {
    if (made_) {
      held_ = std::vector<T>(begin(), end());
      made_ = nullptr;
    }
    return held_;
  }

  mutable std::vector<T> held_;
  mutable std::function<T(std::size_t)> made_;  ///< in place of `held_`
  std::size_t size_ = 0;                        ///< number of elements that `made_` computes
};

}  // namespace trine::host::onnx
