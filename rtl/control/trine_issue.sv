// SPDX-License-Identifier: Apache-2.0
//
// Issues SETs and RUNs to one engine in program order; consumes and produces the tokens of its
// RUNs.
//
// A RUN is offered when all tokens of its wait mask are available. The tokens are consumed in the
// cycle in which the engine accepts the RUN. The RUN's signal mask enters a queue of four entries,
// so the engine may have four RUNs in flight. Each retire pulse produces the tokens of the oldest
// RUN in flight.
//
// Timing    All offers are combinational from the queue's output register, the token counters and
//           this module's registers. The engine's ready passes through to the queue.
// Contract  retire_i pulses once for each RUN, in order, at least one cycle after the engine
//           accepted the RUN.
// Check     trine_issue_tb

module trine_issue (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        clear_i,

  // From the engine's queue: {is RUN, register, payload}.
  input  logic        word_valid_i,
  output logic        word_ready_o,
  input  logic [60:0] word_i,
  input  logic        queue_empty_i,

  // Tokens: available, taken, given (bit e: the other engine).
  input  logic [3:0]  token_avail_i,
  output logic [3:0]  token_pop_o,
  output logic [3:0]  token_push_o,

  // To the engine.
  output logic        cfg_valid_o,
  input  logic        cfg_ready_i,
  output logic [3:0]  cfg_reg_o,
  output logic [55:0] cfg_payload_o,
  output logic        run_valid_o,
  input  logic        run_ready_i,
  output logic [7:0]  run_op_o,
  output logic [8:0]  run_flags_o,
  input  logic        retire_i,

  output logic        start_o,           // a RUN is taken in this cycle
  output logic [3:0]  missing_tokens_o,  // engines whose token the front RUN still needs
  output logic        busy_o,            // a RUN is in flight
  output logic        idle_o             // nothing queued, offered or in flight
);

  localparam int unsigned InFlight = 4;

  logic       is_run, room;
  logic [3:0] wait_mask, signal_mask;

  trine_isa_pkg::run_payload_t run;

  assign {is_run, cfg_reg_o, cfg_payload_o} = word_i;

  assign run         = cfg_payload_o;
  assign wait_mask   = run.wait_;
  assign signal_mask = run.signal;

  assign cfg_valid_o = word_valid_i && !is_run;

  assign missing_tokens_o = word_valid_i && is_run ? wait_mask & ~token_avail_i : 4'd0;
  assign run_valid_o      = word_valid_i && is_run && missing_tokens_o == 4'd0 && room;
  assign run_op_o         = run.op;
  assign run_flags_o      = run.flags;

  logic unused_run;
  assign unused_run = ^run;

  assign start_o      = run_valid_o && run_ready_i;
  assign word_ready_o = is_run ? start_o : cfg_ready_i;
  assign token_pop_o  = start_o ? wait_mask : 4'd0;

  // ---------------------------------------------------------------------------------------------
  // Signal masks of the RUNs in flight, oldest in the low bits.
  // ---------------------------------------------------------------------------------------------
  logic [4*InFlight-1:0] signals_d, signals_q;
  logic [2:0]            count_d, count_q, place;

  assign place = count_q - 3'(retire_i);

  always_comb begin
    signals_d = retire_i ? signals_q >> 4 : signals_q;
    if (start_o) signals_d[4*place[1:0] +: 4] = signal_mask;
  end

  assign count_d      = place + 3'(start_o);
  assign room         = count_q != 3'(InFlight);
  assign token_push_o = retire_i ? signals_q[3:0] : 4'd0;
  assign busy_o       = count_q != 3'd0;
  assign idle_o       = queue_empty_i && !busy_o;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      count_q <= '0;
    end else if (clear_i) begin
      count_q <= '0;
    end else begin
      count_q <= count_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (start_o || retire_i) signals_q <= signals_d;
  end

`ifdef TRINE_ASSERT
  logic       live_q, run_held_q;  // out of reset; a RUN was offered and not accepted
  logic [3:0] token_avail_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      live_q     <= 1'b0;
      run_held_q <= 1'b0;
    end else begin
      live_q     <= 1'b1;
      run_held_q <= run_valid_o && !run_ready_i && !clear_i;
    end
  end

  always_ff @(posedge clk_i) begin
    token_avail_q <= token_avail_i;
    if (live_q) begin
      m_retire_in_flight: assume (!retire_i || count_q != 3'd0);
      a_in_flight:        assert (count_q <= 3'(InFlight));
      if (run_held_q) begin
        m_word_held:   assume (word_valid_i && is_run);
        m_tokens_held: assume ((token_avail_q & ~token_avail_i) == 4'd0);
      end
    end
  end
`endif

endmodule
