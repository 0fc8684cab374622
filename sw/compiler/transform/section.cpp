// SPDX-License-Identifier: Apache-2.0

#include "sw/compiler/transform/section.h"

#include <map>
#include <utility>
#include <variant>

namespace trine::compiler {
namespace {

/// Names each field of a struct, so that a new field does not compile until it is added here.
std::vector<int> numbers_of(const Geometry& geometry) {
  const auto& [H, W, P, Q, R, S, stride_y, stride_x, dil_y, dil_x, pad_top, pad_left, reach_y,
               reach_x] = geometry;
  return {H, W, P, Q, R, S, stride_y, stride_x, dil_y, dil_x, pad_top, pad_left, reach_y, reach_x};
}

std::vector<int> numbers_of(const Former& former) {
  const auto& [steps, dil, halo, idle] = former;
  return {steps, dil, halo, idle};
}

std::vector<int> numbers_of(const Rect& rect) {
  const auto& [y0, y1, x0, x1] = rect;
  return {y0, y1, x0, x1};
}

std::vector<int> numbers_of(const Part& part) {
  const auto& [whole, channel, y, x, stride_y, stride_x, pixel_words] = part;
  return {whole, channel, y, x, stride_y, stride_x, pixel_words};
}

}  // namespace

Network section(const Network& network, const std::vector<int>& layers, std::vector<int>* maps) {
  Network part;
  part.cores = network.cores;
  part.tokens = network.tokens;
  part.tilings = network.tilings;
  std::map<int, int> place;
  const auto copy = [&](int old) {
    const auto [entry, is_new] = place.try_emplace(old, static_cast<int>(part.maps.size()));
    if (!is_new) return entry->second;
    Map map = network.maps[at(old)];
    map.reloads = -1;
    map.kept = map.spill = false;
    if (maps != nullptr) maps->push_back(old);
    return part.add(std::move(map));
  };
  for (const int i : layers) {
    Layer l = network.layers[at(i)];
    for (int* m : {&l.input, &l.second, &l.weights_map, &l.output}) {
      if (*m < 0) continue;
      const int whole = network.maps[at(*m)].part.whole;
      *m = copy(*m);
      if (whole < 0) continue;
      const int own = copy(whole);
      part.maps[at(*m)].part.whole = own;
    }
    part.layers.push_back(std::move(l));
  }
  set_lifetimes(part);
  return part;
}

std::vector<int> key_of(const Network& section) {
  std::vector<int> key;
  const auto add = [&](const std::vector<int>& numbers) {
    key.insert(key.end(), numbers.begin(), numbers.end());
  };
  for (const Map& m : section.maps) {
    add({m.shape.H, m.shape.W, m.shape.C, m.shape.per_word});
    add(numbers_of(m.part));
    add({m.input, m.output, m.constant(), m.weights, m.kept, m.spill, m.transposed, m.is_state(),
         m.moved, m.core.pixels});
    add({m.written.first, m.written.last, m.read.first, m.read.last, m.width_in_dram()});
  }
  for (const Layer& l : section.layers) {
    add({static_cast<int>(l.kind), l.input, l.second, l.output, l.weights_map});
    add(numbers_of(l.window));
    add(numbers_of(l.former));
    add({l.words, l.channels, l.group_channels, l.passes, l.per_tensor});
    add({static_cast<int>(l.result), static_cast<int>(l.sweeps.size())});
    for (const Sweep& sweep : l.sweeps) {
      add({sweep.down, sweep.right});
      add(numbers_of(sweep.rect));
    }
    if (const auto* pool = std::get_if<Pool>(&l.own)) {
      key.push_back(static_cast<int>(pool->regions.size()));
      for (const SumRegion& region : pool->regions) add(numbers_of(region.rect));
    }
    if (const auto* conv = std::get_if<Conv>(&l.own))
      add({static_cast<int>(conv->precision), conv->steps_per_row, conv->step_codes,
           conv->weights_transposed, conv->weights_y, conv->weights_x, conv->gate_words});
  }
  return key;
}

}  // namespace trine::compiler
