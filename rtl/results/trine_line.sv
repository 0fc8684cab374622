// SPDX-License-Identifier: Apache-2.0
//
// LOGISTIC and TANH of an int16 code, as tflite-micro and LiteRT compute them (docs/numerics.md):
// on lines between 256 points of the sigmoid, whose bytes lie in the lookup tables of a pair of
// lanes.
//
//   x          the lane's value; from point to point it is 512, with tanh 256 (and x is doubled, as
//              tanh(x) = 2 sigmoid(2x) - 1)
//   S          point[n] * 512 + rest * (point[n + 1] - point[n]), n = |x| / 512, rest |x| % 512
//              (from point 255 on 0xfffe * 512, with tanh 0xffff * 512)
//   LOGISTIC   ((x < 0 ? 2^25 + ~S : S) + 512) >> 10
//   TANH       ((x < 0 ? 2^24 + ~S : S - 2^24) + 256) >> 9
//
//   cycle    0      1          2              3              4           5        6
//            x_i    |x|, at_o  a, at_o + 1    b, then b - a  * between   sum      code_o, valid_o
//
// Timing    a value every second cycle; code_o 6 cycles after start_i, and until the next one's.
// Contract  entry_i is what the tables hold at at_o of the cycle before, in which reads_o was 1;
//           tanh_i holds. Points rise by less than 1,024: of a difference ten bits are read.
//
// Check     trine_line_tb; trine_post_tb, random_program_test (whole core)

module trine_line #(
  localparam int unsigned LineBits = trine_post_pkg::LineBits
) (
  input  logic               clk_i,
  input  logic               rst_ni,

  input  logic               start_i,
  input  logic               tanh_i,
  input  logic signed [LineBits-1:0] x_i,

  // The tables.
  output logic               reads_o,
  output logic [7:0]         at_o,
  input  logic [15:0]        entry_i,

  output logic               valid_o,
  output logic [15:0]        code_o
);

  localparam logic [7:0] Last = 8'd255;  // no line begins here

  logic [6:1] valid_q;  // [k]: a value is in cycle k

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= '0;
    else         valid_q <= {valid_q[5:1], start_i};
  end

  // ---------------------------------------------------------------------------------------------
  // |x|, as far as there are lines.
  // ---------------------------------------------------------------------------------------------
  logic [LineBits-1:0] size;
  logic [16:0] size_q;
  logic        far;
  logic        minus_q, minus_q2, minus_q3, minus_q4, far_q, far_q2;

  assign size = x_i[LineBits-1] ? LineBits'(-x_i) : $unsigned(x_i);
  assign far  = tanh_i ? size[LineBits-1:8] >= (LineBits-8)'(Last)
                       : size[LineBits-1:9] >= (LineBits-9)'(Last);

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      size_q  <= tanh_i ? {size[15:0], 1'b0} : size[16:0];
      far_q   <= far;
      minus_q <= x_i[LineBits-1];
    end
  end

  assign reads_o = valid_q[1] || valid_q[2];
  assign at_o    = size_q[16:9] + 8'(valid_q[2]);

  // ---------------------------------------------------------------------------------------------
  // The line's two points, one behind the other.
  // ---------------------------------------------------------------------------------------------
  logic [15:0] a_q, a_q2, a_q3;
  logic [8:0]  between_q, between_q2;
  logic [9:0]  rise_q;
  logic [18:0] risen_q;

  always_ff @(posedge clk_i) begin
    if (valid_q[2]) begin
      a_q       <= entry_i;
      between_q <= size_q[8:0];
      far_q2    <= far_q;
      minus_q2  <= minus_q;
    end
    if (valid_q[3]) begin
      a_q2       <= far_q2 ? {15'h7fff, tanh_i} : a_q;
      rise_q     <= far_q2 ? '0 : entry_i[9:0] - a_q[9:0];
      between_q2 <= between_q;
      minus_q3   <= minus_q2;
    end
    if (valid_q[4]) begin
      a_q3     <= a_q2;
      risen_q  <= 19'(between_q2) * 19'(rise_q);
      minus_q4 <= minus_q3;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // The code: 2^25 and 2^24 are 1 and half of its range.
  // ---------------------------------------------------------------------------------------------
  logic [25:0] sum, value, offset;
  logic [15:0] code_q;
  logic        unused_value;

  always_comb begin
    sum    = {1'b0, a_q3, 9'd0} + 26'(risen_q);
    offset = tanh_i ? 26'd256 - (26'd1 << 24) : 26'd512;
    if (minus_q4) offset = tanh_i ? 26'd256 + (26'd1 << 24) : 26'd512 + (26'd1 << 25);
    value = (minus_q4 ? ~sum : sum) + offset;
  end

  always_ff @(posedge clk_i) begin
    if (valid_q[5]) code_q <= tanh_i ? value[24:9] : value[25:10];
  end

  assign unused_value = ^value;

  assign valid_o = valid_q[6];
  assign code_o  = code_q;

`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      m_every_second: assume (!(start_i && valid_q[1]));
      c_far: cover (valid_q[3] && far_q2);
    end
  end
`endif

endmodule
