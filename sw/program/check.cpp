// SPDX-License-Identifier: Apache-2.0

#include <algorithm>

#include "spec/precision.h"
#include "spec/runs.h"
#include "sw/base/error.h"
#include "sw/program/image.h"
#include "sw/program/program.h"
#include "sw/program/verify.h"

namespace trine::program {
namespace {

void check_layout(const TensorLayout& l, std::int64_t limit, const char* what) {
  std::int64_t elements = 1;
  const std::int64_t most = 8 * limit;  // one bit each
  for (const int e : l.extents) {
    if (e < 1 || elements > most / e)
      throw_error("{} '{}' has extent {}, allowed 1 and above, and at most the memory's elements",
                  what, l.name, e);
    elements *= e;
  }
  const Shape& s = l.shape;
  const Fold& f = l.fold;
  const std::int64_t row = std::int64_t{s.W} * s.pixel_words();
  constexpr int kMost = 32767;
  for (const std::int64_t n :
       std::initializer_list<std::int64_t>{f.rows, f.pixels, f.stride_y, f.stride_x,
                                           f.top + std::int64_t{1}, f.left + std::int64_t{1}})
    if (n < 1 || n > kMost)
      throw_error("{} '{}' has a fold with the value {}, allowed 1..32767", what, l.name, n);
  if (f.rows > 255 || f.pixels > 255 || (f.folded() && (s.per_word != 4 || s.wide)) ||
      s.C % f.size() != 0 ||
      (f.folded() && (f.height < 1 || f.height > kMost || f.width < 1 || f.width > kMost)))
    throw_error("{} '{}' has a fold of {} pixels, which does not fit {} channels", what, l.name,
                f.size(), s.C);
  if (s.C < 1 || s.H < 1 || s.W < 1 || s.C > 65535 || s.H > 32767 || s.W > 32767 ||
      l.elements() != elements ||
      (s.per_word != 1 && spec::find_precision([&](const spec::Precision& p) {
                            return p.codes_per_word() == s.per_word;
                          }) == nullptr) ||
      l.pitch < s.W || l.pitch > limit || l.plane < std::int64_t{s.H - 1} * l.pitch + row ||
      l.plane > limit || l.offset < 0 || l.offset % 4 != 0 || l.offset > limit ||
      l.bytes() > limit - l.offset)
    throw_error("{} '{}' does not fit its {} bytes of DRAM", what, l.name, limit);
  const Steps& to = l.steps;
  for (const std::int64_t step : {to.y, to.x, to.channel})
    if (step < 0 || step > elements)
      throw_error("{} '{}' has elements {} apart, outside of its tensor", what, l.name, step);
  if ((l.rows() - 1) * to.y + (l.columns() - 1) * to.x + (l.channels() - 1) * to.channel >=
      elements)
    throw_error("{} '{}' has more elements than the host's tensor", what, l.name);
  if (!l.codes.empty() && (l.codes.size() != kImageCodes || l.element_bytes() != 1))
    throw_error("{} '{}' has a table of {} codes, allowed 256 for codes of one byte", what, l.name,
                l.codes.size());
}

/// Returns true if the host's tensor type fits the layout.
bool fits(const TensorLayout& layout, model::DataType type) {
  if (layout.element_bytes() == 4) return type == model::DataType::kInt32;
  if (layout.shape.wide) return type == model::DataType::kInt16;
  return type == model::DataType::kInt8 ||
         (type == model::DataType::kUInt8 && !layout.codes.empty());
}

void check_host(const model::Graph& host, const std::vector<TensorLayout>& edge,
                const std::vector<int>& tensors, const char* what) {
  if (tensors.size() != edge.size())
    throw_error("{} {}, but the host has {}", edge.size(), what, tensors.size());
  for (std::size_t i = 0; i < edge.size(); ++i)
    if (host.tensor(tensors[i]).shape != edge[i].extents ||
        !fits(edge[i], host.tensor(tensors[i]).type))
      throw_error("{} '{}' has another shape or type on the host", what, edge[i].name);
}

constexpr std::int64_t kMostDram = std::int64_t{1} << 40;

/// Returns the bytes that the program's stores write, up to kMostDram. A RUN moves at most the
/// contents of DMEM, each word once, whatever its registers are.
std::int64_t stored_bytes(const std::vector<isa::Word>& words, std::int64_t dmem_words) {
  std::int64_t bytes = 0;
  isa::for_each_run(words, [&](std::size_t, isa::Engine engine, const isa::Registers& registers,
                               const isa::Run&) {
    if (engine != isa::Engine::kStore) return;
    const isa::TransferRegisters store(registers);
    const std::int64_t moved = (store.get(isa::dma::kRowsLast) + 1) * store.get(isa::dma::kWords);
    bytes = std::min(kMostDram, bytes + 4 * std::min(moved, dmem_words));
  });
  return bytes;
}

/// Returns an upper limit of the DRAM bytes: constants, maps at the edge, and maps stored in
/// between. Rows of W words may be a beat of 16 words apart.
std::int64_t most_dram_bytes(const Program& p) {
  constexpr std::int64_t kPage = 4096;
  std::int64_t bytes = 2 * kPage + static_cast<std::int64_t>(p.image.size());
  for (const auto* edge : {&p.inputs, &p.outputs})
    for (const TensorLayout& l : *edge) bytes += l.bytes() + kPage;
  return bytes + 16 * stored_bytes(p.words, p.config.dmem_words());
}

}  // namespace

void require_verified(const Program& segment) {
  if (const auto fault = verify(segment.words, segment.config, segment.dram_bytes))
    throw_error("{}: {}", segment.name, fault->text);
}

void check(const Program& p) {
  if (p.config.hash() != p.config_hash)
    throw_error("its configuration differs from the one that it was compiled for");
  const auto image = static_cast<std::int64_t>(p.image.size());
  if (p.dram_bytes < 0 || p.dram_bytes > kMostDram || p.image_offset < 0 ||
      p.image_offset > p.dram_bytes || image > p.dram_bytes - p.image_offset)
    throw_error("{} bytes of constants at {} exceed {} bytes of DRAM", image, p.image_offset,
                p.dram_bytes);
  if (const auto fault = verify(p.words, p.config, p.dram_bytes)) throw_error("{}", fault->text);
  const auto runs =
      static_cast<std::size_t>(std::ranges::count(p.words, isa::Opcode::kRun, isa::opcode_of) -
                               (isa::opcode_of(p.words.front()) == isa::Opcode::kRun ? 1 : 0));
  if (runs != p.run_layer.size())
    throw_error("{} RUNs, but {} are assigned to layers", runs, p.run_layer.size());
  constexpr std::int64_t kMostMacs = std::int64_t{1} << 60;  // of a segment
  std::int64_t macs = 0;
  for (const ProgramLayer& layer : p.layers) {
    if (layer.macs < 0 || layer.macs > kMostMacs - macs)
      throw_error("layer '{}' has {} MACs, which is negative or too large", layer.name, layer.macs);
    macs += layer.macs;
    if (layer.stripes < 1)
      throw_error("layer '{}' has {} stripes, allowed 1 and above", layer.name, layer.stripes);
    if (layer.pe_macs < 1 || layer.pe_macs > 32)
      throw_error("layer '{}' has {} MACs per PE, allowed 1..32", layer.name, layer.pe_macs);
  }
  for (const int layer : p.run_layer)
    if (layer < 0 || layer >= static_cast<int>(p.layers.size()))
      throw_error("a RUN belongs to layer {}, but there are {} layers", layer, p.layers.size());
  for (const TensorLayout& l : p.inputs) check_layout(l, p.dram_bytes, "input");
  for (const TensorLayout& l : p.outputs) check_layout(l, p.dram_bytes, "output");
  if (const std::int64_t most = most_dram_bytes(p); p.dram_bytes > most)
    throw_error("{} bytes of DRAM, but its maps and constants need at most {}", p.dram_bytes, most);
  check_host(p.before, p.inputs, p.before.outputs, "inputs");
  check_host(p.after, p.outputs, p.after.inputs, "outputs");
}

}  // namespace trine::program
