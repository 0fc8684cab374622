// SPDX-License-Identifier: Apache-2.0
//
// trine_compute with a port for each field of its structs, as trine_compute_tb drives it.

module trine_compute_ports #(
  parameter int unsigned Rows         = 8,
  parameter int unsigned AddrBits     = 15,
  parameter int unsigned PmemAddrBits = 11,
  parameter int unsigned PipeRows     = 8,
  parameter int unsigned PeStages     = 2,  // of a PE: 1, 2
  parameter bit          Window       = 1'b0,
  parameter int unsigned WindowParts  = 1,  // 1..8
  parameter bit          Weights4     = 1'b1,
  parameter bit          Sums         = 1'b1,
  localparam int unsigned Lanes   = Rows + (Window ? 3 : 0),
  localparam int unsigned TagBits = 4
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     clear_i,

  // Instructions; wait_i: the RUN in front lacks tokens.
  input  logic                     cfg_valid_i,
  output logic                     cfg_ready_o,
  input  logic [3:0]               cfg_reg_i,
  input  logic [55:0]              cfg_payload_i,
  input  logic                     run_valid_i,
  output logic                     run_ready_o,
  input  logic [16:0]              run_i,  // {flags, operation}
  input  logic                     wait_i,

  // Gather.
  output logic                     g_valid_o,
  input  logic                     g_ready_i,
  output logic [Lanes*AddrBits-1:0] g_addr_o,
  output logic [Lanes-1:0]         g_lanes_o,
  output logic [7:0]               g_pad_o,
  output logic [TagBits-1:0]       g_tag_o,
  output logic                     g_hold_o,
  input  logic [Lanes-1:0]         rsp_lanes_i,
  input  logic [Lanes*33-1:0]      rsp_data_i,       // {masked lanes, words}
  input  logic [TagBits-1:0]       rsp_tag_i,
  input  logic                     rsp_done_i,
  input  logic                     rsp_done_next_i,  // rsp_done_i of the next cycle

  // PMEM; its answer goes straight to the array. With w_next_o the row that was read takes the
  // place of the one that the array sees.
  output logic                     w_en_o,
  output logic [PmemAddrBits-1:0]  w_row_o,
  output logic                     w_next_o,
  // 0: as they are, 1: ternary, 2: binary, 3: window
  output logic [2:0]               weight_bits_o,
  output logic [2:0]               weight_part_o,

  // Array.
  output logic                     array_valid_o,
  output logic                     array_first_o,
  output logic                     array_last_o,
  output logic [1:0]               array_mode_o,
  output logic                     array_window_o,
  output logic [Lanes*33-1:0]      array_act_o,  // of a lane {bit 0 of its mode, word}
  output logic [7:0]               act_zero_o,  // of a product of two maps, else 0
  output logic [7:0]               wgt_zero_o,

  // A tile for the post unit.
  output logic                     job_valid_o,
  input  logic                     job_ready_i,
  output logic [Rows*AddrBits-1:0] job_out_o,
  output logic [Rows-1:0]          job_active_o,
  output logic                     job_tile_first_o,  // first group of its tile
  output logic                     job_tile_last_o,   // last group of its tile
  output logic                     job_new_o,         // first tile of its instruction
  output logic                     job_final_o,       // last tile of its instruction
  output logic                     job_drain_o,       // the instruction has results
  output trine_job_pkg::cfg_t     job_cfg_o,
  output logic                     data_valid_o,      // its results are in the drain registers
  output logic                     data_soon_o,       // they will be in the next cycle
  input  logic                     data_ready_i,
  input  logic                     drain_ok_i,
  input  logic                     drain_soon_i,  // the same, as data is taken or a cycle before
  input  logic                     fetch_busy_i,      // residuals of the current job not all read

  // For the cause of a cycle.
  output logic                     running_o,
  output logic                     drain_wait_o,  // the last step waits in front of the array
  output logic                     last_wait_o    // the last step is not issued yet
);

  trine_engine_pkg::command_t       command;
  trine_matmul_pkg::step_t          step;
  trine_engine_pkg::compute_state_t state;
  trine_engine_pkg::answer_t        answer;
  trine_job_pkg::job_t             job;
  trine_job_pkg::results_t         results;
  trine_job_pkg::compute_status_t  status;

  // The bench says that tokens lack, not which.
  assign command.cfg_valid      = cfg_valid_i;
  assign command.cfg_reg        = cfg_reg_i;
  assign command.cfg_payload    = cfg_payload_i;
  assign command.run_valid      = run_valid_i;
  assign command.run_op         = run_i[7:0];
  assign command.run_flags      = run_i[16:8];
  assign command.missing_tokens = {3'd0, wait_i};

  assign array_valid_o = step.valid;
  assign array_first_o = step.first;
  assign array_last_o = step.last;
  assign array_mode_o = step.mode;
  assign array_window_o = step.window;
  assign act_zero_o = step.act_zero;
  assign wgt_zero_o = step.wgt_zero;

  assign job_tile_first_o = job.tile_first;
  assign job_tile_last_o = job.tile_last;
  assign job_new_o = job.first;
  assign job_final_o = job.last;
  assign job_drain_o = job.drain;
  assign job_cfg_o   = job.cfg;

  assign cfg_ready_o = answer.cfg_ready;
  assign run_ready_o = answer.run_ready;

  assign status.drain_ok   = drain_ok_i;
  assign status.drain_soon = drain_soon_i;
  assign status.fetch_busy = fetch_busy_i;
  assign status.retire     = 1'b0;
  assign status.odd        = 1'b0;
  assign status.pairs      = 1'b0;
  assign status.read       = '0;
  assign status.bank       = 1'b0;

  assign data_valid_o = results.valid;
  assign data_soon_o  = results.valid_next;

  assign running_o = state.running;
  assign drain_wait_o = state.drain_wait;
  assign last_wait_o = state.last_wait;

  logic factors, factors_second, factors_bank;
  logic unused;
  assign unused = ^{state.enters, answer.retire, factors, factors_second, factors_bank,
                    job.part_first, job.part_last, job.bank};

  trine_compute #(
    .Rows (Rows),
    .AddrBits (AddrBits),
    .PmemAddrBits (PmemAddrBits),
    .PipeRows (PipeRows),
    .PeStages (PeStages),
    .Window (Window),
    .WindowParts (WindowParts),
    .Weights4 (Weights4),
    .Sums (Sums),
    .Binary (1'b1)
  ) u_dut (
    .clk_i,
    .rst_ni,
    .clear_i,
    .g_valid_o,
    .g_ready_i,
    .g_addr_o,
    .g_lanes_o,
    .g_pad_o,
    .g_tag_o,
    .g_hold_o,
    .rsp_lanes_i,
    .rsp_data_i,
    .rsp_tag_i,
    .rsp_done_i,
    .rsp_done_next_i,
    .w_en_o,
    .w_row_o,
    .w_next_o,
    .weight_bits_o,
    .weight_part_o,
    .factors_o        (factors),
    .factors_second_o (factors_second),
    .factors_bank_o   (factors_bank),
    .factors_free_i   ('0),
    .job_valid_o,
    .job_ready_i,
    .job_out_o,
    .job_active_o,
    .results_o (results),
    .data_ready_i,
    .answer_o (answer),
    .status_i (status),
    .y_shift_i ('0),
    .command_i (command),
    .step_o (step),
    .act_o (array_act_o),
    .job_o (job),
    .state_o (state)
  );

endmodule
