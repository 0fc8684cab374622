// SPDX-License-Identifier: Apache-2.0
//
// The configuration of a design and the sizes that follow from it (docs/architecture.md).

#pragma once

#include <bit>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace trine::spec {

/// Maps words of DMEM to banks. In odd rows, banks 2n and 2n + 1 are exchanged
/// (rtl/maps/trine_dmem.sv).
class BankOf {
 public:
  /// @param banks  a power of two
  explicit BankOf(int banks)
      : mask_(banks - 1), row_bit_(std::countr_zero(static_cast<unsigned>(banks))) {}
  /// Returns the bank of a word address.
  int operator()(std::int64_t word) const {
    return static_cast<int>((word ^ (word >> row_bit_ & 1)) & mask_);
  }

 private:
  std::int64_t mask_;
  int row_bit_;
};

/// The choices of a user. Every member is a key of the TOML file; the values here are the defaults.
struct Config {
  std::string name = "edge256";

  int rows = 8;      ///< array.rows: lanes, 1..256
  int cols = 8;      ///< array.cols: output channels, 1..256
  bool int8 = true;  ///< array.precisions: this and the next two
  bool ternary = false;
  bool binary = false;
  bool weights4 = false;       ///< array.weights4: int8 activations with 4-bit weights
  bool groups = false;         ///< array.groups: 4-bit weights with factors by group of channels
  bool activations16 = false;  ///< array.activations16: int16 activations with int8 weights
  bool formats = false;        ///< array.formats: int16 codes that are minifloats or posits
  int acc_bits = 32;           ///< array.acc_bits: accumulator width, 20..32
  int dmem_kib = 128;          ///< memory.dmem_kib: feature maps
  int pmem_kib = 64;           ///< memory.pmem_kib: weights
  bool packed = false;         ///< memory.packed_weights: compressed weight streams in DRAM
  int param_channels = 512;    ///< memory.param_channels: bias and scale entries
  bool ecc = false;            ///< memory.ecc: error correcting codes in DMEM, PMEM and IMEM
  int imem_kib = 0;            ///< memory.imem_kib: the part of a program kept on the chip
  int columns_per_cycle = 1;   ///< post.columns_per_cycle
  bool partial_sums = false;   ///< post.partial_sums: reductions in parts, over many tiles
  bool vector = true;          ///< vector.enable
  bool table = true;           ///< vector.table: functions of a code by lookup table
  bool softmax = true;         ///< vector.softmax: requires vector.enable
  bool depthwise = true;       ///< depthwise.enable: the window former
  bool matmul = true;          ///< matmul.enable: zero points of both operands
  int axi_data_bits = 64;      ///< bus.axi_data_bits: 32..1024
  int axi_addr_bits = 32;      ///< bus.axi_addr_bits: 32..64
  int axi_id_bits = 1;         ///< bus.axi_id_bits: 1..16
  int axi_id = 0;              ///< bus.axi_id: even ID of fetches, writes; loads use the next
  int axi_prot = 2;            ///< bus.axi_prot: AxPROT; bit 1: non-secure
  int axi_read_cache = 2;      ///< bus.axi_read_cache: ARCACHE; bit 0: bufferable
  int axi_write_cache = 2;     ///< bus.axi_write_cache: AWCACHE
  int axi_qos = 0;             ///< bus.axi_qos: AxQOS
  int axi_user_bits = 1;       ///< bus.axi_user_bits: 1..32
  int axi_user = 0;            ///< bus.axi_user: AxUSER
  int pipeline_rows = 8;       ///< pipeline.rows: PEs between two broadcast registers
  int pipeline_cols = 8;       ///< pipeline.cols
  int pipeline_pe = 2;         ///< pipeline.pe: stages of a PE, 1 or 2
  bool clock_gates = false;    ///< clock.gates: gates the clocks of the PEs
  int cores = 1;               ///< cluster.cores: 1..8; each has feature maps of its own

  int banks() const;  ///< number of DMEM banks, a power of two
  /// Returns the mapping of DMEM words to banks.
  BankOf bank_of() const { return BankOf(banks()); }
  int bank_rows() const;  ///< words of a DMEM bank
  /// Returns the DMEM words of a core.
  int dmem_words() const { return dmem_kib * 256; }
  int pmem_rows() const;  ///< PMEM rows of `cols` words, even
  /// Returns the data width inside of the design: the bus width, at least 64 bits.
  int data_bits() const { return axi_data_bits < 64 ? 64 : axi_data_bits; }
  int data_words() const { return data_bits() / 32; }
  int data_bytes() const { return data_bits() / 8; }
  /// Returns the number of 32-bit DRAM words that `n` PMEM rows occupy, padding to whole beats
  /// included.
  /// @pre n fills whole beats
  std::int64_t pmem_dram_words(std::int64_t n) const;
  int rows_per_beat() const;  ///< PMEM rows in one beat; 1 if a row needs one or more beats
  int beats_per_row() const;  ///< beats of one PMEM row; 1 if a beat contains several rows
  /// Returns true if the design contains the window former for depthwise convolutions: int8, at
  /// least four columns.
  bool window() const { return depthwise && int8 && cols >= 4; }
  /// Returns true if the vector unit computes softmax.
  bool has_softmax() const { return vector && softmax; }
  /// Returns true if hardware subtracts the zero points of both maps of an int8 product.
  bool zero_points() const { return matmul && int8; }
  /// Returns true if the post unit can also compute codes from thresholds.
  bool has_thresholds() const;
  /// Returns true if columns, bus width and precisions permit memory.packed_weights.
  bool can_pack() const {
    return cols % 4 == 0 && (axi_data_bits <= 64 || (axi_data_bits <= 512 && ternary));
  }
  /// Returns the number of steps of a depthwise convolution whose weights share a PMEM row; a step
  /// uses four words.
  int window_steps_per_row() const { return cols / 4 < 8 ? cols / 4 : 8; }
  /// Returns the number of PEs of all cores.
  int pes() const { return cores * rows * cols; }
  int peak_macs_per_cycle() const { return pes() * 4; }  ///< int8, all cores

  /// Returns the features that instructions may use, as bits of isa::feature.
  unsigned features() const;
  /// Returns the hash that ties programs to configurations: XXH64 of the instruction set's version
  /// and of the keys that the schema marks `hashed` (shape, memories, precisions, features), with
  /// the two upper bits set. It is the first word of a program (isa::Opcode::kBegin) and the
  /// register CONFIG_HASH.
  std::uint64_t hash() const;
  /// Returns XXH64 of all keys except the name. Programs are identified by hash(), results by
  /// identity(): cycles, area and energy also depend on keys that no program sees.
  std::uint64_t identity() const;
  /// Returns canonical TOML: all keys in a fixed order.
  std::string to_toml() const;
};

/// Reads a TOML file, or the preset with that name, applies "key=value" settings ("array.rows=16",
/// "array.precisions=[\"int8\"]"), and checks the result.
/// @throws Error  all problems, one line each: "edge.toml:4: memory.dmem_kib: 3 is too small,
/// allowed 8..65536"
Config load_config(const std::string& file_or_preset,
                   const std::vector<std::string>& settings = {});

/// Checks ranges and combinations of a Config built in code. @throws Error
void check(const Config& config);

/// Returns the names of all presets in the order of documents and tables.
std::vector<std::string> preset_names();

}  // namespace trine::spec
