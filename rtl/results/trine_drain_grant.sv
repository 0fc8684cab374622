// SPDX-License-Identifier: Apache-2.0
//
// When the compute engine may overwrite the array's drain registers: the results of a step that
// enters the array in the cycle after the promise are in them D = 2 + PeStages cycles after it,
// those of the next block of PipeCols columns a cycle later each. The promise is given if the last
// column of the job in front is read in this cycle, or if at most D issues are left (D and a cycle
// for each block before the last column's; as each block takes an issue at least, the columns
// before it are read in time, too), and nothing can stop them: there are places for their words,
// which no softmax takes meanwhile (trine_lane_arb).
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
// Timing    combinational.
// Check     trine_post_tb; trine_post_props; random_program_test (whole core)

module trine_drain_grant #(
  parameter bit          Groups   = 1'b0,
  parameter int unsigned LeftBits = 6,
  parameter int unsigned FreeBits = 2,
  parameter int unsigned LateBits = 1,
  parameter int unsigned PeStages = 2  // of a PE: 1, 2
) (
  // The job in front: its next column, issues that are left, and their words; parameters that are
  // there.
  input  trine_post_pkg::kind_t    kind_i,
  input  trine_post_pkg::column_t  column_i,
  input  logic [LeftBits-1:0]      issues_i,
  input  logic [LateBits-1:0]      late_i,     // blocks of PEs before the last column's
  input  logic [1:0]               words_i,
  input  logic                     params_i,
  input  logic                     done_i,     // its last column is read
  input  logic                     lanes_i,    // no softmax keeps it out of the lanes

  // Results of the job in front, or, if they come soon, of one that is taken in this cycle behind
  // it, of two issues.
  input  trine_job_pkg::results_t results_i,
  input  logic                     follows_i,
  input  logic [1:0]               follower_words_i,

  // Places for words.
  input  logic [FreeBits-1:0]      free_i,

  output logic                     drain_ok_o,
  output logic                     drain_soon_o
);

  localparam int unsigned Due = 2 + PeStages;  // cycles from a promise to new results

  logic       part;  // no words come of its columns
  logic       sure;  // every cycle is an issue
  logic       enough, enough_both;  // places for the words of the job in front, and the follower's
  logic       comes;                // the job in front waits for its data
  logic [LeftBits-1:0] reach;       // issues that are over before new results come

  assign part        = Groups && column_i.parts.part;
  assign sure        = column_i.left && (kind_i.requant || part) && params_i && lanes_i;
  assign enough      = 3'(free_i) >= 3'(words_i) || part;
  assign enough_both = 3'(free_i) >= 3'(words_i) + 3'(follower_words_i);
  assign reach       = LeftBits'(Due) + LeftBits'(late_i);
  assign comes       = sure && enough && !column_i.data && !column_i.from_vector;

  always_comb begin
    drain_ok_o   = column_i.from_vector || !column_i.left || done_i ||
                   (Groups && column_i.parts.sums) || (sure && enough && issues_i <= reach);
    // As data is taken, the first column is read in the next cycle; in the cycle before, it is read
    // in the next but one, whether the job is in front or follows another in this cycle without a
    // gap.
    drain_soon_o = (comes && results_i.valid && issues_i < reach) ||
                   (comes && results_i.soon && issues_i + LeftBits'(1) < reach) ||
                   (PeStages > 1 && follows_i && results_i.soon && sure && enough_both);
  end

  logic unused_grant;
  assign unused_grant = ^{kind_i, column_i, results_i, follows_i};

endmodule
