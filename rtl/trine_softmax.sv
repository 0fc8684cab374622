// SPDX-License-Identifier: Apache-2.0
//
// Softmax over the channels of a lane: the order of events, and a trine_softmax_lane for each lane.
//
// The address generator walks over a tile's channel words three times:
//
//   pass 1   the vector lanes keep their maxima; then maximum_o
//   pass 2   a code a cycle: its exponential is added to the sum
//            then the sum is shifted, and the post lanes multiply seven times: the reciprocal
//   pass 3   a word is a job of the post unit, a code a cycle: its exponential is requantized
//
// A normalization has no pass 1: its passes are 2 and 3, and products 0 and 1 come before the shifts.
//
// Words of passes 2 and 3 wait in two places; one is asked for when a place is free. The last
// step of a tile is acknowledged when the post unit has taken its job, so that the output addresses
// are still there; what follows waits until it has read the job.
//
// Timing    pass 1 a word a cycle, passes 2 and 3 a code a cycle; the reciprocal takes 5 + 7 * 4
//           cycles from the post unit's taking it, of a normalization 12 + 8 * 4 and some more.
// Contract  of trine_softmax_lane; job_done_i after the last code's job_issue_i at the earliest.
//
// Check     tb/trine_vector_tb.cpp; tests/random_program_test.cpp (whole core)

module trine_softmax #(
  parameter int unsigned Rows      = 8,
  parameter int unsigned DataWords = 2,
  localparam int unsigned ExpAddrBits = $clog2(trine_isa_pkg::ExponentialWords / DataWords)
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  logic                    clear_i,

  input  logic                    enable_i,  // the instruction at work is a softmax
  input  logic [1:0]              last_byte_i,  // of the last word
  input  logic                    normalize_i,  // a normalization; its constants
  input  logic                    center_i,
  input  logic [7:0]              origin_i,
  input  logic [12:0]             count_i,
  input  logic [30:0]             mean_factor_i,
  input  logic [3:0]              log2_i,
  input  logic [30:0]             epsilon_i,

  // The address generator's step, and its gather.
  input  logic                    step_valid_i,
  output logic                    step_ready_o,
  input  logic                    first_pass_i,
  input  logic                    tile_end_i,   // last of its tile
  input  logic                    tile_last_i,  // of the last tile
  output logic                    g_valid_o,
  input  logic                    g_ready_i,
  input  logic [Rows-1:0]         rsp_lanes_i,
  input  logic [Rows*32-1:0]      rsp_data_i,
  input  logic                    rsp_last_i,   // of its pass
  input  logic                    rsp_keep_i,   // not of pass 1
  input  logic                    rsp_done_i,

  // The vector lanes: the maximum of each byte in the lowest bits of its slot.
  input  logic [Rows*96-1:0]      slots_i,

  // Jobs of the post unit.
  output logic                    job_valid_o,
  input  logic                    job_ready_i,
  input  logic                    job_done_i,
  output logic                    job_reciprocal_o,
  output logic                    job_go_o,
  output logic                    job_first_o,  // of its tile
  output logic                    job_final_o,  // of the instruction
  output logic [1:0]              job_last_o,
  input  logic                    job_issue_i,
  output logic [Rows*32-1:0]      job_acc_o,
  output logic [Rows*31-1:0]      job_multiplier_o,
  output logic [Rows*6-1:0]       job_shift_o,
  input  logic                    product_valid_i,
  input  logic [Rows*42-1:0]      product_i,
  output logic                    done_o,       // the instruction's last job is read

  input  logic                    exp_we_i,
  input  logic [ExpAddrBits-1:0]  exp_addr_i,
  input  logic [32*DataWords-1:0] exp_wdata_i
);

  localparam logic [2:0] LastProduct = 3'd6, LastNormalizeProduct = 3'd7;
  localparam logic [3:0] LastShift = 4'd5, LastNormalizeShift = 4'd11;

  typedef enum logic [2:0] {StMaximum, StSum, StShift, StJob, StProduct, StWait, StUpdate,
                            StCodes} state_e;

  state_e     state_q, state_d;
  logic [2:0] count_q;  // product
  logic [3:0] shift_q;
  logic       maxima_q; // pass 1 has ended
  logic       add_q, first_q, final_q, ending_q;
  logic       maximum, job_take, last_take;

  // ---------------------------------------------------------------------------------------------
  // Words: asked for, there, read byte by byte.
  // ---------------------------------------------------------------------------------------------
  logic [1:0] asked_q, there_q;  // places
  logic       write_place_q, read_place_q, sent_q;
  logic [1:0] last_q;            // of each place: the last word of its pass
  logic [1:0] byte_q;
  logic       ask, arrive, read, read_end, front_last;

  assign g_valid_o    = step_valid_i && enable_i && !sent_q && (first_pass_i || asked_q != 2'd2);
  assign step_ready_o = tile_end_i ? last_take : g_valid_o && g_ready_i;
  assign ask          = g_valid_o && g_ready_i && !first_pass_i;
  assign arrive       = rsp_done_i && rsp_keep_i && enable_i;
  assign front_last   = last_q[read_place_q];
  assign job_last_o   = front_last ? last_byte_i : 2'd3;
  assign read         = (state_q == StSum && there_q != 2'd0) ||
                        (state_q == StCodes && (job_take || (job_issue_i && byte_q != 2'd0)));
  assign read_end     = read && byte_q == job_last_o;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      asked_q       <= '0;
      there_q       <= '0;
      write_place_q <= 1'b0;
      read_place_q  <= 1'b0;
      byte_q        <= '0;
      sent_q        <= 1'b0;
    end else if (clear_i) begin
      asked_q       <= '0;
      there_q       <= '0;
      write_place_q <= 1'b0;
      read_place_q  <= 1'b0;
      byte_q        <= '0;
      sent_q        <= 1'b0;
    end else begin
      asked_q <= asked_q + 2'(ask) - 2'(read_end);
      there_q <= there_q + 2'(arrive) - 2'(read_end);
      if (arrive) write_place_q <= !write_place_q;
      if (read_end) read_place_q <= !read_place_q;
      if (read) byte_q <= read_end ? '0 : byte_q + 2'd1;
      sent_q <= (sent_q || (g_valid_o && g_ready_i && tile_end_i)) && !last_take;
    end
  end

  always_ff @(posedge clk_i) begin
    if (arrive) last_q[write_place_q] <= rsp_last_i;
  end

  // ---------------------------------------------------------------------------------------------
  // The order of events.
  // ---------------------------------------------------------------------------------------------
  assign maximum   = state_q == StMaximum && (maxima_q || (normalize_i && enable_i));
  assign job_take  = job_valid_o && job_ready_i;
  assign last_take = state_q == StCodes && job_take && front_last;

  always_comb begin
    state_d = state_q;
    unique case (state_q)
      StMaximum: if (maximum) state_d = StSum;
      StSum:     if (read_end && front_last) state_d = normalize_i ? StJob : StShift;
      StShift:   if (shift_q == (normalize_i ? LastNormalizeShift : LastShift)) begin
        state_d = normalize_i ? StProduct : StJob;
      end
      StJob:     if (job_ready_i) state_d = StProduct;
      StProduct: if (job_issue_i) state_d = StWait;
      StWait:    if (product_valid_i) state_d = StUpdate;
      StUpdate: begin
        state_d = StProduct;
        if (normalize_i && count_q == 3'd1) state_d = StShift;
        if (count_q == (normalize_i ? LastNormalizeProduct : LastProduct)) state_d = StCodes;
      end
      StCodes:   if (ending_q && job_done_i) state_d = StMaximum;
      default:   state_d = StMaximum;
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q  <= StMaximum;
      maxima_q <= 1'b0;
      add_q    <= 1'b0;
      ending_q <= 1'b0;
    end else if (clear_i) begin
      state_q  <= StMaximum;
      maxima_q <= 1'b0;
      add_q    <= 1'b0;
      ending_q <= 1'b0;
    end else begin
      state_q  <= state_d;
      maxima_q <= (maxima_q || (rsp_done_i && rsp_last_i && !rsp_keep_i && enable_i)) && !maximum;
      add_q    <= read && state_q == StSum;
      ending_q <= (ending_q && !job_done_i) || last_take;
    end
  end

  always_ff @(posedge clk_i) begin
    if (state_q == StUpdate) count_q <= count_q + 3'd1;
    else if (state_q == StSum) count_q <= '0;
    shift_q <= state_q == StShift ? shift_q + 4'd1 : '0;
    if (state_q == StJob) first_q <= 1'b1;
    else if (state_q == StCodes && job_take) first_q <= 1'b0;
    if (last_take) final_q <= tile_last_i;
  end

  assign job_valid_o      = state_q == StJob ||
                            (state_q == StCodes && there_q != 2'd0 && byte_q == 2'd0 && !ending_q);
  assign job_reciprocal_o = enable_i && state_q != StCodes;
  assign job_go_o         = state_q == StProduct;
  assign job_first_o      = state_q == StCodes && first_q;
  assign job_final_o      = state_q == StCodes && front_last && tile_last_i;
  assign done_o           = state_q == StCodes && ending_q && job_done_i && final_q;

  // ---------------------------------------------------------------------------------------------
  // Lanes. The first cycle of StShift (normalization: StJob) adds the last entry; sums of exponentials have
  // up to 11 zeros, V up to 42, by pairs.
  // ---------------------------------------------------------------------------------------------
  logic shift_4, shift_2, shift_1, root;

  always_comb begin
    shift_4 = state_q == StShift && (shift_q == 4'd1 || shift_q == 4'd2);
    shift_1 = state_q == StShift && shift_q >= 4'd3;
    shift_2 = 1'b0;
    root    = 1'b0;
    if (normalize_i) begin
      shift_4 = state_q == StShift && shift_q <= 4'd9;
      shift_1 = 1'b0;
      shift_2 = state_q == StShift && shift_q == 4'd10;
      root    = state_q == StShift && shift_q == LastNormalizeShift;
    end
  end

  for (genvar l = 0; l < Rows; l++) begin : gen_lane
    trine_softmax_lane #(.DataWords(DataWords)) u_lane (
      .clk_i,
      .write_i         (rsp_lanes_i[l] && rsp_keep_i),
      .write_place_i   (write_place_q),
      .word_i          (rsp_data_i[l*32 +: 32]),
      .read_i          (read),
      .read_place_i    (read_place_q),
      .read_byte_i     (byte_q),
      .maximum_i       (maximum),
      .bytes_i         ({slots_i[l*96 + 72 +: 8], slots_i[l*96 + 48 +: 8],
                         slots_i[l*96 + 24 +: 8], slots_i[l*96 +: 8]}),
      .add_i           (add_q),
      .shift_4_i       (shift_4),
      .shift_1_i       (shift_1),
      .shift_2_i       (shift_2),
      .root_i          (root),
      .normalize_i,
      .center_i,
      .origin_i,
      .count_i,
      .mean_factor_i,
      .log2_i,
      .epsilon_i,
      .reciprocal_i    (state_q != StCodes),
      .step_i          (count_q),
      .product_valid_i (state_q == StWait && product_valid_i),
      .product_i       (product_i[l*42 +: 42]),
      .update_i        (state_q == StUpdate),
      .acc_o           (job_acc_o[l*32 +: 32]),
      .multiplier_o    (job_multiplier_o[l*31 +: 31]),
      .shift_o         (job_shift_o[l*6 +: 6]),
      .table_we_i      (exp_we_i),
      .table_addr_i    (exp_addr_i),
      .table_wdata_i   (exp_wdata_i)
    );
  end

  logic unused_slots;
  assign unused_slots = ^slots_i;

  // ---------------------------------------------------------------------------------------------
  // Assertions.
  // ---------------------------------------------------------------------------------------------
`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      a_places: assert (asked_q != 2'd3 && there_q <= asked_q);
      if (read) begin
        a_word_there: assert (there_q != 2'd0);
        m_table_kept: assume (!exp_we_i);
      end
      if (job_issue_i && enable_i) begin
        m_issue_wanted: assume (state_q == StProduct || state_q == StCodes);
      end
    end
  end
`endif

endmodule
