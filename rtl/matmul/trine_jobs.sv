// SPDX-License-Identifier: Apache-2.0
//
// Queues tiles between compute engine and post unit: offers a tile's job first, announces its data
// later.
//
// A tile's job is offered as soon as its last step is issued, so that its parameters and residuals
// can be read before its results are complete. The data follow with their own handshake. The queue
// has Places entries, so that short reductions follow each other without a gap. For example, with a
// window of three steps, whose columns are read in two cycles, one job is in front and three are in
// flight.
//
// With residuals (of this RUN or the previous one), the next last step may be issued only after the
// previous job was accepted and its residuals were read. Otherwise, the residual reads could queue
// up after steps that wait for them.
//
//   add_i        |1|0|0|0|0|0|0|      a last step is issued
//   job_valid_o  |0|1|1|0|0|0|0|      accepted in the third cycle
//   pass_i       |0|0|0|1|0|0|0|      the step enters the array
//   results_o    |0|0|0|0|S|V|0|      S = valid_next, V = valid: JobDelay = 2
//
// Timing    job_valid_o comes one cycle after add_i. results_o.valid comes JobDelay cycles after
//           pass_i, which is one cycle before the first column may be read.
// Contract  add_i comes only with allowed_o. pass_i comes no earlier than the cycle that accepts
//           the previous results. A job is accepted before its results.
// Check     trine_compute_tb

module trine_jobs #(
  parameter int unsigned Rows     = 8,
  parameter int unsigned AddrBits = 15,
  parameter int unsigned Places   = 2,  // at least 2
  parameter int unsigned JobDelay = 3,
  parameter bit          Groups   = 1'b0
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     clear_i,

  // The RUN.
  input  logic                     start_i,
  input  logic                     residual_i,    // the RUN has residuals
  input  logic                     fetch_busy_i,  // the current job has unread residuals

  // A tile's last step is issued (add_i, with its tile), and enters the array (pass_i).
  output logic                     allowed_o,  // a last step may be issued
  input  logic                     add_i,
  input  logic [Rows*AddrBits-1:0] out_i,
  input  logic [Rows-1:0]          active_i,
  input  logic                     tile_first_i,
  input  logic                     tile_last_i,
  input  logic                     final_i,
  input  logic [2:0]               part_i,  // with factors: bank, last, first
  input  logic                     pass_i,

  // The job and its data.
  output logic                     job_valid_o,
  input  logic                     job_ready_i,
  output logic [Rows*AddrBits-1:0] out_o,
  output logic [Rows-1:0]          active_o,
  output logic                     tile_first_o,
  output logic                     tile_last_o,
  output logic                     run_first_o,  // first tile of its RUN
  output logic                     run_last_o,   // last tile of its RUN
  output logic [2:0]               part_o,
  output trine_job_pkg::results_t results_o,
  input  logic                     data_ready_i,

  output logic                     final_taken_o,  // the RUN's last job is taken in this cycle
  output logic                     drained_o       // no results are in the array or waiting
);

  typedef struct packed {
    logic [Rows*AddrBits-1:0] out;
    logic [Rows-1:0]          active;
    logic                     tile_first;
    logic                     tile_last;
    logic                     final_tile;
    logic [2:0]               part;
  } job_t;

  localparam int unsigned JobBits = Rows * (AddrBits + 1) + 6;

  job_t              job_d, first;
  logic [JobBits-1:0] job_q [Places];  // entry 0 is offered
  logic [Places-1:0] valid_q;
  logic              run_first_q, take, arrived;
  logic [JobDelay:1] delay_q;    // a last step is in the array
  logic              arrived_q;  // results arrived and were not accepted

  assign job_d.out        = out_i;
  assign job_d.active     = active_i;
  assign job_d.tile_first = tile_first_i;
  assign job_d.tile_last  = tile_last_i;
  assign job_d.final_tile = final_i;
  assign job_d.part       = part_i & {3{Groups}};

  assign first           = job_q[0];
  assign allowed_o       = !fetch_busy_i && !valid_q[Places-1] && !(valid_q[0] && residual_i);
  assign job_valid_o     = valid_q[0];
  assign take            = job_valid_o && job_ready_i;
  assign out_o           = first.out;
  assign active_o        = first.active;
  assign tile_first_o    = first.tile_first;
  assign tile_last_o     = first.tile_last;
  assign run_first_o     = run_first_q;
  assign run_last_o      = first.final_tile;
  assign part_o          = first.part & {3{Groups}};
  assign arrived         = arrived_q || delay_q[JobDelay];
  assign results_o.valid = arrived;
  assign final_taken_o   = take && first.final_tile;
  assign drained_o       = delay_q == '0 && !arrived_q;

  // A new job goes into the first free entry.
  logic [Places-1:0] place_held, place_filled;

  assign place_held   = take ? valid_q >> 1 : valid_q;
  assign place_filled = {Places{add_i}} & ~place_held & {place_held[Places-2:0], 1'b1};

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q        <= '0;
      delay_q        <= '0;
      arrived_q      <= 1'b0;
      run_first_q    <= 1'b0;
    end else if (clear_i) begin
      valid_q        <= '0;
      delay_q        <= '0;
      arrived_q      <= 1'b0;
      run_first_q    <= 1'b0;
    end else begin
      valid_q <= place_held | place_filled;

      delay_q[1] <= pass_i;
      for (int unsigned k = 2; k <= JobDelay; k++) delay_q[k] <= delay_q[k-1];

      arrived_q <= arrived && !data_ready_i;

      if (start_i) run_first_q <= 1'b1;
      else if (take) run_first_q <= 1'b0;
    end
  end

  if (JobDelay > 1) begin : gen_soon
    assign results_o.valid_next = delay_q[JobDelay-1];
  end else begin : gen_at_once
    assign results_o.valid_next = 1'b0;
  end

  always_ff @(posedge clk_i) begin
    for (int unsigned p = 1; p < Places; p++) begin
      if (take) job_q[p-1] <= job_q[p];
    end
    for (int unsigned p = 0; p < Places; p++) begin
      if (place_filled[p]) job_q[p] <= job_d;
    end
  end

`ifdef TRINE_ASSERT
  logic live_q, stalled_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      live_q    <= 1'b0;
      stalled_q <= 1'b0;
    end else begin
      live_q    <= 1'b1;
      stalled_q <= job_valid_o && !job_ready_i && !clear_i;
    end
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      if (stalled_q) a_job_held: assert (job_valid_o);
      // The drain registers are overwritten only after the previous results were taken.
      if (pass_i) a_last_waits: assert (drained_o || (data_ready_i && (delay_q << 1) == '0));
      if (add_i) a_allowed: assert (allowed_o);
      c_full: cover (valid_q == '1 && take);
      c_close: cover (pass_i && arrived);
    end
  end
`endif

endmodule
