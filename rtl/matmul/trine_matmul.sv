// SPDX-License-Identifier: Apache-2.0
//
// Computes sums of products: connects the compute engine, the weight memory and the PE array.
//
//   instructions -> trine_compute --rows--> trine_matrix (PMEM, array) --columns--> post unit
//        gather ------^      `--steps-----------^
//                            `--jobs, data------------------------------------------> post unit
//
// Timing    See trine_compute and trine_matrix.
// Contract  See trine_compute. The columns of a job are read after its data are announced, until
//           status_i grants the next last step.
// Check     trine_compute_tb, random_program_test

module trine_matmul #(
  parameter int unsigned Rows       = 8,
  parameter int unsigned Cols       = 8,
  parameter int unsigned AddrBits   = 15,
  parameter int unsigned PmemRows   = 2048,
  parameter bit          Ecc        = 1'b0,
  parameter bit          Int8       = 1'b1,
  parameter bit          Ternary    = 1'b0,
  parameter bit          Binary     = 1'b0,
  parameter bit          Window     = 1'b0,
  parameter bit          Weights4   = 1'b0,
  parameter bit          Groups     = 1'b0,
  parameter bit          Int16      = 1'b0, Formats = 1'b0, Sums = 1'b0,
  parameter int unsigned Drain      = 1,     // columns drained per cycle: 1, 2
  parameter bit          ZeroPoints = 1'b0,
  parameter int unsigned PipeRows   = 8,
  parameter int unsigned PipeCols   = 8,
  parameter int unsigned PeStages   = 2,     // stages of a PE: 1, 2
  parameter int unsigned AccBits    = 32,    // accumulator width: 20..32
  parameter bit          ClockGates = 1'b0,  // clock gates of PEs and zero points
  parameter int          Multiplier = trine_mul_pkg::Operator,
  parameter bit          Cluster    = 1'b0,  // one of several cores
  localparam int unsigned Lanes        = Rows + (Window ? 3 : 0),
  localparam int unsigned PmemAddrBits = $clog2(PmemRows),
  localparam int unsigned Quads        = (Cols + 3) / 4
) (
  input  logic                             clk_i,
  input  logic                             rst_ni,
  input  logic                             test_en_i,  // opens the clock gates for scan
  input  logic                             clear_i,

  // Instructions, and the core's row shift in a Cluster (trine_agu).
  input  logic [13:0]                      y_shift_i,
  input  trine_engine_pkg::command_t       command_i,
  output trine_engine_pkg::answer_t        answer_o,

  // Gather.
  output logic                             g_valid_o,
  input  logic                             g_ready_i,
  output logic [Lanes*AddrBits-1:0]        g_addr_o,
  output logic [Lanes-1:0]                 g_lanes_o,
  output logic [7:0]                       g_pad_o,
  output logic [3:0]                       g_tag_o,
  output logic                             g_hold_o,
  input  logic [Lanes-1:0]                 rsp_lanes_i,
  input  logic [Lanes*33-1:0]              rsp_data_i,  // {masked lanes, words}
  input  logic [3:0]                       rsp_tag_i,
  input  logic                             rsp_done_i,
  input  logic                             rsp_done_next_i,  // rsp_done_i comes one cycle later

  // A job, its data, and the columns of the data.
  output logic                             job_valid_o,
  input  logic                             job_ready_i,
  output trine_job_pkg::job_t             job_o,
  output logic [Rows*(AddrBits+1)-1:0]     job_lanes_o,  // {active lanes, their output addresses}
  output trine_job_pkg::results_t         results_o,
  input  logic                             data_ready_i,
  input  trine_job_pkg::compute_status_t  status_i,
  input  logic [Cols-1:0]                  cols_i,  // columns read
  output logic [Drain*Rows*32-1:0]         column_o,
  output logic [Drain*16-1:0]              factor_o,

  // PMEM writes: a whole row or some quads of columns; zeros of a scrub; errors (Ecc).
  input  logic                             pmem_wvalid_i,
  output logic                             pmem_wready_o,
  input  logic [PmemAddrBits-1:0]          pmem_wrow_i,
  input  logic [32*Cols-1:0]               pmem_wdata_i,
  input  logic [Quads-1:0]                 pmem_wquads_i,
  input  logic [PmemAddrBits-1:0]          init_i,  // {write zeros, row}
  output logic [Cols-1:0]                  ecc_corrected_o,
  output logic                             ecc_fatal_o,
  output logic [7:0]                       ecc_column_o,
  output logic [PmemAddrBits-1:0]          ecc_row_o,

  output trine_engine_pkg::compute_state_t state_o
);

  localparam int unsigned ActBits     = Binary ? 33 : 32;  // as in trine_array
  localparam int unsigned WindowParts = !Window ? 1 : Cols < 32 ? Cols / 4 : 8;

  trine_matmul_pkg::step_t step;
  logic                    w_en, w_next;
  logic [PmemAddrBits-1:0] w_row;
  logic [2:0]              weight_bits;
  logic [2:0]              weight_part;
  logic [Lanes*ActBits-1:0] act;
  logic                    factors, factors_second, factors_bank;
  logic [1:0]              factors_free;

  trine_compute #(
    .Rows         (Rows),
    .AddrBits     (AddrBits),
    .PmemAddrBits (PmemAddrBits),
    .PipeRows     (PipeRows),
    .Jobs         (Drain + 1),
    .PeStages     (PeStages),
    .Window       (Window), .Binary (Binary),
    .Weights4     (Weights4),
    .Groups       (Groups),
    .Int16        (Int16), .Formats (Formats), .Sums (Sums),
    .Cluster      (Cluster),
    .WindowParts  (WindowParts)
  ) u_compute (
    .clk_i,
    .rst_ni,
    .clear_i,
    .y_shift_i,
    .command_i,
    .answer_o,
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
    .w_en_o        (w_en),
    .w_row_o       (w_row),
    .w_next_o      (w_next),
    .weight_bits_o (weight_bits),
    .weight_part_o (weight_part),
    .factors_o        (factors),
    .factors_second_o (factors_second),
    .factors_bank_o   (factors_bank),
    .factors_free_i   (factors_free),
    .step_o        (step),
    .act_o         (act),
    .job_valid_o,
    .job_ready_i,
    .job_o,
    .job_out_o     (job_lanes_o[Rows*AddrBits-1:0]),
    .job_active_o  (job_lanes_o[Rows*AddrBits +: Rows]),
    .results_o,
    .data_ready_i,
    .status_i,
    .state_o
  );

  trine_matrix #(
    .Rows        (Rows),
    .Cols        (Cols),
    .PmemRows    (PmemRows),
    .Ecc         (Ecc),
    .Int8        (Int8),
    .Ternary     (Ternary),
    .Binary      (Binary),
    .Window      (Window),
    .WindowParts (WindowParts),
    .Weights4    (Weights4),
    .Groups      (Groups),
    .Drain       (Drain),
    .ZeroPoints  (ZeroPoints),
    .Int16       (Int16),
    .PipeRows    (PipeRows),
    .PipeCols    (PipeCols),
    .PeStages    (PeStages),
    .AccBits     (AccBits),
    .ClockGates  (ClockGates),
    .Multiplier  (Multiplier)
  ) u_matrix (
    .clk_i,
    .rst_ni,
    .test_en_i,
    .clear_i,
    .w_en_i        (w_en),
    .w_row_i       (w_row),
    .w_next_i      (w_next),
    .weight_bits_i (weight_bits),
    .weight_part_i (weight_part),
    .factors_i        (factors),
    .factors_second_i (factors_second),
    .factors_bank_i   (factors_bank),
    .factors_free_o   (factors_free),
    .factors_read_i   (status_i.read),
    .bank_i           (status_i.bank),
    .factor_o,
    .step_i        (step),
    .act_i         (act),
    .cols_i,
    .odd_i         (status_i.odd),
    .pairs_i       (status_i.pairs),
    .column_o,
    .pmem_wvalid_i,
    .pmem_wready_o,
    .pmem_wrow_i,
    .pmem_wdata_i,
    .pmem_wquads_i,
    .init_i     (init_i[PmemAddrBits-1]),
    .init_row_i (init_i[PmemAddrBits-2:0]),
    .ecc_corrected_o,
    .ecc_fatal_o,
    .ecc_column_o,
    .ecc_row_o
  );

`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      if (step.valid) a_running: assert (state_o.running);
    end
  end
`endif

endmodule
