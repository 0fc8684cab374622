// SPDX-License-Identifier: Apache-2.0
//
// Sequences softmax and normalization over the channels of a lane, with a trine_softmax_lane for
// each lane.
//
// The address generator iterates over a tile's channel words three times. If the lanes store the
// words, it iterates only once:
//
//   pass 1   the vector lanes find their maxima
//   pass 2   Codes codes per cycle: their exponentials are added to the sum
//            then the sum is shifted, and the post lanes multiply seven times: the reciprocal
//   pass 3   the post unit accepts Codes codes when it can: their exponentials are requantized
//
// With int16 codes (row_i), trine_vector itself iterates over the words. turned_i stores the maxima
// of the vector lanes. With shares_i, the sums of the vector lanes become reciprocals, which scale
// the jobs that follow. The sum of a pair is computed in its lane of high bytes. point_req_i reads
// the table of exponentials for a line (trine_interpolate).
//
// A normalization has no pass 1. Its pass 2 processes one code per cycle. Its words are not stored
// for a later pass. Its products 0 and 1 come before the shifts. Its products 2 and 3 come at the
// same time as the shifts.
//
// Each lane has a memory for words. It stores the words of pass 1 if that is the only pass.
// Otherwise, it stores up to seven words of passes 2 and 3 that were requested and not yet fetched.
// Codes are read from the word that was fetched last. The output addresses belong to the address
// generator's step. The last step of a tile is therefore acknowledged only when the tile's last
// word has left the post unit.
//
// Timing    Pass 1 processes one word per cycle, and passes 2 and 3 Codes codes per cycle. If the
//           post unit accepts every request at once, the reciprocal takes 6 + 7 * 5 cycles, or 6 +
//           8 * 5 cycles if the softmax is rescaled. With a normalization it takes 4 + 9 * 5
//           cycles, and with int16 codes 11 + 5 cycles. From the read of a code to its entry in a
//           register it takes 3 cycles: distance, entry, register.
// Contract  See trine_softmax_lane.
//
// Check     trine_vector_tb; random_program_test (whole core)

module trine_softmax #(
  parameter int unsigned Rows  = 8,
  parameter int unsigned Codes = 1,  // codes at once: 1, 2
  parameter bit          Int16 = 1'b0  // Rows is even
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  logic                    clear_i,

  input  logic                    enable_i,  // the current instruction is a softmax
  input  logic [1:0]              last_byte_i,  // of the last word

  input  trine_vector_pkg::norm_t norm_i,

  // The address generator's step, and its gather.
  input  logic                    step_valid_i,
  output logic                    step_ready_o,
  input  logic                    first_pass_i,
  input  logic                    kept_i,       // the lanes store the words of pass 1
  input  logic                    tile_end_i,   // last step of its tile
  input  logic                    tile_last_i,  // step of the last tile
  output logic                    g_valid_o,
  input  logic                    g_ready_i,
  input  logic [Rows-1:0]         rsp_lanes_i,
  input  logic [Rows*32-1:0]      rsp_data_i,
  input  logic                    rsp_last_i,   // last of its pass
  input  logic                    rsp_keep_i,   // not of pass 1
  input  logic                    rsp_done_i,

  // The vector lanes: the maximum of each byte in the lowest bits of its slot.
  input  logic [Rows*96-1:0]      slots_i,

  // A request to the post unit, which is accepted with issue_i. tile_done_i: a tile's last word has
  // left the post unit.
  output logic                    req_valid_o,
  input  logic                    issue_i,
  output trine_post_pkg::softmax_t req_o,
  input  logic                    tile_done_i,
  output logic [Codes*Rows*32-1:0] acc_o,
  output logic [Rows*37-1:0]      factors_o,    // {multipliers, shifts}
  input  logic                    product_valid_i,
  input  logic [Rows*42-1:0]      product_i,
  output logic                    done_o,       // the instruction's last word has left

  // Int16: turned_i: the extrema or sums of a row are in the lanes. From shared_o on, its
  // reciprocals are available.
  input  logic                    row_i,        // such an instruction is running
  input  logic                    turned_i,
  input  logic                    shares_i,     // the row gives sums
  output logic                    shared_o,
  output logic [Rows*8-1:0]       largest_o,
  input  logic [Rows*trine_post_pkg::PointBits-1:0] point_req_i,

  input  trine_vector_pkg::exp_write_t exp_i
);

  localparam logic [3:0] LastProduct = 4'd6, LastRescaled = 4'd7, LastNormalize = 4'd8;
  localparam logic [3:0] LastShift = 4'd4, LastNormalizeShift = 4'd12, LastShareShift = 4'd9;

  typedef enum logic [2:0] {StMaximum, StSum, StAdd, StShift, StProduct, StWait, StUpdate,
                            StCodes} state_e;

  state_e     state_q, state_d;
  logic [3:0] count_q;   // number of the product
  logic [3:0] last_product, shift_q, last_shift;
  logic       shifts;    // the sums are shifted
  logic       maxima_q;  // pass 1 has ended
  logic       reciprocal;
  logic       maximum, last_take, normalize, row, shares;
  // Entries to be added to the sum: their codes were read; were looked up; the entries are in the
  // register.
  logic [Codes-1:0] read_add_q, lookup_add_q, add_q;

  // ---------------------------------------------------------------------------------------------
  // Words: they are requested, written, fetched, and read byte by byte.
  // ---------------------------------------------------------------------------------------------
  localparam int unsigned WordBits = $clog2(trine_isa_pkg::SoftmaxWords);

  logic [WordBits-1:0] write_q, fetch_q;         // addresses of the next words
  logic [2:0]          requested_q, received_q;  // words of passes 2 and 3 to be fetched
  logic [1:0]          passes_q;                 // passes over stored words, to come
  logic [9:0]          word_q;                   // index in its pass of the next word to fetch
  logic                freed_q;  // a word was fetched: its successor comes a cycle later
  logic                front_q, front_last_q, request_sent_q;  // a fetched word; it ends its pass
  logic [1:0]          byte_q, last_byte;
  logic                ask, arrive, store, available, fetch, fetch_last, read, read_pair, read_end,
                       front_last;

  // Codes that the lanes have read, whose entries they have looked up, and whose entries are in the
  // register for the post unit.
  typedef struct packed {
    logic [1:0] slot;
    logic       pair;
    logic       word_first;
    logic       word_end;
    logic       tile_end;
  } code_t;

  code_t code_q, code_q2, code_q3;
  logic  read_q, waits_q, code_valid_q, lookup, advance;
  logic  first_q;  // the tile's first word is still to be read

  assign normalize    = norm_i.normalize;
  assign row          = Int16 && row_i;
  assign shares       = row && shares_i;
  assign g_valid_o    = step_valid_i && enable_i && !request_sent_q &&
                        (first_pass_i || requested_q != '1);
  assign step_ready_o = tile_end_i ? last_take : g_valid_o && g_ready_i;
  assign ask          = g_valid_o && g_ready_i && !first_pass_i;
  assign store        = enable_i && (rsp_keep_i || kept_i);
  assign arrive       = rsp_done_i && store;
  assign available    = kept_i ? passes_q != '0 : received_q != '0;
  assign fetch        = enable_i && available && (!front_q || read_end) &&
                        !(store && rsp_lanes_i != '0);
  assign fetch_last   = word_q == 10'((norm_i.count - 13'd1) >> 2);
  assign front_last   = front_last_q;
  assign last_byte    = front_last ? last_byte_i : 2'd3;
  assign advance      = state_q == StCodes ? !code_valid_q || issue_i : state_q != StMaximum || row;
  assign lookup       = read_q && (!waits_q || advance);
  assign read         = front_q &&
                        (state_q == StSum || (state_q == StCodes && (!read_q || lookup)));
  assign read_pair    = Codes == 2 && !normalize && byte_q != last_byte;
  assign read_end     = read &&
                        (byte_q == last_byte || (read_pair && (byte_q | 2'd1) == last_byte));

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      requested_q    <= '0;
      freed_q        <= 1'b0;
      received_q     <= '0;
      passes_q       <= '0;
      front_q        <= 1'b0;
      request_sent_q <= 1'b0;
      {write_q, fetch_q} <= '0;
      word_q         <= '0;
      byte_q         <= '0;
    end else if (clear_i) begin
      requested_q    <= '0;
      freed_q        <= 1'b0;
      received_q     <= '0;
      passes_q       <= '0;
      front_q        <= 1'b0;
      request_sent_q <= 1'b0;
      {write_q, fetch_q} <= '0;
      word_q         <= '0;
      byte_q         <= '0;
    end else begin
      requested_q <= requested_q + 3'(ask) - 3'(freed_q);
      freed_q     <= fetch && !kept_i;
      received_q  <= received_q + 3'(arrive && !kept_i) - 3'(fetch && !kept_i);
      if (maximum && kept_i) passes_q <= 2'd2;
      else if (fetch && kept_i && fetch_last) passes_q <= passes_q - 2'd1;
      front_q        <= fetch || (front_q && !read_end);
      request_sent_q <= (request_sent_q || (g_valid_o && g_ready_i && tile_end_i)) && !last_take;
      if (last_take) write_q <= '0;
      else if (arrive) write_q <= write_q + WordBits'(1);
      if (last_take || (fetch && kept_i && fetch_last)) fetch_q <= '0;
      else if (fetch) fetch_q <= fetch_q + WordBits'(1);
      if (fetch) word_q <= fetch_last ? '0 : word_q + 10'd1;
      if (read) byte_q <= read_end ? '0 : byte_q + 2'd1 + 2'(read_pair);
    end
  end

  always_ff @(posedge clk_i) begin
    if (fetch) front_last_q <= fetch_last;
  end

  // ---------------------------------------------------------------------------------------------
  // The sequence.
  // ---------------------------------------------------------------------------------------------
  assign maximum   = state_q == StMaximum &&
                     (maxima_q || (normalize && enable_i) || (Int16 && turned_i));
  assign shared_o  = shares && state_q == StUpdate;
  assign last_take = state_q == StCodes && tile_done_i;

  assign last_product = normalize ? LastNormalize : norm_i.rescale ? LastRescaled : LastProduct;
  assign last_shift   = normalize ? LastNormalizeShift : shares ? LastShareShift : LastShift;

  // A normalization's products 2 and 3 do not depend on the sums that are shifted.
  assign shifts = state_q == StShift ||
                  (normalize && count_q[3:1] == 3'd1 &&
                   (state_q == StProduct || state_q == StWait || state_q == StUpdate));

  always_comb begin
    state_d = state_q;
    unique case (state_q)
      StMaximum: if (maximum) state_d = shares ? StShift : row ? StMaximum : StSum;
      StSum:     if (read_end && front_last) state_d = StAdd;
      StAdd: begin
        if (read_add_q == '0 && lookup_add_q == '0) state_d = normalize ? StProduct : StShift;
      end
      StShift:   if (shift_q == last_shift) state_d = StProduct;
      StProduct: if (issue_i) state_d = StWait;
      StWait:    if (product_valid_i) state_d = StUpdate;
      StUpdate: begin
        state_d = StProduct;
        if (normalize && count_q == 4'd3) state_d = StShift;
        if (count_q == last_product) state_d = StCodes;
        if (shares) state_d = StMaximum;
      end
      StCodes:   if (tile_done_i) state_d = StMaximum;
      default:   state_d = StMaximum;
    endcase
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q      <= StMaximum;
      maxima_q     <= 1'b0;
      read_add_q   <= '0;
      lookup_add_q <= '0;
      add_q        <= '0;
      read_q       <= 1'b0;
      waits_q      <= 1'b0;
      code_valid_q <= 1'b0;
    end else if (clear_i) begin
      state_q      <= StMaximum;
      maxima_q     <= 1'b0;
      read_add_q   <= '0;
      lookup_add_q <= '0;
      add_q        <= '0;
      read_q       <= 1'b0;
      waits_q      <= 1'b0;
      code_valid_q <= 1'b0;
    end else begin
      state_q      <= state_d;
      maxima_q     <= (maxima_q || (rsp_done_i && rsp_last_i && !rsp_keep_i && enable_i)) &&
                      !maximum;
      read_add_q   <= read && state_q == StSum ? Codes'({read_pair, 1'b1}) : '0;
      lookup_add_q <= read_add_q;
      add_q        <= lookup_add_q;
      read_q       <= read || (read_q && !lookup);
      waits_q      <= state_q == StCodes && (lookup || (waits_q && !advance));
      code_valid_q <= state_q == StCodes && (advance ? waits_q : code_valid_q);
    end
  end

  always_ff @(posedge clk_i) begin
    if (state_q == StUpdate) count_q <= count_q + 4'd1;
    else if (state_q == StSum) count_q <= '0;
    else if (shares) count_q <= 4'd1;
    shift_q <= shifts ? shift_q + 4'(shift_q != last_shift) : '0;
    if (state_q != StCodes) first_q <= 1'b1;
    else if (read_end) first_q <= 1'b0;
    if (read) code_q <= {byte_q, read_pair, first_q, read_end, read_end && front_last};
    if (lookup) code_q2 <= code_q;
    if (advance) code_q3 <= code_q2;
  end

  assign req_o.normalize   = normalize;
  assign reciprocal = state_q != StCodes && !(row && state_q == StMaximum);

  assign req_o.reciprocal  = state_q != StCodes;
  assign req_o.slot        = code_q3.slot;
  assign req_o.pair        = code_q3.pair;
  assign req_o.word_first  = code_q3.word_first;
  assign req_o.word_end    = code_q3.word_end;
  assign req_o.tile_end    = code_q3.tile_end;
  assign req_o.run_end     = code_q3.tile_end && tile_last_i;

  assign req_valid_o = state_q == StProduct || code_valid_q;
  assign done_o      = last_take && tile_last_i;

  // ---------------------------------------------------------------------------------------------
  // Lanes. Sums of exponentials have up to 11 leading zeros. V has up to 42, in pairs.
  // ---------------------------------------------------------------------------------------------
  logic shift_4, shift_2, shift_1, root;
  trine_vector_pkg::share_t share;

  // The sum of a row is added in two steps, then shifted, then rounded.
  assign shift_4 = shifts &&
                   (shares ? shift_q[3:1] == 3'd1 : shift_q <= (normalize ? 4'd9 : 4'd1));
  assign shift_2 = shifts && normalize && shift_q == 4'd10;
  assign shift_1 = state_q == StShift && !normalize &&
                   (shares ? shift_q[3:2] == 2'd1 && shift_q[1:0] != 2'd3 : shift_q >= 4'd2);
  assign root    = shifts && (normalize ? shift_q == 4'd11 : shares && shift_q == 4'd8);

  assign share.row   = row;
  assign share.works = shares;
  assign share.high  = shares && state_q == StShift && shift_q == 4'd0;
  assign share.low   = shares && state_q == StShift && shift_q == 4'd1;
  assign share.round = shares && state_q == StShift && shift_q == 4'd7;

  for (genvar l = 0; l < Rows; l++) begin : gen_lane
    localparam int Low = Int16 && l % 2 == 0 ? l + 1 : l;
    logic [Codes*32-1:0] acc;

    for (genvar c = 0; c < Codes; c++) begin : gen_acc
      assign acc_o[(c*Rows+l)*32 +: 32] = acc[32*c +: 32];
    end

    trine_softmax_lane #(.Codes(Codes), .Pairs(Int16), .Int16(Int16 && l % 2 == 0)) u_lane (
      .clk_i,
      .write_i         (rsp_lanes_i[l] && store),
      .fetch_i         (fetch),
      .word_addr_i     (fetch ? fetch_q : write_q),
      .word_i          (rsp_data_i[l*32 +: 32]),
      .read_i          (read),
      .read_byte_i     (byte_q),
      .lookup_i        (lookup),
      .advance_i       (advance),
      .maximum_i       (maximum),
      .bytes_i         ({slots_i[l*96 + 72 +: 8], slots_i[l*96 + 48 +: 8],
                         slots_i[l*96 + 24 +: 8], slots_i[l*96 +: 8]}),
      .add_i           (add_q),
      .shift_4_i       (shift_4),
      .shift_2_i       (shift_2),
      .shift_1_i       (shift_1),
      .root_i          (root),
      .normalize_i     (normalize),
      .center_i        (norm_i.center),
      .origin_i        (norm_i.origin),
      .format_i        (norm_i.format),
      .mean_factor_i   (norm_i.mean_factor),
      .rescale_i       (norm_i.rescale),
      .rescale_shift_i (norm_i.log2),
      .epsilon_i       (norm_i.epsilon),
      .reciprocal_i    (reciprocal),
      .step_i          (count_q),
      .product_valid_i (state_q == StWait && product_valid_i),
      .product_i       (product_i[l*42 +: 42]),
      .update_i        (state_q == StUpdate),
      .acc_o           (acc),
      .multiplier_o    (factors_o[Rows*6 + l*31 +: 31]),
      .shift_o         (factors_o[l*6 +: 6]),
      .share_i         (share),
      .high_i          (slots_i[l*96 +: 18]),
      .low_i           (slots_i[Low*96 +: 19]),
      .largest_o       (largest_o[l*8 +: 8]),
      .point_req_i     (point_req_i[l*trine_post_pkg::PointBits +: trine_post_pkg::PointBits]),
      .table_we_i      (exp_i.we),
      .table_addr_i    (exp_i.addr),
      .table_wdata_i   (exp_i.data)
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
      a_slots: assert (received_q <= requested_q);
      if (read) begin
        a_word_there: assert (front_q);
        m_table_kept: assume (!exp_i.we);
      end
      if (issue_i) m_issue_wanted: assume (req_valid_o);
    end
  end
`endif

endmodule
