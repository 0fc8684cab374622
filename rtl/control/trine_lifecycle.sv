// SPDX-License-Identifier: Apache-2.0
//
// Runs the state machine of a program's life, from start to idle, and reports how the program
// ended.
//
//   idle --start--> run --done, error or soft reset--> stop --drained--> clear --> idle
//
// In state stop, the bus masters accept no new requests and finish the outstanding bursts. State
// clear resets the machine for one cycle, so each program starts from the state after reset. Status
// and interrupt report the end of a program when the machine is idle again. If the watchdog expires
// in state stop, they report the end immediately, and the machine becomes dirty. A dirty machine
// stays in stop and cannot start. It leaves stop when the outstanding bursts have completed, or
// when the driver reports that they never will. A scrub is a soft reset whose clear also starts
// writing zeros to the memories.
//
// With Ecc, state stop lasts four cycles or more, and an error in stop still fails the program. The
// reason is that the last write of a program may be merged into a word, and that an uncorrectable
// word is reported a few cycles after done.
//
// Timing    start_o and clear_o are registers. cause_o shows an error one cycle later. done_o and
//           irq_status_o show the program's end in the cycle after clear_o, or in the cycle after
//           dirty_o rose.
// Contract  start_i comes only while idle_o is high, and not together with soft_reset_i. scrub_i
//           comes only together with soft_reset_i. drained_i is high while nothing is outstanding
//           on the bus.
// Check     trine_control_tb; trine_csr_props

module trine_lifecycle #(
  parameter int unsigned ErrorBits = 35,
  parameter bit          Ecc       = 1'b0,
  localparam int unsigned RunBits   = trine_csr_pkg::CsrErrorRunBits,
  localparam int unsigned CauseBits = trine_csr_pkg::CsrErrorCauseBits
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  // Requests of the driver are pulses. irq_clear_i: events that the driver clears.
  input  logic                 start_i,
  input  logic                 soft_reset_i,
  input  logic                 scrub_i,
  input  logic [1:0]           irq_clear_i,

  // Events.
  input  logic                 done_i,
  input  logic                 drained_i,
  input  logic                 expired_i,
  input  logic                 wiping_i,
  input  logic [CauseBits-1:0] error_cause_i,
  input  logic [ErrorBits-1:0] error_addr_i,
  input  logic [RunBits-1:0]   error_run_i,

  // The machine.
  output logic                 start_o,  // one pulse, in the first cycle of running_o
  output logic                 running_o,
  output logic                 stop_o,
  output logic                 clear_o,
  output logic                 wipe_o,
  output logic                 aborted_o,  // with clear_o: the program did not end with done
  output logic                 idle_o,   // a start would be accepted

  // For the driver.
  output logic                 busy_o,
  output logic                 dirty_o,     // the bus owes bursts that the watchdog gave up
  output logic                 done_o,
  output logic                 resetting_o,
  output logic [1:0]           irq_status_o,
  output logic [CauseBits-1:0] cause_o,     // first error of a program
  output logic [ErrorBits-1:0] addr_o,
  output logic [RunBits-1:0]   run_o
);

  typedef enum logic [1:0] {StIdle, StRun, StStop, StClear} state_e;

  state_e               state_d, state_q;
  logic                 start_q, clear_q, reset_d, reset_q, scrub_d, scrub_q, done_d, done_q;
  logic                 error, failing, forget;
  logic                 late;     // an error after done still fails the program
  logic                 settled;  // memory errors would be visible by now
  logic                 ending, report, reported_q, dirty_q;  // the end of the program
  logic [1:0]           irq_status_d, irq_status_q;
  logic [CauseBits-1:0] cause_q;
  logic [ErrorBits-1:0] error_addr_q;
  logic [RunBits-1:0]   error_run_q;

  assign error   = error_cause_i != trine_csr_pkg::ErrorNone;
  assign late    = Ecc && state_q == StStop && !reset_q && !reported_q &&
                   cause_q == trine_csr_pkg::ErrorNone;
  assign failing = (state_q == StRun || late) && error && !soft_reset_i;
  assign forget  = start_i || soft_reset_i;
  assign ending  = state_d == StStop || state_d == StClear;
  assign report  = (state_q == StClear || (state_q == StStop && dirty_q)) && !reported_q &&
                   !reset_q && !soft_reset_i;

  always_comb begin
    state_d = state_q;
    reset_d = reset_q;
    scrub_d = scrub_i || (scrub_q && state_q != StClear);
    done_d  = (done_q && !start_i) || (report && cause_q == trine_csr_pkg::ErrorNone);
    unique case (state_q)
      StIdle:  if (start_i) state_d = StRun;
      StRun:   if (error || done_i) state_d = StStop;
      StStop:  if (drained_i && settled) state_d = StClear;
      default: begin
        state_d = StIdle;
        reset_d = 1'b0;
      end
    endcase
    if (soft_reset_i) begin
      state_d = StStop;
      reset_d = 1'b1;
      done_d  = 1'b0;
    end
  end

  // An event is set when a program ends; setting has priority over clearing.
  always_comb begin
    irq_status_d = irq_status_q & ~irq_clear_i;
    if (report) begin
      if (cause_q == trine_csr_pkg::ErrorNone) begin
        irq_status_d[trine_csr_pkg::CsrIrqStatusDoneBit] = 1'b1;
      end else begin
        irq_status_d[trine_csr_pkg::CsrIrqStatusErrorBit] = 1'b1;
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      state_q      <= StIdle;
      start_q      <= 1'b0;
      clear_q      <= 1'b0;
      reset_q      <= 1'b0;
      scrub_q      <= 1'b0;
      done_q       <= 1'b0;
      dirty_q      <= 1'b0;
      reported_q   <= 1'b0;
      irq_status_q <= 2'b00;
      cause_q      <= trine_csr_pkg::ErrorNone;
    end else begin
      state_q      <= state_d;
      start_q      <= start_i;
      clear_q      <= state_d == StClear;  // a register: the net is long
      reset_q      <= reset_d;
      scrub_q      <= scrub_d;
      done_q       <= done_d;
      dirty_q      <= ending && (dirty_q || (expired_i && state_d == StStop));
      reported_q   <= ending && (reported_q || report);
      irq_status_q <= irq_status_d;
      if (forget)       cause_q <= trine_csr_pkg::ErrorNone;
      else if (failing) cause_q <= error_cause_i;
    end
  end

  if (Ecc) begin : gen_settled
    logic [2:0] stop_q;  // cycles in stop
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) stop_q <= '0;
      else         stop_q <= state_q == StStop ? {stop_q[1:0], 1'b1} : '0;
    end
    assign settled = &stop_q;
  end else begin : gen_settled_at_once
    assign settled = 1'b1;
  end

  // Loaded by the first error of a program.
  always_ff @(posedge clk_i) begin
    if (failing) begin
      error_addr_q <= error_addr_i;
      error_run_q  <= error_run_i;
    end
  end

  assign start_o      = start_q;
  assign running_o    = state_q == StRun;
  assign stop_o       = state_q != StRun;
  assign clear_o      = clear_q;
  assign wipe_o       = clear_q && reset_q && (Ecc || scrub_q);
  assign aborted_o    = clear_q && (reset_q || cause_q != trine_csr_pkg::ErrorNone);
  assign idle_o       = state_q == StIdle && !wiping_i;
  assign busy_o       = state_q != StIdle && !dirty_q;
  assign dirty_o      = dirty_q;
  assign done_o       = done_q;
  assign resetting_o  = reset_q || wiping_i;
  assign irq_status_o = irq_status_q;
  assign cause_o      = cause_q;
  assign addr_o       = error_addr_q;
  assign run_o        = error_run_q;

`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      m_start: assume (!start_i || (idle_o && !soft_reset_i));
      m_scrub: assume (!scrub_i || soft_reset_i);
      a_start: assert (!start_q || running_o);
      a_clear: assert (clear_q == (state_q == StClear));
      a_dirty: assert (!dirty_q || state_q == StStop || state_q == StClear);
      c_dirty: cover (dirty_q && clear_q);
    end
  end
`endif

endmodule
