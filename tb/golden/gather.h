// SPDX-License-Identifier: Apache-2.0
//
// The gather port of trine_dmem as its users see it. One access is served at a time, lane by lane
// in random cycles. Answers come one cycle later, in order. Each word is a function of its address.

#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"

namespace trine::golden {

/// Returns the word at an address of a memory full of random bits.
inline std::uint32_t memory_word(std::uint32_t address) {
  std::uint32_t h = address * 2654435761u + 12345u;
  h ^= h >> 15;
  h *= 2246822519u;
  return h ^ h >> 13;
}

class Gather {
 public:
  Gather(unsigned rows, unsigned addr_bits) : rows_(rows), addr_bits_(addr_bits) {}

  /// Drives the answers of this cycle.
  template <typename Dut>
  void answer(Dut& dut) const {
    set_bits(dut.rsp_lanes_i, 0, rows_, answer_.lanes);
    drive(dut.rsp_tag_i, answer_.tag);
    dut.rsp_done_i = answer_.done;
    for (unsigned l = 0; l < rows_; ++l)
      if ((answer_.lanes >> l & 1) != 0) {
        set_bits(dut.rsp_data_i, 32 * l, 32, answer_.data[l]);
        // Engines that read only words have no port for it.
        if constexpr (requires { dut.array_act_o; })
          set_bits(dut.rsp_data_i, 32 * rows_ + l, 1, ~answer_.reads >> l & 1);
      }
    if constexpr (requires { dut.rsp_done_next_i; }) dut.rsp_done_next_i = soon_.done;
  }

  /// Chooses the lanes that are served in this cycle, and sets g_ready_i. @param percent  of the
  /// cycles
  template <typename Dut>
  void serve(Dut& dut, std::mt19937& random, unsigned percent, bool hold) {
    served_ = 0;
    if (busy_ && !hold && chance(random, percent)) {
      served_ = chance(random, 70) ? pending_ : pending_ & static_cast<unsigned>(random());
      serves_ = true;
    } else {
      serves_ = false;
    }
    finished_ = busy_ && serves_ && (pending_ & ~served_) == 0;
    dut.g_ready_i = !busy_ || finished_;
  }

  /// Applies the rising edge.
  template <typename Dut>
  void clock(Dut& dut) {
    answer_ = soon_;
    soon_ = {served_ | (serves_ && first_ ? ~reads_ & ((1u << rows_) - 1) : 0), finished_,
             front_tag_, front_data_, reads_};
    pending_ &= ~served_;
    if (serves_) first_ = false;
    if (finished_) busy_ = false;
    if (dut.g_valid_o == 0 || dut.g_ready_i == 0) return;
    busy_ = first_ = true;
    reads_ = pending_ = static_cast<unsigned>(get_bits(dut.g_lanes_o, 0, rows_));
    front_tag_ = dut.g_tag_o;
    front_data_.assign(rows_, 0x01010101u * dut.g_pad_o);
    for (unsigned l = 0; l < rows_; ++l)
      if ((reads_ >> l & 1) != 0)
        front_data_[l] = memory_word(
            static_cast<std::uint32_t>(get_bits(dut.g_addr_o, l * addr_bits_, addr_bits_)));
  }

 private:
  struct Answer {
    unsigned lanes = 0;
    bool done = false;
    unsigned tag = 0;
    std::vector<std::uint32_t> data;
    unsigned reads = 0;  ///< lanes that are not masked
  };

  unsigned rows_, addr_bits_;
  bool busy_ = false, first_ = false, serves_ = false, finished_ = false;
  unsigned reads_ = 0, pending_ = 0, served_ = 0, front_tag_ = 0;
  std::vector<std::uint32_t> front_data_;
  Answer soon_, answer_;
};

}  // namespace trine::golden
