// SPDX-License-Identifier: Apache-2.0

#include "sw/cli/check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

namespace trine::cli {
namespace {

std::string element_text(const Array& array, std::size_t index) {
  const std::uint8_t* at = array.bytes.data() + index * array.element_bytes();
  if (array.dtype == "i1") return std::to_string(static_cast<int>(static_cast<std::int8_t>(*at)));
  if (array.dtype == "u1") return std::to_string(static_cast<int>(*at));
  if (array.dtype == "f4") {
    float value;
    std::memcpy(&value, at, sizeof value);
    return fmt::format("{}", value);
  }
  std::string hex = "0x";
  for (std::size_t i = array.element_bytes(); i-- > 0;) hex += fmt::format("{:02x}", at[i]);
  return hex;
}

/// Row-major index as coordinates.
std::vector<std::int64_t> coordinates(const Array& array, std::size_t index) {
  std::vector<std::int64_t> at(array.shape.size());
  auto rest = static_cast<std::int64_t>(index);
  for (std::size_t axis = at.size(); axis-- > 0;) {
    at[axis] = rest % array.shape[axis];
    rest /= array.shape[axis];
  }
  return at;
}

}  // namespace

std::string first_difference(const std::vector<Array>& expected, const std::vector<Array>& actual) {
  if (expected.size() != actual.size())
    return fmt::format("{} outputs, expected {}", actual.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const Array &want = expected[i], &have = actual[i];
    if (want.dtype != have.dtype || want.shape != have.shape)
      return fmt::format("output {}: {} [{}], expected {} [{}]", i, have.dtype,
                         fmt::join(have.shape, ", "), want.dtype, fmt::join(want.shape, ", "));
    const auto at = std::mismatch(want.bytes.begin(), want.bytes.end(), have.bytes.begin());
    if (at.first == want.bytes.end()) continue;
    const auto index =
        static_cast<std::size_t>(at.first - want.bytes.begin()) / want.element_bytes();
    return fmt::format("output {} at [{}]: {}, expected {}", i,
                       fmt::join(coordinates(want, index), ", "), element_text(have, index),
                       element_text(want, index));
  }
  return "";
}

Execution run_cases(const reference::VectorSet& vectors, const Runner& runner, bool quiet,
                    std::vector<std::string>& differences) {
  Execution execution;
  Progress progress(fmt::format("{}: running", vectors.model), quiet);
  const Stopwatch watch;
  for (const reference::VectorCase& one : vectors.cases) {
    progress.update(fmt::format("vector {} of {}", execution.vectors + 1, vectors.cases.size()));
    sim::RunResult result = runner(one.inputs);
    const std::string difference = first_difference(one.outputs, result.outputs);
    if (!difference.empty()) differences.push_back(fmt::format("{}: {}", one.id, difference));
    execution.add(std::move(result), difference.empty());
  }
  execution.seconds = watch.seconds();
  return execution;
}

}  // namespace trine::cli
