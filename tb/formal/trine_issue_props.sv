// SPDX-License-Identifier: Apache-2.0
//
// Proves that trine_issue starts a RUN only with all its tokens, and consumes exactly these tokens.
// The signals of each RUN are given once, with its own retire pulse, in order. SETs and RUNs reach
// the engine in the order of the queue, and none is dropped.
//
// The proof follows one RUN from its start to its retirement. It assumes the contract of the
// engine: one retirement for each RUN, at least one cycle after its start. It assumes of the queue
// and of the token counters that an offer holds.

module trine_issue_props (
  input logic        clk_i,
  input logic        rst_ni,
  input logic        clear_i,
  input logic        word_valid_i,
  input logic [60:0] word_i,
  input logic        queue_empty_i,
  input logic [3:0]  token_avail_i,
  input logic        cfg_ready_i,
  input logic        run_ready_i,
  input logic        retire_i,
  input logic        watch_i
);

  logic        word_ready, cfg_valid, run_valid, start, busy, idle;
  logic [3:0]  take, give, wait_for, cfg_reg;
  logic [55:0] cfg_payload;
  logic [7:0]  run_op;
  logic [8:0]  run_flags;

  trine_issue u_dut (
    .clk_i            (clk_i),
    .rst_ni           (rst_ni),
    .clear_i          (clear_i),
    .word_valid_i     (word_valid_i),
    .word_ready_o     (word_ready),
    .word_i           (word_i),
    .queue_empty_i    (queue_empty_i),
    .token_avail_i    (token_avail_i),
    .token_pop_o      (take),
    .token_push_o     (give),
    .cfg_valid_o      (cfg_valid),
    .cfg_ready_i      (cfg_ready_i),
    .cfg_reg_o        (cfg_reg),
    .cfg_payload_o    (cfg_payload),
    .run_valid_o      (run_valid),
    .run_ready_i      (run_ready_i),
    .run_op_o         (run_op),
    .run_flags_o      (run_flags),
    .retire_i         (retire_i),
    .start_o          (start),
    .missing_tokens_o (wait_for),
    .busy_o           (busy),
    .idle_o           (idle)
  );

  // The registers of the unit, for the invariant.
  (* hierconn *) logic [15:0] \u_dut.signals_q ;
  (* hierconn *) logic [2:0]  \u_dut.count_q ;

  logic       is_run, inside_q;
  logic [2:0] flight_q, ahead_q;
  logic [3:0] wanted, signals_q;

  trine_isa_pkg::run_payload_t run;

  assign is_run = word_i[60];
  assign run    = word_i[trine_isa_pkg::PayloadBits-1:0];
  assign wanted = run.wait_;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      flight_q <= 3'd0;
      inside_q <= 1'b0;
    end else if (clear_i) begin
      flight_q <= 3'd0;
      inside_q <= 1'b0;
    end else begin
      flight_q <= flight_q + 3'(start) - 3'(retire_i);
      if (!inside_q && start && watch_i) begin
        inside_q  <= 1'b1;
        ahead_q   <= flight_q - 3'(retire_i);
        signals_q <= run.signal;
      end else if (inside_q && retire_i) begin
        inside_q <= ahead_q != 3'd0;
        ahead_q  <= ahead_q - 3'd1;
      end
    end
  end

  always_comb begin
    if ($initstate) assume (!rst_ni);
    assume (!(retire_i && flight_q == 3'd0));
    if (rst_ni) begin
      a_flight: assert (flight_q <= 3'd4 && flight_q == \u_dut.count_q );
      a_busy:   assert (busy == (flight_q != 3'd0));
      a_start:  assert (start == (run_valid && run_ready_i));
      a_tokens: assert (!run_valid || (wanted & ~token_avail_i) == 4'd0);
      a_take:   assert (take == (start ? wanted : 4'd0));
      a_wait:   assert (wait_for == (word_valid_i && is_run ? wanted & ~token_avail_i : 4'd0));
      a_kind:   assert (!(cfg_valid && run_valid) && (!cfg_valid || word_valid_i) &&
                        (!run_valid || word_valid_i));
      a_order:  assert (!word_valid_i || word_ready == (is_run ? start : cfg_valid && cfg_ready_i));
      a_word:   assert (cfg_reg == word_i[59:56] && cfg_payload == word_i[55:0]);
      a_idle:   assert (idle == (queue_empty_i && flight_q == 3'd0));
      a_quiet:  assert (retire_i || give == 4'd0);
      // It starts when nothing forbids it.
      if (word_valid_i && is_run && (wanted & ~token_avail_i) == 4'd0 && flight_q < 3'd4) begin
        a_starts: assert (run_valid);
      end
      if (inside_q) begin
        a_ahead: assert (ahead_q < flight_q);
        a_kept:  assert (4'(\u_dut.signals_q >> (4 * ahead_q)) == signals_q);
        if (retire_i && ahead_q == 3'd0) a_give: assert (give == signals_q);
      end
      c_full: cover (inside_q && ahead_q == 3'd3 && signals_q == 4'd5);
      c_give: cover (inside_q && ahead_q == 3'd0 && retire_i && give == 4'd6);
    end
  end

endmodule
