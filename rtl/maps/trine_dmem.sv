// SPDX-License-Identifier: Apache-2.0
//
// Stores feature maps in single-port banks of 32-bit words, accessed by a gather, a scatter and a
// DMA port.
//
//   gather   reads Lanes words at any addresses (compute taps, residual words, vector taps):
//            trine_gather
//   scatter  writes Rows words at any addresses, with one bit mask for all of them (results):
//            trine_scatter
//   DMA      reads or writes DataWords neighbouring words: trine_dmem_dma
//
// Each port stores the part of its access that is not served yet. This module contains the banks
// and the crossbars.
//
// Word a is stored in bank a mod Banks, row a div Banks. In odd rows, banks 2n and 2n + 1 are
// exchanged (decision 030). In each cycle, a bank serves one port. The priorities are, from high to
// low: DMA reads and urgent DMA writes, urgent scatters (trine_scatter), gathers, other scatters,
// other DMA writes. Lanes of one access in the same bank are served one after the other, lowest
// lane first.
//
// Timing    Gather: an access is accepted in cycle t and served from t + 1 on. The answer of a lane
//           appears on rsp_* two cycles after the lane was served, which is t + 3 without
//           conflicts. The two cycles are the output registers of the memories, and one register
//           for each bank in front of the multiplexers of all banks. rsp_done_o marks the last
//           lane. rsp_done_next_o comes one cycle earlier. g_ready_o is a register: the next access
//           waits until the one in front is done.
//           Scatter: an access is accepted in cycle t and written from t + 1 on. s_ready_o depends
//           on the banks' arbitration of the same cycle.
//           DMA: a beat is written at any time until dma_wdone_o. For a copy's last beat,
//           dma_wdone_o comes in t + 1 at the earliest. Read data come in t + 3, or in t + 4 with
//           Ecc.
//           With Ecc, words carry a code (trine_ecc_bank). If the mask of a scatter selects only a
//           part of a word, the write occupies its bank for three cycles. In the last two of them,
//           the bank serves no port. Two cycles after a read, ecc_* report the banks that corrected
//           a word, and a word that could not be corrected.
// Contract  Addresses are below Banks * BankRows. DMA addresses are multiples of DataWords.
//           g_hold_i stops the gather access in front, and may change at any time. init_i writes
//           zeros to row init_row_i of all banks. No port is used during init_i.
//
// Check     trine_dmem_tb

module trine_dmem #(
  parameter int unsigned Rows      = 8,     // words of a scatter
  parameter int unsigned Lanes     = Rows,  // words of a gather: Rows or more
  parameter int unsigned Banks     = 16,    // power of two, >= 2*Rows, >= DataWords
  parameter int unsigned BankRows  = 2048,  // words of a bank
  parameter int unsigned DataWords = 2,     // power of two, at least 2
  parameter int unsigned TagBits   = 4,
  parameter bit          Ecc       = 1'b0,
  parameter int unsigned MaskBits  = 1,     // bits under one bit of a scatter's mask: trine_sram
  localparam int unsigned BankBits = $clog2(Banks),
  localparam int unsigned RowBits  = (BankRows > 1) ? $clog2(BankRows) : 1,
  localparam int unsigned AddrBits = BankBits + RowBits,
  localparam int unsigned DataBits = 32 * DataWords,
  localparam int unsigned Groups   = Banks / DataWords,
  localparam int unsigned WriteBits = 1 + 33 * DataWords + AddrBits
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     clear_i,

  // Gather: lanes outside g_lanes_i get pad_i in all four bytes.
  input  logic                     g_valid_i,
  output logic                     g_ready_o,
  input  logic [Lanes*AddrBits-1:0] g_addr_i,
  input  logic [Lanes-1:0]         g_lanes_i,
  input  logic [7:0]               g_pad_i,
  input  logic [TagBits-1:0]       g_tag_i,
  input  logic                     g_hold_i,
  output logic                     g_waiting_o,  // an access is in front and unfinished
  output logic [TagBits-1:0]       g_tag_o,      // its tag

  output logic [Lanes-1:0]         rsp_lanes_o,
  output logic [Lanes*33-1:0]      rsp_data_o,       // {lanes outside g_lanes_i, words}
  output logic [TagBits-1:0]       rsp_tag_o,
  output logic                     rsp_done_o,
  output logic                     rsp_done_next_o,  // rsp_done_o comes one cycle later,
  output logic [TagBits-1:0]       rsp_tag_next_o,   // with this tag

  // Scatter.
  input  logic                     s_valid_i,
  output logic                     s_ready_o,
  input  logic [Rows*AddrBits-1:0] s_addr_i,
  input  logic [Rows-1:0]          s_lanes_i,
  input  logic [Rows*32-1:0]       s_data_i,
  input  logic [31:0]              s_mask_i,

  // DMA.
  input  logic                     dma_wvalid_i,
  output logic                     dma_wready_o,
  input  logic [WriteBits-1:0]     dma_wbeat_i,  // {last, mask, address, data}
  output logic                     dma_wdone_o,  // a copy is written
  input  logic                     dma_rvalid_i,
  output logic                     dma_rready_o,
  input  logic [AddrBits-1:0]      dma_raddr_i,
  output logic                     dma_rdata_valid_o,
  output logic [DataBits-1:0]      dma_rdata_o,

  // Zeros.
  input  logic                     init_i,
  input  logic [RowBits-1:0]       init_row_i,

  // With Ecc only.
  output logic [Banks-1:0]         ecc_corrected_o,
  output logic                     ecc_fatal_o,
  output logic [AddrBits-1:0]      ecc_addr_o  // of the word that cannot be corrected
);

  if (Banks < 2 * Rows || Banks < DataWords || (Banks & (Banks - 1)) != 0) begin : gen_bad_banks
    $error("trine_dmem: Banks must be a power of two, at least 2*Rows and DataWords");
  end

  // ---------------------------------------------------------------------------------------------
  // Ports: requests to the banks.
  // ---------------------------------------------------------------------------------------------
  logic [Lanes-1:0]          g_winner;
  logic [Lanes*AddrBits-1:0] g_addr;
  logic [Rows-1:0]           s_winner;
  logic                      s_empty;
  logic [Rows*AddrBits-1:0]  s_addr;
  logic [Rows*32-1:0]        s_data;
  logic [31:0]               s_mask;
  logic                      s_urgent;
  logic [Groups-1:0]         d_we;
  logic [Groups*RowBits-1:0] d_row;
  logic [Banks*32-1:0]       d_data;
  logic [Banks-1:0]          g_use, g_blocked, s_use, s_grant, d_first, d_low_prio_req, d_served;
  logic [Banks*32-1:0]       bank_q;
  logic [Banks-1:0]          merging;  // banks that merge part of a word

  trine_gather #(
    .Lanes    (Lanes),
    .Banks    (Banks),
    .AddrBits (AddrBits),
    .TagBits  (TagBits)
  ) u_gather (
    .clk_i,
    .rst_ni,
    .clear_i,
    .g_valid_i,
    .g_ready_o,
    .g_addr_i,
    .g_lanes_i,
    .g_pad_i,
    .g_tag_i,
    .g_hold_i,
    .g_waiting_o,
    .g_tag_o,
    .rsp_lanes_o,
    .rsp_data_o,
    .rsp_tag_o,
    .rsp_done_o,
    .rsp_done_next_o,
    .rsp_tag_next_o,
    .winner_o     (g_winner),
    .addr_o       (g_addr),
    .blocked_i    (g_blocked),
    .bank_words_i (bank_q)
  );

  trine_scatter #(
    .Rows     (Rows),
    .Banks    (Banks),
    .AddrBits (AddrBits)
  ) u_scatter (
    .clk_i,
    .rst_ni,
    .clear_i,
    .s_valid_i,
    .s_ready_o,
    .s_addr_i,
    .s_lanes_i,
    .s_data_i,
    .s_mask_i,
    .empty_o  (s_empty),
    .winner_o (s_winner),
    .addr_o   (s_addr),
    .data_o   (s_data),
    .mask_o   (s_mask),
    .urgent_o (s_urgent),
    .grant_i  (s_grant)
  );

  trine_dmem_dma #(
    .Banks     (Banks),
    .RowBits   (RowBits),
    .DataWords (DataWords),
    .Ecc       (Ecc)
  ) u_dma (
    .clk_i,
    .rst_ni,
    .clear_i,
    .dma_wvalid_i,
    .dma_wready_o,
    .dma_wbeat_i,
    .dma_wdone_o,
    .dma_rvalid_i,
    .dma_rready_o,
    .dma_raddr_i,
    .dma_rdata_valid_o,
    .dma_rdata_o,
    .first_o          (d_first),
    .low_prio_req_o   (d_low_prio_req),
    .low_prio_grant_i (d_served),
    .we_o             (d_we),
    .row_o            (d_row),
    .wdata_o          (d_data),
    .merging_i        (merging),
    .bank_words_i     (bank_q)
  );

  // ---------------------------------------------------------------------------------------------
  // Banks: arbitration, and the multiplexers in front of the memory.
  // ---------------------------------------------------------------------------------------------
`ifdef TRINE_ASSERT
  logic [Banks-1:0] serves_g, serves_s, serves_d;
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end
`endif

  // Zeros use the path of a scatter: while no port is used, rows and data of all banks are 0.
  logic [RowBits-1:0] init_row;

  assign init_row = init_i ? init_row_i : '0;

  logic [Banks-1:0]         uncorrectable;
  logic [Banks*RowBits-1:0] uncorrectable_row;

  for (genvar b = 0; b < Banks; b++) begin : gen_bank
    logic [RowBits-1:0] g_row, s_row, row;
    logic [31:0]        s_word, wdata, mask;
    logic               use_g, use_s, use_d, we_d;
    logic [Lanes-1:0]   g_lane_sel;  // one-hot: the lane in this bank
    logic [Rows-1:0]    s_lane_sel;

    // Each vector selects at most one lane, because the winners are in different banks. The
    // multiplexers are written with AND and OR instead of `if`, because ABC does not find this form
    // for 16 lanes. It saves a fifth of this module.
    for (genvar l = 0; l < Lanes; l++) begin : gen_g_mine
      assign g_lane_sel[l] = g_winner[l] && g_addr[l*AddrBits +: BankBits] == BankBits'(b);
    end
    for (genvar l = 0; l < Rows; l++) begin : gen_s_mine
      assign s_lane_sel[l] = s_winner[l] && s_addr[l*AddrBits +: BankBits] == BankBits'(b);
    end
    assign g_use[b] = g_lane_sel != '0;
    assign s_use[b] = s_lane_sel != '0;

    always_comb begin
      g_row = '0;
      for (int unsigned l = 0; l < Lanes; l++) begin
        g_row = g_row | (g_addr[l*AddrBits + BankBits +: RowBits] & {RowBits{g_lane_sel[l]}});
      end
    end

    always_comb begin
      s_row  = '0;
      s_word = '0;
      if (!s_empty) begin
        for (int unsigned l = 0; l < Rows; l++) begin
          s_row  = s_row | (s_addr[l*AddrBits + BankBits +: RowBits] & {RowBits{s_lane_sel[l]}});
          s_word = s_word | (s_data[l*32 +: 32] & {32{s_lane_sel[l]}});
        end
      end
    end

    assign g_blocked[b] = (s_urgent && s_use[b]) || d_first[b] || merging[b];
    assign s_grant[b]   = (s_urgent || !g_use[b]) && !d_first[b] && !merging[b];
    assign d_served[b]  = d_low_prio_req[b] && !g_use[b] && !s_use[b] && !merging[b];

    assign use_g = g_use[b] && !g_blocked[b];
    assign use_s = s_use[b] && s_grant[b];
    assign use_d = (d_first[b] && !merging[b]) || d_served[b];
    assign we_d  = d_we[b / DataWords];

`ifdef TRINE_ASSERT
    assign serves_g[b] = use_g;
    assign serves_s[b] = use_s;
    assign serves_d[b] = use_d;

    always_ff @(posedge clk_i) begin
      if (live_q) a_one_port: assert ($onehot0({use_g, use_s, use_d}));
      if (live_q && (use_g || use_s || use_d || init_i)) a_row: assert (32'(row) < BankRows);
      if (live_q && init_i) a_zeros: assert (!(use_g || use_s || use_d) && wdata == '0);
    end
`endif

    always_comb begin
      row   = g_row | init_row;
      wdata = s_word;
      mask  = s_mask | {32{init_i}};
      if (use_s) row = s_row;
      if (use_d) begin
        row   = d_row[(b / DataWords)*RowBits +: RowBits];
        wdata = d_data[b*32 +: 32];
        mask  = '1;
      end
    end

    if (Ecc) begin : gen_code
      trine_ecc_bank #(.Depth(BankRows)) u_bank (
        .clk_i,
        .rst_ni,
        .clear_i,
        .en_i        (use_g || use_s || use_d || init_i),
        .we_i        (use_s || (use_d && we_d) || init_i),
        .addr_i      (row),
        .mask_i      (mask),
        .wdata_i     (wdata),
        .busy_o      (merging[b]),
        .rdata_o     (bank_q[b*32 +: 32]),
        .corrected_o (ecc_corrected_o[b]),
        .fatal_o     (uncorrectable[b]),
        .addr_o      (uncorrectable_row[b*RowBits +: RowBits])
      );
    end else begin : gen_plain
      logic [31:0] rdata, rdata_q;
      assign merging[b]                         = 1'b0;
      assign ecc_corrected_o[b]                 = 1'b0;
      assign uncorrectable[b]                   = 1'b0;
      assign uncorrectable_row[b*RowBits +: RowBits] = '0;
      trine_sram #(.Width(32), .Depth(BankRows), .MaskBits(MaskBits)) u_sram (
        .clk_i,
        .en_i    (use_g || use_s || use_d || init_i),
        .we_i    (use_s || (use_d && we_d) || init_i),
        .addr_i  (row),
        .mask_i  (mask),
        .wdata_i (wdata),
        .rdata_o (rdata)
      );
      always_ff @(posedge clk_i) rdata_q <= rdata;
      assign bank_q[b*32 +: 32] = rdata_q;
    end

`ifdef TRINE_LOCKSTEP
    always_ff @(posedge clk_i) begin
      if (use_s || (use_d && we_d))
        trine_trace_write(32'({row, BankBits'(b) ^ BankBits'(row[0])}), wdata, mask,
                          int'(Banks * BankRows));
      if (use_g || (use_d && !we_d)) trine_trace_dmem_read();
    end
`endif
  end

  // If several words cannot be corrected at once, the first bank counts.
  assign ecc_fatal_o = uncorrectable != '0;
  always_comb begin
    ecc_addr_o = '0;
    for (int unsigned b = Banks; b > 0; b--) begin
      if (uncorrectable[b-1])
        ecc_addr_o = {uncorrectable_row[(b-1)*RowBits +: RowBits], BankBits'(b - 1)};
    end
    ecc_addr_o[0] = ecc_addr_o[0] ^ ecc_addr_o[BankBits];  // undoes the exchange of banks
  end

`ifdef TRINE_LOCKSTEP
  import "DPI-C" context function void trine_trace_write(input int addr, data, mask, words);
  import "DPI-C" function void trine_trace_dmem_read();
`endif

  // ---------------------------------------------------------------------------------------------
  // Assertions. A bank has served each word that a port regards as served, so no word is lost.
  // Without DMA accesses, each access ends within this number of cycles.
  // ---------------------------------------------------------------------------------------------
`ifdef TRINE_ASSERT
  localparam int unsigned GatherBound  = Lanes * (Lanes + 12) + 20;
  localparam int unsigned ScatterBound = 2 * Rows + 8;

  logic [Lanes-1:0] g_served;
  logic [Rows-1:0]  s_served;
  logic [31:0]      g_age_q, s_age_q;

  always_comb begin
    for (int unsigned l = 0; l < Lanes; l++) begin
      g_served[l] = g_winner[l] && !g_blocked[g_addr[l*AddrBits +: BankBits]];
    end
    for (int unsigned l = 0; l < Rows; l++) begin
      s_served[l] = s_winner[l] && s_grant[s_addr[l*AddrBits +: BankBits]];
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      g_age_q    <= '0;
      s_age_q    <= '0;
    end else begin
      g_age_q    <= (clear_i || !g_waiting_o) ? '0 :
                    g_age_q + 32'(!g_hold_i && d_first == '0 && merging == '0);
      s_age_q    <= (clear_i || s_ready_o) ? '0 : s_age_q + 32'(d_first == '0 && merging == '0);
    end
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      a_gather_served:  assert ($countones(g_served) == $countones(serves_g));
      a_scatter_served: assert ($countones(s_served) == $countones(serves_s));
      a_dma_served:     assert (serves_d == ((d_first & ~merging) | d_served));
      a_gather_ends:    assert (g_age_q < GatherBound);
      a_scatter_ends:   assert (s_age_q < ScatterBound);
      c_three_ports:    cover (serves_g != '0 && serves_s != '0 && serves_d != '0);
    end
  end
`endif

endmodule
