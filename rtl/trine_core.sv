// SPDX-License-Identifier: Apache-2.0
//
// Connects the parts of a core: feature maps, matrix unit, results and parameter memories. This
// module contains only wires. Each part is a folder of rtl/ in Trine's repository. Control and DMA
// serve all cores, so trine_machine instantiates them.
//
//   beats of the DMA --> trine_maps, PMEM in trine_matmul, trine_param_memories
//
//   trine_maps --gather--> trine_matmul --columns--> trine_results --words--> trine_maps
//    (DMEM)  |         (compute, PMEM, array)     (vector, post unit)
//            +-------------gather----------------------^  ^
//                                  trine_param_memories --'
//
// Check     verilator --lint-only -Wall -f trine.f; random_program_test

module trine_core #(
  parameter int unsigned Rows          = 8,      // 1..256: lanes
  parameter int unsigned Cols          = 8,      // 1..256: output channels
  parameter bit          Int8          = 1'b1,
  parameter bit          Ternary       = 1'b0,
  parameter bit          Binary        = 1'b0,
  parameter int unsigned Banks         = 16,     // banks of DMEM
  parameter int unsigned BankRows      = 2048,
  parameter int unsigned PmemRows      = 2048,   // even
  parameter bit          Ecc           = 1'b0,   // ECC in DMEM and PMEM (trine_ecc)
  parameter int unsigned ParamChannels = 512,
  parameter bit          Vector        = 1'b1,
  parameter bit          Table         = 1'b1,   // lookup table of codes
  parameter bit          Softmax       = 1'b0,   // softmax in the vector engine
  parameter bit          Window        = 1'b0,   // requires Int8 and Cols >= 4
  parameter bit          Weights4      = 1'b0,   // 4-bit weights; requires Int8
  parameter bit          Groups        = 1'b0,   // factors by groups; requires Weights4, no Ecc
  parameter bit          Int16         = 1'b0,   // int16 activations; requires Int8, even Rows
  parameter bit          Formats       = 1'b0,   // codes of eight-bit formats; requires Int16
  parameter bit          Sums          = 1'b0,   // adds int32 sums from DMEM
  parameter int unsigned Drain         = 1,      // columns drained per cycle: 1, 2 (PipeCols >= 2)
  parameter bit          ZeroPoints    = 1'b0,   // products of two maps; requires Int8
  parameter bit          Cluster       = 1'b0,   // one of several cores
  parameter int unsigned DataWords     = 2,      // words of a beat
  parameter int unsigned PipeRows      = 8,
  parameter int unsigned PipeCols      = 8,
  parameter int unsigned PeStages      = 2,      // stages of a PE: 1, 2
  parameter int unsigned AccBits       = 32,     // accumulator width: 20..32
  parameter bit          ClockGates    = 1'b0,   // clock gates of PEs and zero points
  parameter int          Multiplier    = trine_mul_pkg::Operator,
  localparam int unsigned DataBits     = 32 * DataWords,
  localparam int unsigned RowBits      = BankRows > 1 ? $clog2(BankRows) : 1,
  localparam int unsigned AddrBits     = $clog2(Banks) + RowBits,
  localparam int unsigned PmemAddrBits = $clog2(PmemRows),
  localparam int unsigned Quads        = (Cols + 3) / 4,
  localparam int unsigned WriteBits    = 1 + 33 * DataWords + AddrBits  // a beat for DMEM
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,
  input  logic                            test_en_i,  // opens the clock gates for scan; else 0
  input  logic                            clear_i,
  input  logic [2:0]                      core_i,     // index in the cluster, a constant

  // State of the machine. Instructions: compute engine in the low bits, vector engine above.
  input  trine_engine_pkg::state_t        state_i,
  input  logic [2*trine_engine_pkg::CommandBits-1:0] commands_i,
  output logic [2*trine_engine_pkg::AnswerBits-1:0]  answers_o,

  // DMEM, DMA port.
  input  logic                            dma_wvalid_i,
  output logic                            dma_wready_o,
  input  logic [WriteBits-1:0]            dma_wbeat_i,
  output logic                            dma_wdone_o,
  input  logic                            dma_rvalid_i,
  output logic                            dma_rready_o,
  input  logic [AddrBits-1:0]             dma_raddr_i,
  output logic                            dma_rdata_valid_o,
  output logic [DataBits-1:0]             dma_rdata_o,

  // PMEM: a whole row.
  input  logic                            pmem_wvalid_i,
  output logic                            pmem_wready_o,
  input  logic [PmemAddrBits-1:0]         pmem_wrow_i,
  input  logic [32*Cols-1:0]              pmem_wdata_i,
  input  logic [Quads-1:0]                pmem_wquads_i,

  // Small memories.
  input  trine_engine_pkg::param_t        param_i,
  output logic                            param_ready_o,
  input  logic [DataBits-1:0]             param_wdata_i,

  output trine_engine_pkg::memory_state_t memory_state_o,
  output trine_engine_pkg::activity_t     activity_o
);

  localparam int unsigned ChannelBits = $clog2(ParamChannels);
  localparam int unsigned Lanes       = Rows + (Window ? 3 : 0);  // lanes of the gather
  localparam int unsigned LaneBits    = Rows * (AddrBits + 1);    // {active lanes, addresses}
  localparam int unsigned WordBits    = Rows * (AddrBits + 33) + 32;  // bits of the result words

  trine_engine_pkg::command_t compute_command, vector_command;
  trine_engine_pkg::answer_t  compute_answer, vector_answer;

  assign {vector_command, compute_command} = commands_i;
  assign answers_o                         = {vector_answer, compute_answer};

  logic [2*14-1:0] y_shift;  // row offset of the lanes, for both engines

  if (Cluster) begin : gen_rows
    trine_core_rows u_rows (
      .clk_i,
      .core_i,
      .commands_i,
      .answers_i (answers_o),
      .shift_o   (y_shift)
    );
  end else begin : gen_no_rows
    assign y_shift = '0;
  end

  // ---------------------------------------------------------------------------------------------
  // Small memories.
  // ---------------------------------------------------------------------------------------------
  logic                     wiping, dmem_init, pmem_init;
  logic [RowBits-1:0]       dmem_init_row;
  logic [PmemAddrBits-2:0]  pmem_init_row;
  logic                     p_valid, p_next;
  logic [ChannelBits-1:0]   p_channel;
  logic [Drain*69-1:0]      params;

  trine_engine_pkg::entry_t entry;  // write of a table entry

  trine_param_memories #(
    .DmemRows  (BankRows),
    .PmemRows  (PmemRows / 2),
    .Channels  (ParamChannels),
    .DataWords (DataWords),
    .Drain     (Drain),
    .Ecc       (Ecc),
    .Int16     (Int16)
  ) u_param_memories (
    .clk_i,
    .rst_ni,
    .clear_i,
    .wipe_i        (state_i.wipe),
    .wiping_o      (wiping),
    .dmem_init_o   (dmem_init),
    .dmem_row_o    (dmem_init_row),
    .pmem_init_o   (pmem_init),
    .pmem_row_o    (pmem_init_row),
    .param_i,
    .param_ready_o,
    .param_wdata_i,
    .r_valid_i     (p_valid),
    .r_next_i      (p_next),
    .r_channel_i   (p_channel),
    .params_o      (params),
    .entry_o       (entry)
  );

  // Errors of the memories.
  logic                     dmem_fatal, pmem_fatal;
  logic [Banks-1:0]         dmem_corrected;
  logic [Cols-1:0]          pmem_corrected;
  logic [AddrBits-1:0]      dmem_fatal_addr;
  logic [PmemAddrBits-1:0]  pmem_fatal_row;
  logic [7:0]               pmem_fatal_column;

  trine_memory_state #(
    .Ecc          (Ecc),
    .Banks        (Banks),
    .Cols         (Cols),
    .DmemAddrBits (AddrBits),
    .PmemAddrBits (PmemAddrBits)
  ) u_memory_state (
    .clk_i,
    .rst_ni,
    .clear_i,
    .start_i          (state_i.start),
    .wiping_i         (wiping),
    .dmem_corrected_i (dmem_corrected),
    .dmem_fatal_i     (dmem_fatal),
    .dmem_addr_i      (dmem_fatal_addr),
    .pmem_corrected_i (pmem_corrected),
    .pmem_fatal_i     (pmem_fatal),
    .pmem_column_i    (pmem_fatal_column),
    .pmem_row_i       (pmem_fatal_row),
    .state_o          (memory_state_o)
  );

  // ---------------------------------------------------------------------------------------------
  // Feature maps: their readers and writers.
  // ---------------------------------------------------------------------------------------------
  trine_engine_pkg::gather_req_t   c_req, v_req;
  trine_engine_pkg::gather_stall_t c_stall;

  logic                      c_ready, c_done, c_rsp_done_next, v_ready, v_done, r_valid, r_ready,
                             r_done;
  logic [Lanes*AddrBits-1:0] c_addr;
  logic [Rows*AddrBits-1:0]  v_addr;
  logic [Lanes-1:0]          c_lanes, c_rsp_lanes;
  logic [Rows-1:0]           v_lanes, v_rsp_lanes, r_rsp_lanes;
  logic [LaneBits-1:0]       r_lanes;
  logic [Lanes*33-1:0]       rsp_data;
  logic [3:0]                rsp_tag;
  logic                      s_valid, s_ready;
  logic [WordBits-1:0]       s_word;

  trine_maps #(
    .Rows      (Rows),
    .Lanes     (Lanes),
    .Banks     (Banks),
    .BankRows  (BankRows),
    .DataWords (DataWords),
    .Ecc       (Ecc),
    .MaskBits  (Ternary || Binary ? 1 : 8)  // int8 codes are bytes
  ) u_maps (
    .clk_i,
    .rst_ni,
    .clear_i,
    .c_req_i           (c_req),
    .c_ready_o         (c_ready),
    .c_lanes_i         ({c_lanes, c_addr}),
    .c_rsp_lanes_o     (c_rsp_lanes),
    .c_rsp_done_next_o (c_rsp_done_next),
    .c_stall_o         (c_stall),
    .v_req_i           (v_req),
    .v_ready_o         (v_ready),
    .v_lanes_i         ({v_lanes, v_addr}),
    .v_rsp_lanes_o     (v_rsp_lanes),
    .r_valid_i         (r_valid),
    .r_ready_o         (r_ready),
    .r_lanes_i         (r_lanes),
    .r_rsp_lanes_o     (r_rsp_lanes),
    .rsp_done_o        ({r_done, v_done, c_done}),
    .rsp_data_o        (rsp_data),
    .rsp_tag_o         (rsp_tag),
    .s_valid_i         (s_valid),
    .s_ready_o         (s_ready),
    .s_word_i          (s_word),
    .dma_wvalid_i,
    .dma_wready_o,
    .dma_wbeat_i,
    .dma_wdone_o,
    .dma_rvalid_i,
    .dma_rready_o,
    .dma_raddr_i,
    .dma_rdata_valid_o,
    .dma_rdata_o,
    .init_i            (dmem_init),
    .init_row_i        (dmem_init_row),
    .ecc_corrected_o   (dmem_corrected),
    .ecc_fatal_o       (dmem_fatal),
    .ecc_addr_o        (dmem_fatal_addr)
  );

  // ---------------------------------------------------------------------------------------------
  // Compute.
  // ---------------------------------------------------------------------------------------------
  trine_engine_pkg::compute_state_t compute_state;
  trine_job_pkg::job_t             job;
  trine_job_pkg::results_t         results;
  trine_job_pkg::compute_status_t  compute_status;

  logic                     job_valid, job_ready, data_ready;
  logic [LaneBits-1:0]      job_lanes;
  logic [Cols-1:0]          cols;  // columns read
  logic [Drain*Rows*32-1:0] column;
  logic [Drain*16-1:0]      factor;

  trine_matmul #(
    .Rows       (Rows),
    .Cols       (Cols),
    .AddrBits   (AddrBits),
    .PmemRows   (PmemRows),
    .Ecc        (Ecc),
    .Int8       (Int8),
    .Ternary    (Ternary),
    .Binary     (Binary),
    .Window     (Window),
    .Weights4   (Weights4),
    .Groups     (Groups),
    .Int16      (Int16), .Formats (Formats), .Sums (Sums),
    .Drain      (Drain),
    .ZeroPoints (ZeroPoints),
    .PipeRows   (PipeRows),
    .PipeCols   (PipeCols),
    .PeStages   (PeStages),
    .AccBits    (AccBits),
    .ClockGates (ClockGates),
    .Multiplier (Multiplier),
    .Cluster    (Cluster)
  ) u_matmul (
    .clk_i,
    .rst_ni,
    .test_en_i,
    .clear_i,
    .y_shift_i       (y_shift[0 +: 14]),
    .command_i       (compute_command),
    .answer_o        (compute_answer),
    .g_valid_o       (c_req.valid),
    .g_ready_i       (c_ready),
    .g_addr_o        (c_addr),
    .g_lanes_o       (c_lanes),
    .g_pad_o         (c_req.pad),
    .g_tag_o         (c_req.tag),
    .g_hold_o        (c_req.hold),
    .rsp_lanes_i     (c_rsp_lanes),
    .rsp_data_i      (rsp_data),
    .rsp_tag_i       (rsp_tag),
    .rsp_done_i      (c_done),
    .rsp_done_next_i (c_rsp_done_next),
    .job_valid_o     (job_valid),
    .job_ready_i     (job_ready),
    .job_o           (job),
    .job_lanes_o     (job_lanes),
    .results_o       (results),
    .data_ready_i    (data_ready),
    .status_i        (compute_status),
    .cols_i          (cols),
    .column_o        (column),
    .factor_o        (factor),
    .pmem_wvalid_i,
    .pmem_wready_o,
    .pmem_wrow_i,
    .pmem_wdata_i,
    .pmem_wquads_i,
    .init_i          ({pmem_init, pmem_init_row}),
    .ecc_corrected_o (pmem_corrected),
    .ecc_fatal_o     (pmem_fatal),
    .ecc_column_o    (pmem_fatal_column),
    .ecc_row_o       (pmem_fatal_row),
    .state_o         (compute_state)
  );

  // ---------------------------------------------------------------------------------------------
  // Results: vector engine and post unit.
  // ---------------------------------------------------------------------------------------------
  assign v_req.tag[3] = 1'b0;

  trine_results #(
    .Rows       (Rows),
    .Cols       (Cols),
    .AddrBits   (AddrBits),
    .Channels   (ParamChannels),
    .Ternary    (Ternary),
    .Binary     (Binary),
    .Vector     (Vector),
    .Table      (Table),
    .Groups     (Groups),
    .Int16      (Int16), .Formats (Formats), .Sums (Sums),
    .Window     (Window),
    .Softmax    (Softmax),
    .Drain      (Drain),
    .PeStages   (PeStages),
    .PipeRows   (PipeRows),
    .PipeCols   (PipeCols),
    .Multiplier (Multiplier),
    .Cluster    (Cluster)
  ) u_results (
    .clk_i,
    .rst_ni,
    .clear_i,
    .y_shift_i     (y_shift[14 +: 14]),
    .vector_i      (vector_command),
    .vector_o      (vector_answer),
    .v_valid_o     (v_req.valid),
    .v_ready_i     (v_ready),
    .v_addr_o      (v_addr),
    .v_lanes_o     (v_lanes),
    .v_pad_o       (v_req.pad),
    .v_tag_o       (v_req.tag[2:0]),
    .v_hold_o      (v_req.hold),
    .v_rsp_lanes_i (v_rsp_lanes),
    .v_rsp_tag_i   (rsp_tag[2:0]),
    .v_rsp_done_i  (v_done),
    .r_valid_o     (r_valid),
    .r_ready_i     (r_ready),
    .r_lanes_o     (r_lanes),
    .r_rsp_lanes_i (r_rsp_lanes),
    .r_rsp_done_i  (r_done),
    .rsp_data_i    (rsp_data[Rows*32-1:0]),
    .job_valid_i   (job_valid),
    .job_ready_o   (job_ready),
    .job_i         (job),
    .job_lanes_i   (job_lanes),
    .results_i     (results),
    .data_ready_o  (data_ready),
    .status_o      (compute_status),
    .cols_o        (cols),
    .column_i      (column),
    .factor_i      (factor),
    .p_valid_o     (p_valid),
    .p_next_o      (p_next),
    .p_channel_o   (p_channel),
    .params_i      (params),
    .entry_i       (entry),
    .s_valid_o     (s_valid),
    .s_ready_i     (s_ready),
    .s_word_o      (s_word)
  );

  // ---------------------------------------------------------------------------------------------
  // Cause of this cycle.
  // ---------------------------------------------------------------------------------------------
  trine_cause u_cause (
    .clk_i,
    .compute_i        (compute_state),
    .replay_i         (c_stall.replay),
    .arb_lost_i       (c_stall.arb_lost),
    .missing_tokens_i (compute_command.missing_tokens),
    .idle_i           (state_i.idle),
    .busy_i           (state_i.busy),
    .reads_i          (v_req.valid && v_ready),
    .writes_i         (s_valid && s_ready),
    .activity_o       (activity_o)
  );

  logic unused_core;
  assign unused_core = ^{state_i, core_i};

endmodule
