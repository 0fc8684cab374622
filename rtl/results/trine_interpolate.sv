// SPDX-License-Identifier: Apache-2.0
//
// Interpolates LOGISTIC, TANH and the exponential of SOFTMAX of an int16 code between the points of
// a table. Results equal the results of tflite-micro and LiteRT (docs/numerics.md). Straight lines
// connect the points. The sigmoid has 256 points, whose high and low bytes are in the lookup tables
// of a pair of lanes. The exponential has 513 points. An entry in the even lane's table of
// exponentials contains two of them. The last point has no entry.
//
//   x          the lane's value. Points are 512 apart. With tanh they are 256 apart, and x is
//              doubled, because tanh(x) = 2 sigmoid(2x) - 1
//   S          point[n] * 512 + rest * (point[n + 1] - point[n]), n = |x| / 512, rest |x| % 512
//              (from point 255 on 0xfffe * 512, with tanh 0xffff * 512)
//   LOGISTIC   ((x < 0 ? 2^25 + ~S : S) + 512) >> 10
//   TANH       ((x < 0 ? 2^24 + ~S : S - 2^24) + 256) >> 9
//
//   exponential_i   (point[n] * 128 + rest * (point[n + 1] - point[n]) + 64) >> 7, where
//              128 n + rest = max(65535 + x, 0), x <= 0
//
//   cycle    0      1             2               3              4           5      6
//            x_i    |x|, index_o  a, index_o + 1  b, then b - a  * between   sum    code_o, valid_o
//
// Timing    The module accepts a value every second cycle. code_o comes 6 cycles after start_i, or
//           7 cycles with an exponential, and holds until the code of the next value.
// Contract  entry_i is the table entry at the index_o of the previous cycle, if reads_o was 1 in
//           that cycle. pair_i is the entry of two cycles before. tanh_i and exponential_i hold.
//           Neighbouring points must rise by less than 1,024, because only ten bits of a
//           difference are used.
//
// Check     trine_interpolate_tb; trine_post_tb, random_program_test (whole core)

module trine_interpolate #(
  parameter bit Exponential = 1'b0,  // supports exponential_i
  localparam int unsigned LineBits = trine_post_pkg::LineBits
) (
  input  logic               clk_i,
  input  logic               rst_ni,

  input  logic               start_i,
  input  logic               tanh_i,
  input  logic               exponential_i,
  input  logic signed [LineBits-1:0] x_i,

  // The tables.
  output logic               reads_o,
  output logic [7:0]         index_o,
  input  logic [15:0]        entry_i,
  input  logic [31:0]        pair_i,  // points 2 index_o + 1, 2 index_o

  output logic               valid_o,
  output logic [15:0]        code_o
);

  localparam logic [7:0] Last = 8'd255;  // no line begins here

  logic [7:1] valid_q;  // [k]: a value is in cycle k
  logic [6:2] stage;    // the same, relative to its points
  logic       exponential;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= '0;
    else         valid_q <= {valid_q[6:1], start_i};
  end

  assign exponential = Exponential && exponential_i;
  assign stage       = exponential ? valid_q[7:3] : valid_q[6:2];

  // ---------------------------------------------------------------------------------------------
  // |x|, limited to the range of the lines.
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
      size_q  <= tanh_i || exponential ? {size[15:0], 1'b0} : size[16:0];
      far_q   <= far && !exponential;
      minus_q <= x_i[LineBits-1] && !exponential;
      if (exponential && size[LineBits-1:16] != '0) size_q <= '1;
    end
  end

  // Points of an exponential are counted from the smallest argument, so their index is ~size. The
  // point after an even point is in the same entry.
  assign reads_o = valid_q[1] || valid_q[2];
  assign index_o = (size_q[16:9] ^ {8{exponential}}) +
                   8'(valid_q[2] && !(exponential && size_q[8]));

  // ---------------------------------------------------------------------------------------------
  // The two points of the line, one after the other.
  // ---------------------------------------------------------------------------------------------
  logic        odd_q, last_q;  // with an exponential
  logic [15:0] point, a_q, a_q2, a_q3;
  logic [8:0]  between_q, between_q2;
  logic [9:0]  rise_q;
  logic [18:0] risen_q;

  always_comb begin
    point = entry_i;
    if (exponential) point = odd_q ^ stage[3] ? pair_i[31:16] : pair_i[15:0];
    if (exponential && last_q && stage[3]) point[9:0] = '1;  // 32767
  end

  always_ff @(posedge clk_i) begin
    if (valid_q[2]) begin
      between_q <= exponential ? {~size_q[7:1], 2'd0} : size_q[8:0];
      far_q2    <= far_q;
      minus_q2  <= minus_q;
      odd_q     <= Exponential && !size_q[8];
      last_q    <= Exponential && size_q[16:8] == '0;
    end
    if (stage[2]) a_q <= point;
    if (stage[3]) begin
      a_q2       <= far_q2 ? {15'h7fff, tanh_i} : a_q;
      rise_q     <= far_q2 ? '0 : point[9:0] - a_q[9:0];
      between_q2 <= between_q;
      minus_q3   <= minus_q2;
    end
    if (stage[4]) begin
      a_q3     <= a_q2;
      risen_q  <= 19'(between_q2) * 19'(rise_q);
      minus_q4 <= minus_q3;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // The code: 2^25 represents 1; 2^24 is half of its range.
  // ---------------------------------------------------------------------------------------------
  logic [25:0] sum, value, offset;
  logic [15:0] code_q;
  logic        unused_value;

  always_comb begin
    sum    = {1'b0, a_q3, 9'd0} + 26'(risen_q);
    offset = tanh_i ? 26'd256 - (26'd1 << 24) : 26'd512;
    if (minus_q4) offset = tanh_i ? 26'd256 + (26'd1 << 24) : 26'd512 + (26'd1 << 25);
    if (exponential) offset = 26'd256;
    value = (minus_q4 ? ~sum : sum) + offset;
  end

  always_ff @(posedge clk_i) begin
    if (stage[5]) code_q <= tanh_i || exponential ? value[24:9] : value[25:10];
  end

  assign unused_value = ^{value, pair_i, odd_q, last_q};

  assign valid_o = stage[6];
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
      c_far: cover (stage[3] && far_q2);
    end
  end
`endif

endmodule
