// SPDX-License-Identifier: Apache-2.0
//
// Single-port memory with a bit mask: the only memory of the design, and the place to put a macro.
//
//   en && !we:  rdata = mem[addr], one cycle later; rdata then holds until the next read
//   en &&  we:  mem[addr] = (mem[addr] & ~mask) | (wdata & mask); rdata is unchanged
//
// Technology hook: replace this file by one with the same ports that instantiates the macros of
// your library for each (Width, Depth) of trine.f's memory list (integrate.md). Nothing else in the
// design knows how it stores its bits. The contract is that of common compilers' bit-masked
// single-port SRAMs: reads are synchronous, a write does not disturb the output, the content is
// undefined after power-up.
//
// Timing    latency 1 cycle, one access per cycle
// Contract  addr < Depth
// Check     verilator --lint-only -Wall trine_sram.sv; tb/trine_sram_tb.cpp

module trine_sram #(
  parameter int unsigned Width = 32,
  parameter int unsigned Depth = 1024,
  localparam int unsigned AddrBits = (Depth > 1) ? $clog2(Depth) : 1
) (
  input  logic                clk_i,

  input  logic                en_i,
  input  logic                we_i,
  input  logic [AddrBits-1:0] addr_i,
  input  logic [Width-1:0]    mask_i,
  input  logic [Width-1:0]    wdata_i,
  output logic [Width-1:0]    rdata_o
);

  logic [Width-1:0] mem [Depth];
  logic [Width-1:0] rdata_q;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      if (we_i) mem[addr_i] <= (mem[addr_i] & ~mask_i) | (wdata_i & mask_i);
      else      rdata_q     <= mem[addr_i];
    end
  end

  assign rdata_o = rdata_q;

endmodule
