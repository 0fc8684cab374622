// SPDX-License-Identifier: Apache-2.0
//
// Implements a DMEM bank with error correction (memory.ecc): writing part of a word is a
// read-modify-write. The bank behaves like a 32-bit trine_sram with an output register, with one
// exception. A write of part of a word reads the word, and two cycles later writes the whole
// corrected and merged word.
//
//   en && !we                  rdata_o two cycles later, corrected; it does not hold
//   en &&  we, mask all ones   the word is written
//   en &&  we, other mask      the word is read; busy_o for two cycles, and in the second of them
//                              (word & ~mask) | (wdata & mask) is written
//
//   cycle      t             t + 1                t + 2
//   en_i       part write
//   memory     read          output valid         written
//   word_q                                        decoded, merged, encoded
//   busy_o                   1                    1
//
// A word with two errors is not merged. It stays unchanged, so that later reads detect the errors.
//
// Timing    rdata_o, corrected_o, fatal_o and addr_o come two cycles after a read, combinational
//           from the register. The path of a merge is: register, correction, check bits, memory.
// Contract  No access comes during busy_o.
// Check     trine_ecc_bank_tb

module trine_ecc_bank #(
  parameter int unsigned Depth = 1024,
  localparam int unsigned AddrBits = (Depth > 1) ? $clog2(Depth) : 1
) (
  input  logic                clk_i,
  input  logic                rst_ni,
  input  logic                clear_i,

  input  logic                en_i,
  input  logic                we_i,
  input  logic [AddrBits-1:0] addr_i,
  input  logic [31:0]         mask_i,
  input  logic [31:0]         wdata_i,
  output logic                busy_o,
  output logic [31:0]         rdata_o,

  output logic                corrected_o,
  output logic                fatal_o,
  output logic [AddrBits-1:0] addr_o  // of the word that was read
);

  localparam int unsigned WordBits = trine_ecc_pkg::WordBits;

  logic                part, read, part_q, read_q;  // the memory reads; its output has the word
  logic                merge_q, read_q2;             // the register has the word
  logic                fixed, uncorrectable;
  logic [AddrBits-1:0] addr_q, addr_q2, addr;
  logic [31:0]         mask_q, data_q, data;
  logic [WordBits-1:0] stored, word_q, word;

  assign part = en_i && we_i && mask_i != '1;
  assign read = en_i && (!we_i || part);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {part_q, merge_q} <= '0;
      {read_q, read_q2} <= '0;
    end else if (clear_i) begin
      {part_q, merge_q} <= '0;
      {read_q, read_q2} <= '0;
    end else begin
      {part_q, merge_q} <= {part, part_q};
      {read_q, read_q2} <= {read, read_q};
    end
  end

  always_ff @(posedge clk_i) begin
    if (part) begin
      mask_q <= mask_i;
      data_q <= wdata_i;
    end
    addr_q  <= addr_i;
    addr_q2 <= addr_q;
    word_q  <= stored;
  end

  trine_ecc_decode u_decode (
    .word_i      (word_q),
    .data_o      (rdata_o),
    .corrected_o (fixed),
    .fatal_o     (uncorrectable)
  );

  assign busy_o      = part_q || merge_q;
  assign corrected_o = read_q2 && fixed;
  assign fatal_o     = read_q2 && uncorrectable;
  assign addr_o      = addr_q2;

  assign data = merge_q ? (rdata_o & ~mask_q) | (data_q & mask_q) : wdata_i;

  trine_ecc_encode u_encode (
    .data_i (data),
    .word_o (word)
  );

  assign addr = merge_q ? addr_q2 : addr_i;

  trine_sram #(.Width(WordBits), .Depth(Depth), .MaskBits(WordBits)) u_sram (
    .clk_i,
    .en_i    (merge_q ? !uncorrectable : en_i),
    .we_i    (merge_q || (we_i && !part)),
    .addr_i  (addr),
    .mask_i  ('1),
    .wdata_i (word),
    .rdata_o (stored)
  );

`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q && busy_o) a_alone: assert (!en_i);
  end
`endif

endmodule
