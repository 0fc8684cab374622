// SPDX-License-Identifier: Apache-2.0

#include "sw/program/traffic.h"

#include <algorithm>

#include "spec/runs.h"
#include "sw/base/index.h"

namespace trine::program {
namespace {

/// The use of the words of a segment's DRAM.
class Memory {
 public:
  explicit Memory(const Program& segment)
      : segment_(segment),
        constants_(segment.image_offset / 4),
        words_(at(segment.dram_bytes / 4)) {
    for (const TensorLayout& output : segment.outputs)
      writers_.emplace_back(at(output.bytes() / 4), kNobody);
  }

  std::int64_t size() const { return static_cast<std::int64_t>(words_.size()); }

  void read(std::int64_t first, std::int64_t count, Traffic& layer) {
    std::int64_t fresh = 0;
    for (auto word = words_.begin() + first; word != words_.begin() + first + count; ++word) {
      fresh += *word == kUntouched;
      *word = std::max(*word, kRead);
    }
    const bool constant = first >= constants_;
    (constant ? layer.moved.constants : layer.moved.maps_read) += 4 * count;
    (constant ? layer.compulsory.constants : layer.compulsory.maps_read) += 4 * fresh;
  }

  void write(std::int64_t first, std::int64_t count, int layer) {
    std::fill_n(words_.begin() + first, count, kWritten);
    for (std::size_t i = 0; i < writers_.size(); ++i) {
      const std::int64_t begin = segment_.outputs[i].offset / 4,
                         from = std::max(first, begin) - begin,
                         end = std::min(first + count - begin,
                                        static_cast<std::int64_t>(writers_[i].size()));
      if (from < end) std::fill(writers_[i].begin() + from, writers_[i].begin() + end, layer);
    }
  }

  /// Adds the words of the network's outputs to the layers that wrote them last.
  void add_outputs(std::vector<Traffic>& layers) const {
    for (const std::vector<int>& output : writers_)
      for (const int layer : output)
        if (layer != kNobody) layers[at(layer)].compulsory.maps_written += 4;
  }

 private:
  static constexpr std::uint8_t kUntouched = 0, kRead = 1, kWritten = 2;
  static constexpr int kNobody = -1;

  const Program& segment_;
  std::int64_t constants_;
  std::vector<std::uint8_t> words_;
  std::vector<std::vector<int>> writers_;  ///< by word of each output: the last layer
};

void copy(const isa::TransferRegisters& r, const isa::Run& run, bool store, int layer,
          Memory& memory, Traffic& traffic) {
  const std::int64_t words = r.get(isa::dma::kWords);
  for (std::int64_t row = 0; row < isa::dram_rows(r, run); ++row) {
    const std::int64_t first = (r.get(isa::dma::kDram) + row * r.get(isa::dma::kDramStride)) / 4;
    if (first + words > memory.size()) return;  // it stops the machine
    if (!store) memory.read(first, words, traffic);
    if (store) memory.write(first, words, layer);
    if (store) traffic.moved.maps_written += 4 * words;
  }
}

std::vector<Traffic> traffic_of_segment(const Program& segment) {
  std::vector<Traffic> layers(segment.layers.size());
  Memory memory(segment);
  std::size_t index = 0;
  isa::for_each_run(segment.words, [&](std::size_t, isa::Engine engine,
                                       const isa::Registers& registers, const isa::Run& run) {
    const int layer = segment.run_layer[index++];
    const bool store = engine == isa::Engine::kStore;
    if ((engine == isa::Engine::kLoad || store) && !isa::reads_dmem(run))
      copy(isa::TransferRegisters(registers), run, store, layer, memory, layers[at(layer)]);
  });
  memory.add_outputs(layers);
  return layers;
}

}  // namespace

Bytes& Bytes::operator+=(const Bytes& other) {
  constants += other.constants;
  maps_read += other.maps_read;
  maps_written += other.maps_written;
  return *this;
}

std::vector<Traffic> traffic_of(const Program& program) {
  std::vector<Traffic> all;
  for (const Program* segment : segments(program))
    for (const Traffic& layer : traffic_of_segment(*segment)) all.push_back(layer);
  return all;
}

Traffic sum_of(const std::vector<Traffic>& layers) {
  Traffic sum;
  for (const Traffic& layer : layers) {
    sum.moved += layer.moved;
    sum.compulsory += layer.compulsory;
  }
  return sum;
}

HostWork host_work(const TensorLayout& layout) {
  // Cycles of loop iterations: per code of a word (packed codes one bit at a time), and per word;
  // for blocks, per code of a pixel and per pixel of a block.
  constexpr int kCode = 4, kPackedCode = 10, kTable = 2, kWord = 10, kBlockCode = 12,
                kBlockPixel = 18;
  const Shape& s = layout.shape;
  const std::int64_t codes = s.pixels() * s.C, words = s.pixels() * s.channel_words();
  std::int64_t loops = kWord * words + codes * (s.per_word == 4 ? kCode : kPackedCode);
  if (layout.fold.folded())
    loops = kBlockCode * codes + kBlockPixel * s.pixels() * layout.fold.size();
  return {layout.elements() * layout.element_bytes(), layout.bytes(),
          loops + (layout.codes.empty() ? 0 : kTable * codes)};
}

}  // namespace trine::program
