// SPDX-License-Identifier: Apache-2.0
//
// Registers the bursts of a 2-D copy (trine_dma_bursts) on their way to the bus. The window check
// of a request, and the arbitration between requests, start at this register.
//
// Timing    The first burst is offered two cycles after start_i. Throughput is one burst per cycle.
// Contract  See trine_dma_bursts. An offered burst holds until it is accepted.
// Check     trine_control_tb

module trine_dma_requests #(
  parameter int unsigned AddrBits  = 32,  // of a byte
  parameter int unsigned BeatBytes = 8,
  parameter int unsigned MaxBeats  = 64,
  parameter int unsigned CountBits = 16,  // width of a count of a row's beats
  parameter bit          Rows2D    = 1'b1,
  localparam int unsigned BeatAddrBits = AddrBits - $clog2(BeatBytes)
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  logic                    clear_i,

  // The copy, as in trine_dma_bursts.
  input  logic                    start_i,
  input  logic [BeatAddrBits-1:0] addr_i,
  input  logic [BeatAddrBits-1:0] stride_i,
  input  logic [CountBits-1:0]    beats_last_i,
  input  logic [15:0]             rows_last_i,
  output logic                    busy_o,  // bursts are to be made or taken

  // Bursts: byte address, beats - 1.
  output logic                    valid_o,
  input  logic                    ready_i,
  output logic [AddrBits-1:0]     addr_o,
  output logic [7:0]              len_o
);

  logic                bursts_busy, burst_valid, burst_ready, valid_q;
  logic [AddrBits-1:0] burst_addr, addr_q;
  logic [7:0]          burst_len, len_q;

  trine_dma_bursts #(
    .AddrBits  (AddrBits),
    .BeatBytes (BeatBytes),
    .MaxBeats  (MaxBeats),
    .CountBits (CountBits),
    .Rows2D    (Rows2D)
  ) u_bursts (
    .clk_i,
    .rst_ni,
    .clear_i,
    .start_i,
    .addr_i,
    .stride_i,
    .beats_last_i,
    .rows_last_i,
    .busy_o  (bursts_busy),
    .valid_o (burst_valid),
    .ready_i (burst_ready),
    .addr_o  (burst_addr),
    .len_o   (burst_len)
  );

  assign burst_ready = !valid_q || ready_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)          valid_q <= 1'b0;
    else if (clear_i)     valid_q <= 1'b0;
    else if (burst_ready) valid_q <= burst_valid;
  end

  always_ff @(posedge clk_i) begin
    if (burst_valid && burst_ready) begin
      addr_q <= burst_addr;
      len_q  <= burst_len;
    end
  end

  assign busy_o  = bursts_busy || valid_q;
  assign valid_o = valid_q;
  assign addr_o  = addr_q;
  assign len_o   = len_q;

`ifdef TRINE_ASSERT
  logic                live_q, waits_q;
  logic [AddrBits-1:0] held_addr_q;
  logic [7:0]          held_len_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {live_q, waits_q} <= '0;
    end else begin
      live_q  <= 1'b1;
      waits_q <= valid_o && !ready_i && !clear_i;
    end
  end

  always_ff @(posedge clk_i) begin
    held_addr_q <= addr_o;
    held_len_q  <= len_o;
    if (live_q) begin
      if (waits_q) a_held: assert (valid_o && addr_o == held_addr_q && len_o == held_len_q);
      if (valid_o) a_busy: assert (busy_o);
    end
  end
`endif

endmodule
