// SPDX-License-Identifier: Apache-2.0
//
// Performance counters, in the order of their registers from CsrCyclesOffset on:
//
//   0 cycles, 1..8 cycles by cause, 9..12 cycles an engine was busy, 13 bytes read, 14 written
//
// A counter has Bits bits; the registers' upper bits read 0. 40 bits last three hours at 100 MHz.
//
// Timing    value_o is combinational from index_i.
// Check     tb/trine_csr_tb.cpp

module trine_counters #(
  parameter int unsigned AxiDataBits = 64,
  parameter int unsigned Bits        = 40
) (
  input  logic        clk_i,
  input  logic        rst_ni,
  input  logic        clear_i,

  input  logic        running_i,
  input  logic [2:0]  cause_i,
  input  logic [3:0]  busy_i,
  input  logic        read_beat_i,
  input  logic [4:0]  write_words_i,

  input  logic [3:0]  index_i,
  output logic [63:0] value_o
);

  localparam int unsigned Ones      = 13;  // counters that count by one
  localparam int unsigned ByteShift = $clog2(AxiDataBits / 8);

  logic [Ones-1:0]           count;
  logic [Bits*(Ones+2)-1:0]  values;

  assign count = running_i ? {busy_i, 8'd1 << cause_i, 1'b1} : '0;

  for (genvar i = 0; i < Ones; i++) begin : gen_ones
    logic [Bits-1:0] count_q;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni)      count_q <= '0;
      else if (clear_i) count_q <= '0;
      else if (count[i]) count_q <= count_q + Bits'(1);
    end
    assign values[Bits*i +: Bits] = count_q;
  end

  // Bytes: whole beats read, strobed words written.
  logic [Bits-ByteShift-1:0] read_q;
  logic [Bits-3:0]           written_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      read_q    <= '0;
      written_q <= '0;
    end else if (clear_i) begin
      read_q    <= '0;
      written_q <= '0;
    end else begin
      if (read_beat_i) read_q <= read_q + (Bits - ByteShift)'(1);
      written_q <= written_q + (Bits - 2)'(write_words_i);
    end
  end

  assign values[Bits*Ones +: Bits]       = {read_q, {ByteShift{1'b0}}};
  assign values[Bits*(Ones + 1) +: Bits] = {written_q, 2'b00};

  assign value_o = index_i < 4'd15 ? 64'(values[Bits*index_i +: Bits]) : 64'd0;

endmodule
