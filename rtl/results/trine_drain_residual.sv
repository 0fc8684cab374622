// SPDX-License-Identifier: Apache-2.0
//
// Gathers the residual words of a compute job ahead of its columns. The codes for the last slots of
// the word in front are copied to a separate register, so that the next word can arrive while these
// codes are still needed. With Drain = 2, one column is read per cycle, so a new word is needed
// every four cycles. Therefore two words can be stored. The address of a residual is the address of
// its result plus residual_delta.
//
// With sums, each column has its own word, out_plane after the word of the column before. A column
// uses its word in the cycle after its issue. The next word cannot arrive in its place before.
//
//   cycle          0     1     2     3     4     5       Drain = 1, four codes a word
//   column's slot  0     1     2     3     0     1
//   keep_o                     x                         slot 3 is copied as slot 2 is issued:
//   r_valid_o                        x                   the word's place is then free
//   from_keep_o                      x
//
// Timing    r_valid_o comes one cycle after a word's place is free. ready_o comes from registers,
//           which the answers set (rsp_done_i).
// Contract  Words come in the order of their requests. rsp_done_i comes with the last lane of a
//           word.
//
// Check     trine_post_tb; random_program_test (whole core)

module trine_drain_residual #(
  parameter int unsigned Rows     = 8,
  parameter int unsigned AddrBits = 15,
  parameter int unsigned Drain    = 1,
  parameter bit          Sums     = 1'b0,
  parameter int unsigned LeftBits = 6,
  localparam int unsigned LaneBits = Rows * (AddrBits + 1)
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     clear_i,

  // A compute job is taken: the number of its columns, the slot of the first one.
  input  logic                     job_taken_i,
  input  trine_job_pkg::job_t     job_i,
  input  logic [LeftBits-1:0]      count_i,
  input  logic [4:0]               first_slot_i,

  // The job in front and its next column.
  input  trine_job_pkg::cfg_t     cfg_i,
  input  trine_post_pkg::kind_t    kind_i,
  input  logic [LaneBits-1:0]      lanes_i,
  input  trine_post_pkg::column_t  column_i,
  input  trine_post_pkg::issue_t   issue_i,
  output logic                     ready_o,      // the residual is there, if needed
  output logic                     from_keep_o,  // the residual is in the kept slots
  output logic                     keep_o,       // the last slots of the word are kept
  output logic                     busy_o,       // words are still to be requested

  // The place for the next word, and the place of the word in front.
  output logic                     rsp_place_o,
  output logic                     place_o,

  output logic                     r_valid_o,
  input  logic                     r_ready_i,
  output logic [LaneBits-1:0]      r_lanes_o,  // {active, addresses}
  input  logic                     rsp_done_i
);

  localparam logic [1:0] Words = 2'(Drain);

  logic [LeftBits-1:0] left_q, covered, room;    // codes to request; in the next word; room in it
  logic [4:0]          slot_q, next_slot;
  logic [AddrBits-1:0] offset_q;
  logic [1:0]          requested_q, received_q;  // words requested; words received; both unused
  logic                rsp_place_q, place_q, keep_q;  // keep_q: slots are kept
  logic                needed, used, at_end, word_free, asks, sums;

  assign sums        = Sums && kind_i.sums;
  assign busy_o      = left_q != '0;
  assign room        = sums ? LeftBits'(1)
                       : LeftBits'(column_i.last_slot) - LeftBits'(slot_q) + LeftBits'(1);
  assign covered     = left_q < room ? left_q : room;
  assign r_valid_o   = left_q != '0 && requested_q != Words;
  assign asks        = r_valid_o && r_ready_i;
  assign rsp_place_o = rsp_place_q;
  assign place_o     = place_q;

  for (genvar l = 0; l < Rows; l++) begin : gen_row
    assign r_lanes_o[l*AddrBits +: AddrBits] = lanes_i[l*AddrBits +: AddrBits] + offset_q;
  end
  assign r_lanes_o[Rows*AddrBits +: Rows] = lanes_i[Rows*AddrBits +: Rows];

  assign needed      = kind_i.fused || (kind_i.threshold && cfg_i.max) || sums;
  assign used        = needed && issue_i.column;
  assign from_keep_o = at_end && keep_q;
  assign ready_o     = !needed || from_keep_o || received_q != '0;
  assign next_slot   = column_i.slot + (Drain == 2 && column_i.pair ? 5'd2 : 5'd1);
  assign at_end      = column_i.slot >> (Drain - 1) == column_i.last_slot >> (Drain - 1);
  assign keep_o      = used && !sums && !at_end && !column_i.last &&
                       next_slot >> (Drain - 1) == column_i.last_slot >> (Drain - 1);
  assign word_free   = used && !from_keep_o &&
                       (keep_o || column_i.word_end || column_i.last || sums);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      left_q      <= '0;
      requested_q <= '0;
      received_q  <= '0;
      rsp_place_q <= 1'b0;
      place_q     <= 1'b0;
      keep_q      <= 1'b0;
    end else if (clear_i) begin
      left_q      <= '0;
      requested_q <= '0;
      received_q  <= '0;
      rsp_place_q <= 1'b0;
      place_q     <= 1'b0;
      keep_q      <= 1'b0;
    end else begin
      if (job_taken_i && (job_i.cfg.kind == trine_job_pkg::KindFused || job_i.cfg.max ||
                          (Sums && job_i.cfg.sums))) begin
        left_q <= count_i;
      end else if (asks) left_q <= left_q - covered;
      requested_q <= requested_q + 2'(asks) - 2'(word_free);
      received_q  <= received_q + 2'(rsp_done_i) - 2'(word_free);
      if (Drain == 2 && rsp_done_i) rsp_place_q <= !rsp_place_q;
      if (Drain == 2 && word_free) place_q <= !place_q;
      if (keep_o) keep_q <= 1'b1;
      else if (used && from_keep_o && (column_i.word_end || column_i.last)) keep_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (job_taken_i) begin
      slot_q <= first_slot_i;
      if (job_i.tile_first) offset_q <= job_i.cfg.residual_delta[AddrBits-1:0];
    end else if (asks) begin
      slot_q <= slot_q + 5'(covered);
      if (covered == room) begin
        slot_q   <= '0;
        offset_q <= offset_q + cfg_i.out_plane[AddrBits-1:0];
      end
    end
  end

  logic unused_residual;
  assign unused_residual = ^{job_i, cfg_i, kind_i, column_i, issue_i};

  // ---------------------------------------------------------------------------------------------
`ifdef TRINE_ASSERT
  logic live_q, waits_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      live_q  <= 1'b0;
      waits_q <= 1'b0;
    end else begin
      live_q  <= 1'b1;
      waits_q <= r_valid_o && !r_ready_i && !clear_i;
    end
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      if (rsp_done_i) m_wanted: assume (received_q != requested_q);
      if (used) a_there: assert (ready_o);
      if (waits_q) a_held: assert (r_valid_o);
      a_places: assert (received_q <= requested_q && requested_q <= Words);
      if (job_taken_i) a_all_used: assert (requested_q == '0 || (requested_q == 2'd1 && word_free));
      c_ahead: cover (r_valid_o && keep_q);  // while kept slots are unused
      c_both: cover (received_q != '0 && from_keep_o);
    end
  end
`endif

endmodule
