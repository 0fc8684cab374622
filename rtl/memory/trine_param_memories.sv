// SPDX-License-Identifier: Apache-2.0
//
// Accepts the load engine's writes except maps and weights: stores biases and scales, forwards
// table entries. Each table is a memory in the lanes that use it, and is written entry by entry. A
// scrub writes zeros to the memories of this module, and this module also outputs the rows of DMEM
// and PMEM that become zero.
//
//   param_i --+------------------> trine_scrub -> trine_params -> params_o
//             `-> trine_table_loader --^ `-> entry_o
//
// Timing    A read is answered one cycle later and never refused. A beat of biases or scales waits
//           while a read uses the memory. The entries of a table beat follow each other, one per
//           cycle. The zeros of a scrub begin in the cycle after wipe_i. wipe_i drops a waiting
//           beat, so no row of zeros waits.
// Contract  The memories are not used during wiping_o. No entry is looked up while it is written.
// Check     trine_param_memories_tb, trine_table_loader_tb, trine_scrub_tb, trine_params_tb;
//           random_program_test

module trine_param_memories #(
  parameter int unsigned DmemRows  = 2048,  // of a bank
  parameter int unsigned PmemRows  = 1024,  // of a bank
  parameter int unsigned Channels  = 512,
  parameter int unsigned DataWords = 2,
  parameter int unsigned Drain     = 1,     // channels read at once: 1, 2
  parameter bit          Ecc       = 1'b0,
  parameter bit          Int16     = 1'b0,
  localparam int unsigned ChannelBits = $clog2(Channels),
  localparam int unsigned DmemRowBits = DmemRows > 1 ? $clog2(DmemRows) : 1,
  localparam int unsigned PmemRowBits = PmemRows > 1 ? $clog2(PmemRows) : 1
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     clear_i,

  // A scrub; the row of each bank of DMEM and PMEM that becomes zero.
  input  logic                     wipe_i,
  output logic                     wiping_o,
  output logic                     dmem_init_o,
  output logic [DmemRowBits-1:0]   dmem_row_o,
  output logic                     pmem_init_o,
  output logic [PmemRowBits-1:0]   pmem_row_o,

  // Beats of the load engine.
  input  trine_engine_pkg::param_t param_i,
  output logic                     param_ready_o,
  input  logic [32*DataWords-1:0]  param_wdata_i,

  // Reads of parameters.
  input  logic                     r_valid_i,
  input  logic                     r_next_i,  // r_channel_i follows the channel read last
  input  logic [ChannelBits-1:0]   r_channel_i,
  output logic [Drain*69-1:0]      params_o,  // {biases, multipliers, shifts}

  // An entry of the lookup table, or of the exponentials.
  output trine_engine_pkg::entry_t entry_o
);

  localparam int unsigned BiasAddrBits  = $clog2(Channels / DataWords);
  localparam int unsigned ScaleAddrBits = $clog2(2 * Channels / DataWords);
  localparam int unsigned TableAddrBits = $clog2(trine_isa_pkg::TableWords / DataWords);
  localparam int unsigned ExpAddrBits   = $clog2(trine_isa_pkg::ExponentialWords / DataWords);

  logic                     entries_ready, load_table_we, load_exp_we, bias_we, scale_we;
  logic                     params_ready;
  logic [7:0]               load_entry_addr;
  logic [31:0]              load_entry;
  logic [BiasAddrBits-1:0]  bias_addr;
  logic [ScaleAddrBits-1:0] scale_addr;
  logic [32*DataWords-1:0]  wdata;

  assign param_ready_o = param_i.entries ? entries_ready : params_ready;

  trine_table_loader #(.DataWords(DataWords), .Int16(Int16)) u_table_loader (
    .clk_i,
    .rst_ni,
    .clear_i,
    .table_valid_i (param_i.table_valid),
    .exp_valid_i   (param_i.exp_valid),
    .exp_i         (param_i.exp),
    .points_i      (param_i.points),
    .ready_o       (entries_ready),
    .table_addr_i  (param_i.table_addr[TableAddrBits-1:0]),
    .exp_addr_i    (param_i.exp_addr[ExpAddrBits-1:0]),
    .data_i        (param_wdata_i),
    .table_we_o    (load_table_we),
    .exp_we_o      (load_exp_we),
    .addr_o        (load_entry_addr),
    .data_o        (load_entry)
  );

  trine_scrub #(
    .DmemRows      (DmemRows),
    .PmemRows      (PmemRows),
    .ParamChannels (Channels),
    .DataWords     (DataWords),
    .AtReset       (Ecc)
  ) u_scrub (
    .clk_i,
    .rst_ni,
    .wipe_i,
    .busy_o       (wiping_o),
    .dmem_o       (dmem_init_o),
    .dmem_row_o,
    .pmem_o       (pmem_init_o),
    .pmem_row_o,
    .wdata_i      (param_wdata_i),
    .bias_we_i    (param_i.bias_valid),
    .bias_addr_i  (param_i.bias_addr[BiasAddrBits-1:0]),
    .scale_we_i   (param_i.scale_valid),
    .scale_addr_i (param_i.scale_addr[ScaleAddrBits-1:0]),
    .table_we_i   (load_table_we),
    .exp_we_i     (load_exp_we),
    .entry_addr_i (load_entry_addr),
    .entry_i      (load_entry),
    .wdata_o      (wdata),
    .bias_we_o    (bias_we),
    .bias_addr_o  (bias_addr),
    .scale_we_o   (scale_we),
    .scale_addr_o (scale_addr),
    .table_we_o   (entry_o.table_we),
    .exp_we_o     (entry_o.exp_we),
    .entry_addr_o (entry_o.addr),
    .entry_o      (entry_o.data)
  );

  trine_params #(.Channels(Channels), .DataWords(DataWords), .Drain(Drain)) u_params (
    .clk_i,
    .rst_ni,
    .clear_i      (wipe_i),
    .r_valid_i,
    .r_next_i,
    .r_channel_i,
    .bias_o       (params_o[Drain*37 +: Drain*32]),
    .multiplier_o (params_o[Drain*6 +: Drain*31]),
    .shift_o      (params_o[0 +: Drain*6]),
    .w_ready_o    (params_ready),
    .bias_we_i    (bias_we),
    .bias_addr_i  (bias_addr),
    .scale_we_i   (scale_we),
    .scale_addr_i (scale_addr),
    .wdata_i      (wdata)
  );

  logic unused_addr;
  assign unused_addr = ^param_i;

`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      m_one_memory: assume ($countones({param_i.bias_valid, param_i.scale_valid,
                                        param_i.table_valid, param_i.exp_valid}) <= 1);
      m_no_use:     assume (!(wiping_o && (r_valid_i || param_i.bias_valid || param_i.scale_valid ||
                                           param_i.table_valid || param_i.exp_valid)));
      if (wiping_o) a_zeros_taken: assert (params_ready);
      c_beat_waits: cover (param_i.bias_valid && !params_ready);
    end
  end
`endif

endmodule
