// SPDX-License-Identifier: Apache-2.0
//
// Implements the scatter port of trine_dmem, which writes up to Rows words to any addresses. All
// words have the same bit mask. Lanes of one access in the same bank are served one after the
// other, lowest lane first. A lane waits while its bank serves another port. An access that has
// waited for Patience cycles becomes urgent. Urgent accesses have priority over gathers until they
// end.
//
//   cycle     t            t + 1 ..                         last
//   s_valid_i accepted                                      (the next access is accepted)
//   winner_o               lanes left, one for each bank    the last lanes
//   grant_i                banks that a scatter may use
//   s_ready_o              0 while lanes are left           1
//
// Timing    An access is accepted in cycle t and written from t + 1 on. s_ready_o depends on
//           grant_i, and so on the banks' arbitration of the same cycle. It comes late in the
//           cycle: register it.
// Contract  A granted bank writes the word of the lane that wins it. grant_i does not depend on
//           s_ready_o.
//
// Check     trine_dmem_tb, trine_dmem_props

module trine_scatter #(
  parameter int unsigned Rows     = 8,
  parameter int unsigned Banks    = 16,  // power of two
  parameter int unsigned AddrBits = 15,  // of a word (trine_dmem)
  localparam int unsigned BankBits = $clog2(Banks)
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     clear_i,

  input  logic                     s_valid_i,
  output logic                     s_ready_o,
  input  logic [Rows*AddrBits-1:0] s_addr_i,
  input  logic [Rows-1:0]          s_lanes_i,
  input  logic [Rows*32-1:0]       s_data_i,
  input  logic [31:0]              s_mask_i,
  output logic                     empty_o,

  // Banks.
  output logic [Rows-1:0]          winner_o,  // lanes that are the lowest in their banks
  output logic [Rows*AddrBits-1:0] addr_o,  // their addresses: bank in the low bits
  output logic [Rows*32-1:0]       data_o,
  output logic [31:0]              mask_o,
  output logic                     urgent_o,
  input  logic [Banks-1:0]         grant_i
);

  localparam int unsigned Patience = 5;

  logic [Rows*AddrBits-1:0] place, addr_q;
  logic [Rows-1:0]          pend_q, clash, served, left;
  logic [Rows*32-1:0]       data_q;
  logic [31:0]              mask_q;
  logic [2:0]               wait_q;

  always_comb begin
    for (int unsigned l = 0; l < Rows; l++) begin
      clash[l] = 1'b0;
      for (int unsigned k = 0; k < l; k++) begin
        if (pend_q[k] && addr_q[k*AddrBits +: BankBits] == addr_q[l*AddrBits +: BankBits]) begin
          clash[l] = 1'b1;
        end
      end
    end
  end

  always_comb begin
    place = s_addr_i;
    for (int unsigned l = 0; l < Rows; l++) begin
      place[l*AddrBits] = s_addr_i[l*AddrBits] ^ s_addr_i[l*AddrBits + BankBits];
    end
  end

  assign winner_o = pend_q & ~clash;

  always_comb begin
    for (int unsigned l = 0; l < Rows; l++) begin
      served[l] = winner_o[l] && grant_i[addr_q[l*AddrBits +: BankBits]];
    end
  end

  assign left      = pend_q & ~served;
  assign s_ready_o = left == '0;
  assign empty_o   = pend_q == '0;
  assign urgent_o  = wait_q == 3'(Patience);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      pend_q <= '0;
      wait_q <= '0;
    end else if (clear_i) begin
      pend_q <= '0;
      wait_q <= '0;
    end else begin
      pend_q <= left;
      if (s_ready_o) begin
        wait_q <= '0;
        if (s_valid_i) pend_q <= s_lanes_i;
      end else if (!urgent_o) begin
        wait_q <= wait_q + 3'd1;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (s_ready_o && s_valid_i) begin
      addr_q <= place;
      data_q <= s_data_i;
      mask_q <= s_mask_i;
    end
  end

  assign addr_o = addr_q;
  assign data_o = data_q;
  assign mask_o = mask_q;

`ifdef TRINE_ASSERT
  logic            live_q;
  logic [Rows-1:0] same_bank;  // lanes that win the bank of a lower winner

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_comb begin
    same_bank = '0;
    for (int unsigned l = 0; l < Rows; l++) begin
      for (int unsigned k = 0; k < l; k++) begin
        if (winner_o[k] && winner_o[l] &&
            addr_q[k*AddrBits +: BankBits] == addr_q[l*AddrBits +: BankBits]) same_bank[l] = 1'b1;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      a_one_a_bank: assert (same_bank == '0);
      a_one_wins:   assert (empty_o || winner_o != '0);
      a_patience:   assert (32'(wait_q) <= Patience);
      c_urgent:     cover (urgent_o && !s_ready_o);
    end
  end
`endif

endmodule
