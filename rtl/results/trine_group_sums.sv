// SPDX-License-Identifier: Apache-2.0
//
// Accumulates the parts of reductions with factors: one sum for each row and column of the array.
//
//   a part's column: sum = (first ? 0 : sum) + (minus ? ~p : p), p = column * factor without the
//                    lowest eight bits, which the lanes drop, modulo 2^SumBits
//   later:           sum_o is the sum of the columns that are read
//
//   cycle       0        1         2         3         4
//   part_i      column   (trine_lanes)       product_i the sum is complete
//
// Timing    A sum can be read from the fourth cycle after its column on. sum_o is combinational
//           from cols_i, like column_o of trine_array.
// Contract  With part_i, cols_i selects Drain neighbouring columns, the first of which is even.
//           Without pair_i, only the first of them counts.
// Check     random_program_test

module trine_group_sums #(
  parameter int unsigned Rows  = 8,
  parameter int unsigned Cols  = 8,
  parameter int unsigned Drain = 1  // columns per cycle: 1, 2
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,

  // Columns of a part, and the signs of their factors.
  input  logic                     part_i,
  input  logic                     first_i,
  input  logic                     pair_i,
  input  logic [Cols-1:0]          cols_i,
  input  logic [Drain-1:0]         minus_i,

  // Their products, three cycles later.
  output logic                     product_o,  // product_i is valid
  input  logic [Drain*Rows*42-1:0] product_i,

  // Sums; odd_i: the first of two is odd.
  input  logic                     odd_i,
  output logic [Drain*Rows*32-1:0] sum_o
);

  localparam int unsigned Latency = 3;
  localparam int unsigned SumBits = 26;

  logic [Latency:1]   part_q, first_q;
  logic [Drain-1:0]   minus_q [Latency];
  logic [Cols-1:0]    cols_q [Latency];
  logic [Cols-1:0]    cols;

  assign product_o = part_q[Latency];
  assign cols      = pair_i ? cols_i : cols_i & ~(cols_i << 1);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) part_q <= '0;
    else part_q <= {part_q[Latency-1:1], part_i};
  end

  always_ff @(posedge clk_i) begin
    first_q    <= {first_q[Latency-1:1], first_i};
    minus_q[0] <= minus_i;
    cols_q[0]  <= cols;
    for (int unsigned k = 1; k < Latency; k++) begin
      minus_q[k] <= minus_q[k-1];
      cols_q[k]  <= cols_q[k-1];
    end
  end

  for (genvar r = 0; r < Rows; r++) begin : gen_row
    logic [Drain*SumBits-1:0] next, ports;

    for (genvar c = 0; c < Cols; c++) begin : gen_col
      localparam int unsigned At = SumBits * (c % Drain);
      logic [SumBits-1:0] sum_q, old, read;

      always_ff @(posedge clk_i) begin
        if (part_q[Latency] && cols_q[Latency-1][c]) sum_q <= next[At +: SumBits];
      end

      if (c < Drain) begin : gen_first
        assign old  = sum_q & {SumBits{cols_q[Latency-1][c]}};
        assign read = sum_q & {SumBits{cols_i[c]}};
      end else begin : gen_next
        assign old  = gen_col[c-Drain].old | (sum_q & {SumBits{cols_q[Latency-1][c]}});
        assign read = gen_col[c-Drain].read | (sum_q & {SumBits{cols_i[c]}});
      end
      if (c + Drain >= Cols) begin : gen_port
        logic [SumBits-1:0] counts;
        assign counts = product_i[42*((c%Drain)*Rows + r) +: SumBits] ^
                        {SumBits{minus_q[Latency-1][c%Drain]}};
        assign next[At +: SumBits]  = (old & {SumBits{!first_q[Latency]}}) + counts;
        assign ports[At +: SumBits] = read;
      end
    end

    for (genvar k = Cols; k < Drain; k++) begin : gen_no_column
      assign next[SumBits*k +: SumBits]  = '0;
      assign ports[SumBits*k +: SumBits] = '0;
    end

    for (genvar d = 0; d < Drain; d++) begin : gen_drain
      localparam int unsigned Other = SumBits * (Drain - 1 - d);
      assign sum_o[32*(d*Rows + r) +: 32] =
          32'($signed(odd_i ? ports[Other +: SumBits] : ports[SumBits*d +: SumBits]));
    end
  end

  logic unused_products;
  assign unused_products = ^product_i;

`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  localparam logic [Cols-1:0] Odd = Drain == 1 ? '0 : Cols'({((Cols + 1) / 2){2'b10}});

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      if (part_i) begin
        m_ports: assume (cols_i != '0 && 32'($countones(cols_i)) <= Drain);
        m_even:  assume ((cols_i & Odd & ~(cols_i << 1)) == '0);
      end
      // Only the sum itself reads the value that it adds to.
      a_first: assert (!product_o || $countones(cols_q[Latency-1]) >= 1);
    end
  end
`endif

endmodule
