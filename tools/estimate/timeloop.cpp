// SPDX-License-Identifier: Apache-2.0
//
// Prints Timeloop's files, version 0.4: https://timeloop.csail.mit.edu (Parashar et al., ISPASS
// 2019).

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sw/base/division.h"
#include "tools/estimate/planned_dram.h"

namespace trine::estimate {
namespace {

/// Constraints of a dataflow on mappings, in Timeloop's dimensions N, M, C, R, S, P, Q.
struct Order {
  const char* keep;    ///< data kept in registers of each PE
  const char* bypass;  ///< data without registers in a PE
  const char* spread;  ///< dimensions over the array: across, then down
  int across;          ///< number of these that are across
  const char* alone;   ///< dimensions that are not spread
};
constexpr std::array<Order, 4> kOrders = {{
    {"[Outputs]", "[Inputs, Weights]", "[M, P, Q, N, C, R, S]", 1, "[N=1, C=1, R=1, S=1]"},
    {"[Weights]", "[Inputs, Outputs]", "[M, C, R, S, N, P, Q]", 1, "[N=1, P=1, Q=1]"},
    {"[Inputs]", "[Weights, Outputs]", "[P, Q, C, R, S, N, M]", 2, "[N=1, M=1]"},
    {"[Inputs, Weights, Outputs]", "[]", "[P, R, C, N, M, S, Q]", 1, "[N=1, M=1, S=1, Q=1]"},
}};

/// Returns the registers of a PE in words: one for its datum, or rows (weights, inputs, sums).
int depth_of(Dataflow flow) { return flow == Dataflow::kRow ? 224 + 12 + 24 : 1; }

}  // namespace

std::string timeloop_architecture(Dataflow flow, const Resources& r, int bus_bits) {
  const Order& order = kOrders[static_cast<std::size_t>(flow)];
  const int sum_bits = flow == Dataflow::kOutput ? 32 : 8;
  return fmt::format(
      R"(# {0} stationary on {1} x {2} PEs; written by trine estimate --timeloop
architecture:
  version: 0.4
  nodes:
  - !Container
    name: system
    attributes: {{technology: "45nm", global_cycle_seconds: 1e-9}}
  - !Component
    name: DRAM
    class: DRAM
    attributes: {{type: LPDDR4, width: {3}, datawidth: 8}}
  - !Container
    name: chip
  - !Component
    name: buffer
    class: smartbuffer_SRAM
    attributes: {{depth: {4}, width: {3}, datawidth: 8, n_banks: 1}}
  - !Container
    name: PE
    spatial: {{meshX: {2}, meshY: {1}}}
    constraints:
      spatial:
        permutation: {5}
        split: {6}
        factors: {7}
  - !Component
    name: registers
    class: reg_storage
    attributes: {{depth: {8}, width: {9}, datawidth: {9}}}
    constraints:
      dataspace: {{keep: {10}, bypass: {11}}}
  - !Component
    name: mac
    class: intmac
    attributes: {{datawidth: 8, width: 8}}
)",
      kDataflows[static_cast<std::size_t>(flow)], r.rows, r.columns, bus_bits,
      r.buffer_bytes * 8 / bus_bits, order.spread, order.across, order.alone, depth_of(flow),
      sum_bits, order.keep, order.bypass);
}

std::string timeloop_problem(const Product& p) {
  return fmt::format(R"(# {0}, of which there are {1}; written by trine estimate --timeloop
problem:
  version: 0.4
  shape:
    name: product
    dimensions: [C, M, R, S, N, P, Q]
    coefficients:
    - {{name: Hstride, default: 1}}
    - {{name: Wstride, default: 1}}
    - {{name: Hdilation, default: 1}}
    - {{name: Wdilation, default: 1}}
    data_spaces:
    - name: Weights
      projection: [[[C]], [[M]], [[R]], [[S]]]
    - name: Inputs
      projection: [[[N]], [[C]], [[R, Hdilation], [P, Hstride]], [[S, Wdilation], [Q, Wstride]]]
    - name: Outputs
      projection: [[[N]], [[M]], [[Q]], [[P]]]
      read_write: true
  instance: {{C: {2}, M: {3}, R: {4}, S: {5}, N: 1, P: {6}, Q: {7}, Hstride: {8}, Wstride: {9}, Hdilation: {10}, Wdilation: {11}}}
)",
                     p.name, p.times, p.C, p.M, p.R, p.S, p.P, p.Q, p.stride_h, p.stride_w,
                     p.dilation_h, p.dilation_w);
}

namespace {

/// The sizes of a dimension's tiles, from the innermost level to the whole dimension.
struct Tiles {
  char name;
  std::array<std::int64_t, 4> size;  ///< of the array, of a part, of the dimension; size[0] is 1

  /// Returns the loop of a level: its iterations, then its iterations in the last tile if fewer.
  std::string factor(std::size_t level) const {
    const std::int64_t inner = size[level - 1], outer = size[level], all = size.back();
    const std::int64_t count = divide_up(outer, inner);
    const std::int64_t last = divide_up((all - 1) % (inner * count) + 1, inner);
    return last == count ? fmt::format("{}={}", name, count)
                         : fmt::format("\"{}={},{}\"", name, count, last);
  }
};

/// Returns the tiles of a dimension: each level is a multiple of the level inside.
Tiles tiles_of(char name, std::int64_t array, std::int64_t part, std::int64_t all) {
  const std::int64_t first = std::min(array, all);
  const std::int64_t second = std::min(round_up(part, first), round_up(all, first));
  return {name, {1, first, second, all}};
}

}  // namespace

std::string timeloop_mapping(const Product& p, const compiler::LoopNest& nest, const Resources& r) {
  const std::int64_t across = std::min({r.rows, std::int64_t{nest.Q}, p.Q});
  const std::int64_t down = std::min({r.rows / across, std::int64_t{nest.P}, p.P});
  const std::int64_t C = nest.C > 0 ? nest.C : p.C, R = nest.R > 0 ? nest.R : p.R;
  const std::array<Tiles, 6> all{
      tiles_of('C', 1, C, p.C),         tiles_of('R', 1, R, p.R),
      tiles_of('S', 1, p.S, p.S),       tiles_of('Q', across, nest.Q, p.Q),
      tiles_of('P', down, nest.P, p.P), tiles_of('M', r.columns, nest.M, p.M)};
  const auto factors = [&](std::size_t level) {
    std::string text;
    for (const Tiles& t : all) text += t.factor(level) + ", ";
    return text + "N=1";
  };
  return fmt::format(R"(# {0}, planned by trine estimate --timeloop
mapping:
- target: DRAM
  type: temporal
  factors: [{1}]
  permutation: [{2}]
- target: buffer
  type: temporal
  factors: [{3}]
  permutation: [S, R, C, Q, P, M, N]
- target: PE
  type: spatial
  factors: [{4}]
  permutation: [M, P, Q, C, R, S, N]
  split: 1
- target: registers
  type: temporal
  factors: [C=1, R=1, S=1, Q=1, P=1, M=1, N=1]
  permutation: [S, R, C, Q, P, M, N]
)",
                     p.name, factors(3),
                     nest.chunk_outer ? "S, R, C, Q, P, M, N" : "S, R, C, M, Q, P, N", factors(2),
                     factors(1));
}

}  // namespace trine::estimate
