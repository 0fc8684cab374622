// SPDX-License-Identifier: Apache-2.0
//
// Tells the compute engine when it may overwrite the array's drain registers. A step that enters
// the array one cycle after the grant reaches the first block of PipeCols columns D = 2 + PeStages
// cycles after the grant, and each further block one cycle later.
//
//   grant = the last column of the current job is read in this cycle
//           or issues left <= D + late, words left <= free places, and nothing can stop the issues
//
// "late" is the number of blocks before the last column's block. Each of these blocks contains at
// least one issue, so the columns before the last one are also read in time. No softmax uses the
// free places in the meantime (trine_lane_arb).
//
//   cycle         0    1    2    3    4      PeStages = 2, four columns, no stalls: the
//   column_i      0    1    2    3           last step of the next tile may enter in cycle 1, its
//   drain_ok_o    1    1    1    1           results are in the registers in cycle 4
//
// The groups of a filter window need only two issues if two columns are issued per cycle. Such
// groups follow each other every three cycles. Their grant comes when the next group's job is
// accepted, one cycle before the next group's results.
//
//   cycle         0    1    2    3    4    5    6
//   column_i      A0   A2        B0   B2        C0
//   job           A         B              C              accepted in 1, 4
//   results_i          next valid     next valid          of B, C
//   drain_soon_o       1              1                   B's registers are overwritten in 5
//
// Timing    The outputs are combinational. The clock is only for assertions.
// Contract  After a grant that relies on remaining issues, there is one issue in each cycle
//           (a_kept). This does not apply to results by row. A column is read before it is
//           overwritten (a_drained of trine_post).
// Check     trine_post_tb; trine_post_props; random_program_test (whole core)

module trine_drain_grant #(
  parameter bit          Groups   = 1'b0,
  parameter int unsigned LeftBits = 6,
  parameter int unsigned FreeBits = 2,
  parameter int unsigned LateBits = 1,
  parameter int unsigned PeStages = 2  // stages of a PE: 1, 2
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,

  // The current job: its next column, its remaining issues and words (all ones: this many or more).
  // params_i: the parameters of the next column have been read.
  input  trine_post_pkg::kind_t    kind_i,
  input  trine_post_pkg::column_t  column_i,
  input  logic [LeftBits-1:0]      issue_count_i,
  input  logic [LateBits-1:0]      last_block_i,  // blocks of PEs before the last column's
  input  logic [FreeBits-1:0]      words_i,
  input  logic                     params_i,
  input  logic                     done_i,        // its last column is read
  input  logic                     lanes_i,       // no softmax keeps it out of the lanes

  // Results of the job in front. If valid_next is set, they may also belong to a job of two issues
  // that is accepted in this cycle and follows the job in front.
  input  trine_job_pkg::results_t results_i,
  input  logic                     follows_i,
  input  logic [FreeBits-1:0]      follower_words_i,

  // Places for words.
  input  logic [FreeBits-1:0]      free_places_i,

  output logic                     drain_ok_o,
  output logic                     drain_soon_o
);

  localparam int unsigned Due = 2 + PeStages;  // cycles from a grant to new results

  logic       part;    // columns of the job end no words
  logic       steady;  // each cycle is an issue
  logic       places_ok, places_ok_both;  // for words of the job in front; and the follower's
  logic       data_wait;                  // the job in front waits for its data
  logic [LeftBits-1:0] issue_limit;       // issues before new results arrive: less than 32

  assign part           = Groups && column_i.parts.part;
  assign steady         = column_i.valid && (kind_i.requant || part) && params_i && lanes_i;
  assign places_ok      = free_places_i >= words_i || part;
  assign places_ok_both = (FreeBits+1)'(free_places_i) >= (FreeBits+1)'(words_i) +
                                                          (FreeBits+1)'(follower_words_i);
  assign issue_limit = LeftBits'(Due) + LeftBits'(last_block_i);
  assign data_wait   = steady && places_ok && !column_i.data && !column_i.from_vector;

  always_comb begin
    drain_ok_o   = column_i.from_vector || !column_i.valid || done_i ||
                   (Groups && column_i.parts.sums) ||
                   (steady && places_ok && issue_count_i <= issue_limit);
    // If the results are accepted in this cycle, the first column is read in the next cycle. If
    // they come in the next cycle (valid_next), the first column is read two cycles from now. This
    // holds for a job in front, and for a job that follows another one without a gap.
    drain_soon_o = (data_wait && results_i.valid && issue_count_i < issue_limit) ||
                   (data_wait && results_i.valid_next &&
                    issue_count_i < issue_limit - LeftBits'(1)) ||
                   (PeStages > 1 && follows_i && results_i.valid_next && steady && places_ok_both);
  end

  logic unused_grant;
  assign unused_grant = ^{clk_i, rst_ni, kind_i, column_i, results_i, follows_i};

  // ---------------------------------------------------------------------------------------------
`ifdef TRINE_ASSERT
  logic live_q, by_row, granted, granted_q, reads_q;
  logic [LeftBits-1:0] issue_count_q;

  // A grant relies on the number of issues that are left. With results by row, this number is only
  // an upper bound.
  assign by_row  = column_i.again || column_i.odd_rows;
  assign granted = column_i.data && !column_i.from_vector && steady && places_ok &&
                   issue_count_i <= issue_limit;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {live_q, granted_q, reads_q} <= '0;
    else begin
      live_q    <= 1'b1;
      granted_q <= drain_soon_o || ((granted || granted_q) && column_i.valid && !done_i);
      reads_q   <= column_i.valid && column_i.data && !done_i && !by_row;
    end
  end

  always_ff @(posedge clk_i) begin
    issue_count_q <= issue_count_i;
    if (live_q) begin
      if (granted_q && reads_q && column_i.valid && !column_i.parts.sums) begin
        a_kept: assert (issue_count_i < issue_count_q);
      end
      if (drain_soon_o) a_soon_places: assert (part || words_i <= free_places_i);
      if (drain_soon_o) a_soon_issues: assert (issue_count_i <= issue_limit);
      c_kept: cover (granted_q && reads_q && column_i.valid);
    end
  end
`endif

endmodule
