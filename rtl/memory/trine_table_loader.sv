// SPDX-License-Identifier: Apache-2.0
//
// Splits the load engine's beats into entries of the lanes' tables and writes one entry per cycle.
// An entry of the lookup table is a code in the low 8 bits, and with Int16 also in the next 8 bits.
// An entry of points has 16 bits, and an entry of exponentials has 32 bits. Each lane's copy of a
// table is therefore a memory as wide as an entry, whatever the bus width.
//
//   beat b of the lookup table     entries 4 * DataWords * b ..., one byte each
//   beat b of the exponentials     entries DataWords * b ..., one word each; a beat of points for
//                                  the lookup table has the same layout
//
// Timing    An entry is written one cycle after it was read from the beat. A beat is accepted with
//           its last entry, and the load engine holds the beat until then. ready_o comes from a
//           register and exp_i, not from the valid inputs.
// Contract  Only one kind of beat is valid at a time. exp_i and points_i belong to the offered
//           beat. A beat is held until it is accepted. A beat that is withdrawn (the machine stops)
//           is the last one before clear_i.
//
// Check     trine_table_loader_tb

module trine_table_loader #(
  parameter int unsigned DataWords = 2,  // of a beat: power of two, 2..32
  parameter bit          Int16     = 1'b0,
  localparam int unsigned TableAddrBits = $clog2(trine_isa_pkg::TableWords / DataWords),
  localparam int unsigned ExpAddrBits   = $clog2(trine_isa_pkg::ExponentialWords / DataWords)
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     clear_i,

  // A beat for one of the two tables.
  input  logic                     table_valid_i,
  input  logic                     exp_valid_i,
  input  logic                     exp_i,        // the beat has exponentials, or points
  input  logic                     points_i,
  output logic                     ready_o,
  input  logic [TableAddrBits-1:0] table_addr_i,
  input  logic [ExpAddrBits-1:0]   exp_addr_i,
  input  logic [32*DataWords-1:0]  data_i,

  // An entry for one of the two tables.
  output logic                     table_we_o,
  output logic                     exp_we_o,
  output logic [7:0]               addr_o,
  output logic [31:0]              data_o
);

  localparam int unsigned WordBits = $clog2(DataWords);

  logic [WordBits+1:0] count_q;  // of the entry in its beat
  logic [WordBits-1:0] word_at;
  logic [31:0]         word;
  logic                last_word;
  logic                table_we_q, exp_we_q;
  logic [7:0]          addr_q, code;
  logic [31:0]         data_q;

  assign word_at   = exp_i ? count_q[WordBits-1:0] : count_q[WordBits+1:2];
  assign word      = data_i[{word_at, 5'd0} +: 32];
  assign code      = word[{count_q[1:0], 3'd0} +: 8];
  assign last_word = word_at == '1;
  assign ready_o   = last_word && (exp_i || count_q[1:0] == '1);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      count_q    <= '0;
      table_we_q <= 1'b0;
      exp_we_q   <= 1'b0;
    end else if (clear_i) begin
      count_q    <= '0;
      table_we_q <= 1'b0;
      exp_we_q   <= 1'b0;
    end else begin
      table_we_q <= table_valid_i || (Int16 && exp_valid_i && points_i);
      exp_we_q   <= exp_valid_i && !(Int16 && points_i);
      if (table_valid_i || exp_valid_i) begin
        count_q <= ready_o ? '0 : count_q + (WordBits+2)'(1);
      end
    end
  end

  always_ff @(posedge clk_i) begin
    addr_q <= exp_i ? {exp_addr_i, count_q[WordBits-1:0]} : {table_addr_i, count_q};
    data_q <= exp_i ? word : {16'd0, Int16 ? code : 8'd0, code};
  end

  assign table_we_o = table_we_q;
  assign exp_we_o   = exp_we_q;
  assign addr_o     = addr_q;
  assign data_o     = data_q;

  logic unused_points;
  assign unused_points = points_i;

`ifdef TRINE_ASSERT
  logic                    live_q;
  logic                    held_q;       // a beat was offered in the last cycle and not taken
  logic                    withdrawn_q;  // until clear_i
  logic                    valid, held_table_q;
  logic [32*DataWords-1:0] held_data_q;

  assign valid = table_valid_i || exp_valid_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      live_q      <= 1'b0;
      held_q      <= 1'b0;
      withdrawn_q <= 1'b0;
    end else begin
      live_q      <= 1'b1;
      held_q      <= valid && !ready_o && !clear_i;
      withdrawn_q <= !clear_i && (withdrawn_q || (held_q && !valid));
    end
  end

  always_ff @(posedge clk_i) begin
    held_data_q  <= data_i;
    held_table_q <= table_valid_i;
    if (live_q) begin
      m_one: assume (!(table_valid_i && exp_valid_i));
      if (valid) m_whose: assume (exp_i == exp_valid_i);
      if (held_q && valid) m_held: assume (table_valid_i == held_table_q && data_i == held_data_q);
      if (withdrawn_q) m_withdrawn: assume (!valid);
      c_code: cover (table_valid_i && ready_o);
      c_exponential: cover (exp_valid_i && ready_o);
    end
  end
`endif

endmodule
