// SPDX-License-Identifier: Apache-2.0
//
// The common part of the benches of both unpackers: copies whose streams come beat by beat, some of
// them late, and invalid streams.

#pragma once

#include <random>
#include <vector>

#include "spec/packed.h"
#include "sw/base/catch.h"
#include "tb/golden/clocked.h"
#include "tb/golden/ports.h"
#include "tb/golden/stimulus.h"

namespace trine::golden {

using Bytes = std::vector<std::uint8_t>;

struct StreamCopy {
  isa::dma::Target target;
  Bytes bytes, stream;
  unsigned local, rows, from;
};

/// Returns a byte of four trits.
inline std::uint8_t ternary_byte(std::mt19937& random) {
  unsigned byte = 0;
  for (int t = 0; t < 4; ++t) byte = byte << 2 | std::array{0U, 1U, 3U}[random() % 3];
  return static_cast<std::uint8_t>(byte);
}

/// @tparam Beat  bytes of a beat @tparam RowBytes  bytes of a PMEM row
template <typename Dut, unsigned Beat, unsigned RowBytes>
struct StreamBench : Clocked<Dut> {
  using Clocked<Dut>::dut;
  std::mt19937 random{1};
  unsigned late = 30, slow = 30;  ///< percent of cycles
  int cycles = 0;
  std::vector<StreamCopy> given;
  std::size_t taken_copies = 0;
  bool failed = false, wrong = false;  ///< wrong: the output is not compared

  virtual ~StreamBench() = default;
  /// Compares the output of the current copy with the expected bytes.
  virtual void taken(const StreamCopy& copy) = 0;
  /// Expects the next copy from its first row on.
  virtual void begins() = 0;
  virtual void set_format(isa::dma::Target) {}

  /// @return true if a beat was taken
  bool cycle() {
    dut.ready_i = !chance(random, slow);
    dut.eval();
    const bool took = dut.beat_valid_i && dut.beat_ready_o;
    if (dut.error_o) failed = true;
    if (dut.valid_o && dut.ready_i && !wrong) {
      REQUIRE(taken_copies < given.size());
      taken(given[taken_copies]);
    }
    this->tick();
    ++cycles;
    return took;
  }

  void start(const StreamCopy& c) {
    given.push_back(c);
    dut.start_i = 1;
    set_format(c.target);
    drive(dut.local_i, c.local);
    drive(dut.rows_last_i, c.rows - 1);
    drive(dut.stream_addr_i, c.from);
    dut.more_beats_i = 0;
    cycle();
    dut.start_i = 0;
  }

  /// Offers the beats of a copy until they are taken or it fails.
  void feed(const StreamCopy& c) {
    dut.more_beats_i = 1;
    for (std::size_t at = 0; at < c.stream.size() && !failed;) {
      for (unsigned i = 0; i < Beat; ++i) set_bits(dut.beat_i, 8 * i, 8, c.stream[at + i]);
      dut.beat_valid_i = !chance(random, late);
      if (cycle()) at += Beat;
    }
    dut.beat_valid_i = 0;
    dut.more_beats_i = 0;
  }

  /// Runs until everything has left.
  void drain() {
    for (int k = 0; k < 200 && !failed && (dut.busy_o || dut.error_o); ++k) cycle();
  }

  /// Runs copies one after the other, some after a pause. @param copy_of  returns a random one
  template <typename CopyOf>
  void run_whole(int count, CopyOf copy_of) {
    for (int k = 0; k < count; ++k) {
      if (k % 50 == 0) late = slow = k % 100 == 0 ? 0 : 40;
      const StreamCopy c = copy_of(random);
      start(c);
      feed(c);
      if (chance(random, 30)) drain();
      REQUIRE_FALSE(failed);
    }
    drain();
    CHECK(taken_copies == given.size());
  }

  /// Runs streams that are too short, too long, changed in a byte by `change`, or random. Each
  /// invalid one must end with an error and the number of its copy, and the next one after a clear
  /// must be correct. @return the number of invalid streams
  template <typename CopyOf, typename Change>
  int run_wrong(int count, CopyOf copy_of, Change change) {
    int none = 0;
    for (int k = 0; k < count; ++k) {
      StreamCopy c = copy_of(random);
      switch (k % 4) {
        case 0:
          c.stream.resize(c.stream.size() - Beat);
          break;
        case 1:
          c.stream.resize(c.stream.size() + Beat * (1 + random() % 9));
          break;
        case 2:
          change(c.stream[random() % c.stream.size()], random);
          break;
        default:
          for (std::uint8_t& byte : c.stream) byte = static_cast<std::uint8_t>(random());
      }
      const auto blocks = static_cast<std::int64_t>(RowBytes / spec::kBlockBytes * c.rows);
      const auto bytes = spec::unpacked(c.target, c.stream, blocks, Beat);
      if (bytes) c.bytes = *bytes;
      wrong = !bytes;
      start(c);
      if (c.stream.empty())
        cycle();
      else
        feed(c);
      if (wrong && chance(random, 50)) {  // the next one already waits
        drive(dut.stream_addr_i, c.from + 1);
        dut.start_i = 1;
        cycle();
        dut.start_i = 0;
      }
      for (int n = 0; n < 200 && !failed && taken_copies < given.size(); ++n) cycle();
      for (int n = 0; n < 3 && bytes; ++n) cycle();
      REQUIRE(failed == !bytes);
      if (failed) CHECK(dut.stream_addr_o == c.from);
      none += failed ? 1 : 0;
      dut.clear_i = 1;
      this->tick();
      dut.clear_i = 0;
      failed = false;
      begins();
      taken_copies = given.size();
      REQUIRE_FALSE(dut.busy_o);
    }
    return none;
  }
};

}  // namespace trine::golden
