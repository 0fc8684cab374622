// SPDX-License-Identifier: Apache-2.0
//
// Records the random numbers that make a network or a configuration, so that a failing one can be
// simplified. The same generator runs again with some of its choices left out or lowered, and its
// result is always legal. For this purpose a generator maps its simplest case to the lowest number,
// and repeats a part as long as more() returns true.

#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace trine::fuzz {

/// The chosen numbers, each minus its lowest value.
using Record = std::vector<std::int32_t>;

/// A source of recorded random numbers.
class Choices {
 public:
  /// Repeats the given first numbers and draws the others.
  explicit Choices(std::uint64_t seed, Record first = {});
  /// Repeats a record; missing numbers are the lowest.
  Choices(Record record, std::uint32_t data_seed);

  /// Returns a number of low..high with uniform probability. A recorded number may be larger, up to
  /// `asked`. A choice can thus be extended for records, while drawn networks stay the same.
  int number(int low, int high, int asked);
  int number(int low, int high) { return number(low, high, high); }
  std::uint32_t data_seed() const { return data_seed_; }
  /// Returns the record so far.
  const Record& made() const { return made_; }

 private:
  bool replays_;
  std::mt19937_64 random_;
  std::uint32_t data_seed_;
  Record record_, made_;
};

// Choices from any source with number(low, high): the simplest case is the lowest number.

/// Returns true once in `times`.
template <typename Source>
bool once_in(Source& source, int times) {
  return source.number(0, times - 1) == times - 1;
}

/// Returns an element of a list; the first is the simplest.
template <typename T, typename Source>
T any(Source& source, const std::vector<T>& list) {
  return list[static_cast<std::size_t>(source.number(0, static_cast<int>(list.size()) - 1))];
}

/// Returns mostly the last element, so that networks become deep.
template <typename T, typename Source>
T recent(Source& source, const std::vector<T>& list) {
  const int last = static_cast<int>(list.size()) - 1;
  return once_in(source, 3) ? list[static_cast<std::size_t>(last - source.number(0, last))]
                            : list.back();
}

/// Returns the list in any order; the simplest order is the given one.
template <typename T, typename Source>
std::vector<T> shuffled(Source& source, std::vector<T> list) {
  for (int k = static_cast<int>(list.size()) - 1; k > 0; --k)
    std::swap(list[static_cast<std::size_t>(k)],
              list[static_cast<std::size_t>(k - source.number(0, k))]);
  return list;
}

/// Returns true if another part follows the first `n` parts. The total is at least `least` and at
/// most `most`.
template <typename Source>
bool more(Source& source, int n, int least, int most) {
  return n < least || (n < most && source.number(0, 3) != 0);
}

/// Returns 1..most, small numbers with higher probability.
template <typename Source>
int extent(Source& source, int most) {
  const int reach = source.number(0, 2);
  return source.number(1, reach == 2 ? most : reach == 1 ? (most + 3) / 4 : (most + 15) / 16);
}

/// Returns "1,0,7"; parse_record() parses it. @throws Error
std::string to_text(const Record& record);
Record parse_record(const std::string& text);

}  // namespace trine::fuzz
