// SPDX-License-Identifier: Apache-2.0
//
// trine_compute, from a step's issue to the array: the steps enter it in order, each once, with its
// flags and with the words of its own lanes, however these come in and however long a tile's last
// step waits; no lane's word comes into a place that is taken; a last step enters only when the
// results before it have left the drain registers.
//
// Assumed: the gather, as trine_dmem_props proves it (accesses in order; lanes of the one in front
// are served while g_hold_o is low, and answer two cycles later; soon_i one cycle before
// rsp_done_i), here with any delays and any order of lanes; of trine_agu, which is cut away, that
// it gives no step behind its RUN's last one; that drain_soon_i comes as results are taken.

module trine_agu #(
  parameter int unsigned Rows     = 8,
  parameter int unsigned AddrBits = 15,
  parameter bit          Window   = 1'b0,
  localparam int unsigned Lanes   = Rows + (Window ? 3 : 0)
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,
  input  logic                      clear_i,
  input  logic                      cfg_we_i,
  input  logic [3:0]                cfg_reg_i,
  input  logic [55:0]               cfg_payload_i,
  input  logic                      fill_i,
  output logic                      filled_o,
  input  logic                      start_i,
  output logic                      running_o,
  input  logic                      window_i,
  output logic                      step_valid_o,
  input  logic                      step_ready_i,
  output logic [Lanes*AddrBits-1:0] addr_o,
  output logic [Lanes-1:0]          inside_o,
  output logic                      first_o,
  output logic                      window_last_o,
  output logic                      word_first_o,
  output logic                      last_o,
  output logic                      group_last_o,
  output logic                      tile_first_o,
  output logic                      tile_last_o,
  output logic [Rows*AddrBits-1:0]  out_o,
  output logic [Rows-1:0]           active_o,
  output logic [AddrBits-1:0]       out_plane_o
);

  (* anyseq *) logic       filled, valid;
  (* anyseq *) logic [6:0] flags;
  logic                    running_q;

  assign filled_o     = filled;
  assign running_o    = running_q;
  assign step_valid_o = running_q && valid;
  assign {first_o, window_last_o, word_first_o, last_o, group_last_o, tile_first_o, tile_last_o} =
      flags;
  assign {addr_o, inside_o, out_o, active_o, out_plane_o} = '0;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) running_q <= 1'b0;
    else if (clear_i) running_q <= 1'b0;
    else if (start_i) running_q <= 1'b1;
    else if (step_valid_o && step_ready_i && last_o && group_last_o && tile_last_o) begin
      running_q <= 1'b0;
    end
  end

endmodule

module trine_compute_props #(
  parameter int unsigned PeStages = 2,
  parameter int unsigned Rows     = 2
) (
  input logic        clk_i,
  input logic        rst_ni,
  input logic        clear_i,
  input logic        cfg_valid_i,
  input logic [3:0]  cfg_reg_i,
  input logic [55:0] cfg_payload_i,
  input logic        run_valid_i,
  input logic [7:0]  run_op_i,
  input logic [7:0]  run_flags_i,
  input logic        wait_i,
  input logic        job_ready_i,
  input logic        data_ready_i,
  input logic        drain_ok_i,
  input logic        drain_soon_i,
  input logic        fetch_busy_i
);

  localparam int unsigned TagLast = 1, TagFinal = 3;

  typedef struct packed {
    logic [3:0]         tag;
    logic [Rows*32-1:0] words;
  } step_t;

  logic               g_valid, g_ready, g_hold, array_valid, array_first, array_last, data_valid;
  logic [3:0]         g_tag;
  logic [Rows*32-1:0] array_act;

  // ---------------------------------------------------------------------------------------------
  // The gather: an access in front, one behind it, the lanes on their way.
  // ---------------------------------------------------------------------------------------------
  (* anyseq *) logic               takes;
  (* anyseq *) logic [Rows-1:0]    wins;   // lanes that are served, if they wait
  // Of an access that is taken; of lanes that do not answer.
  (* anyseq *) logic [Rows*32-1:0] words;
  step_t           front_q, behind_q, soon_step_q, rsp_step_q;
  logic            front_busy_q, behind_busy_q, soon_q, rsp_q, enters, ends;
  logic [Rows-1:0] pend_q, served, soon_lanes_q, rsp_lanes_q;
  logic [Rows*32-1:0] rsp_data;

  assign g_ready = takes && !behind_busy_q;
  assign enters  = g_valid && g_ready;
  assign served  = front_busy_q && !g_hold ? pend_q & wins : '0;
  assign ends    = served != '0 && served == pend_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {front_busy_q, behind_busy_q, soon_q, rsp_q} <= '0;
      {soon_lanes_q, rsp_lanes_q}                  <= '0;
    end else if (clear_i) begin
      {front_busy_q, behind_busy_q, soon_q, rsp_q} <= '0;
      {soon_lanes_q, rsp_lanes_q}                  <= '0;
    end else begin
      front_busy_q                <= (front_busy_q && !ends) || behind_busy_q || enters;
      behind_busy_q               <= front_busy_q && !ends && (behind_busy_q || enters);
      {soon_q, rsp_q}             <= {ends, soon_q};
      {soon_lanes_q, rsp_lanes_q} <= {served, soon_lanes_q};
    end
  end

  always_ff @(posedge clk_i) begin
    pend_q <= pend_q & ~served;
    if (!front_busy_q || ends) begin
      front_q <= behind_busy_q ? behind_q : {g_tag, words};
      pend_q  <= '1;
    end
    if (enters) behind_q <= {g_tag, words};
    {soon_step_q, rsp_step_q} <= {front_q, soon_step_q};
  end

  for (genvar l = 0; l < Rows; l++) begin : gen_data
    assign rsp_data[l*32 +: 32] = rsp_lanes_q[l] ? rsp_step_q.words[l*32 +: 32]
                                                 : words[l*32 +: 32];
  end

  trine_compute #(
    .Rows         (Rows),
    .AddrBits     (3),
    .PmemAddrBits (2),
    .PipeRows     (1),
    .PeStages     (PeStages)
  ) u_dut (
    .clk_i         (clk_i),
    .rst_ni        (rst_ni),
    .clear_i       (clear_i),
    .cfg_valid_i   (cfg_valid_i),
    .cfg_reg_i     (cfg_reg_i),
    .cfg_payload_i (cfg_payload_i),
    .run_valid_i   (run_valid_i),
    .run_op_i      (run_op_i),
    .run_flags_i   (run_flags_i),
    .wait_i        (wait_i),
    .g_valid_o     (g_valid),
    .g_ready_i     (g_ready),
    .g_tag_o       (g_tag),
    .g_hold_o      (g_hold),
    .rsp_lanes_i   (rsp_lanes_q),
    .rsp_data_i    (rsp_data),
    .rsp_tag_i     (rsp_q ? rsp_step_q.tag : words[3:0]),
    .rsp_done_i    (rsp_q),
    .soon_i        (soon_q),
    .array_valid_o (array_valid),
    .array_first_o (array_first),
    .array_last_o  (array_last),
    .array_act_o   (array_act),
    .job_ready_i   (job_ready_i),
    .data_valid_o  (data_valid),
    .data_ready_i  (data_ready_i),
    .drain_ok_i    (drain_ok_i),
    .drain_soon_i  (drain_soon_i),
    .fetch_busy_i  (fetch_busy_i)
  );

  localparam int unsigned JobDelay = PeStages + Rows - 1;

  // The registers of the module, for the invariant.
  (* hierconn *) logic [1:0]        \u_dut.full_q ;
  (* hierconn *) logic              \u_dut.write_q , \u_dut.read_q , \u_dut.granted_q ;
  (* hierconn *) logic              \u_dut.weights_q , \u_dut.busy_q , \u_dut.passed_q ;
  (* hierconn *) logic              \u_dut.arrived_q , \u_dut.u_agu.running_q ;
  (* hierconn *) logic [JobDelay:1] \u_dut.delay_q ;
  (* hierconn *) logic [3:0]        \u_dut.place_tag_q[0] , \u_dut.place_tag_q[1] ;
  (* hierconn *) logic [31:0]       \u_dut.gen_lane[0].act0_q , \u_dut.gen_lane[0].act1_q ;
  (* hierconn *) logic [31:0]       \u_dut.gen_lane[1].act0_q , \u_dut.gen_lane[1].act1_q ;

  // ---------------------------------------------------------------------------------------------
  // The steps whose words are complete, the older one first; lanes that the next one has; results
  // in the drain registers, or on the way to them.
  // ---------------------------------------------------------------------------------------------
  step_t           step_q, step_q2, filling;
  logic            there_q, there_q2, results_q;
  logic [Rows-1:0] got_q, got_rsp, got_soon;
  logic [5:0]      present, final_step;

  // Lanes of the step that is being answered, behind the answers of this cycle and of the next.
  assign got_rsp  = rsp_q ? '0 : got_q | rsp_lanes_q;
  assign got_soon = soon_q ? '0 : got_rsp | soon_lanes_q;
  assign filling  = rsp_q ? rsp_step_q : soon_q ? soon_step_q : front_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {there_q, there_q2, results_q} <= '0;
      got_q                          <= '0;
    end else if (clear_i) begin
      {there_q, there_q2, results_q} <= '0;
      got_q                          <= '0;
    end else begin
      there_q   <= (there_q && !array_valid) || there_q2 || rsp_q;
      there_q2  <= there_q && !array_valid && (there_q2 || rsp_q);
      results_q <= (array_valid && array_last) || (results_q && !(data_valid && data_ready_i));
      got_q     <= got_rsp;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!there_q || array_valid) step_q <= there_q2 ? step_q2 : rsp_step_q;
    if (!there_q2) step_q2 <= rsp_step_q;
  end

  // Places as the module numbers them.
  logic [Rows*32-1:0] words0, words1, in_front, in_second, in_filling;
  logic [3:0]         tag_front, tag_second;
  assign words0     = {\u_dut.gen_lane[1].act0_q , \u_dut.gen_lane[0].act0_q };
  assign words1     = {\u_dut.gen_lane[1].act1_q , \u_dut.gen_lane[0].act1_q };
  assign in_front   = \u_dut.read_q ? words1 : words0;
  assign in_second  = \u_dut.read_q ? words0 : words1;
  assign in_filling = \u_dut.write_q ? words1 : words0;
  assign tag_front  = \u_dut.read_q ? \u_dut.place_tag_q[1] : \u_dut.place_tag_q[0] ;
  assign tag_second = \u_dut.read_q ? \u_dut.place_tag_q[0] : \u_dut.place_tag_q[1] ;

  // All steps, the oldest first, and which is its RUN's last.
  assign present    = {behind_busy_q, front_busy_q, soon_q, rsp_q, there_q2, there_q};
  assign final_step = present & {behind_q.tag[TagFinal], front_q.tag[TagFinal],
                                 soon_step_q.tag[TagFinal], rsp_step_q.tag[TagFinal],
                                 step_q2.tag[TagFinal], step_q.tag[TagFinal]};

  logic [Rows-1:0] filling_ok;
  for (genvar l = 0; l < Rows; l++) begin : gen_filling
    assign filling_ok[l] = !got_q[l] || in_filling[l*32 +: 32] == filling.words[l*32 +: 32];
  end

  logic [2:0] places;  // taken in the next cycle
  assign places = 3'(there_q) + 3'(there_q2) + 3'(rsp_q) - 3'(array_valid);

  always_comb begin
    if ($initstate) assume (!rst_ni);
    if (drain_soon_i) assume (data_valid && data_ready_i);
    if (rst_ni) begin
      // What enters the array.
      if (array_valid) begin
        a_step:  assert (there_q && array_first == step_q.tag[0] &&
                         array_last == step_q.tag[TagLast]);
        a_words: assert (array_act == step_q.words);
        if (array_last) a_drained: assert (!results_q);
      end
      a_results: assert (results_q == (\u_dut.delay_q != '0 || \u_dut.arrived_q ));
      a_one:     assert ((\u_dut.delay_q & (\u_dut.delay_q - JobDelay'(1))) == '0 &&
                         !(\u_dut.delay_q != '0 && \u_dut.arrived_q ));
      a_grant:   assert (!(\u_dut.granted_q && results_q));

      // Places.
      a_free:    assert (rsp_lanes_q == '0 || !\u_dut.full_q [\u_dut.write_q ]);
      a_room:    assert (soon_lanes_q == '0 || places < 3'd2);
      a_places:  assert (\u_dut.full_q [\u_dut.read_q ] == there_q &&
                         \u_dut.full_q [!\u_dut.read_q ] == there_q2 && (there_q || !there_q2));
      a_write:   assert (\u_dut.write_q == \u_dut.read_q ^ there_q ^ there_q2);
      if (there_q)  a_front:  assert (tag_front == step_q.tag && in_front == step_q.words);
      if (there_q2) a_second: assert (tag_second == step_q2.tag && in_second == step_q2.words);
      a_filling: assert (filling_ok == '1);

      // The gather's answers belong to one step after the other.
      a_behind:  assert (front_busy_q || !behind_busy_q);
      a_pend:    assert (!front_busy_q || (pend_q != '0 && pend_q == ~got_soon));
      a_rest:    assert (front_busy_q || got_soon == '0);
      a_lanes:   assert ((!rsp_q || rsp_lanes_q != '0) && (!soon_q || soon_lanes_q != '0));
      a_all:     assert ((!rsp_q || (got_q | rsp_lanes_q) == '1) &&
                         (!soon_q || (got_rsp | soon_lanes_q) == '1));
      if (soon_lanes_q != '0 && !soon_q) a_soon: assert (soon_step_q == front_q && front_busy_q);
      if (rsp_lanes_q != '0 && !rsp_q) a_rsp: assert (rsp_step_q == filling);

      // Steps are those of one RUN, which has its weights.
      a_final:   assert ((final_step & (final_step - 6'd1)) == '0 &&
                         (final_step == '0 || present < {final_step[4:0], 1'b0} ||
                          final_step[5]));
      a_run:     assert (!(\u_dut.u_agu.running_q && final_step != '0));
      if (present != '0 || \u_dut.u_agu.running_q ) begin
        a_weights: assert (\u_dut.weights_q && \u_dut.busy_q && !\u_dut.passed_q );
      end

      c_waits:  cover (there_q && there_q2 && g_hold && step_q.tag[TagLast] &&
                       step_q2.tag[TagLast] && behind_busy_q);
      c_partly: cover (there_q && !array_valid && got_q == Rows'(2) && rsp_lanes_q == '0);
      c_stream: cover (array_valid && rsp_q && soon_q && there_q && !there_q2 && results_q);
      c_final:  cover (array_valid && step_q.tag[TagFinal] && !step_q.tag[0]);
      c_clears: cover (clear_i && there_q2);
    end
  end

endmodule
