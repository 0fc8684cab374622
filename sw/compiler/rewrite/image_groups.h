// SPDX-License-Identifier: Apache-2.0
//
// The order in which the images of a batch go through a sequence of steps. Groups of images go
// through a step one after the other, so that they share its weights while those are in PMEM.
// Groups are as large as DMEM allows. If early steps have larger maps, several small groups join to
// a larger one after them: one image at a time through the stem, all together through the last
// blocks.

#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "spec/config.h"

namespace trine::compiler {

/// The room in DMEM for the maps of several images.
struct BatchRoom {
  std::int64_t words = INT64_MAX;  ///< for the maps of a group, and of groups that wait for it
  /// Unless 0: an operator with more bytes of weights than this processes all images of a group
  /// with each chunk of weights. Its inputs may come from DRAM, and its outputs go there.
  std::int64_t weight_bytes = 0;
  std::int64_t chunk_words = 0;  ///< as `words`, for such an operator
};

/// Returns the rooms with which a search plans a batch. The images run one after the other, either
/// in groups that fit into half of DMEM (gaps and buffers use the rest) or in larger groups that
/// share chunks of weights.
inline std::array<BatchRoom, 3> batch_rooms(const spec::Config& config) {
  const std::int64_t dmem = config.dmem_words(), pmem = 4 * config.pmem_rows() * config.cols;
  return {BatchRoom{0}, BatchRoom{dmem / 2}, BatchRoom{dmem / 4 * 3, pmem, dmem / 8 * 7}};
}

/// A step of a batch: an operator, or several that stay together.
struct StepSize {
  std::int64_t words = 0;         ///< words of an image's maps that are in DMEM during the step
  std::int64_t waiting = 0;       ///< words of an image's maps that wait for the next step
  std::int64_t of_each = 0;       ///< further words of each image of a group; unless 0, in chunks
  std::int64_t weight_bytes = 0;  ///< bytes of constants
};

/// A step for one image.
struct StepOfImage {
  int step = 0, image = 0;
  constexpr bool operator==(const StepOfImage&) const = default;
};

/// Returns all steps of all images in the order with the fewest bytes of weights.
std::vector<StepOfImage> order_of_images(const std::vector<StepSize>& steps, int images,
                                         const BatchRoom& room);

}  // namespace trine::compiler
