// SPDX-License-Identifier: Apache-2.0

#include "tools/random/choices.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cassert>
#include <charconv>

#include "sw/base/error.h"

namespace trine::fuzz {

Choices::Choices(std::uint64_t seed, Record first)
    : replays_(false),
      random_(seed),
      data_seed_(static_cast<std::uint32_t>(random_())),
      record_(std::move(first)) {}

Choices::Choices(Record record, std::uint32_t data_seed)
    : replays_(true), random_(0), data_seed_(data_seed), record_(std::move(record)) {}

int Choices::number(int low, int high, int asked) {
  assert(low <= high && high <= asked);
  std::int32_t above = 0;
  if (made_.size() < record_.size())
    above = std::clamp(record_[made_.size()], 0, asked - low);
  else if (!replays_)
    above = std::uniform_int_distribution<std::int32_t>(0, high - low)(random_);
  made_.push_back(above);
  return low + above;
}

std::string to_text(const Record& record) { return fmt::format("{}", fmt::join(record, ",")); }

Record parse_record(const std::string& text) {
  Record record;
  const char* at = text.data();
  const char* end = at + text.size();
  while (at != end) {
    std::int32_t value = 0;
    const auto [next, error] = std::from_chars(at, end, value);
    if (error != std::errc() || (next != end && (*next != ',' || next + 1 == end)))
      throw_error("'{}': not a list of numbers", text);
    record.push_back(value);
    at = next == end ? end : next + 1;
  }
  return record;
}

}  // namespace trine::fuzz
