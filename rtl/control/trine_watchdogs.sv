// SPDX-License-Identifier: Apache-2.0
//
// Detects a bus that stopped answering (expired_o) and a machine that makes no progress (hang_o).
// Progress is any of these events:
//
//   a step of the array, an access of the vector engine, a result word
//   a beat of the bus or of DMEM's DMA port
//   the start or the end of a RUN
//
// A cycle in which the bus owes a handshake counts only for the bus watchdog. Otherwise a dead bus
// would also raise hang_o, and the machine would stop without waiting for outstanding responses.
//
// Timing    Both pulses, and the flags of outstanding transfers, are registers. Events count one
//           cycle late.
// Check     trine_control_tb; trine_watchdog_tb for the timer

module trine_watchdogs #(
  parameter int unsigned Bits = 24
) (
  input  logic                         clk_i,
  input  logic                         rst_ni,

  // Cycles; 0: no limit.
  input  logic [Bits-1:0]              bus_limit_i,
  input  logic [Bits-1:0]              progress_limit_i,

  // Events other than bus events, while a program runs. Each of them is progress.
  input  logic                         running_i,
  input  logic [2:0]                   progress_i,
  input  logic [3:0]                   run_started_i,
  input  logic [3:0]                   retired_i,

  input  trine_engine_pkg::bus_event_t read_i,
  input  trine_engine_pkg::bus_event_t write_i,

  output logic                         expired_o,
  output logic                         write_outstanding_o,  // the bus owes a write
  output logic                         load_outstanding_o,   // or a read of the load engine
  output logic                         hang_o
);

  logic outstanding, beat, activity_q, write_outstanding_q, load_outstanding_q;

  assign outstanding = read_i.outstanding || write_i.outstanding;
  assign beat        = read_i.progress || write_i.progress;

  trine_watchdog #(.Bits(Bits)) u_bus (
    .clk_i,
    .rst_ni,
    .limit_i       (bus_limit_i),
    .outstanding_i (outstanding),
    .progress_i    (beat),
    .expired_o     (expired_o)
  );

  trine_watchdog #(.Bits(Bits)) u_progress (
    .clk_i,
    .rst_ni,
    .limit_i       (progress_limit_i),
    .outstanding_i (running_i),
    .progress_i    (activity_q),
    .expired_o     (hang_o)
  );

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) activity_q <= 1'b0;
    else         activity_q <= outstanding || beat || (|{progress_i, run_started_i, retired_i});
  end

  always_ff @(posedge clk_i) begin
    write_outstanding_q <= write_i.engine_outstanding;
    load_outstanding_q  <= read_i.engine_outstanding;
  end

  assign write_outstanding_o = write_outstanding_q;
  assign load_outstanding_o  = load_outstanding_q;

  logic unused_events;
  assign unused_events = ^{read_i, write_i};

`ifdef TRINE_ASSERT
  logic       live_q, outstanding_q, running_q;
  logic [2:1] progress_q;  // one and two cycles ago

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {live_q, outstanding_q, running_q, progress_q} <= '0;
    end else begin
      live_q        <= 1'b1;
      outstanding_q <= outstanding && !beat;
      running_q     <= running_i;
      progress_q    <= {progress_q[1], beat || progress_i != '0 || run_started_i != '0 ||
                        retired_i != '0 || read_i.outstanding || write_i.outstanding};
    end
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      if (expired_o) a_owed: assert (outstanding_q);
      if (hang_o) a_stood_still: assert (running_q && !progress_q[2]);
    end
  end
`endif

endmodule
