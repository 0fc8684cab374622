// SPDX-License-Identifier: Apache-2.0
//
// Implements the gather port of trine_dmem, which reads Lanes words from any addresses. Lanes of
// one access in the same bank are served one after the other, lowest lane first. A lane waits while
// its bank serves another port.
//
// Timing    An access is accepted in cycle t and is in front from t + 1 on. winner_o shows the
//           lanes that request their banks. In the same cycle, blocked_i shows the banks that serve
//           another port. The answer of a lane appears on rsp_* two cycles after the lane was
//           served. In that cycle, bank_words_i shows the bank's word. rsp_done_o marks the last
//           lane. rsp_done_next_o comes one cycle earlier. g_ready_o is a register: the next access
//           waits until the one in front is done.
// Contract  g_hold_i stops the access in front, and may change at any time.
//
// Check     trine_dmem_tb, trine_dmem_props

module trine_gather #(
  parameter int unsigned Lanes    = 8,
  parameter int unsigned Banks    = 16,  // power of two
  parameter int unsigned AddrBits = 15,  // of a word (trine_dmem)
  parameter int unsigned TagBits  = 4,
  localparam int unsigned BankBits = $clog2(Banks)
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,
  input  logic                      clear_i,

  // Lanes outside g_lanes_i get pad_i in all four bytes.
  input  logic                      g_valid_i,
  output logic                      g_ready_o,
  input  logic [Lanes*AddrBits-1:0] g_addr_i,
  input  logic [Lanes-1:0]          g_lanes_i,
  input  logic [7:0]                g_pad_i,
  input  logic [TagBits-1:0]        g_tag_i,
  input  logic                      g_hold_i,
  output logic                      g_waiting_o,  // an access is in front and unfinished
  output logic [TagBits-1:0]        g_tag_o,      // its tag

  output logic [Lanes-1:0]          rsp_lanes_o,
  output logic [Lanes*33-1:0]       rsp_data_o,     // {lanes outside g_lanes_i, words}
  output logic [TagBits-1:0]        rsp_tag_o,
  output logic                      rsp_done_o,
  output logic                      rsp_done_next_o,  // rsp_done_o comes one cycle later,
  output logic [TagBits-1:0]        rsp_tag_next_o,   // with this tag

  // Banks.
  output logic [Lanes-1:0]          winner_o,  // lanes that are the lowest in their banks
  output logic [Lanes*AddrBits-1:0] addr_o,    // their addresses: bank in the low bits
  input  logic [Banks-1:0]          blocked_i,
  input  logic [Banks*32-1:0]       bank_words_i
);

  // As an access enters, each lane is compared with the lower lanes: are they in the same bank?
  localparam int unsigned EntryBits = Lanes * (AddrBits + 1) + 8 + TagBits;

  logic [Lanes*AddrBits-1:0] place;  // bank in the low bits, row above

  always_comb begin
    place = g_addr_i;
    for (int unsigned l = 0; l < Lanes; l++) begin
      place[l*AddrBits] = g_addr_i[l*AddrBits] ^ g_addr_i[l*AddrBits + BankBits];
    end
  end

  logic                      e_valid, e_ready;
  logic [Lanes*AddrBits-1:0] e_addr;
  logic [Lanes-1:0]          e_lanes;
  logic [7:0]                e_pad;
  logic [TagBits-1:0]        e_tag;
  logic [Lanes-1:0]          g_same_q [Lanes];  // lower lanes in the same bank

  trine_skid #(.Width(EntryBits)) u_entry (
    .clk_i,
    .rst_ni,
    .clear_i,
    .in_valid_i  (g_valid_i),
    .in_ready_o  (g_ready_o),
    .in_data_i   ({place, g_lanes_i, g_pad_i, g_tag_i}),
    .out_valid_o (e_valid),
    .out_ready_i (e_ready),
    .out_data_o  ({e_addr, e_lanes, e_pad, e_tag})
  );

  logic                     g_valid_q, g_first_q;
  logic [Lanes*AddrBits-1:0] g_addr_q;
  logic [Lanes-1:0]          g_pend_q, g_lanes_q;
  logic [7:0]               g_pad_q;
  logic [TagBits-1:0]       g_tag_q;

  logic [Lanes-1:0] g_clash, g_winner, g_served, g_left;
  logic             g_serve, g_done;

  for (genvar l = 0; l < Lanes; l++) begin : gen_same
    for (genvar k = 0; k < Lanes; k++) begin : gen_lower
      if (k < l) begin : gen_compare
        always_ff @(posedge clk_i) begin
          if (e_ready && e_valid) begin
            g_same_q[l][k] <= e_addr[k*AddrBits +: BankBits] == e_addr[l*AddrBits +: BankBits];
          end
        end
      end else begin : gen_none
        assign g_same_q[l][k] = 1'b0;
      end
    end
    assign g_clash[l] = (g_pend_q & g_same_q[l]) != '0;
  end

  assign g_serve  = g_valid_q && !g_hold_i;
  assign g_winner = g_serve ? g_pend_q & ~g_clash : '0;

  always_comb begin
    for (int unsigned l = 0; l < Lanes; l++) begin
      g_served[l] = g_winner[l] && !blocked_i[g_addr_q[l*AddrBits +: BankBits]];
    end
  end

  assign g_left      = g_pend_q & ~g_served;
  assign g_done      = g_serve && g_left == '0;
  assign e_ready     = !g_valid_q || g_done;
  assign g_waiting_o = g_valid_q && !g_done;
  assign g_tag_o     = g_tag_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      g_valid_q <= 1'b0;
    end else if (clear_i) begin
      g_valid_q <= 1'b0;
    end else if (e_ready) begin
      g_valid_q <= e_valid;
    end
  end

  always_ff @(posedge clk_i) begin
    if (e_ready) begin
      if (e_valid) begin
        g_addr_q  <= e_addr;
        g_pend_q  <= e_lanes;
        g_lanes_q <= e_lanes;
        g_pad_q   <= e_pad;
        g_tag_q   <= e_tag;
        g_first_q <= 1'b1;
      end
    end else if (g_serve) begin
      g_pend_q  <= g_left;
      g_first_q <= 1'b0;
    end
  end

  // The word of a served lane is in the bank's output one cycle later, and in the bank's register
  // two cycles later. Padded lanes are answered in the same cycle as the first served lanes.
  typedef struct packed {
    logic [Lanes-1:0]          pad;
    logic [Lanes*BankBits-1:0] bank;
    logic [7:0]                pad_code;
    logic [TagBits-1:0]        tag;
  } answer_t;

  answer_t              answer_q, answer_q2;
  logic                 rsp_done_next_q, rsp_done_q;
  logic [Lanes-1:0]     rsp_lanes_next_q, rsp_lanes_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      rsp_lanes_next_q <= '0;
      rsp_lanes_q      <= '0;
      rsp_done_next_q  <= 1'b0;
      rsp_done_q       <= 1'b0;
    end else if (clear_i) begin
      rsp_lanes_next_q <= '0;
      rsp_lanes_q      <= '0;
      rsp_done_next_q  <= 1'b0;
      rsp_done_q       <= 1'b0;
    end else begin
      rsp_lanes_next_q <= g_served | ((g_serve && g_first_q) ? ~g_lanes_q : '0);
      rsp_lanes_q      <= rsp_lanes_next_q;
      rsp_done_next_q  <= g_done;
      rsp_done_q       <= rsp_done_next_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (g_serve) begin
      answer_q.pad      <= ~g_lanes_q;
      answer_q.pad_code <= g_pad_q;
      answer_q.tag      <= g_tag_q;
      for (int unsigned l = 0; l < Lanes; l++) begin
        answer_q.bank[l*BankBits +: BankBits] <= g_addr_q[l*AddrBits +: BankBits];
      end
    end
    answer_q2 <= answer_q;
  end

  assign rsp_lanes_o     = rsp_lanes_q;
  assign rsp_done_o      = rsp_done_q;
  assign rsp_tag_o       = answer_q2.tag;
  assign rsp_done_next_o = rsp_done_next_q;
  assign rsp_tag_next_o  = answer_q.tag;

  assign rsp_data_o[Lanes*32 +: Lanes] = answer_q2.pad;

  always_comb begin
    for (int unsigned l = 0; l < Lanes; l++) begin
      rsp_data_o[l*32 +: 32] = answer_q2.pad[l] ? {4{answer_q2.pad_code}}
          : bank_words_i[{answer_q2.bank[l*BankBits +: BankBits], 5'd0} +: 32];
    end
  end

  assign winner_o = g_winner;
  assign addr_o   = g_addr_q;

`ifdef TRINE_ASSERT
  logic [Lanes-1:0] answered_q;  // lanes of the access that is being answered
  logic             live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      answered_q <= '0;
      live_q     <= 1'b0;
    end else begin
      answered_q <= (clear_i || rsp_done_o) ? '0 : answered_q | rsp_lanes_o;
      live_q     <= 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      a_answered_once: assert ((answered_q & rsp_lanes_o) == '0);
      if (rsp_done_o) a_answered_all: assert ((answered_q | rsp_lanes_o) == '1);
    end
  end
`endif

endmodule
