// SPDX-License-Identifier: Apache-2.0
//
// Tracks the parts of reductions with factors for trine_drain: each part is a job. The columns of a
// part are multiplied by factors and added to sums (trine_group_sums). The columns of the last part
// are issued a second time, to turn the sums into codes.
//
//   cycle         0    1    2    3    4    5    6    7      Cols = 4, the last part
//   column        0    1    2    3    0    1    2    3
//   part          1    1    1    1
//   sums                              1    1    1    1
//   the sum of column 0 is complete in cycle 4
//
// Timing    The outputs are registers, with two exceptions. sums_start_o is combinational from
//           issue_i, and `pending` is combinational from registers.
// Contract  job_taken_i comes with the job. The columns of the job come after it.
// Check     random_program_test

module trine_drain_parts #(
  parameter bit          Groups   = 1'b1,
  parameter int unsigned Drain    = 1,
  parameter int unsigned LeftBits = 6
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  logic                    clear_i,

  // A job is accepted; it is a compute job.
  input  logic                    job_taken_i,
  input  logic                    c_job_taken_i,
  input  trine_job_pkg::job_t    job_i,

  // Issues; the number of columns left; this column is the last one.
  input  trine_post_pkg::issue_t  issue_i,
  input  logic [LeftBits-1:0]     columns_left_i,
  input  logic                    last_column_i,

  output trine_post_pkg::parts_t  parts_o,
  output logic                    sums_start_o  // columns restart, as sums
);

  localparam int unsigned Latency = 3;  // cycles between a column and its sum

  logic [Latency-1:0] flight_q;
  logic [1:0]         flight;
  logic               part_q, first_q, whole_q, bank_q, sums_q, turn, takes;

  assign takes = Groups && c_job_taken_i && job_i.cfg.groups;
  assign turn  = part_q && whole_q && issue_i.column && last_column_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {part_q, sums_q} <= '0;
      flight_q <= '0;
    end else if (clear_i) begin
      {part_q, sums_q} <= '0;
      flight_q <= '0;
    end else begin
      flight_q <= Latency'({flight_q, Groups && issue_i.part});
      if (job_taken_i) {part_q, sums_q} <= {takes, 1'b0};
      else if (turn) {part_q, sums_q} <= 2'b01;
    end
  end

  always_ff @(posedge clk_i) begin
    if (job_taken_i) begin
      first_q <= Groups && job_i.part_first;
      whole_q <= !Groups || job_i.part_last;
      bank_q  <= Groups && job_i.bank;
    end
  end

  assign flight = 2'(flight_q[0]) + 2'(flight_q[1]) + 2'(flight_q[2]);

  assign parts_o.part    = part_q && Groups;
  assign parts_o.first   = first_q && Groups;
  assign parts_o.whole   = whole_q && Groups;
  assign parts_o.bank    = bank_q && Groups;
  assign parts_o.sums    = sums_q && Groups;
  assign parts_o.pending = sums_q && Groups &&
                           LeftBits'(flight) * LeftBits'(Drain) >= columns_left_i;
  assign parts_o.open    = part_q && !whole_q && Groups;
  assign sums_start_o    = turn && Groups;

  logic unused_parts;
  assign unused_parts = ^{issue_i, job_i, first_q, bank_q};

`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      m_take: assume (!c_job_taken_i || job_taken_i);
      a_one:     assert (!(parts_o.part && parts_o.sums));
      a_pending: assert (!parts_o.pending || parts_o.sums);
      a_open:    assert (!parts_o.open || (parts_o.part && !parts_o.whole));
    end
  end
`endif

endmodule
