// SPDX-License-Identifier: Apache-2.0

#include "sw/program/weights.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <queue>
#include <set>
#include <span>

#include "spec/packed.h"
#include "spec/runs.h"
#include "sw/base/index.h"

namespace trine::program {
namespace {

using Bytes = std::span<const std::uint8_t>;

std::array<std::int64_t, 256> counts_of(Bytes bytes) {
  std::array<std::int64_t, 256> counts{};
  for (const std::uint8_t byte : bytes) ++counts[byte];
  return counts;
}

double entropy_bits(Bytes bytes) {
  double bits = 0;
  const auto all = static_cast<double>(bytes.size());
  for (const std::int64_t count : counts_of(bytes))
    if (count > 0) bits += static_cast<double>(count) * std::log2(all / static_cast<double>(count));
  return bits;
}

/// Returns the sum of Huffman's inner nodes, or one bit per byte if there is only one value.
double prefix_bits(Bytes bytes) {
  std::priority_queue<std::int64_t, std::vector<std::int64_t>, std::greater<>> nodes;
  for (const std::int64_t count : counts_of(bytes))
    if (count > 0) nodes.push(count);
  if (nodes.size() == 1) return static_cast<double>(bytes.size());
  std::int64_t bits = 0;
  while (nodes.size() > 1) {
    const std::int64_t least = nodes.top();
    nodes.pop();
    const std::int64_t both = least + nodes.top();
    nodes.pop();
    nodes.push(both);
    bits += both;
  }
  return static_cast<double>(bits);
}

double width_bits(Bytes bytes) {
  constexpr std::size_t kBlock = 16;
  constexpr int kWidth = 4;
  std::size_t bits = 0;
  for (std::size_t first = 0; first < bytes.size(); first += kBlock) {
    const Bytes block = bytes.subspan(first, std::min(kBlock, bytes.size() - first));
    int width = 0;
    for (const std::uint8_t byte : block) {
      const auto folded = static_cast<std::uint8_t>(byte << 1 ^ (byte >= 128 ? 0xff : 0));
      width = std::max(width, static_cast<int>(std::bit_width(folded)));
    }
    bits += kWidth + block.size() * at(width);
  }
  return static_cast<double>(bits);
}

double zero_run_bits(Bytes bytes) {
  constexpr std::int64_t kRun = 16, kRunBits = 5, kByteBits = 9;
  std::int64_t bits = 0, zeros = 0;
  for (const std::uint8_t byte : bytes) {
    if (byte != 0) {
      bits += kByteBits;
      zeros = 0;
    } else if (zeros++ % kRun == 0) {
      bits += kRunBits;
    }
  }
  return static_cast<double>(bits);
}

/// The rows of a layer, one block after the other.
struct Rows {
  std::vector<std::uint8_t> bytes;
  std::int64_t stored = 0, sparse = 0, palette = 0;
};

WeightBytes figures_of(const Rows& rows) {
  return {std::ssize(rows.bytes),
          rows.stored,
          entropy_bits(rows.bytes) / 8,
          prefix_bits(rows.bytes) / 8,
          width_bits(rows.bytes) / 8,
          zero_run_bits(rows.bytes) / 8,
          rows.sparse,
          rows.palette};
}

/// Returns the bytes of a load's stream.
std::int64_t stream_bytes(isa::dma::Target target, Bytes rows) {
  const auto stream = spec::packed(target, rows);
  return std::min(std::ssize(rows), stream ? std::ssize(*stream) : std::ssize(rows));
}

/// Returns the rows that a RUN loads from the segment's constants, or nothing for other RUNs.
/// @param stored  bytes of DRAM
std::vector<std::uint8_t> rows_of(const Program& segment, const isa::TransferRegisters& r,
                                  const isa::Run& run, std::int64_t* stored) {
  namespace dma = isa::dma;
  const auto target = static_cast<dma::Target>(run.op);
  if ((target != dma::Target::kPmem && !isa::is_packed(run)) || run.has(dma::kFromDmem)) return {};
  const std::int64_t first = r.get(dma::kDram) - segment.image_offset,
                     size = 4 * r.get(dma::kWords);
  if (isa::dram_rows(r, run) != 1 || first < 0 || first + size > std::ssize(segment.image))
    return {};
  *stored = size;
  const Bytes bytes(&segment.image[at(first)], at(size));
  if (target == dma::Target::kPmem) return {bytes.begin(), bytes.end()};
  const std::int64_t row_bytes = 4 * segment.config.cols;
  const auto rows =
      spec::unpacked(target, bytes, (r.get(dma::kRowsLast) + 1) * row_bytes / spec::kBlockBytes,
                     segment.config.data_bytes());
  return rows ? *rows : std::vector<std::uint8_t>{};
}

}  // namespace

WeightBytes& WeightBytes::operator+=(const WeightBytes& other) {
  rows += other.rows;
  stored += other.stored;
  entropy += other.entropy;
  prefix += other.prefix;
  widths += other.widths;
  zero_runs += other.zero_runs;
  sparse += other.sparse;
  palette += other.palette;
  return *this;
}

std::vector<WeightBytes> weights_of(const Program& program) {
  std::vector<WeightBytes> all;
  for (const Program* segment : segments(program)) {
    std::vector<Rows> layers(segment->layers.size());
    std::set<std::int64_t> known;  // blocks, by their byte address
    std::size_t index = 0;
    isa::for_each_run(segment->words, [&](std::size_t, isa::Engine engine,
                                          const isa::Registers& registers, const isa::Run& run) {
      const int layer = segment->run_layer[index++];
      const isa::TransferRegisters r(registers);
      if (engine != isa::Engine::kLoad || known.contains(r.get(isa::dma::kDram))) return;
      std::int64_t stored = 0;
      const std::vector<std::uint8_t> rows = rows_of(*segment, r, run, &stored);
      if (rows.empty()) return;
      known.insert(r.get(isa::dma::kDram));
      Rows& of = layers[at(layer)];
      of.bytes.insert(of.bytes.end(), rows.begin(), rows.end());
      of.stored += stored;
      of.sparse += stream_bytes(isa::dma::Target::kSparse, rows);
      of.palette += stream_bytes(isa::dma::Target::kPalette, rows);
    });
    for (const Rows& layer : layers) all.push_back(figures_of(layer));
  }
  return all;
}

}  // namespace trine::program
