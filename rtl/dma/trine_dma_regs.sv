// SPDX-License-Identifier: Apache-2.0
//
// Stores the registers of a DMA engine, in the widths that the design needs, and derives beat
// counts and word offsets. trine_isa_pkg defines the fields of the registers.
//
//   offset     index of the row's first word within the row's first beat; 0 unless the target is
//              DMEM
//   end        index of the row's last word within the row's last beat
//   beats_last number of beats of a row, minus 1
//   cores      cores of a cluster whose memories are written: all cores if the register names none
//   from_core  core whose DMEM is read: 0 if the core in the register does not exist
//
// Timing    Outputs are combinational from registers.
// Check     trine_control_tb

module trine_dma_regs #(
  parameter int unsigned AxiAddrBits = 32,
  parameter int unsigned LocalBits   = 16,
  parameter int unsigned WordsBits   = 17,  // width of a count of a row's words
  parameter int unsigned DataWords   = 2,
  parameter int unsigned Cores       = 1,
  localparam int unsigned CoreBits     = Cores > 1 ? $clog2(Cores) : 1,
  localparam int unsigned WordShift    = $clog2(DataWords),
  localparam int unsigned CountBits    = WordsBits - WordShift,
  localparam int unsigned BeatAddrBits = AxiAddrBits - WordShift - 2
) (
  input  logic                    clk_i,

  input  logic                    we_i,
  input  logic [3:0]              reg_i,
  input  trine_isa_pkg::dma_payload_t payload_i,

  input  logic [AxiAddrBits-1:0]  base_i,
  input  logic                    dmem_i,  // the target is DMEM
  input  logic                    copy_i,  // the source is DMEM: no base

  output logic [BeatAddrBits-1:0] dram_o,  // base included
  output logic [BeatAddrBits-1:0] dram_stride_o,
  output logic [LocalBits-1:0]    local_o,
  output logic [LocalBits-1:0]    local_stride_o,
  output logic [WordShift-1:0]    offset_o,
  output logic [WordShift-1:0]    end_o,
  output logic [CountBits-1:0]    beats_last_o,
  output logic [15:0]             rows_last_o,
  output logic [Cores-1:0]        cores_o,
  output logic [CoreBits-1:0]     from_core_o
);

  localparam int unsigned BeatShift  = WordShift + 2;
  localparam int unsigned FieldWidth = trine_isa_pkg::DmaDramWidth;
  localparam int unsigned DramBits   = AxiAddrBits < FieldWidth ? AxiAddrBits : FieldWidth;

  logic [DramBits-1:0]           dram_q;
  logic [DramBits-BeatShift-1:0] dram_stride_q;
  logic [LocalBits-1:0]          local_q, local_stride_q;
  logic [WordsBits-1:0]          words_q, last_word;
  logic [15:0]                   rows_last_q;
  logic [7:0]                    cores_q;
  logic [2:0]                    from_core_q;
  logic [AxiAddrBits-1:0]        dram;

  always_ff @(posedge clk_i) begin
    if (we_i && reg_i == 4'(trine_isa_pkg::DmaDramReg)) begin
      dram_q <= payload_i.r0.dram[DramBits-1:0];
    end
    if (we_i && reg_i == 4'(trine_isa_pkg::DmaLocalReg)) begin
      local_q <= payload_i.r1.local_[LocalBits-1:0];
      words_q <= payload_i.r1.words[WordsBits-1:0];
    end
    if (we_i && reg_i == 4'(trine_isa_pkg::DmaRowsLastReg)) begin
      rows_last_q    <= payload_i.r2.rows_last;
      local_stride_q <= payload_i.r2.local_stride[LocalBits-1:0];
      cores_q        <= payload_i.r2.cores;
      from_core_q    <= payload_i.r2.from_core;
    end
    if (we_i && reg_i == 4'(trine_isa_pkg::DmaDramStrideReg)) begin
      dram_stride_q <= payload_i.r3.dram_stride[DramBits-1:BeatShift];
    end
  end

  assign dram           = (copy_i ? '0 : base_i) + AxiAddrBits'(dram_q);
  assign dram_o         = dram[AxiAddrBits-1:BeatShift];
  assign dram_stride_o  = BeatAddrBits'($signed(dram_stride_q));  // rows may go backwards
  assign local_o        = local_q;
  assign local_stride_o = local_stride_q;
  assign rows_last_o    = rows_last_q;
  assign cores_o        = Cores == 1 || cores_q[Cores-1:0] == '0 ? '1 : cores_q[Cores-1:0];
  assign from_core_o    = 4'(from_core_q) < 4'(Cores) ? CoreBits'(from_core_q) : '0;

  assign offset_o     = dmem_i ? local_q[WordShift-1:0] : '0;
  assign last_word    = words_q + WordsBits'(offset_o) - WordsBits'(1);
  assign end_o        = last_word[WordShift-1:0];
  assign beats_last_o = last_word[WordsBits-1:WordShift];

  logic unused_bits;
  assign unused_bits = ^{payload_i, dram, cores_q, from_core_q};

`ifdef TRINE_ASSERT
  logic set_q;  // both registers that give sizes were written
  logic local_set_q, rows_set_q;

  initial {local_set_q, rows_set_q} = '0;
  assign set_q = local_set_q && rows_set_q;

  always_ff @(posedge clk_i) begin
    local_set_q <= local_set_q || (we_i && reg_i == 4'(trine_isa_pkg::DmaLocalReg));
    rows_set_q  <= rows_set_q || (we_i && reg_i == 4'(trine_isa_pkg::DmaRowsLastReg));
    if (set_q) begin
      a_cores: assert (cores_o != '0);
      a_core:  assert (32'(from_core_o) < Cores);
      a_words: assert ({beats_last_o, end_o} + WordsBits'(1) == words_q + WordsBits'(offset_o));
    end
  end
`endif

endmodule
