// SPDX-License-Identifier: Apache-2.0
//
// Implements the DMA port of trine_dmem, which reads or writes DataWords neighbouring words.
//
// Writes: each bank has a buffer for one word. A buffered word is written when its bank serves no
// other port. The word becomes urgent when the next beat needs its buffer, or when the last beat of
// the copy has arrived. An urgent word has priority over all other ports, so no beat waits for a
// gather.
//
// Reads: a read also has priority over all other ports. Reads are served one at a time. No read is
// accepted while an urgent word is left.
//
// In odd rows of banks, words 2n and 2n + 1 of an access are exchanged (trine_dmem): before a
// write, and after a read.
//
//   cycle              t          t + 1       t + 2         t + 3           t + 4
//   read accepted      x
//   banks requested               x
//   word is on                                SRAM output   bank_words_i    dma_rdata_o with Ecc
//   last beat accepted x
//   banks requested               all left
//   dma_wdone_o                   x
//
// Timing    Read data are on dma_rdata_o in t + 3, through the multiplexers of all banks. With Ecc,
//           the words of a read may come one by one, so a register collects them and the data come
//           in t + 4. A bank that is busy with a merge (merging_i) delays an access and
//           dma_wdone_o. The ready outputs depend on merging_i and on registers.
// Contract  Addresses are multiples of DataWords. A write holds until it is accepted. A bank that
//           first_o requests serves this port, unless it merges. A bank that low_prio_req_o
//           requests answers with low_prio_grant_i. A copy's words can be read after its
//           dma_wdone_o.
//
// Check     trine_dmem_tb, trine_dmem_props

module trine_dmem_dma #(
  parameter int unsigned Banks     = 16,  // power of two, >= DataWords
  parameter int unsigned RowBits   = 11,
  parameter int unsigned DataWords = 2,   // power of two, at least 2
  parameter bit          Ecc       = 1'b0,
  localparam int unsigned BankBits = $clog2(Banks),
  localparam int unsigned AddrBits = BankBits + RowBits,
  localparam int unsigned DataBits = 32 * DataWords,
  localparam int unsigned Groups   = Banks / DataWords,  // groups of banks; a beat uses one group
  localparam int unsigned WriteBits = 1 + 33 * DataWords + AddrBits
) (
  input  logic                      clk_i,
  input  logic                      rst_ni,
  input  logic                      clear_i,

  input  logic                      dma_wvalid_i,
  output logic                      dma_wready_o,
  input  logic [WriteBits-1:0]      dma_wbeat_i,  // {last of a copy, mask, address, data}
  output logic                      dma_wdone_o,  // a copy is in the banks
  input  logic                      dma_rvalid_i,
  output logic                      dma_rready_o,
  input  logic [AddrBits-1:0]       dma_raddr_i,
  output logic                      dma_rdata_valid_o,
  output logic [DataBits-1:0]       dma_rdata_o,

  // Banks.
  output logic [Banks-1:0]          first_o,           // before all other ports
  output logic [Banks-1:0]          low_prio_req_o,    // after all other ports
  input  logic [Banks-1:0]          low_prio_grant_i,  // low_prio_req_o was served
  output logic [Groups-1:0]         we_o,
  output logic [Groups*RowBits-1:0] row_o,
  output logic [Banks*32-1:0]       wdata_o,
  input  logic [Banks-1:0]          merging_i,
  input  logic [Banks*32-1:0]       bank_words_i
);

  localparam int unsigned WordBits = $clog2(DataWords);

  // Exchanges words 2n and 2n + 1 if the row is odd. Writes and reads use the same exchange.
  function automatic logic [DataBits-1:0] turned(input logic odd, input logic [DataBits-1:0] in);
    for (int unsigned w = 0; w < DataWords; w++) begin
      turned[w*32 +: 32] = odd ? in[(w ^ 1)*32 +: 32] : in[w*32 +: 32];
    end
  endfunction

  function automatic logic [DataWords-1:0] turned_mask(input logic odd,
                                                       input logic [DataWords-1:0] in);
    for (int unsigned w = 0; w < DataWords; w++) begin
      turned_mask[w] = odd ? in[w ^ 1] : in[w];
    end
  endfunction

  function automatic logic [Groups-1:0] group_of(input logic [BankBits-1:0] bank);
    for (int unsigned g = 0; g < Groups; g++) begin
      group_of[g] = bank >> WordBits == BankBits'(g);
    end
  endfunction

  // ---------------------------------------------------------------------------------------------
  // Writes: a row for each group of banks, a word for each bank.
  // ---------------------------------------------------------------------------------------------
  logic [Groups-1:0]         w_group, r_group, next_q, urgent, kept;
  logic [Groups*RowBits-1:0] w_row_q;
  logic [Banks-1:0]          w_pend_q;
  logic [Banks*32-1:0]       w_data_q;
  logic [AddrBits-1:0]       waddr;
  logic [DataBits-1:0]       beat_data, wdata;
  logic [DataWords-1:0]      beat_mask, wmask;
  logic                      wlast, ends_q, take_write;

  assign {wlast, beat_mask, waddr, beat_data} = dma_wbeat_i;

  assign w_group      = group_of(waddr[BankBits-1:0]);
  assign wdata        = turned(waddr[BankBits], beat_data);
  assign wmask        = turned_mask(waddr[BankBits], beat_mask);
  assign urgent       = ends_q ? '1 : next_q;
  assign dma_wready_o = (kept & (ends_q ? '1 : w_group)) == '0;
  assign dma_wdone_o  = ends_q && kept == '0;
  assign take_write   = dma_wvalid_i && dma_wready_o;

  for (genvar g = 0; g < Groups; g++) begin : gen_write
    localparam int unsigned First = g * DataWords;
    logic [DataWords-1:0] pend, late;

    assign pend = w_pend_q[First +: DataWords];
    assign late = pend & (merging_i[First +: DataWords] |
                          {DataWords{r_group[g] || !urgent[g]}});
    assign kept[g]  = late != '0;
    assign low_prio_req_o[First +: DataWords] = pend & {DataWords{!r_group[g] && !urgent[g]}};

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni)                        w_pend_q[First +: DataWords] <= '0;
      else if (clear_i)                   w_pend_q[First +: DataWords] <= '0;
      else if (take_write && w_group[g])  w_pend_q[First +: DataWords] <= wmask;
      else w_pend_q[First +: DataWords] <= late & ~low_prio_grant_i[First +: DataWords];
    end

    always_ff @(posedge clk_i) begin
      if (take_write && w_group[g]) begin
        w_data_q[First*32 +: DataBits]   <= wdata;
        w_row_q[g*RowBits +: RowBits] <= waddr[BankBits +: RowBits];
      end
    end
  end

  // The next beat is expected in the next group of banks. Otherwise its own request marks the
  // group.
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      ends_q <= 1'b0;
      next_q <= '0;
    end else if (clear_i) begin
      ends_q <= 1'b0;
      next_q <= '0;
    end else begin
      ends_q <= (take_write && wlast) || (ends_q && !dma_wdone_o);
      if (take_write)        next_q <= (w_group << 1) | (w_group >> (Groups - 1));
      else if (dma_wvalid_i) next_q <= w_group;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // A read: the words that are left.
  // ---------------------------------------------------------------------------------------------
  logic                 take_read, reads, stall;
  logic [AddrBits-1:0]  r_addr_q;
  logic [DataWords-1:0] r_pend_q, left;  // words served now; words that a merge delays

  assign dma_rready_o = !stall && (kept & urgent) == '0;
  assign take_read    = dma_rvalid_i && dma_rready_o;
  assign reads        = r_pend_q != '0;
  assign r_group      = reads ? group_of(r_addr_q[BankBits-1:0]) : '0;
  assign stall        = left != '0;

  always_comb begin
    left = '0;
    for (int unsigned b = 0; b < Banks; b++) begin
      if (r_group[b / DataWords] && merging_i[b]) left[b % DataWords] = r_pend_q[b % DataWords];
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)      r_pend_q <= '0;
    else if (clear_i) r_pend_q <= '0;
    else              r_pend_q <= stall ? left : {DataWords{take_read}};
  end

  always_ff @(posedge clk_i) begin
    if (take_read) r_addr_q <= dma_raddr_i;
  end

  // ---------------------------------------------------------------------------------------------
  // The banks.
  // ---------------------------------------------------------------------------------------------
  assign we_o    = ~r_group;
  assign wdata_o = w_data_q;

  for (genvar g = 0; g < Groups; g++) begin : gen_group
    localparam int unsigned First = g * DataWords;
    assign first_o[First +: DataWords] = r_group[g] ? r_pend_q :
                                         w_pend_q[First +: DataWords] & {DataWords{urgent[g]}};
    assign row_o[g*RowBits +: RowBits] = r_group[g] ? r_addr_q[BankBits +: RowBits] :
                                         w_row_q[g*RowBits +: RowBits];
  end

  // ---------------------------------------------------------------------------------------------
  // Words that were read, in the cycle in which the banks' registers contain them. With Ecc, the
  // words are collected.
  // ---------------------------------------------------------------------------------------------
  logic [2:1]           last_q;
  logic [DataWords-1:0] rsp_words_q, rsp_words_q2;
  logic [AddrBits-1:0]  rsp_addr_q, rsp_addr_q2;
  logic [DataBits-1:0]  placed, words;

  always_comb begin
    placed = '0;
    for (int unsigned w = 0; w < DataWords; w++) begin
      for (int unsigned g = 0; g < Groups; g++) begin
        if (rsp_addr_q2[BankBits-1:0] >> WordBits == BankBits'(g)) begin
          placed[w*32 +: 32] = bank_words_i[(g*DataWords + w)*32 +: 32];
        end
      end
    end
  end

  assign words = turned(rsp_addr_q2[BankBits], placed);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      last_q       <= '0;
      rsp_words_q  <= '0;
      rsp_words_q2 <= '0;
    end else if (clear_i) begin
      last_q       <= '0;
      rsp_words_q  <= '0;
      rsp_words_q2 <= '0;
    end else begin
      last_q       <= {last_q[1], reads && !stall};
      rsp_words_q  <= r_pend_q & ~left;
      rsp_words_q2 <= turned_mask(rsp_addr_q[BankBits], rsp_words_q);
    end
  end

  always_ff @(posedge clk_i) begin
    if (reads) rsp_addr_q <= r_addr_q;
    rsp_addr_q2 <= rsp_addr_q;
  end

  if (Ecc) begin : gen_collect
    logic                valid_q;
    logic [DataBits-1:0] rdata_q;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni)      valid_q <= 1'b0;
      else if (clear_i) valid_q <= 1'b0;
      else              valid_q <= last_q[2];
    end

    always_ff @(posedge clk_i) begin
      for (int unsigned w = 0; w < DataWords; w++) begin
        if (rsp_words_q2[w]) rdata_q[w*32 +: 32] <= words[w*32 +: 32];
      end
    end

    assign dma_rdata_valid_o = valid_q;
    assign dma_rdata_o       = rdata_q;
  end else begin : gen_at_once
    logic unused_rsp_addr;
    assign dma_rdata_valid_o = last_q[2];
    assign dma_rdata_o       = words;
    assign unused_rsp_addr   = ^rsp_words_q2;
  end

  logic unused_addr;  // words of a beat are aligned
  assign unused_addr = ^{rsp_addr_q2[AddrBits-1:BankBits], rsp_addr_q2[WordBits-1:0]};

`ifdef TRINE_ASSERT
  logic                 live_q, waits_q;  // waits_q: a write was offered and not taken
  logic [WriteBits-1:0] wbeat_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) {live_q, waits_q} <= '0;
    else         {live_q, waits_q} <= {1'b1, dma_wvalid_i && !dma_wready_o && !clear_i};
  end

  always_ff @(posedge clk_i) begin
    wbeat_q <= dma_wbeat_i;
    if (live_q) begin
      if (waits_q && !clear_i) m_held: assume (dma_wvalid_i && dma_wbeat_i == wbeat_q);
      a_all_asked: assert ($countones(r_group) == 32'(reads));
      a_kept:      assert ((first_o & low_prio_req_o) == '0);
      if (dma_wvalid_i) m_write_aligned: assume (32'(waddr) % DataWords == 0);
      if (dma_rvalid_i) m_read_aligned:  assume (32'(dma_raddr_i) % DataWords == 0);
      c_meets: cover ((kept & urgent) != '0 && dma_rvalid_i);
      c_spare: cover (low_prio_grant_i != '0);
    end
  end
`endif

endmodule
