// SPDX-License-Identifier: Apache-2.0
//
// The random numbers that a network or a configuration is made of, recorded, so that a failing one
// can be made simpler: the same generator runs again with some of its choices left out or lowered,
// and whatever it makes of them is legal. For that a generator puts its simplest case first (the
// lowest number), and repeats a part as long as more() says so.

#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace trine::fuzz {

/// What was chosen, above the lowest number each time.
using Record = std::vector<std::int32_t>;

class Choices {
 public:
  /// Draws, behind the first that are given.
  explicit Choices(std::uint64_t seed, Record first = {});
  /// Repeats; what the record lacks is the lowest.
  Choices(Record record, std::uint32_t data_seed);

  /// low..high, each as likely. A record may ask for more, up to `asked`: what is drawn otherwise
  /// stays as it was when a choice gets longer.
  int number(int low, int high, int asked);
  int number(int low, int high) { return number(low, high, high); }
  std::uint32_t data_seed() const { return data_seed_; }
  /// What was asked for so far.
  const Record& made() const { return made_; }

 private:
  bool replays_;
  std::mt19937_64 random_;
  std::uint32_t data_seed_;
  Record record_, made_;
};

// Choices from anything with number(low, high): the simplest case is the lowest number.

/// True once in `times`.
template <typename Source>
bool once_in(Source& source, int times) {
  return source.number(0, times - 1) == times - 1;
}

/// One of a list, the first is the simplest.
template <typename T, typename Source>
T any(Source& source, const std::vector<T>& list) {
  return list[static_cast<std::size_t>(source.number(0, static_cast<int>(list.size()) - 1))];
}

/// The last one mostly, so that networks get deep.
template <typename T, typename Source>
T recent(Source& source, const std::vector<T>& list) {
  const int last = static_cast<int>(list.size()) - 1;
  return once_in(source, 3) ? list[static_cast<std::size_t>(last - source.number(0, last))]
                            : list.back();
}

/// In any order; the simplest is as it is.
template <typename T, typename Source>
std::vector<T> shuffled(Source& source, std::vector<T> list) {
  for (int k = static_cast<int>(list.size()) - 1; k > 0; --k)
    std::swap(list[static_cast<std::size_t>(k)],
              list[static_cast<std::size_t>(k - source.number(0, k))]);
  return list;
}

/// Whether a part follows the first `n`; at least and at most so many.
template <typename Source>
bool more(Source& source, int n, int least, int most) {
  return n < least || (n < most && source.number(0, 3) != 0);
}

/// 1..most, small ones more likely.
template <typename Source>
int extent(Source& source, int most) {
  const int reach = source.number(0, 2);
  return source.number(1, reach == 2 ? most : reach == 1 ? (most + 3) / 4 : (most + 15) / 16);
}

/// "1,0,7" and back. @throws Error
std::string to_text(const Record& record);
Record parse_record(const std::string& text);

}  // namespace trine::fuzz
