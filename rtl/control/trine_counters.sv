// SPDX-License-Identifier: Apache-2.0
//
// Counts cycles, cycles by cause, each engine's busy cycles, and bytes read and written
// (performance counters). The counters are in the order of their registers from CsrCyclesOffset on:
//
//   0 cycles, 1..8 cycles by cause, 9..12 cycles an engine was busy, 13 bytes read, 14 written
//
// A counter consists of a small part that counts (low) and a large part (high). All counters share
// one long adder: a one-hot ring selects one counter per cycle, so each counter's low part is added
// to its high part every 15 cycles. The high parts circulate in a shift register, so they need no
// multiplexers. A counter has Bits bits. The upper bits of its register read 0. At 100 MHz, 36 bits
// last eleven minutes.
//
// Timing    Events count one cycle late. value_o is the current value of counter index_o, including
//           its low part. index_o cycles through all counters.
// Contract  clear_i comes in the first cycle of running_i.
// Check     trine_counters_tb, trine_control_tb

module trine_counters #(
  parameter int unsigned AxiDataBits = 64,
  parameter int unsigned Bits        = 36,
  parameter logic [Bits-1:0] From    = '0,  // value after clear_i
  localparam int unsigned BusWords  = AxiDataBits / 32,
  localparam int unsigned WordsBits = $clog2(BusWords + 1)
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic                 clear_i,

  input  logic                 running_i,
  input  logic [2:0]           cause_i,
  input  logic [3:0]           busy_i,
  input  logic                 read_beat_i,
  input  logic [WordsBits-1:0] write_words_i,

  output logic [3:0]           index_o,
  output logic [63:0]          value_o
);

  localparam int unsigned Ones     = 14;  // counters that count by one (bytes read: by beats)
  localparam int unsigned Counters = 15;
  localparam int unsigned LowBits  = $clog2(15 * BusWords + 1);  // 15 cycles of whole beats

  // ---------------------------------------------------------------------------------------------
  // Events of the last cycle, and the ring.
  // ---------------------------------------------------------------------------------------------
  logic [Ones-1:0]      count_d, count_q;
  logic [WordsBits-1:0] words_q;
  logic [Counters-1:0]  ring_q, fresh_d, fresh_q;  // fresh: nothing was added since clear
  logic [3:0]           index_q, added_index_q;  // of the ring; one cycle ago

  assign count_d = {read_beat_i, running_i ? {busy_i, 8'd1 << cause_i, 1'b1} : 13'd0};
  assign fresh_d = clear_i ? {Counters{1'b1}} : fresh_q & ~ring_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      count_q <= '0;
      words_q <= '0;
      ring_q  <= Counters'(1);
      fresh_q <= {Counters{1'b1}};
      index_q <= '0;
      added_index_q <= 4'(Counters - 1);
    end else begin
      count_q <= count_d;
      words_q <= write_words_i;
      ring_q  <= {ring_q[Counters-2:0], ring_q[Counters-1]};
      fresh_q <= fresh_d;
      index_q <= ring_q[Counters-1] ? 4'd0 : index_q + 4'd1;
      added_index_q <= index_q;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Counters. The low parts count. The low part that the ring selects restarts. One cycle later,
  // its old value is added to its high part, which is then in read_high_q. The other high parts are
  // in turning_q, with the next one at the top.
  // ---------------------------------------------------------------------------------------------
  logic [LowBits*Counters-1:0] lows;
  logic [LowBits-1:0]          low, read_low_q;
  logic [Bits-1:0]             high, read_high_q, sum;
  logic [Bits*(Counters-1)-1:0] turning_q;

  for (genvar i = 0; i < Counters; i++) begin : gen_counters
    localparam int unsigned Size = i < Ones ? 4 : LowBits;

    logic [Size-1:0] low_d, low_q, event_i;

    if (i < Ones) begin : gen_one
      assign event_i = Size'(count_q[i]);
    end else begin : gen_words
      assign event_i = Size'(words_q);
    end

    assign low_d = (clear_i || ring_q[i] ? Size'(0) : low_q) + (clear_i ? Size'(0) : event_i);

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) low_q <= '0;
      else         low_q <= low_d;
    end

    assign lows[LowBits*i +: LowBits] = LowBits'(low_q);
  end

  always_comb begin
    low = '0;
    for (int unsigned i = 0; i < Counters; i++) begin
      low = low | (lows[LowBits*i +: LowBits] & {LowBits{ring_q[i]}});
    end
  end

  assign high = (fresh_q & ring_q) != '0 ? From : turning_q[Bits*(Counters-2) +: Bits];

  always_ff @(posedge clk_i) begin
    read_low_q  <= low;
    read_high_q <= high;
    turning_q   <= {turning_q[Bits*(Counters-2)-1:0], sum};
  end

  assign sum     = read_high_q + Bits'(read_low_q);
  assign index_o = added_index_q;

  // Converts beats and words to bytes.
  always_comb begin
    unique case (added_index_q)
      4'd13:   value_o = 64'(sum) << $clog2(AxiDataBits / 8);
      4'd14:   value_o = 64'(sum) << 2;
      default: value_o = 64'(sum);
    endcase
  end

`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      a_ring:  assert (ring_q == Counters'(1) << index_q);
      a_index: assert (added_index_q == (index_q == '0 ? 4'(Counters - 1) : index_q - 4'd1));
    end
  end
`endif

endmodule
