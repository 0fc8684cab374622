// SPDX-License-Identifier: Apache-2.0
//
// Selects the error that stops a program, and reports its cause, its address and the RUN that
// failed.
//
// If several errors come in the same cycle, errors of engines precede errors of the fetch. Error
// responses precede missing responses, and program errors precede time limits. run_o is the number
// of RUNs that the engine had begun before the failing RUN. For an error of the program itself,
// run_o is 0 and the address is the failing word.
//
// Timing    An error is visible one cycle later.
// Check     trine_errors_tb, trine_control_tb

module trine_errors #(
  parameter int unsigned AxiAddrBits = 32,
  parameter int unsigned RunBits     = 24,  // width of ERROR_RUN
  parameter bit          Stream      = 1'b1,  // supports streams of packed weights
  localparam int unsigned AddrBits  = AxiAddrBits > 35 ? AxiAddrBits : 35,
  localparam int unsigned CauseBits = trine_csr_pkg::CsrErrorCauseBits
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  input  logic                   clear_i,

  // RUNs of the DMA engines: begun, ended.
  input  logic                   load_run_i,
  input  logic                   load_retire_i,
  input  logic                   store_retire_i,

  // Errors and their addresses.
  input  logic                   foreign_i,            // of the program's front word
  input  logic                   illegal_i,
  input  logic                   unsupported_i,
  input  logic                   deadlock_i,
  input  logic                   overflow_i,
  input  logic                   hang_i,               // no progress for too long
  input  logic                   exceeded_i,           // too many cycles
  input  logic                   fetch_error_i,
  input  logic                   fetch_outside_i,
  input  logic                   load_error_i,
  input  logic                   load_stream_i,        // an invalid stream, not a response
  input  logic                   load_outside_i,
  input  logic                   store_error_i,
  input  logic                   store_outside_i,
  input  logic                   expired_i,            // the bus stopped answering:
  input  logic                   write_outstanding_i,  // a write,
  input  logic                   load_outstanding_i,   // or a load; else a fetch
  input  logic [AxiAddrBits-1:0] program_i,
  input  logic [34:0]            offset_i,             // of the program's front word
  input  logic [AxiAddrBits-1:0] load_beat_i,          // the next beat, or the failed beat
  input  logic [AxiAddrBits-1:0] load_burst_i,         // the burst on offer
  input  logic [AxiAddrBits-1:0] store_answer_i,       // the burst whose response is next
  input  logic [AxiAddrBits-1:0] store_burst_i,        // the burst on offer

  output logic [CauseBits-1:0]   cause_o,
  output logic [AddrBits-1:0]    addr_o,
  output logic [RunBits-1:0]     run_o
);

  logic [RunBits-1:0] load_begun_q, load_ended_q, store_ended_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      load_begun_q  <= '0;
      load_ended_q  <= '0;
      store_ended_q <= '0;
    end else if (clear_i) begin
      load_begun_q  <= '0;
      load_ended_q  <= '0;
      store_ended_q <= '0;
    end else begin
      load_begun_q  <= load_begun_q + RunBits'(load_run_i);
      load_ended_q  <= load_ended_q + RunBits'(load_retire_i);
      store_ended_q <= store_ended_q + RunBits'(store_retire_i);
    end
  end

  logic [RunBits-1:0]  load_run;    // the RUN of arriving beats: an end is counted a cycle late
  logic [AddrBits-1:0] fetch_addr;

  logic [CauseBits-1:0] cause_d, cause_q;
  logic [AddrBits-1:0]  addr_d, addr_q;
  logic [RunBits-1:0]   run_d, run_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)      cause_q <= trine_csr_pkg::ErrorNone;
    else if (clear_i) cause_q <= trine_csr_pkg::ErrorNone;
    else              cause_q <= cause_d;
  end

  always_ff @(posedge clk_i) begin
    addr_q <= addr_d;
    run_q  <= run_d;
  end

  assign cause_o = cause_q;
  assign addr_o  = addr_q;
  assign run_o   = run_q;

  assign load_run   = load_ended_q + RunBits'(load_retire_i);
  assign fetch_addr = AddrBits'(program_i) + AddrBits'(offset_i);

  always_comb begin
    cause_d = trine_csr_pkg::ErrorNone;
    addr_d  = AddrBits'(offset_i);
    run_d   = '0;
    if (load_error_i) begin
      cause_d = Stream && load_stream_i ? trine_csr_pkg::ErrorStream : trine_csr_pkg::ErrorLoad;
      addr_d  = AddrBits'(load_beat_i);
      run_d   = load_run;
    end else if (load_outside_i) begin
      cause_d = trine_csr_pkg::ErrorLoadWindow;
      addr_d  = AddrBits'(load_burst_i);
      run_d   = load_begun_q - RunBits'(1);
    end else if (store_error_i) begin
      cause_d = trine_csr_pkg::ErrorStore;
      addr_d  = AddrBits'(store_answer_i);
      run_d   = store_ended_q;
    end else if (store_outside_i) begin
      cause_d = trine_csr_pkg::ErrorStoreWindow;
      addr_d  = AddrBits'(store_burst_i);
      run_d   = store_ended_q;
    end else if (expired_i && write_outstanding_i) begin
      cause_d = trine_csr_pkg::ErrorStoreTimeout;
      addr_d  = AddrBits'(store_answer_i);
      run_d   = store_ended_q;
    end else if (expired_i && load_outstanding_i) begin
      cause_d = trine_csr_pkg::ErrorLoadTimeout;
      addr_d  = AddrBits'(load_beat_i);
      run_d   = load_run;
    end else if (expired_i) begin
      cause_d = trine_csr_pkg::ErrorFetchTimeout;
      addr_d  = fetch_addr;
    end else if (fetch_error_i) begin
      cause_d = trine_csr_pkg::ErrorFetch;
      addr_d  = fetch_addr;
    end else if (fetch_outside_i) begin
      cause_d = trine_csr_pkg::ErrorFetchWindow;
      addr_d  = fetch_addr;
    end else if (foreign_i) begin
      cause_d = trine_csr_pkg::ErrorConfiguration;
    end else if (illegal_i) begin
      cause_d = trine_csr_pkg::ErrorIllegal;
    end else if (unsupported_i) begin
      cause_d = trine_csr_pkg::ErrorFeature;
    end else if (overflow_i) begin
      cause_d = trine_csr_pkg::ErrorToken;
    end else if (deadlock_i) begin
      cause_d = trine_csr_pkg::ErrorDeadlock;
    end else if (hang_i) begin
      cause_d = trine_csr_pkg::ErrorProgress;
    end else if (exceeded_i) begin
      cause_d = trine_csr_pkg::ErrorCycles;
    end
  end

`ifdef TRINE_ASSERT
  logic live_q, error_q, of_engine_q;  // an error in the last cycle; an error of load or store

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {live_q, error_q, of_engine_q} <= '0;
    end else begin
      live_q      <= 1'b1;
      error_q     <= !clear_i && (foreign_i || illegal_i || unsupported_i || deadlock_i ||
                overflow_i || hang_i || exceeded_i || fetch_error_i || fetch_outside_i ||
                load_error_i ||
                load_outside_i || store_error_i || store_outside_i || expired_i);
      of_engine_q <= load_error_i || load_outside_i || store_error_i || store_outside_i ||
                     (expired_i && (write_outstanding_i || load_outstanding_i));
    end
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      a_error: assert ((cause_o != trine_csr_pkg::ErrorNone) == error_q);
      if (error_q && !of_engine_q) a_no_run: assert (run_o == '0);
    end
  end
`endif

endmodule
