// SPDX-License-Identifier: Apache-2.0
//
// What a user chooses about a design, and the sizes that follow from it (docs/architecture.md).

#pragma once

#include <bit>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace trine::machine {

/// The bank of a word of DMEM: in odd rows banks 2n and 2n + 1 change places
/// (rtl/maps/trine_dmem.sv).
class BankOf {
 public:
  /// @param banks  a power of two
  explicit BankOf(int banks)
      : mask_(banks - 1), row_bit_(std::countr_zero(static_cast<unsigned>(banks))) {}
  int operator()(std::int64_t word) const {
    return static_cast<int>((word ^ (word >> row_bit_ & 1)) & mask_);
  }

 private:
  std::int64_t mask_;
  int row_bit_;
};

/// Every member is a key of the TOML file; the values here are the defaults.
struct Config {
  std::string name = "edge256";

  int rows = 8;      ///< array.rows: lanes, 1..256
  int cols = 8;      ///< array.cols: output channels, 1..256
  bool int8 = true;  ///< array.precisions
  bool ternary = false;
  bool binary = false;
  bool weights4 = false;       ///< array.weights4: int8 activations with weights of four bits
  bool groups = false;         ///< array.groups: such weights with factors by groups of channels
  bool activations16 = false;  ///< array.activations16: int16 activations with int8 weights
  bool formats = false;        ///< array.formats: int16 codes that are minifloats or posits
  int acc_bits = 32;           ///< array.acc_bits: of an accumulator, 20..32
  int dmem_kib = 128;          ///< memory.dmem_kib: feature maps
  int pmem_kib = 64;           ///< memory.pmem_kib: weights
  bool packed = false;         ///< memory.packed_weights: streams of them in DRAM
  int param_channels = 512;    ///< memory.param_channels: bias and scale entries
  bool ecc = false;            ///< memory.ecc: codes in DMEM, PMEM and IMEM
  int imem_kib = 0;            ///< memory.imem_kib: of a program, kept
  int columns_per_cycle = 1;   ///< post.columns_per_cycle
  bool vector = true;          ///< vector.enable
  bool table = true;           ///< vector.table: codes looked up in a table
  bool softmax = true;         ///< vector.softmax: needs vector.enable
  bool depthwise = true;       ///< depthwise.enable: the window former
  bool matmul = true;          ///< matmul.enable: zero points of both operands
  int axi_data_bits = 64;      ///< bus.axi_data_bits: 32..1024
  int axi_addr_bits = 32;      ///< bus.axi_addr_bits: 32..64
  int axi_id_bits = 1;         ///< bus.axi_id_bits: 1..16
  int axi_id = 0;              ///< bus.axi_id: of fetches and writes, even; loads have the next one
  int axi_prot = 2;            ///< bus.axi_prot: AxPROT; bit 1: non-secure
  int axi_read_cache = 2;      ///< bus.axi_read_cache: ARCACHE; bit 0: bufferable
  int axi_write_cache = 2;     ///< bus.axi_write_cache: AWCACHE
  int axi_qos = 0;             ///< bus.axi_qos: AxQOS
  int axi_user_bits = 1;       ///< bus.axi_user_bits: 1..32
  int axi_user = 0;            ///< bus.axi_user: AxUSER
  int pipeline_rows = 8;       ///< pipeline.rows: PEs between two broadcast registers
  int pipeline_cols = 8;       ///< pipeline.cols
  int pipeline_pe = 2;         ///< pipeline.pe: stages of a PE, 1 or 2
  bool clock_gates = false;    ///< clock.gates: of the PEs
  int cores = 1;               ///< cluster.cores: of one program, each with maps of its own, 1..8

  int banks() const;  ///< DMEM banks: a power of two
  BankOf bank_of() const { return BankOf(banks()); }
  int bank_rows() const;  ///< words of a bank
  int dmem_words() const { return dmem_kib * 256; }
  int pmem_rows() const;  ///< rows of cols words, even
  int data_bits() const { return axi_data_bits < 64 ? 64 : axi_data_bits; }
  int data_words() const { return data_bits() / 32; }
  int data_bytes() const { return data_bits() / 8; }
  /// 32-bit words in DRAM of `n` PMEM rows (padded to beats). @pre n fills whole beats
  std::int64_t pmem_dram_words(std::int64_t n) const;
  int rows_per_beat() const;  ///< PMEM rows in one beat, 1 if a row needs one or more beats
  int beats_per_row() const;  ///< beats of one PMEM row, 1 if a beat holds several rows
  /// Whether depthwise convolutions have hardware of their own: int8, in four columns.
  bool window() const { return depthwise && int8 && cols >= 4; }
  /// Whether the vector unit computes softmax.
  bool has_softmax() const { return vector && softmax; }
  /// Whether products of two maps have their zero points taken off by hardware: int8.
  bool zero_points() const { return matmul && int8; }
  /// Whether the post unit writes codes of thresholds, too.
  bool has_thresholds() const;
  /// Whether memory.packed_weights goes with columns, bus and precisions.
  bool can_pack() const {
    return cols % 4 == 0 && (axi_data_bits <= 64 || (axi_data_bits <= 512 && ternary));
  }
  /// Steps of a depthwise convolution that one PMEM row serves, four words each.
  int window_steps_per_row() const { return cols / 4 < 8 ? cols / 4 : 8; }
  int pes() const { return cores * rows * cols; }
  int peak_macs_per_cycle() const { return pes() * 4; }  ///< int8

  /// What instructions may ask for: bits of isa::feature.
  unsigned features() const;
  /// What a program sees of the configuration: XXH64 of the version of the instruction set and of
  /// the keys that the schema calls seen (shape, memories, precisions, features), its two upper
  /// bits set: the program's first word (isa::Opcode::kBegin), and CONFIG_HASH.
  std::uint64_t hash() const;
  /// What makes two designs differ: XXH64 of all keys but the name. Programs are told apart by
  /// hash(), results by this: cycles, area and energy depend on keys that no program sees.
  std::uint64_t identity() const;
  /// Canonical TOML, all keys, fixed order.
  std::string to_toml() const;
};

/// Reads a TOML file, or the preset of that name; then applies "key=value" settings
/// ("array.rows=16", "array.precisions=[\"int8\"]"), then checks.
/// @throws Error  all problems, one line each: "edge.toml:4: memory.dmem_kib: 3 is too small,
/// allowed 8..65536"
Config load_config(const std::string& file_or_preset,
                   const std::vector<std::string>& settings = {});

/// Checks ranges and combinations of a Config built in code. @throws Error
void check(const Config& config);

std::vector<std::string> preset_names();

}  // namespace trine::machine
