// SPDX-License-Identifier: Apache-2.0
//
// Clears all memories that a program can read: DMEM, PMEM, biases, scales, tables, exponentials.
//
// A scrub (CONTROL.scrub) ensures that a program cannot read the data of an earlier program. With
// error correction (memory.ecc), the memories need zeros for another reason: after power-up, their
// words and check bits are random, so a read could report an error. With memory.ecc, each reset and
// each soft reset therefore write zeros. A word that no program wrote reads as zero, without an
// error.
//
// All memories are written in parallel, one row per cycle. A memory with fewer rows is ready
// earlier. Writes of the load engine to the small memories pass through this module.
//
// Timing    busy_o lasts Rows cycles. It starts in the cycle after wipe_i or, with AtReset, after
//           rst_ni. The path of the load engine's writes has no register.
// Contract  The memories are not used during busy_o.
// Check     trine_scrub_tb

module trine_scrub #(
  parameter int unsigned DmemRows      = 2048,  // of a bank
  parameter int unsigned PmemRows      = 1024,  // of a bank
  parameter int unsigned ParamChannels = 512,
  parameter int unsigned DataWords     = 2,
  parameter bit          AtReset       = 1'b0,
  localparam int unsigned BiasRows  = ParamChannels / DataWords,
  localparam int unsigned ScaleRows = 2 * ParamChannels / DataWords,
  localparam int unsigned Entries   = 256,  // of a table
  localparam int unsigned MostBanks = DmemRows > PmemRows ? DmemRows : PmemRows,
  // the other memories have fewer rows
  localparam int unsigned MostSmall = ScaleRows > Entries ? ScaleRows : Entries,
  localparam int unsigned Rows      = MostBanks > MostSmall ? MostBanks : MostSmall,
  localparam int unsigned RowBits   = $clog2(Rows),
  localparam int unsigned DmemRowBits   = DmemRows > 1 ? $clog2(DmemRows) : 1,
  localparam int unsigned PmemRowBits   = PmemRows > 1 ? $clog2(PmemRows) : 1,
  localparam int unsigned BiasAddrBits  = $clog2(BiasRows),
  localparam int unsigned ScaleAddrBits = $clog2(ScaleRows)
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     wipe_i,

  output logic                     busy_o,

  // Row of each bank of DMEM and PMEM that becomes zero.
  output logic                     dmem_o,
  output logic [DmemRowBits-1:0]   dmem_row_o,
  output logic                     pmem_o,
  output logic [PmemRowBits-1:0]   pmem_row_o,

  // The small memories: writes of the load engine, and the resulting writes.
  input  logic [32*DataWords-1:0]  wdata_i,
  input  logic                     bias_we_i,
  input  logic [BiasAddrBits-1:0]  bias_addr_i,
  input  logic                     scale_we_i,
  input  logic [ScaleAddrBits-1:0] scale_addr_i,
  // An entry of the lookup table, or of the exponentials.
  input  logic                     table_we_i,
  input  logic                     exp_we_i,
  input  logic [7:0]               entry_addr_i,
  input  logic [31:0]              entry_i,
  output logic [32*DataWords-1:0]  wdata_o,
  output logic                     bias_we_o,
  output logic [BiasAddrBits-1:0]  bias_addr_o,
  output logic                     scale_we_o,
  output logic [ScaleAddrBits-1:0] scale_addr_o,
  output logic                     table_we_o,
  output logic                     exp_we_o,
  output logic [7:0]               entry_addr_o,
  output logic [31:0]              entry_o
);

  logic               busy_q;
  logic [RowBits-1:0] row_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= AtReset;
      row_q  <= '0;
    end else if (wipe_i) begin
      busy_q <= 1'b1;
      row_q  <= '0;
    end else if (busy_q) begin
      busy_q <= row_q != RowBits'(Rows - 1);
      row_q  <= row_q + RowBits'(1);
    end
  end

  assign busy_o     = busy_q;
  assign dmem_o     = busy_q && 32'(row_q) < DmemRows;
  assign pmem_o     = busy_q && 32'(row_q) < PmemRows;
  assign dmem_row_o = DmemRowBits'(row_q);
  assign pmem_row_o = PmemRowBits'(row_q);

  assign wdata_o      = busy_q ? '0 : wdata_i;
  assign bias_we_o    = bias_we_i || (busy_q && 32'(row_q) < BiasRows);
  assign scale_we_o   = scale_we_i || (busy_q && 32'(row_q) < ScaleRows);
  assign table_we_o   = table_we_i || (busy_q && 32'(row_q) < Entries);
  assign exp_we_o     = exp_we_i || (busy_q && 32'(row_q) < Entries);
  assign bias_addr_o  = busy_q ? BiasAddrBits'(row_q) : bias_addr_i;
  assign scale_addr_o = busy_q ? ScaleAddrBits'(row_q) : scale_addr_i;
  assign entry_addr_o = busy_q ? 8'(row_q) : entry_addr_i;
  assign entry_o      = busy_q ? '0 : entry_i;

`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q && busy_q) a_alone: assert (!(bias_we_i || scale_we_i || table_we_i || exp_we_i));
  end
`endif

endmodule
