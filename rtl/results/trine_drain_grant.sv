// SPDX-License-Identifier: Apache-2.0
//
// When the compute engine may overwrite the array's drain registers: the results of a step that
// enters the array in the cycle after the promise are in them D = 2 + PeStages cycles after it. The
// promise is given if the last column of the job in front is read in this cycle, or if at most D
// issues are left and none of them can stall: their parameters are there and locked, so many words
// as leave until then find room, and none of these words ends an instruction. (Such a word, which
// is a softmax's, keeps the next one in the lanes until the scatter port has taken it whole.)
//
//   cycle         0    1    2    3    4      PeStages = 2, four columns, nothing in the way: the
//   column_i      0    1    2    3           last step of the next tile may enter in cycle 1, its
//   drain_ok_o    1    1    1    1           results are in the registers in cycle 4
//
// Groups of two issues (a window's, two columns at once) follow each other every three cycles: the
// promise comes as the next one's job is taken, a cycle before its results are.
//
//   cycle         0    1    2    3    4    5    6
//   column_i      A0   A2        B0   B2        C0
//   job           A         B              C              taken in 1, 4
//   results_i          soon valid     soon valid          of B, C
//   drain_soon_o       1              1                   B's registers are overwritten in 5
//
// Timing    combinational; but for the lock's count of cycles.
// Contract  with p_lock_o parameters are ready: loads wait while columns are read, but for every
//           eighth cycle.
//
// Check     trine_post_tb; trine_post_props; random_program_test (whole
//           core)

module trine_drain_grant #(
  parameter int unsigned LeftBits = 6,
  parameter int unsigned PeStages = 2  // of a PE: 1, 2
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,

  // The job in front: its next column, issues that are left, parameters that are there.
  input  trine_post_pkg::kind_t    kind_i,
  input  trine_post_pkg::column_t  column_i,
  input  logic [LeftBits-1:0]      issues_i,
  input  logic                     params_i,
  input  logic                     done_i,     // its last column is read
  input  logic                     lanes_i,    // no softmax keeps it out of the lanes

  // Results of the job in front, or, if they come soon, of one that is taken in this cycle behind
  // it, of two issues.
  input  trine_post_pkg::results_t results_i,
  input  logic                     follows_i,

  // Words that leave: in this cycle and 1, 2, 3 cycles from now, if nothing stands still; so many
  // find room, unless one of them ends a softmax's RUN.
  input  logic [3:0]               pops_i,
  input  logic [1:0]               room_i,
  input  logic                     run_ends_i,

  input  logic                     value_i,  // a normalized value's parameters are read
  output logic                     drain_ok_o,
  output logic                     drain_soon_o,
  output logic                     p_lock_o
);

  logic       sure;     // every cycle is an issue
  logic [2:0] leaving;
  logic [1:0] room;
  logic [4:1] certain;  // so many issues cannot be stopped, from now on
  logic [2:0] locked_q;

  assign sure = column_i.left && kind_i.requant && params_i && lanes_i;
  assign room = run_ends_i ? '0 : room_i;

  always_comb begin
    leaving = 3'(pops_i[0]);
    for (int unsigned k = 1; k <= 4; k++) begin
      if (k > 1) leaving = leaving + 3'(pops_i[k-1]);
      certain[k] = leaving <= 3'(room);
    end
  end

  always_comb begin
    drain_ok_o   = column_i.from_vector || !column_i.left || done_i;
    drain_soon_o = 1'b0;
    for (int unsigned k = 1; k <= 2 + PeStages; k++) begin
      if (sure && issues_i == LeftBits'(k) && certain[k]) drain_ok_o = 1'b1;
    end
    // As data is taken, the first column is read in the next cycle.
    for (int unsigned k = 1; k <= 1 + PeStages; k++) begin
      if (sure && issues_i == LeftBits'(k) && certain[k+1]) begin
        drain_soon_o = results_i.valid && !column_i.data && !column_i.from_vector;
      end
    end
    // In the cycle before, it is read in the next but one, whether the job is in front or follows
    // another in this cycle without a gap.
    for (int unsigned k = 1; k <= PeStages; k++) begin
      if (sure && issues_i == LeftBits'(k) && certain[k+2] && results_i.soon) begin
        if (!column_i.data && !column_i.from_vector) drain_soon_o = 1'b1;
      end
    end
    if (PeStages > 1 && follows_i && results_i.soon && sure && p_lock_o && certain[4]) begin
      drain_soon_o = 1'b1;
    end
  end

  assign p_lock_o = value_i ||
                    (column_i.left && column_i.data &&
                     (locked_q != '1 || (issues_i >= LeftBits'(2) &&
                                         issues_i <= LeftBits'(2 + PeStages))));

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) locked_q <= '0;
    else if (!p_lock_o) locked_q <= '0;
    else if (locked_q != '1) locked_q <= locked_q + 3'd1;
  end

  logic unused_grant;
  assign unused_grant = ^{kind_i, column_i, certain, results_i, follows_i};

  // ---------------------------------------------------------------------------------------------
`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      if (done_i) m_columns_read: assume (column_i.left && column_i.last);
      // Nobody waits for a promise that nobody can keep: columns left are some issues.
      if (column_i.left) a_issues: assert (issues_i != '0);
      c_ahead: cover (drain_ok_o && column_i.left && column_i.data && !done_i);
      c_soon: cover (drain_soon_o);
      c_follows: cover (drain_soon_o && follows_i);
      c_no_room: cover (sure && issues_i == LeftBits'(1) && !certain[1]);
      c_run_ends: cover (sure && run_ends_i && leaving <= 3'(room_i) && !certain[4]);
    end
  end
`endif

endmodule
