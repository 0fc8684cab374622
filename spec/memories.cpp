// SPDX-License-Identifier: Apache-2.0

#include "spec/memories.h"

#include <algorithm>

#include "spec/isa.h"

namespace trine::spec {
namespace {

constexpr int kFetchBits = kFetchBursts * kFetchBurst * 64;

}  // namespace

std::vector<Memory> memories(const Config& config) {
  const int cores = config.cores,
            drain = config.columns_per_cycle;  // consecutive channels, each with a bank of its own
  // Entries per row: as many as a beat contains, at least two (trine_params).
  const int biases = std::max(config.data_words() / drain, 2);
  const int scales = std::max(config.data_words() / 2 / drain, 2);
  const auto rows = [&](int entries) {
    return (config.param_channels / drain + entries - 1) / entries;
  };
  const int word = config.ecc ? 39 : 32;  // trine_ecc_pkg
  const int map_mask = config.ecc ? word : config.ternary || config.binary ? 1 : 8;
  const int beat_biases = config.data_words() / drain,
            beat_scales = std::max(config.data_words() / 2 / drain, 1);
  const int queue_bits = 1 + 4 + isa::kPayloadBits;  // RUN, register, payload
  std::vector<Memory> all{
      {"feature maps, banks", cores * config.banks(), word, config.bank_rows(), map_mask},
      {"weights, even and odd rows", cores * 2, word * config.cols, config.pmem_rows() / 2, word},
      {"biases", cores * drain, biases * 32, rows(biases), beat_biases * 32},
      {"multipliers", cores * drain, scales * isa::post::kMultiplier.width, rows(scales),
       beat_scales * isa::post::kMultiplier.width},
      {"shifts", cores * drain, scales * isa::post::kShift.width, rows(scales),
       beat_scales * isa::post::kShift.width},
      {"instruction queues", isa::kEngines, queue_bits, kQueueWords, queue_bits},
      {"fetch buffer", 1, config.data_bits(), kFetchBits / config.data_bits(), config.data_bits()}};
  if (config.imem_kib > 0)
    all.push_back({"instructions", 1, word * config.data_words(),
                   config.imem_kib * 8192 / config.data_bits(), word * config.data_words()});
  if (config.table)
    all.push_back({"lookup tables", cores * config.rows, 8, 4 * isa::dma::kTableWords, 8});
  if (config.has_softmax())
    all.insert(all.end(),
               {{"exponentials", cores * drain * config.rows, 32, isa::dma::kExponentialWords, 32},
                {"words of a softmax", cores * config.rows, 32, isa::dma::kSoftmaxWords, 32}});
  return all;
}

}  // namespace trine::spec
