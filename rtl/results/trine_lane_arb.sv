// SPDX-License-Identifier: Apache-2.0
//
// Arbitrates the post lanes between the column in front and a softmax, and tags each code that
// enters. The column belongs to the compute or the vector engine. A tag describes the destination
// of its code, and leaves the lanes together with the code.
//
// Columns have priority. In a cycle without a column, a softmax request is accepted: a product of
// the softmax's reciprocal, or one or two of its codes. Softmax codes may be interleaved with the
// codes of columns. All codes leave the lanes in order. The latency of some jobs (sums, products,
// thresholds, lookups) differs from the latency of a softmax. Such jobs wait until no softmax codes
// are in the lanes. Softmax codes wait until no codes of such jobs are in the lanes. The values of
// a normalization pass the lanes twice. They enter only while no column can be read, and columns
// wait until these values have left. If a job waits for empty lanes, no softmax request is accepted
// before that job.
//
// Tags move through a pipeline, whose last stage contains the tag of the code that leaves. The tag
// of an operation with a shorter latency enters closer to the end. The lanes have no clear, so the
// codes of a dropped program (clear_i) stay in the lanes. They come out and are counted, but
// valid_o stays 0.
//
// Some operations enter only in certain phases of a four-cycle period. The phases are counted from
// a program's first column or softmax. The execution time of a program therefore does not depend on
// the previous program.
//
// Timing    issue_o is combinational from the column and the request.
// Contract  The configuration holds while codes are in the lanes.
//
// Check     trine_post_tb; trine_post_props; random_program_test (whole core)

module trine_lane_arb #(
  parameter bit          Softmax = 1'b0,
  parameter bit          Groups  = 1'b0,
  parameter bit          Int16   = 1'b0,
  parameter int unsigned Drain   = 1,  // columns per cycle: 1, 2
  parameter int unsigned FreeBits = 2
) (
  input  logic                        clk_i,
  input  logic                        rst_ni,
  input  logic                        clear_i,
  // The column in front and its conditions. data_valid_i: the next job's results come in this cycle
  // or the next. barrier_i: the job after the column's job needs empty lanes.
  input  trine_job_pkg::cfg_t        cfg_i,
  input  trine_post_pkg::kind_t       kind_i,
  input  trine_post_pkg::column_t     column_i,
  input  logic                        params_i,       // the column's parameters are there
  input  logic                        residual_i,     // the column's residual is there, if needed
  input  logic                        data_valid_i,
  input  logic [FreeBits-1:0]         words_i,        // of the job in front; all ones: or more
  input  logic                        barrier_i,
  input  trine_post_pkg::side_t       side_i,         // addresses of its tile
  input  logic [FreeBits-1:0]         free_places_i,  // places for words

  // A softmax's request.
  input  logic                        softmax_valid_i,
  input  trine_post_pkg::softmax_t    softmax_i,

  output trine_post_pkg::issue_t      issue_o,

  // empty_o: no code is in the lanes. column_allowed_o: no code in the lanes blocks the job in
  // front.
  output logic                        empty_o,
  output logic [3:0]                  busy_cycles_o,  // cycles until the last job's code leaves
  output logic                        column_allowed_o,

  // A code leaves the lanes (code_i). valid_o: it does not belong to a dropped program. tag_o: its
  // tag. softmax_in_two_o: a softmax code leaves in two cycles.
  input  logic                        code_i,
  output logic                        valid_o,
  output trine_post_pkg::tag_t        tag_o,
  output logic                        softmax_in_two_o
);

  // Latencies of softmax codes; the largest latency of all codes.
  localparam int unsigned LatencyRequant   = 1 + trine_post_pkg::LaneRequant;
  localparam int unsigned LatencyNormalize = 1 + trine_post_pkg::LaneNormalize;
  localparam int unsigned Places           = 1 + trine_post_pkg::LaneFused;  // of tags

  logic [3:0] inflight_q;  // codes of jobs
  logic [2:0] softmax_q;   // codes of a softmax
  logic [1:0] phase_q;
  logic       begun, begun_q;  // the program has had a column or softmax in front
  logic [3:0] drop_left_q;  // cycles until a dropped program's codes have left
  logic       drop_q;       // codes of a dropped program leave

  // ---------------------------------------------------------------------------------------------
  // Entry into the lanes.
  // ---------------------------------------------------------------------------------------------
  logic pass, column, softmax, softmax_allowed, value, same_latency, interleaves, normalizing;
  logic place, softmax_place, ends;

  // If the job's codes have the latency of softmax codes, the two may be interleaved.
  assign same_latency     = kind_i.requant && !kind_i.lookup;
  assign interleaves      = same_latency && !(Softmax && softmax_i.normalize);
  assign column_allowed_o = (interleaves || softmax_q == '0) && !drop_q;
  assign place            = free_places_i != '0;

  // Once a job's data are announced, a grant may rely on its columns. A softmax therefore leaves
  // enough places for their words.
  assign softmax_place = column_i.valid && !column_i.data && data_valid_i
                         ? free_places_i > words_i : place;

  // The column may end a word. With Int16, a vector job must be read without a stop once it has
  // begun, because its slots are overwritten as it ends.
  assign ends         = column_i.pops || (Int16 && column_i.from_vector);
  assign pass         = column_i.valid && column_i.data && (params_i || cfg_i.static_bias) &&
                        kind_i.phases[phase_q] && column_allowed_o && residual_i &&
                        (place || !ends) && !(Groups && column_i.parts.pending);
  assign column       = pass && column_i.last_pass;

  assign value           = Softmax && softmax_valid_i && softmax_i.normalize &&
                           !softmax_i.reciprocal;
  assign softmax_allowed = (same_latency && !value) ||
                           (inflight_q == '0 &&
                            (!column_i.valid || !(column_i.data || data_valid_i)));
  assign softmax     = Softmax && softmax_valid_i && !pass && softmax_allowed && !barrier_i &&
                       !drop_q && (!value || !phase_q[1]) &&
                       (softmax_place || softmax_i.reciprocal || !softmax_i.word_end);
  assign normalizing = Softmax && softmax_i.normalize && ((value && softmax) || softmax_q != '0);

  assign issue_o.pass        = pass;
  assign issue_o.part        = Groups && pass && column_i.parts.part;
  assign issue_o.column      = column;
  assign issue_o.done        = column && column_i.last;
  assign issue_o.softmax     = softmax;
  assign issue_o.product     = softmax && softmax_i.reciprocal;
  assign issue_o.value       = softmax && value;
  assign issue_o.normalizing = normalizing;
  assign issue_o.phase       = phase_q[0];

  assign begun = begun_q || column_i.valid || (Softmax && softmax_valid_i);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)      {begun_q, phase_q} <= '0;
    else if (clear_i) {begun_q, phase_q} <= '0;
    else              {begun_q, phase_q} <= {begun, phase_q + 2'(begun)};
  end

  // ---------------------------------------------------------------------------------------------
  // Tags.
  // ---------------------------------------------------------------------------------------------
  trine_post_pkg::tag_t tag_d, tag_out, tag_second;
  logic [3:0]           latency;
  logic [trine_post_pkg::TagBits-1:0] tag_q [Places];

  assign tag_d.slot       = softmax ? 5'(softmax_i.slot) : column_i.slot;
  assign tag_d.pair       = Drain == 2 && (softmax ? softmax_i.pair : column_i.pair);
  assign tag_d.word_end   = softmax ? softmax_i.word_end
                                    : (column_i.word_end && !column_i.again) || kind_i.whole ||
                                      (Int16 && cfg_i.words);
  assign tag_d.pop        = softmax ? softmax_i.word_end && !softmax_i.reciprocal
                                    : column_i.pops;
  assign tag_d.channels_end = !softmax && column_i.channels_end;
  assign tag_d.first        = !softmax && column_i.first;
  assign tag_d.side         = Int16 ? side_i : {1'b0, side_i[0]};
  assign tag_d.tile_first   = softmax ? softmax_i.word_first : column_i.tile_first;
  assign tag_d.final_word   = softmax ? softmax_i.run_end : column_i.final_word;
  assign tag_d.softmax      = softmax;
  assign tag_d.tile_end     = softmax_i.tile_end;
  assign tag_d.odd_rows     = Int16 && !softmax && column_i.odd_rows;
  assign tag_d.of_vector    = Int16 && !softmax && column_i.from_vector;
  assign issue_o.word       = tag_d.pop && (pass || softmax);

  always_comb begin
    latency = kind_i.latency;
    if (softmax || softmax_q != '0) begin
      latency = normalizing ? 4'(LatencyNormalize) : 4'(LatencyRequant);
    end
  end

  always_ff @(posedge clk_i) begin
    tag_q[0] <= tag_d;
    if (softmax) tag_q[0] <= '0;  // otherwise a second copy would also leave
    for (int unsigned k = 1; k < Places; k++) begin
      tag_q[k] <= latency == 4'(Places - k) ? tag_d : tag_q[k-1];
    end
  end

  assign tag_out          = tag_q[Places-1];
  assign tag_second       = tag_q[Places-3];
  assign tag_o            = tag_out;
  assign softmax_in_two_o = tag_second.softmax;

  // ---------------------------------------------------------------------------------------------
  // Codes in the lanes.
  // ---------------------------------------------------------------------------------------------
  logic from_softmax;  // the leaving code is a softmax's

  assign from_softmax = Softmax && tag_out.softmax;
  assign empty_o      = inflight_q == '0 && softmax_q == '0 && !drop_q;
  assign valid_o      = code_i && !drop_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      inflight_q <= '0;
      softmax_q  <= '0;
    end else if (drop_left_q == 4'd1) begin
      inflight_q <= '0;
      softmax_q  <= '0;
    end else begin
      inflight_q <= inflight_q + 4'(column && !(Groups && column_i.parts.part)) -
                    4'(code_i && !from_softmax);
      softmax_q  <= softmax_q + 3'(softmax && !softmax_i.reciprocal) -
                    3'(code_i && from_softmax);
    end
  end

  // The lanes have no clear. After this number of cycles all their codes have left, and the counts
  // restart.
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) drop_left_q <= '0;
    else if (clear_i) drop_left_q <= '1;
    else if (drop_q) drop_left_q <= drop_left_q - 4'd1;
  end

  assign drop_q = drop_left_q != '0;

  if (Int16) begin : gen_rest
    logic [3:0] busy_cycles_q;
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) busy_cycles_q <= '0;
      else if (column) busy_cycles_q <= kind_i.latency - 4'd1;
      else if (busy_cycles_q != '0) busy_cycles_q <= busy_cycles_q - 4'd1;
    end
    assign busy_cycles_o = busy_cycles_q;
  end else begin : gen_no_rest
    assign busy_cycles_o = '0;
  end

  logic unused_arb;
  assign unused_arb = ^{cfg_i, kind_i, column_i, softmax_i, tag_second};

  // ---------------------------------------------------------------------------------------------
`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      // Every code has a tag.
      if (valid_o && !from_softmax) a_counted: assert (inflight_q != '0);
      if (valid_o && from_softmax) a_softmax_counted: assert (softmax_q != '0);
      a_tags_fit: assert (inflight_q <= 4'(Places));
      if (normalizing) a_normalized_first: assert (!pass && inflight_q == '0);
      if (drop_q) a_nothing_new: assert (!softmax);
      c_interleaved: cover (softmax && inflight_q != '0);
      c_columns_wait: cover (column_i.valid && column_i.data && !column_allowed_o);
      c_dropped: cover (code_i && drop_q);
    end
  end
`endif

endmodule
