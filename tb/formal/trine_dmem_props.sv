// SPDX-License-Identifier: Apache-2.0
//
// Proves that trine_dmem loses or doubles no word, whichever ports access whichever banks, and that
// no beat waits for long. Gather: each lane is answered once, two cycles after it was served, with
// the word that was at its address then, or with the pad code. rsp_done_next_o comes one cycle
// before the last lane's answer. One access waits after the access in front, and is the next one.
// Scatter and DMA writes: each lane of a scatter and each word of the DMA is written once, in
// order, and nothing else is written. The words of a copy are written before the copy is reported
// as done. DMA reads: each read returns its words three cycles later.
//
// The proof follows any word: `word` is the value that the served writes have given to the address
// `watched`. The bench stores each access as it came in, and the part of it that is not served yet.
// The proof assumes the contract.

module trine_dmem_props #(
  parameter int unsigned Lanes = 2
) (
  input logic                    clk_i,
  input logic                    rst_ni,
  input logic                    clear_i,
  input logic                    g_valid_i,
  input logic [Lanes*3-1:0]      g_addr_i,
  input logic [Lanes-1:0]        g_lanes_i,
  input logic [7:0]              g_pad_i,
  input logic                    g_tag_i,
  input logic                    g_hold_i,
  input logic                    s_valid_i,
  input logic [5:0]              s_addr_i,
  input logic [1:0]              s_lanes_i,
  input logic [63:0]             s_data_i,
  input logic [31:0]             s_mask_i,
  input logic                    dma_wvalid_i,
  input logic [2:0]              dma_waddr_i,
  input logic [63:0]             dma_wdata_i,
  input logic [1:0]              dma_wmask_i,
  input logic                    dma_wlast_i,
  input logic                    dma_rvalid_i,
  input logic [2:0]              dma_raddr_i
);

  localparam int unsigned AddrBits = 3;  // 4 banks of 2 words
  localparam int unsigned EntryBits = Lanes * (AddrBits + 1) + 8 + 1;
  localparam int unsigned AnswerBits = Lanes * 3 + 8 + 1;

  typedef struct packed {  // as in the module
    logic [Lanes-1:0]   pad;
    logic [Lanes*2-1:0] bank;
    logic [7:0]         pad_code;
    logic               tag;
  } answer_t;

  logic                g_ready, g_waiting, g_tag, rsp_tag, rsp_done, soon, soon_tag;
  logic                s_ready, wready, wdone, rready, rvalid, ecc_fatal;
  logic [Lanes-1:0]    rsp_lanes;
  logic [Lanes*32-1:0] rsp_data;
  logic [63:0]         rdata;
  logic [3:0]          ecc_corrected;
  logic [AddrBits-1:0] ecc_addr;

  trine_dmem #(
    .Rows      (2),
    .Lanes     (Lanes),
    .Banks     (4),
    .BankRows  (2),
    .DataWords (2),
    .TagBits   (1)
  ) u_dut (
    .clk_i             (clk_i),
    .rst_ni            (rst_ni),
    .clear_i           (clear_i),
    .g_valid_i         (g_valid_i),
    .g_ready_o         (g_ready),
    .g_addr_i          (g_addr_i),
    .g_lanes_i         (g_lanes_i),
    .g_pad_i           (g_pad_i),
    .g_tag_i           (g_tag_i),
    .g_hold_i          (g_hold_i),
    .g_waiting_o       (g_waiting),
    .g_tag_o           (g_tag),
    .rsp_lanes_o       (rsp_lanes),
    .rsp_data_o        (rsp_data),
    .rsp_tag_o         (rsp_tag),
    .rsp_done_o        (rsp_done),
    .rsp_done_next_o   (soon),
    .rsp_tag_next_o    (soon_tag),
    .s_valid_i         (s_valid_i),
    .s_ready_o         (s_ready),
    .s_addr_i          (s_addr_i),
    .s_lanes_i         (s_lanes_i),
    .s_data_i          (s_data_i),
    .s_mask_i          (s_mask_i),
    .dma_wvalid_i      (dma_wvalid_i),
    .dma_wready_o      (wready),
    .dma_wbeat_i       ({dma_wlast_i, dma_wmask_i, dma_waddr_i, dma_wdata_i}),
    .dma_wdone_o       (wdone),
    .dma_rvalid_i      (dma_rvalid_i),
    .dma_rready_o      (rready),
    .dma_raddr_i       (dma_raddr_i),
    .dma_rdata_valid_o (rvalid),
    .dma_rdata_o       (rdata),
    .init_i            (1'b0),
    .init_row_i        (1'b0),
    .ecc_corrected_o   (ecc_corrected),
    .ecc_fatal_o       (ecc_fatal),
    .ecc_addr_o        (ecc_addr)
  );

  // The memory and the registers of the module, for the invariant.
  (* hierconn *) logic [31:0] \u_dut.gen_bank[0].gen_plain.u_sram.mem[0] ,
      \u_dut.gen_bank[0].gen_plain.u_sram.mem[1] ;
  (* hierconn *) logic [31:0] \u_dut.gen_bank[1].gen_plain.u_sram.mem[0] ,
      \u_dut.gen_bank[1].gen_plain.u_sram.mem[1] ;
  (* hierconn *) logic [31:0] \u_dut.gen_bank[2].gen_plain.u_sram.mem[0] ,
      \u_dut.gen_bank[2].gen_plain.u_sram.mem[1] ;
  (* hierconn *) logic [31:0] \u_dut.gen_bank[3].gen_plain.u_sram.mem[0] ,
      \u_dut.gen_bank[3].gen_plain.u_sram.mem[1] ;
  (* hierconn *) logic                      \u_dut.u_gather.u_entry.held_q ;
  (* hierconn *) logic [EntryBits-1:0]      \u_dut.u_gather.u_entry.data_q ;
  (* hierconn *) logic                      \u_dut.u_gather.g_valid_q , \u_dut.u_gather.g_first_q ;
  (* hierconn *) logic                      \u_dut.u_gather.g_tag_q ;
  (* hierconn *) logic [Lanes*AddrBits-1:0] \u_dut.u_gather.g_addr_q ;
  (* hierconn *) logic [Lanes-1:0]          \u_dut.u_gather.g_pend_q , \u_dut.u_gather.g_lanes_q ;
  (* hierconn *) logic [7:0]                \u_dut.u_gather.g_pad_q ;
  (* hierconn *) logic [Lanes-1:0]          \u_dut.u_gather.g_same_q[0] ;
  (* hierconn *) logic [Lanes-1:0]          \u_dut.u_gather.g_same_q[1] ;
  (* hierconn *) logic [Lanes-1:0]          \u_dut.u_gather.g_same_q[2] ;
  (* hierconn *) logic [Lanes-1:0]          \u_dut.u_gather.rsp_lanes_next_q ;
  (* hierconn *) logic [AnswerBits-1:0]     \u_dut.u_gather.answer_q ;
  (* hierconn *) logic [31:0]               \u_dut.gen_bank[0].gen_plain.rdata ,
      \u_dut.gen_bank[1].gen_plain.rdata , \u_dut.gen_bank[2].gen_plain.rdata ,
      \u_dut.gen_bank[3].gen_plain.rdata ;
  logic [127:0] bank_rdata;
  assign bank_rdata = {\u_dut.gen_bank[3].gen_plain.rdata , \u_dut.gen_bank[2].gen_plain.rdata ,
                       \u_dut.gen_bank[1].gen_plain.rdata , \u_dut.gen_bank[0].gen_plain.rdata };
  (* hierconn *) logic [1:0]                \u_dut.u_scatter.pend_q , \u_dut.u_scatter.served ;
  (* hierconn *) logic [5:0]                \u_dut.u_scatter.addr_q ;
  (* hierconn *) logic [63:0]               \u_dut.u_scatter.data_q ;
  (* hierconn *) logic [31:0]               \u_dut.u_scatter.mask_q ;
  (* hierconn *) logic [3:0]                \u_dut.u_dma.w_pend_q ;
  (* hierconn *) logic [1:0]                \u_dut.u_dma.w_row_q , \u_dut.u_dma.next_q ;
  (* hierconn *) logic [127:0]              \u_dut.u_dma.w_data_q ;
  (* hierconn *) logic                      \u_dut.u_dma.ends_q ;
  (* hierconn *) logic [2:1]                \u_dut.u_dma.last_q ;
  (* hierconn *) logic [2:0]                \u_dut.u_dma.r_addr_q , \u_dut.u_dma.rsp_addr_q ;
  (* hierconn *) logic [2:0]                \u_dut.u_dma.rsp_addr_q2 ;
  (* hierconn *) logic [63:0]               \u_dut.u_dma.words ;
  (* hierconn *) logic [1:0]                \u_dut.u_dma.r_pend_q , \u_dut.u_dma.rsp_words_q ,
      \u_dut.u_dma.rsp_words_q2 ;
  (* hierconn *) logic                      \u_dut.gen_bank[0].use_d , \u_dut.gen_bank[1].use_d ,
      \u_dut.gen_bank[2].use_d , \u_dut.gen_bank[3].use_d ;
  (* hierconn *) logic [1:0]                \u_dut.d_we ;
  logic [3:0] use_d;
  assign use_d = {\u_dut.gen_bank[3].use_d , \u_dut.gen_bank[2].use_d ,
                  \u_dut.gen_bank[1].use_d , \u_dut.gen_bank[0].use_d };

  // Returns the place of a word: bank below, row above. In the odd row banks 2n and 2n + 1 change
  // places.
  function automatic logic [AddrBits-1:0] place_of(input logic [AddrBits-1:0] addr);
    place_of = {addr[2:1], addr[0] ^ addr[2]};
  endfunction

  (* anyconst *) logic [AddrBits-1:0] watched;
  logic [AddrBits-1:0] watched_place;
  assign watched_place = place_of(watched);

  logic [31:0] stored;
  always_comb begin
    case (watched)
      3'd0:    stored = \u_dut.gen_bank[0].gen_plain.u_sram.mem[0] ;
      3'd1:    stored = \u_dut.gen_bank[1].gen_plain.u_sram.mem[0] ;
      3'd2:    stored = \u_dut.gen_bank[2].gen_plain.u_sram.mem[0] ;
      3'd3:    stored = \u_dut.gen_bank[3].gen_plain.u_sram.mem[0] ;
      3'd4:    stored = \u_dut.gen_bank[1].gen_plain.u_sram.mem[1] ;
      3'd5:    stored = \u_dut.gen_bank[0].gen_plain.u_sram.mem[1] ;
      3'd6:    stored = \u_dut.gen_bank[3].gen_plain.u_sram.mem[1] ;
      default: stored = \u_dut.gen_bank[2].gen_plain.u_sram.mem[1] ;
    endcase
  end

  // ---------------------------------------------------------------------------------------------
  // Scatter: the access and what is left of it; the module says when a lane is served.
  // ---------------------------------------------------------------------------------------------
  logic [5:0]  s_addr_q;
  logic [63:0] s_data_q;
  logic [31:0] s_mask_q;
  logic [1:0]  s_left_q, s_now;
  assign s_now = \u_dut.u_scatter.served ;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) s_left_q <= '0;
    else if (clear_i) s_left_q <= '0;
    else if (s_valid_i && s_ready) s_left_q <= s_lanes_i;
    else s_left_q <= s_left_q & ~s_now;
  end

  always_ff @(posedge clk_i) begin
    if (s_valid_i && s_ready) {s_addr_q, s_data_q, s_mask_q} <= {s_addr_i, s_data_i, s_mask_i};
  end

  // ---------------------------------------------------------------------------------------------
  // DMA: a write of the word that is followed is owed until its bank serves it. A read is served in
  // the next cycle, and its data are three cycles on their way: in the memories' registers (late),
  // in the banks' (near).
  // ---------------------------------------------------------------------------------------------
  logic        read_q, read_late_q, read_near_q, read_waits_q, write_waits_q, write_waits_q2;
  logic        owed_q, ends_q;  // ends: a copy's last beat has been taken
  logic [2:0]  d_addr_q, d_late_addr_q, d_near_addr_q, w_addr_q;
  logic [31:0] owed_data_q, late_q, near_q;
  logic        write_here, watched_write;
  logic        takes_read, takes_write;

  assign takes_read  = dma_rvalid_i && rready;
  assign takes_write = dma_wvalid_i && wready;
  assign watched_write = takes_write && dma_wmask_i[watched[0]] && dma_waddr_i[2:1] == watched[2:1];
  assign write_here    = use_d[watched_place[1:0]] && \u_dut.d_we [watched[1]] &&
                         \u_dut.u_dma.w_row_q [watched[1]] == watched[2];

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {read_q, read_late_q, read_near_q, owed_q, ends_q} <= '0;
      {read_waits_q, write_waits_q, write_waits_q2}      <= '0;
    end else if (clear_i) begin
      {read_q, read_late_q, read_near_q, owed_q, ends_q} <= '0;
      {read_waits_q, write_waits_q, write_waits_q2}      <= '0;
    end else begin
      {read_q, read_late_q, read_near_q} <= {takes_read, read_q, read_late_q};
      owed_q         <= watched_write || (owed_q && !write_here);
      ends_q         <= (takes_write && dma_wlast_i) || (ends_q && !wdone);
      read_waits_q   <= dma_rvalid_i && !rready;
      write_waits_q  <= dma_wvalid_i && !wready;
      write_waits_q2 <= dma_wvalid_i && !wready && write_waits_q;
    end
  end

  always_ff @(posedge clk_i) begin
    d_addr_q      <= dma_raddr_i;
    w_addr_q      <= dma_waddr_i;
    if (watched_write) owed_data_q <= watched[0] ? dma_wdata_i[63:32] : dma_wdata_i[31:0];
    d_late_addr_q <= d_addr_q;
    d_near_addr_q <= d_late_addr_q;
    late_q        <= word_q;
    near_q        <= late_q;
  end

  // ---------------------------------------------------------------------------------------------
  // The word that is followed. Lanes of one access are served lowest first.
  // ---------------------------------------------------------------------------------------------
  logic [31:0] word_q, scattered;
  logic [1:0]  scatter_here;

  for (genvar l = 0; l < 2; l++) begin : gen_scatter
    assign scatter_here[l] = s_now[l] && s_addr_q[l*AddrBits +: AddrBits] == watched;
  end
  assign scattered = scatter_here[0] ? s_data_q[31:0] : s_data_q[63:32];

  always_ff @(posedge clk_i) begin
    if (scatter_here != '0) word_q <= (word_q & ~s_mask_q) | (scattered & s_mask_q);
    else if (write_here) word_q <= owed_data_q;
  end

  // ---------------------------------------------------------------------------------------------
  // Gather: the access in front and the one that waits next; what is not answered yet; one and
  // two cycles later the access that was in front, and the word.
  // ---------------------------------------------------------------------------------------------
  typedef struct packed {
    logic [Lanes*AddrBits-1:0] addr;
    logic [Lanes-1:0]          lanes;
    logic [7:0]                pad;
    logic                      tag;
  } access_t;

  access_t          front_q, behind_q, was_q, was_q2, entering;
  logic             front_busy_q, behind_busy_q, was_busy_q, was_busy_q2, was_held_q, ended_q,
                    ended_q2, enters, ends;
  logic [31:0]      word_was_q, word_was_q2;
  logic [Lanes-1:0] open_q, near_ok, data_ok;

  assign entering = {g_addr_i, g_lanes_i, g_pad_i, g_tag_i};
  assign enters   = g_valid_i && g_ready;
  assign ends     = front_busy_q && !g_waiting;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {front_busy_q, behind_busy_q, was_busy_q, was_busy_q2, was_held_q} <= '0;
      {ended_q, ended_q2}                                                <= '0;
      open_q                                                             <= '1;
    end else if (clear_i) begin
      {front_busy_q, behind_busy_q, was_busy_q, was_busy_q2, was_held_q} <= '0;
      {ended_q, ended_q2}                                                <= '0;
      open_q                                                             <= '1;
    end else begin
      front_busy_q  <= g_waiting || behind_busy_q || enters;
      behind_busy_q <= g_waiting && (behind_busy_q || enters);
      {was_busy_q, was_busy_q2} <= {front_busy_q, was_busy_q};
      {ended_q, ended_q2}       <= {ends, ended_q};
      was_held_q    <= g_hold_i;
      open_q        <= open_near;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!g_waiting) front_q <= behind_busy_q ? behind_q : entering;
    if (enters) behind_q <= entering;
    {was_q, was_q2}           <= {front_q, was_q};
    {word_was_q, word_was_q2} <= {word_q, word_was_q};
  end

  // Lanes without an answer after the answers of this cycle, and after the next cycle's.
  logic [Lanes-1:0] open_near, still_open;
  assign open_near  = rsp_done ? '1 : open_q & ~rsp_lanes;
  assign still_open = soon ? '1 : open_near & ~\u_dut.u_gather.rsp_lanes_next_q ;

  answer_t answer;  // of the next cycle
  assign answer = \u_dut.u_gather.answer_q ;

  for (genvar l = 0; l < Lanes; l++) begin : gen_gather
    logic [31:0] near_data, data;  // of the next cycle, of this one
    assign near_data = answer.pad[l] ? {4{answer.pad_code}} :
                       bank_rdata[{answer.bank[l*2 +: 2], 5'd0} +: 32];
    assign data      = rsp_data[l*32 +: 32];

    always_comb begin
      near_ok[l] = 1'b1;
      if (!was_q.lanes[l]) near_ok[l] = near_data == {4{was_q.pad}};
      else if (was_q.addr[l*AddrBits +: AddrBits] == watched) near_ok[l] = near_data == word_was_q;
      data_ok[l] = 1'b1;
      if (!was_q2.lanes[l]) data_ok[l] = data == {4{was_q2.pad}};
      else if (was_q2.addr[l*AddrBits +: AddrBits] == watched) data_ok[l] = data == word_was_q2;
    end
  end

  logic [Lanes*AddrBits-1:0] front_place, behind_place;
  for (genvar l = 0; l < Lanes; l++) begin : gen_place
    assign front_place[l*AddrBits +: AddrBits]  = place_of(front_q.addr[l*AddrBits +: AddrBits]);
    assign behind_place[l*AddrBits +: AddrBits] = place_of(behind_q.addr[l*AddrBits +: AddrBits]);
  end

  // Lanes of the access in front whose banks are those of lower lanes.
  logic [Lanes-1:0] same [Lanes], same_ok;
  assign same[0] = \u_dut.u_gather.g_same_q[0] ;
  assign same[1] = \u_dut.u_gather.g_same_q[1] ;
  if (Lanes == 3) begin : gen_third
    assign same[2] = \u_dut.u_gather.g_same_q[2] ;
  end
  for (genvar l = 0; l < Lanes; l++) begin : gen_same
    always_comb begin
      same_ok[l] = 1'b1;
      for (int unsigned k = 0; k < Lanes; k++) begin
        if (same[l][k] != (k < l && front_place[k*AddrBits +: 2] ==
                           front_place[l*AddrBits +: 2])) same_ok[l] = 1'b0;
      end
    end
  end

  always_comb begin
    if ($initstate) begin
      assume (!rst_ni);
      assume (word_q == stored);
    end
    if (dma_wvalid_i) assume (!dma_waddr_i[0]);
    if (dma_rvalid_i) assume (!dma_raddr_i[0]);
    if (write_waits_q) assume (dma_wvalid_i && dma_waddr_i == w_addr_q);
    a_word: assert (stored == word_q);
    if (rst_ni) begin
      a_scatter_once:   assert ((s_now & ~s_left_q) == '0);
      a_scatter_served: assert (s_ready == ((s_left_q & ~s_now) == '0));
      a_scatter_one:    assert (scatter_here != '1 && !(write_here && scatter_here != '0));
      a_scatter_same:   assert (\u_dut.u_scatter.pend_q == s_left_q);
      if (s_left_q != '0) begin
        a_scatter_kept: assert (\u_dut.u_scatter.addr_q == {place_of(s_addr_q[5:3]),
                                                            place_of(s_addr_q[2:0])} &&
                                \u_dut.u_scatter.data_q == s_data_q &&
                                \u_dut.u_scatter.mask_q == s_mask_q);
      end

      if (read_waits_q && dma_rvalid_i) a_read_turn: assert (rready);
      if (write_waits_q2 && dma_wvalid_i) a_write_turn: assert (wready);
      if (write_here) a_write_owed: assert (owed_q);
      if (watched_write) a_write_kept: assert (!owed_q || write_here);
      if (wdone) a_write_done: assert (ends_q && (!owed_q || write_here));
      a_write_ends: assert (\u_dut.u_dma.ends_q == ends_q);
      a_write_turns: assert ($onehot0(\u_dut.u_dma.next_q ));
      if (write_waits_q) a_write_next: assert (\u_dut.u_dma.next_q [w_addr_q[1]]);
      if (write_waits_q2) a_write_alone: assert (!read_q);
      a_write_pend: assert (owed_q == (\u_dut.u_dma.w_pend_q [watched_place[1:0]] &&
                                       \u_dut.u_dma.w_row_q [watched[1]] == watched[2]));
      if (owed_q) a_write_data: assert (owed_data_q ==
                                        \u_dut.u_dma.w_data_q [{watched_place[1:0], 5'd0} +: 32]);
      a_dma_pend: assert (\u_dut.u_dma.r_pend_q == {2{read_q}});
      if (read_q) a_dma_addr: assert (\u_dut.u_dma.r_addr_q == d_addr_q && !d_addr_q[0]);
      a_dma_last:  assert (\u_dut.u_dma.last_q == {read_near_q, read_late_q});
      if (read_late_q) begin
        a_dma_got:  assert (\u_dut.u_dma.rsp_words_q == 2'b11 &&
                            \u_dut.u_dma.rsp_addr_q == d_late_addr_q);
        if (d_late_addr_q[2:1] == watched[2:1]) begin
          a_dma_late: assert (late_q == bank_rdata[{watched_place[1:0], 5'd0} +: 32]);
        end
      end
      if (read_near_q) begin
        a_dma_got2: assert (\u_dut.u_dma.rsp_words_q2 == 2'b11 &&
                            \u_dut.u_dma.rsp_addr_q2 == d_near_addr_q);
        if (d_near_addr_q[2:1] == watched[2:1]) begin
          a_dma_near: assert (near_q == (watched[0] ? \u_dut.u_dma.words [63:32] :
                                         \u_dut.u_dma.words [31:0]));
        end
      end
      a_dma_valid: assert (rvalid == read_near_q);
      if (read_near_q && d_near_addr_q[2:1] == watched[2:1]) begin
        a_dma_read: assert (near_q == (watched[0] ? rdata[63:32] : rdata[31:0]));
      end

      a_gather_busy:   assert (\u_dut.u_gather.g_valid_q == front_busy_q &&
                               (!g_waiting || front_busy_q));
      a_gather_room:   assert (g_ready == !behind_busy_q && (!behind_busy_q || front_busy_q));
      a_gather_behind: assert (\u_dut.u_gather.u_entry.held_q == behind_busy_q);
      if (behind_busy_q) a_gather_next: assert (\u_dut.u_gather.u_entry.data_q ==
                                              {behind_place, behind_q.lanes, behind_q.pad,
                                               behind_q.tag});
      a_gather_once:   assert ((rsp_lanes & ~open_q) == '0);
      a_gather_all:    assert (rsp_done == ended_q2 && (!rsp_done || (open_q & ~rsp_lanes) == '0));
      a_gather_mine:   assert (rsp_lanes == '0 || was_busy_q2);
      if (rsp_done) a_gather_tag: assert (rsp_tag == was_q2.tag);
      if (front_busy_q) a_gather_now: assert (g_tag == front_q.tag);
      a_gather_data:   assert ((rsp_lanes & ~data_ok) == '0);
      a_gather_ends:   assert (still_open != '0);  // the access that owes nothing is not in front
      a_soon:          assert (soon == ended_q);
      if (soon) a_soon_tag: assert (soon_tag == was_q.tag);
      a_soon_once:     assert ((\u_dut.u_gather.rsp_lanes_next_q & ~open_near) == '0);
      a_soon_all:      assert (!soon || (open_near & ~\u_dut.u_gather.rsp_lanes_next_q ) == '0);
      a_soon_mine:     assert (\u_dut.u_gather.rsp_lanes_next_q == '0 ||
                               (was_busy_q && !was_held_q));
      a_soon_data:     assert ((\u_dut.u_gather.rsp_lanes_next_q & ~near_ok) == '0);
      if (front_busy_q) begin
        a_gather_kept: assert (\u_dut.u_gather.g_addr_q == front_place &&
                               \u_dut.u_gather.g_tag_q == front_q.tag &&
                               \u_dut.u_gather.g_lanes_q == front_q.lanes &&
                               \u_dut.u_gather.g_pad_q == front_q.pad);
        a_gather_same: assert (same_ok == '1);
        a_gather_left: assert (still_open ==
                               (\u_dut.u_gather.g_first_q ? '1 : \u_dut.u_gather.g_pend_q ));
        if (\u_dut.u_gather.g_first_q ) begin
          a_gather_first: assert (\u_dut.u_gather.g_pend_q == front_q.lanes);
        end
      end else begin
        a_gather_none: assert (still_open == '1);
      end

      c_meet:    cover (s_left_q == 2'b11 && s_now == 2'b01 && read_q && g_waiting && !g_ready);
      c_masked:  cover (scatter_here == 2'b10 && s_mask_q == 32'hff && word_q == 32'h12345678);
      c_answers: cover (rsp_done && rsp_lanes == Lanes'(2) && was_q2.addr[5:3] == watched &&
                        word_was_q2 == 32'd77);
      c_reads:   cover (rvalid && d_near_addr_q[2:1] == watched[2:1] && near_q == 32'h12345678);
      c_follows: cover (rsp_done && soon && front_busy_q && was_q2.tag && !was_q.tag);
      c_waits:   cover (owed_q && !write_here && g_waiting == 0 && rsp_done);
      c_clears:  cover (clear_i && s_left_q != '0 && read_near_q && behind_busy_q);
    end
  end

endmodule
