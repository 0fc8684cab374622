// SPDX-License-Identifier: Apache-2.0

#include "sw/program/reach.h"

#include <fmt/format.h>

#include <algorithm>

namespace trine::program {
namespace {

using isa::difference;
namespace agu = isa::agu;
namespace limit = isa::limit;

std::int64_t floor_divide(std::int64_t a, std::int64_t b) {  // b > 0
  return a >= 0 ? a / b : -((b - 1 - a) / b);
}

/// The taps and positions along one axis, x or y.
struct Axis {
  std::int64_t start, stride, positions;  ///< coordinates of positions' first taps
  std::int64_t last, dil, size;           ///< taps - 1; taps outside of 0 .. size - 1 are masked
  std::int64_t position_step, tap_step;   ///< words

  /// Returns the words of all taps inside, for all positions, relative to the first position's
  /// first tap.
  Extent words() const {
    Extent words;
    for (std::int64_t tap = 0; tap <= last; ++tap) {
      const std::int64_t from = start + tap * dil;  // of position 0
      const std::int64_t first = std::max<std::int64_t>(0, -floor_divide(from, stride));
      const std::int64_t end = std::min(positions - 1, floor_divide(size - 1 - from, stride));
      if (first <= end)
        words.add(first * position_step + tap * tap_step, end * position_step + tap * tap_step);
    }
    return words;
  }
};

class Reacher {
 public:
  Reacher(const isa::LaneRegisters& r, const Walk& walk, std::int64_t& visits)
      : r_(r),
        walk_(walk),
        visits_(visits),
        tiles_(r.get(agu::kTilesLast) + 1),
        span_(r.get(agu::kXEnd) - r.get(agu::kXStart)),
        rows_span_(r.get(agu::kYEnd) - r.get(agu::kYStart)),
        stride_x_(r.get(agu::kStrideX)),
        stride_y_(r.get(agu::kStrideY)) {
    if (stride_x_ > 0) columns_ = span_ / stride_x_;
    if (stride_y_ > 0 && rows_span_ > 0) rows_ = (rows_span_ + stride_y_ - 1) / stride_y_;
  }

  Reached reached() {
    check_spans();
    if (!result_.problem) is_regular() ? regular() : one_by_one();
    return result_;
  }

 private:
  template <typename... Args>
  void object(fmt::format_string<Args...> format, Args&&... args) {
    if (!result_.problem) result_.problem = fmt::format(format, std::forward<Args>(args)...);
  }

  /// Checks that the lanes' counters hold the spans of the registers.
  void check_spans() {
    if (span_ > limit::kMostSpan)
      object("a row of positions spans {} columns, allowed {}", span_, limit::kMostSpan);
    if (rows_span_ > limit::kMostSpan)
      object("positions span {} rows, allowed {}", rows_span_, limit::kMostSpan);
    const std::int64_t x = r_.get(agu::kXEnd) - 1 + r_.get(agu::kSLast) * r_.get(agu::kDilX) +
                           (walk_.window ? r_.get(agu::kHalo) : 0);
    const std::int64_t y = r_.get(agu::kYEnd) - 1 + r_.get(agu::kRLast) * r_.get(agu::kDilY);
    if (x > limit::kMostTap) object("taps up to column {}, allowed {}", x, limit::kMostTap);
    if (y > limit::kMostTap) object("taps up to row {}, allowed {}", y, limit::kMostTap);
  }

  /// Returns true if the tiles visit all `rows_` x `columns_` positions, row by row.
  bool is_regular() const {
    if (stride_x_ < 1 || stride_y_ < 1 || span_ < 1 || span_ % stride_x_ != 0 || walk_.first)
      return false;
    if (tiles_ * walk_.positions < columns_ * rows_) return false;
    if (tiles_ == 1) return true;
    const std::int64_t rows = walk_.positions / columns_, columns = walk_.positions % columns_;
    const auto is = [](std::int64_t a, std::int64_t b) {
      return ((a - b) & isa::kAddressMask) == 0;
    };
    return r_.get(agu::kTileX) == columns * stride_x_ && r_.get(agu::kTileY) == rows * stride_y_ &&
           is(r_.get(agu::kTileBase), rows * row_step() + columns * stride_x_) &&
           is(r_.get(agu::kTileOut), rows * out_row_step() + columns * out_step());
  }
  std::int64_t row_step() const { return difference(r_, agu::kRowWrap) + span_; }
  std::int64_t out_step() const { return r_.get(agu::kOutSkip) + 1; }
  std::int64_t out_row_step() const {
    return difference(r_, agu::kOutWrap) + columns_ * out_step();
  }
  std::int64_t tap_step_x() const { return difference(r_, agu::kKxStep); }
  std::int64_t tap_step_y() const {
    return difference(r_, agu::kKyStep) + r_.get(agu::kSLast) * tap_step_x();
  }
  Axis x_axis(std::int64_t start, std::int64_t positions) const {
    return {start,
            std::max<std::int64_t>(stride_x_, 1),
            positions,
            r_.get(agu::kSLast),
            r_.get(agu::kDilX),
            r_.get(agu::kWidth),
            stride_x_,
            tap_step_x()};
  }
  Axis y_axis(std::int64_t start, std::int64_t positions) const {
    return {start,
            std::max<std::int64_t>(stride_y_, 1),
            positions,
            r_.get(agu::kRLast),
            r_.get(agu::kDilY),
            r_.get(agu::kHeight),
            row_step(),
            tap_step_y()};
  }

  void regular() {
    const std::int64_t last_row = (tiles_ * walk_.positions - 1) / columns_;
    if (last_row * stride_y_ - rows_span_ > limit::kMostSpan)
      object("lanes are {} rows below the last position, allowed {}",
             last_row * stride_y_ - rows_span_, limit::kMostSpan);
    if (rows_ == 0) return;
    const Extent taps = x_axis(r_.get(agu::kXStart), columns_).words() +
                        y_axis(r_.get(agu::kYStart), rows_).words() + walk_.taps;
    const std::int64_t base = r_.get(agu::kBase);
    if (!taps.empty()) result_.read.add(base + taps.low, base + taps.high);
    for (std::int64_t t = 0; walk_.window && t < tiles_ && r_.get(agu::kHalo) > 0; ++t) {
      const std::int64_t last = (t + 1) * walk_.positions - 1;
      const std::int64_t row = last / columns_, column = last % columns_;
      if (row >= rows_) break;
      neighbours(r_.get(agu::kXStart) + column * stride_x_, r_.get(agu::kYStart) + row * stride_y_,
                 base + row * row_step() + column * stride_x_);
    }
    const std::int64_t idle = walk_.window ? r_.get(agu::kIdle) : 0;
    const std::int64_t columns = (span_ - idle + stride_x_ - 1) / stride_x_;
    if (columns < 1 || walk_.written.empty()) return;
    Extent out;
    for (const std::int64_t row : {std::int64_t{0}, rows_ - 1})
      out.add(row * out_row_step(), row * out_row_step() + (columns - 1) * out_step());
    out = out + walk_.written;
    result_.written.add(r_.get(agu::kOut) + out.low, r_.get(agu::kOut) + out.high);
  }

  void one_position(std::int64_t x, std::int64_t y, std::int64_t base) {
    const Extent taps = x_axis(x, 1).words() + y_axis(y, 1).words() + walk_.taps;
    if (!taps.empty()) result_.read.add(base + taps.low, base + taps.high);
  }
  void neighbours(std::int64_t x, std::int64_t y, std::int64_t base) {
    for (std::int64_t right = stride_x_, n = 0; n < 3 && right <= r_.get(agu::kHalo);
         right += stride_x_, ++n)
      one_position(x + right, y, base + right);
  }

  /// Visits each lane of each tile, for any registers.
  void one_by_one() {
    isa::Lanes lanes(r_, walk_.positions);
    const std::int64_t x_end = r_.get(agu::kXEnd), y_end = r_.get(agu::kYEnd);
    const std::int64_t idle = walk_.window ? r_.get(agu::kIdle) : 0;
    const std::int64_t move = std::max(stride_x_, r_.get(agu::kTileX));
    for (std::int64_t t = 0; t < tiles_ && !result_.problem; ++t) {
      visits_ -= walk_.positions;
      if (visits_ < 0) return object("too many positions in an irregular order");
      for (std::size_t l = 0; l < lanes.lanes.size(); ++l) {
        const isa::Lanes::Lane& lane = lanes.lanes[l];
        const std::int64_t x = lane.x - x_end, y = lane.y - y_end;
        if (x < -limit::kMostSpan || x + move > limit::kMostSpan || y < -limit::kMostSpan ||
            y > limit::kMostSpan)
          return object(
              "a lane is {} columns and {} rows after the end of the positions, allowed distances "
              "up to {}",
              x, y, limit::kMostSpan);
        if (y >= 0) continue;
        one_position(lane.x, lane.y, lane.base);
        if (walk_.window && l + 1 == lanes.lanes.size()) neighbours(lane.x, lane.y, lane.base);
        const bool writes = lane.x < x_end - idle && (!walk_.first || l == 0);
        if (writes && !walk_.written.empty())
          result_.written.add(lane.out + walk_.written.low, lane.out + walk_.written.high);
      }
      if (t + 1 < tiles_) lanes.next_tile(r_);
    }
  }

  const isa::LaneRegisters& r_;
  const Walk& walk_;
  std::int64_t& visits_;
  Reached result_;
  std::int64_t tiles_, span_, rows_span_, stride_x_, stride_y_;
  std::int64_t columns_ = 0, rows_ = 0;  ///< of positions, if these are regular
};

}  // namespace

void Extent::add(std::int64_t first, std::int64_t last) {
  low = std::min({low, first, last});
  high = std::max({high, first, last});
}

Extent Extent::operator+(const Extent& other) const {
  Extent sum;
  if (!empty() && !other.empty()) sum = {low + other.low, high + other.high};
  return sum;
}

Reached reach(const isa::LaneRegisters& r, const Walk& walk, std::int64_t& visits) {
  return Reacher(r, walk, visits).reached();
}

}  // namespace trine::program
