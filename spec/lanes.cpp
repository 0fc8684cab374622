// SPDX-License-Identifier: Apache-2.0

#include "spec/lanes.h"

namespace trine::isa {

Lanes::Lanes(const isa::LaneRegisters& r, int rows, int neighbours, Pairs pairs)
    : lanes(static_cast<std::size_t>(rows + neighbours)),
      rows_(static_cast<std::size_t>(rows)),
      pairs_(pairs) {
  x_end_ = r.get(agu::kXEnd);
  x_span_ = x_end_ - r.get(agu::kXStart);
  y_end_ = r.get(agu::kYEnd);
  stride_x_ = r.get(agu::kStrideX);
  stride_y_ = r.get(agu::kStrideY);
  halo_ = neighbours > 0 ? r.get(agu::kHalo) : 0;
  idle_ = neighbours > 0 ? r.get(agu::kIdle) : 0;
  row_wrap_ = difference(r, agu::kRowWrap);
  out_wrap_ = difference(r, agu::kOutWrap);
  const std::int64_t out_step = r.get(agu::kOutSkip) + 1;
  Lane lane{r.get(agu::kXStart), r.get(agu::kYStart), r.get(agu::kBase), r.get(agu::kOut)};
  for (std::size_t l = 0; l < rows_; ++l) {
    lanes[l] = lane;
    if (pairs != Pairs::kNone) {
      lanes[++l] = lane;
      ++lanes[l].base;
      ++lanes[l].out;
    }
    advance(lane, stride_x_, 0, stride_x_, out_step);
  }
  set_neighbours();
}

void Lanes::next_tile(const isa::LaneRegisters& r) {
  for (std::size_t l = 0; l < rows_; ++l)
    advance(lanes[l], r.get(agu::kTileX), r.get(agu::kTileY), difference(r, agu::kTileBase),
            difference(r, agu::kTileOut));
  set_neighbours();
}

void Lanes::advance(Lane& lane, std::int64_t x, std::int64_t y, std::int64_t base,
                    std::int64_t out) const {
  lane.x += x;
  lane.y += y;
  lane.base += base;
  lane.out += out;
  if (lane.x >= x_end_) {
    lane.x -= x_span_;
    lane.y += stride_y_;
    lane.base += row_wrap_;
    lane.out += out_wrap_;
  }
}

void Lanes::set_neighbours() {
  for (std::size_t l = rows_; l < lanes.size(); ++l) {
    lanes[l] = lanes[l - 1];
    lanes[l].x += stride_x_;
    lanes[l].base += stride_x_;
  }
}

isa::Registers moved_down(const isa::Registers& registers, int core) {
  namespace agu = isa::agu;
  isa::LaneRegisters r(registers);
  const std::int64_t rows = core * r.get(agu::kCoreY);
  for (const isa::LaneField& row : {agu::kYStart, agu::kYEnd}) r.set(row, r.get(row) + rows);
  return r;
}

unsigned cores_of(const isa::Registers& registers, int cores) {
  const unsigned all = (1U << cores) - 1;
  const auto named =
      static_cast<unsigned>(isa::TransferRegisters(registers).get(isa::dma::kCores)) & all;
  return named == 0 ? all : named;
}

int core_read(const isa::Registers& registers, int cores) {
  const auto core = static_cast<int>(isa::TransferRegisters(registers).get(isa::dma::kFromCore));
  return core < cores ? core : 0;
}

}  // namespace trine::isa
