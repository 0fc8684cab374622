// SPDX-License-Identifier: Apache-2.0
//
// Turns finished tiles column by column into codes, packs these into words and scatters the words
// to DMEM (post unit). The codes are computed in Rows lanes. A word contains 4 int8, 16 ternary or
// 32 binary codes. With Drain = 2, each row has two lanes, and two columns are processed together.
//
//   trine_drain            jobs of compute and vector engine, their columns; when the array may
//                          overwrite its drain registers
//   trine_drain_params     parameters of the next column's channel
//   trine_drain_residual   residual words, one ahead
//   trine_lane_arb         columns and a softmax enter the lanes; a tag goes with each code
//   trine_lanes            the lanes: operand register, trine_post_lane, thresholds, tables
//   trine_pack             codes to words, words to DMEM (trine_writeback_queue), ends of
//                          instructions
//
//   job -> drain -> arb -> lanes -> pack -> scatter
//           ^  ^     ^                |
//   params _|  |_ residual            |  free_places: for words
//                    |________________|
// Codes never stall between arb and pack, because the last code of a word enters the lanes only
// when the queue has a free place for the word.
//
// A softmax has no jobs. It requests products of its reciprocal, and codes. These requests enter
// between the columns. The codes are packed and scattered with the addresses and the configuration
// of the vector engine.
//
// Timing    Throughput is Drain columns per cycle, from the cycle after job and data are accepted
//           on. A fused addition takes one column per cycle, or with Drain = 1 one every second
//           cycle. Squares enter in two of four cycles. trine_post_kind gives the number of cycles
//           between the last column of a word and the word.
// Contract  v_slots_i hold from the acceptance of a vector job to v_status_o.done. The
//           configuration and the addresses of a softmax hold until softmax_o.tile_done of the
//           tile's last word. The factors of a softmax hold from an issue until the product is out,
//           or until the tile's last word. A vector job has tile_last and drain set. There are no
//           lookups with a residual. The table is not written while codes are looked up.
//
// Check     trine_post_tb; random_program_test (whole core)

module trine_post #(
  parameter int unsigned Rows       = 8,
  parameter int unsigned Cols       = 8,
  parameter int unsigned AddrBits   = 15,
  parameter int unsigned Channels   = 512,
  parameter bit          Ternary    = 1'b0,
  parameter bit          Binary     = 1'b0,
  parameter bit          Table      = 1'b0,
  parameter bit          Groups     = 1'b0,
  parameter bit          Int16      = 1'b0, Formats = 1'b0,  // Rows is even
  parameter bit          Window     = 1'b0,
  parameter bit          Softmax    = 1'b0,
  parameter bit          Sums       = 1'b0,  // adds int32 sums from DMEM
  parameter int unsigned Drain      = 1,     // columns per cycle: 1, 2
  parameter int unsigned PeStages   = 2,     // stages of a PE: 1, 2
  parameter int unsigned PipeRows   = Rows,  // rows of a block of PEs
  parameter int unsigned PipeCols   = Cols,  // columns of a block of PEs
  // A block of PEs has results one cycle after the block above and the block to the left. A job is
  // offered with the results of its last row, so the array may be ahead by this number of blocks.
  parameter int unsigned MaxLate    = (Rows - 1) / PipeRows < (Cols - 1) / PipeCols
                                      ? (Rows - 1) / PipeRows : (Cols - 1) / PipeCols,
  parameter int          Multiplier = trine_mul_pkg::Operator,
  localparam int unsigned LaneBits    = Rows * (AddrBits + 1),
  localparam int unsigned WordBits    = Rows * (AddrBits + 33) + 32,
  localparam int unsigned ChannelBits = $clog2(Channels)
) (
  input  logic                             clk_i,
  input  logic                             rst_ni,
  input  logic                             clear_i,

  // A tile of the compute engine: {active lanes, their output addresses}.
  input  logic                             c_valid_i,
  output logic                             c_ready_o,
  input  trine_job_pkg::job_t             c_job_i,
  input  logic [LaneBits-1:0]              c_lanes_i,
  input  trine_job_pkg::results_t         c_results_i,
  output logic                             c_data_ready_o,
  output trine_job_pkg::compute_status_t  c_status_o,

  // The array's drain registers: this column and the next.
  output logic [Cols-1:0]                  cols_o,
  input  logic [Drain*Rows*32-1:0]         column_i,

  // A word in each lane of the vector engine.
  input  logic                             v_valid_i,
  output logic                             v_ready_o,
  input  trine_job_pkg::job_t             v_job_i,
  input  logic [LaneBits-1:0]              v_lanes_i,
  input  logic [Rows*96-1:0]               v_slots_i,
  output trine_post_pkg::vector_status_t   v_status_o,

  // Softmax: values (two codes may go together); {multipliers, shifts} of the rows; products.
  input  logic                             softmax_valid_i,
  input  trine_post_pkg::softmax_t         softmax_i,
  output trine_post_pkg::softmax_status_t  softmax_o,
  input  logic [Drain*Rows*32-1:0]         softmax_acc_i,
  input  logic [Rows*37-1:0]               factors_i,
  output logic [Drain*Rows*42-1:0]         product_o,
  output logic [Rows*trine_post_pkg::PointBits-1:0] point_req_o,  // requests softmax_acc_i
  output trine_post_pkg::read_t            read_o,  // how cols_o is used

  // Parameters of a channel, and the next, one cycle later: {biases, multipliers, shifts}.
  output logic                             p_valid_o,
  output logic                             p_next_o,
  output logic [ChannelBits-1:0]           p_channel_o,
  input  logic [Drain*69-1:0]              params_i,

  input  trine_post_pkg::table_write_t     table_i,

  // Residual words: {active lanes, addresses}.
  output logic                             r_valid_o,
  input  logic                             r_ready_i,
  output logic [LaneBits-1:0]              r_lanes_o,
  input  logic [Rows-1:0]                  rsp_lanes_i,
  input  logic [Rows*32-1:0]               rsp_data_i,
  input  logic                             rsp_done_i,

  // Results: {addresses, active lanes, data, mask}.
  output logic                             s_valid_o,
  input  logic                             s_ready_i,
  output logic [WordBits-1:0]              s_word_o
);

  localparam int unsigned MaxCols  = Cols > 4 ? Cols : 4;
  localparam int unsigned LeftBits = $clog2(MaxCols + 1) > 6 ? $clog2(MaxCols + 1) : 6;
  localparam int unsigned Places   = Drain == 1 ? trine_post_pkg::Places1
                                     : MaxLate >= 2 ? trine_post_pkg::Places2Blocks
                                     : trine_post_pkg::Places2;
  localparam int unsigned FreeBits = $clog2(Places + 1);

  // The job in front, its next column, and what enters the lanes.
  trine_job_pkg::cfg_t    cfg;
  trine_post_pkg::kind_t     kind;
  trine_post_pkg::cfg_pair_t cfg_pair;
  trine_post_pkg::column_t   column;
  trine_post_pkg::issue_t    issue;
  logic [LaneBits-1:0]     lanes, new_lanes;
  logic [LeftBits-1:0]     count;
  logic [4:0]              first_slot;
  logic [ChannelBits-1:0]  channel;
  logic [FreeBits-1:0]     words_left;
  logic [3:0]              lanes_busy_cycles;
  logic job_taken, c_job_taken, tile, barrier, no_result_end, params_ready, value_params,
        residual_ready, from_keep, keep, rsp_place, residual_place, channel_rewind;
  trine_post_pkg::tag_t     tag;
  logic lanes_empty, column_allowed, softmax_in_two, code_out, code_valid;
  trine_post_pkg::side_t    side;
  logic tile_free, queue_idle;
  logic [FreeBits-1:0]      free_places;
  logic [Drain*Rows*8-1:0]  code;
  logic [Rows*32-1:0]       word;
  if ($bits(tag) != trine_post_pkg::TagBits) begin : gen_bad_tag $error("trine_post: TagBits"); end
  // Counts of words saturate at all ones. The number of free places must never reach this value.
  if (Places >= 2**FreeBits - 1) begin : gen_bad_places $error("trine_post: FreeBits"); end

  trine_drain #(
    .Rows     (Rows),
    .Cols     (Cols),
    .AddrBits (AddrBits),
    .Channels (Channels),
    .Ternary  (Ternary),
    .Binary   (Binary),
    .Table    (Table),
    .Groups   (Groups),
    .Int16    (Int16),
    .Softmax  (Softmax),
    .Sums     (Sums),
    .Window   (Window),
    .Drain    (Drain), .LeftBits (LeftBits), .FreeBits (FreeBits),
    .PeStages (PeStages),
    .PipeCols (PipeCols), .MaxLate (MaxLate)
  ) u_drain (
    .clk_i, .rst_ni, .clear_i,
    .c_valid_i,
    .c_ready_o,
    .c_job_i,
    .c_lanes_i,
    .c_results_i,
    .c_data_ready_o,
    .no_result_end_o (no_result_end),
    .v_valid_i,
    .v_job_i,
    .v_lanes_i,
    .lanes_empty_i   (lanes_empty), .lanes_busy_cycles_i (lanes_busy_cycles),
    .tile_free_i     (tile_free),
    .queue_idle_i    (queue_idle),
    .cfg_o           (cfg),
    .kind_o          (kind), .cfg_pair_o (cfg_pair),
    .barrier_o       (barrier),
    .column_o        (column),
    .cols_o,
    .odd_o           (c_status_o.odd),
    .words_o         (words_left),
    .issue_i         (issue),
    .free_places_i   (free_places),
    .params_i        (params_ready),
    .lanes_i         (column_allowed),
    .drain_ok_o      (c_status_o.drain_ok),
    .drain_soon_o    (c_status_o.drain_soon),
    .v_early_o       ({v_status_o.prefetch_ok, v_status_o.almost_done}),
    .job_taken_o     (job_taken),
    .c_job_taken_o   (c_job_taken),
    .tile_o          (tile),
    .lanes_o         (new_lanes),
    .count_o         (count),
    .first_slot_o    (first_slot),
    .channel_o       (channel), .channel_rewind_o (channel_rewind)
  );

  trine_drain_params #(.Groups(Groups), .Channels(Channels)) u_params (
    .clk_i,
    .rst_ni,
    .job_taken_i    (job_taken),
    .c_job_taken_i  (c_job_taken),
    .column_i       (column),
    .issue_i        (issue),
    .channel_i      (channel), .channel_rewind_i (channel_rewind),
    .ready_o        (params_ready),
    .reciprocal_i   (softmax_i.reciprocal),
    .v_first_i      (v_job_i.cfg.param),
    .value_params_o (value_params),
    .p_valid_o,
    .p_next_o,
    .p_channel_o
  );

  trine_drain_residual #(
    .Rows (Rows), .AddrBits (AddrBits), .Drain (Drain), .Sums (Sums), .LeftBits (LeftBits)
  ) u_residual (
    .clk_i, .rst_ni, .clear_i,
    .job_taken_i  (c_job_taken),
    .job_i        (c_job_i),
    .count_i      (count),
    .first_slot_i (first_slot),
    .cfg_i        (cfg),
    .kind_i       (kind),
    .lanes_i      (lanes),
    .column_i     (column),
    .issue_i      (issue),
    .ready_o      (residual_ready),
    .from_keep_o  (from_keep),
    .keep_o       (keep),
    .busy_o       (c_status_o.fetch_busy),
    .rsp_place_o  (rsp_place),
    .place_o      (residual_place),
    .r_valid_o,
    .r_ready_i,
    .r_lanes_o,
    .rsp_done_i
  );

  trine_lane_arb #(
    .Softmax (Softmax), .Groups (Groups), .Int16 (Int16), .Drain (Drain), .FreeBits (FreeBits)
  ) u_arb (
    .clk_i, .rst_ni, .clear_i,
    .cfg_i            (cfg),
    .kind_i           (kind),
    .column_i         (column),
    .params_i         (params_ready),
    .residual_i       (residual_ready),
    .data_valid_i     (c_results_i.valid || c_results_i.valid_next),
    .words_i          (words_left),
    .barrier_i        (barrier),
    .side_i           (side),
    .free_places_i    (free_places),
    .softmax_valid_i,
    .softmax_i,
    .issue_o          (issue),
    .empty_o          (lanes_empty), .busy_cycles_o (lanes_busy_cycles),
    .column_allowed_o (column_allowed),
    .code_i           (code_out),
    .valid_o          (code_valid),
    .tag_o            (tag),
    .softmax_in_two_o (softmax_in_two)
  );

  trine_lanes #(
    .Rows       (Rows),
    .Ternary    (Ternary),
    .Binary     (Binary),
    .Table      (Table),
    .Groups     (Groups),
    .Int16      (Int16), .Formats (Formats),
    .Softmax    (Softmax),
    .Sums       (Sums),
    .Drain      (Drain),
    .Multiplier (Multiplier)
  ) u_lanes (
    .clk_i,
    .rst_ni,
    .issue_i          (issue),
    .column_i         (column),
    .cfg_i            (cfg),
    .kind_i           (kind), .cfg_pair_i (cfg_pair),
    .acc_i            (column_i),
    .v_slots_i,
    .softmax_acc_i,
    .factors_i,
    .softmax_cfg_i    (v_job_i.cfg),
    .softmax_in_two_i (softmax_in_two),
    .softmax_out_i    (Softmax && tag.softmax),
    .params_i,
    .channel_params_i (value_params || (Groups && issue.part)),
    .table_i,
    .rsp_lanes_i,
    .rsp_data_i,
    .rsp_place_i      (rsp_place),
    .residual_place_i (residual_place),
    .keep_i           (keep),
    .from_keep_i      (from_keep),
    .valid_o          (code_out),
    .code_o           (code),
    .word_o           (word),
    .product_valid_o  (softmax_o.product),
    .product_o,
    .point_req_o
  );

  trine_pack #(
    .Rows (Rows), .AddrBits (AddrBits), .Ternary (Ternary), .Binary (Binary),
    .Softmax (Softmax), .Int16 (Int16), .Drain (Drain), .Places (Places), .Tiles (Int16 ? 4 : 2)
  ) u_pack (
    .clk_i, .rst_ni, .clear_i,
    .tile_i          (tile),
    .tile_free_o     (tile_free),
    .lanes_i         (new_lanes),
    .lanes_o         (lanes),
    .side_o          (side),
    .issue_i         (issue),
    .free_places_o   (free_places),
    .valid_i         (code_valid),
    .tag_i           (tag),
    .code_i          (code),
    .word_i          (word),
    .cfg_i           (cfg),
    .kind_i          (kind),
    .vector_i        (column.from_vector), .cfg_pair_i (cfg_pair),
    .softmax_cfg_i   (v_job_i.cfg),
    .softmax_lanes_i (v_lanes_i),
    .no_result_end_i (no_result_end),
    .queue_idle_o    (queue_idle),
    .c_retire_o      (c_status_o.retire),
    .v_retire_o      (v_status_o.retire),
    .softmax_done_o  (softmax_o.tile_done),
    .s_valid_o,
    .s_ready_i,
    .s_word_o
  );

  assign v_ready_o        = job_taken && !c_job_taken;
  assign v_status_o.done  = issue.done && column.from_vector;
  assign softmax_o.issue  = issue.softmax;
  assign c_status_o.pairs = Int16 && cfg.int16 && !cfg.by_row;
  assign c_status_o.bank  = column.parts.bank;
  assign read_o           = {column.parts, issue.part, column.pair} & ~{value_params, 8'd0};
  // Factors of a job without results are never read.
  assign c_status_o.read =
      ({c_job_i.bank, !c_job_i.bank} &
       {2{Groups && c_ready_o && !c_job_taken && c_job_i.cfg.groups}}) |
      ({column.parts.bank, !column.parts.bank} &
       {2{Groups && issue.part && column.ends}});
  // ---------------------------------------------------------------------------------------------
`ifdef TRINE_ASSERT
  localparam int unsigned Blocks = (Cols + PipeCols - 1) / PipeCols;
  logic live_q, slots_kept_q, factors_kept_q, table_write_q;
  logic [1+PeStages+Blocks:1] promised_q;
  logic [Rows*96-1:0] held_slots_q;
  logic [Rows*37-1:0] held_factors_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {live_q, slots_kept_q, factors_kept_q, table_write_q} <= '0;
      promised_q     <= '0;
    end else begin
      live_q         <= 1'b1;
      slots_kept_q   <= (v_ready_o || (column.from_vector && column.valid && !issue.done)) &&
                        !clear_i;
      factors_kept_q <= issue.softmax && !clear_i;
      table_write_q  <= table_i.we;
      promised_q     <= clear_i ? '0
                        : {job_taken ? '0 : promised_q[PeStages+Blocks:1],
                           (c_status_o.drain_ok && column.valid && column.data &&
                            !column.from_vector && !job_taken) || c_status_o.drain_soon};
    end
  end

  always_ff @(posedge clk_i) begin
    held_slots_q   <= v_slots_i;
    held_factors_q <= factors_i;
    if (live_q) begin
      if (factors_kept_q) m_factors_held: assume (factors_i == held_factors_q);
      if (slots_kept_q) m_slots_held: assume (v_slots_i == held_slots_q);
      if (code_valid && kind.lookup && !tag.softmax && !cfg.exponential) begin
        m_table_kept: assume (!table_i.we && !table_write_q);
      end
      // The results of block b may change 2 + PeStages + b cycles after the grant, so they must
      // have been read by then.
      for (int unsigned b = 0; b < Blocks; b++) begin
        if (promised_q[2+PeStages+b]) begin
          a_drained: assert (!column.valid || column.parts.sums ||
                             cols_o >> ((b + 1) * PipeCols) != '0);
        end
      end
      if (issue.softmax) a_softmax_waits: assert (!job_taken || c_job_taken);
    end
  end
`endif

endmodule
