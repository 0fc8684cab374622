// SPDX-License-Identifier: Apache-2.0
//
// Implements the single-port memory with a bit mask that all modules of the design use. Replace it
// with macros of your technology.
//
//   en && !we:  rdata = mem[addr], one cycle later; rdata then holds until the next read
//   en &&  we:  mem[addr] = (mem[addr] & ~mask) | (wdata & mask); rdata is unchanged
//
// The mask has a granularity of MaskBits: each group of MaskBits bits is written as a whole. The
// last group may be shorter. MaskBits = Width writes whole words.
//
// FPGA: with the macro TRINE_BLOCK_RAM, each group has its own block RAM. In one memory with
// several write enables, Yosys 0.23 would read the groups that a write does not select. If
// MaskBits is less than 8, a write reads the old word in its own cycle. It stores the merged word
// in the next cycle through a second port. A read of that word in between returns the merged word.
//
// Technology hook: replace this file with one that has the same ports and instantiates macros of
// your library. It must support each (Width, Depth) in the memory list of trine.f (integrate.md).
// No other module depends on how bits are stored. The bit-masked single-port SRAMs of common memory
// compilers meet the contract: reads are synchronous, a write does not change the output, the
// content is undefined after power-up.
//
// Timing    The latency is 1 cycle, and the throughput is one access per cycle.
// Contract  addr < Depth. mask_i is equal for all bits of a group.
// Check     verilator --lint-only -Wall [-DTRINE_BLOCK_RAM] trine_sram.sv; trine_sram_tb

module trine_sram #(
  parameter int unsigned Width    = 32,
  parameter int unsigned Depth    = 1024,
  parameter int unsigned MaskBits = 1,
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

  if (MaskBits < 1) begin : gen_bad_mask
    $error("trine_sram: MaskBits must be 1 or more");
  end

`ifdef TRINE_BLOCK_RAM
  if (MaskBits >= 8) begin : gen_enables
    for (genvar g = 0; g < Width; g += MaskBits) begin : gen_group
      localparam int unsigned Bits = (Width - g < MaskBits) ? Width - g : MaskBits;
      logic [Bits-1:0] mem [Depth];
      logic [Bits-1:0] rdata_q;

      always_ff @(posedge clk_i) begin
        if (en_i && !we_i) rdata_q <= mem[addr_i];
        if (en_i && we_i && |mask_i[g +: Bits]) mem[addr_i] <= wdata_i[g +: Bits];
      end

      assign rdata_o[g +: Bits] = rdata_q;
    end
  end else begin : gen_merge
    (* ram_style = "block", no_rw_check *) logic [Width-1:0] mem [Depth];
    logic [Width-1:0]    read_q, hold_q, merged_q, mask_q, wdata_q, old, merged;
    logic [AddrBits-1:0] addr_q;
    logic                write_q, read_last_q, hit_q;

    // hit_q: the word was read while it was being stored, so merged_q is newer.
    assign old     = hit_q ? merged_q : read_q;
    assign merged  = (old & ~mask_q) | (wdata_q & mask_q);
    assign rdata_o = read_last_q ? old : hold_q;

    always_ff @(posedge clk_i) begin
      if (en_i)        read_q      <= mem[addr_i];
      if (write_q)     mem[addr_q] <= merged;
      if (read_last_q) hold_q      <= old;
      merged_q    <= merged;
      addr_q      <= addr_i;
      mask_q      <= mask_i;
      wdata_q     <= wdata_i;
      write_q     <= en_i && we_i;
      read_last_q <= en_i && !we_i;
      hit_q       <= write_q && addr_q == addr_i;
    end
  end
`else
  logic [Width-1:0] mem [Depth];
  logic [Width-1:0] rdata_q;

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      if (we_i) mem[addr_i] <= (mem[addr_i] & ~mask_i) | (wdata_i & mask_i);
      else      rdata_q     <= mem[addr_i];
    end
  end

  assign rdata_o = rdata_q;
`endif

`ifdef TRINE_ASSERT
  // First bits of the groups. This is a constant instead of a loop, because Verilator unrolls at
  // most 1,024 bits, and PMEM has more.
  if (MaskBits > 1) begin : gen_groups
    localparam int unsigned      Groups = (Width + MaskBits - 1) / MaskBits;
    localparam logic [Width-1:0] First  = Width'({Groups{{(MaskBits-1){1'b0}}, 1'b1}});

    always_ff @(posedge clk_i) begin
      if (en_i && we_i) a_group: assert (!(|((mask_i ^ (mask_i << 1)) & ~First)));
    end
  end
`endif

endmodule
