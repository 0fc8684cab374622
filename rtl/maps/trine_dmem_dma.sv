// SPDX-License-Identifier: Apache-2.0
//
// The DMA port of trine_dmem: DataWords neighbours, read or written, one access at a time; reads
// and writes that come together alternate (round robin). Banks serve it before all others, so an
// access is served in the cycle after it was taken, but for banks that are busy with a merge
// (merging_i): what is left of it waits for them. In odd rows of banks words 2n and 2n + 1 of an
// access change places (trine_dmem), before they are kept and after they were read.
//
//   cycle              t        t + 1       t + 2         t + 3           t + 4
//   dma_rvalid_i       taken
//   use_o, row_o                served
//   the word                                the macro's   bank_words_i    dma_rdata_o with Ecc
//
// Timing    a read's words are on dma_rdata_o in t + 3: they pass through the multiplexers of all
//           banks. With Ecc they are collected, as they may come one by one: t + 4, in a register.
//           Both readys depend on the other side's valid and on merging_i.
// Contract  addresses are multiples of DataWords. A bank that use_o asks for and that does not
//           merge serves this port.
//
// Check     trine_dmem_tb, trine_dmem_props

module trine_dmem_dma #(
  parameter int unsigned Banks     = 16,  // power of two, >= DataWords
  parameter int unsigned RowBits   = 11,
  parameter int unsigned DataWords = 2,   // power of two, at least 2
  parameter bit          Ecc       = 1'b0,
  localparam int unsigned BankBits = $clog2(Banks),
  localparam int unsigned AddrBits = BankBits + RowBits,
  localparam int unsigned DataBits = 32 * DataWords
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,
  input  logic                 clear_i,

  input  logic                 dma_wvalid_i,
  output logic                 dma_wready_o,
  input  logic [AddrBits-1:0]  dma_waddr_i,
  input  logic [DataBits-1:0]  dma_wdata_i,
  input  logic [DataWords-1:0] dma_wmask_i,
  input  logic                 dma_rvalid_i,
  output logic                 dma_rready_o,
  input  logic [AddrBits-1:0]  dma_raddr_i,
  output logic                 dma_rdata_valid_o,
  output logic [DataBits-1:0]  dma_rdata_o,

  // Banks.
  output logic [Banks-1:0]     use_o,
  output logic                 we_o,
  output logic [RowBits-1:0]   row_o,
  output logic [DataBits-1:0]  wdata_o,
  input  logic [Banks-1:0]     merging_i,
  input  logic [Banks*32-1:0]  bank_words_i
);

  localparam int unsigned WordBits = $clog2(DataWords);

  // Words of an access as they lie in the banks, those of the banks as an access has them.
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

  // ---------------------------------------------------------------------------------------------
  // The access: which of its words are left.
  // ---------------------------------------------------------------------------------------------
  logic                 we_q, reads_first_q, take_read, take_write, used, stall;
  logic [AddrBits-1:0]  addr_q;
  logic [DataBits-1:0]  data_q;
  logic [DataWords-1:0] pend_q, left;  // served in the cycle after they were taken, or merging
  logic [DataWords-1:0] wmask;

  assign dma_rready_o = (reads_first_q || !dma_wvalid_i) && !stall;
  assign dma_wready_o = !(dma_rvalid_i && reads_first_q) && !stall;
  assign take_read    = dma_rvalid_i && dma_rready_o;
  assign take_write   = dma_wvalid_i && dma_wready_o && !take_read;
  assign used         = pend_q != '0;
  assign stall        = left != '0;
  assign wmask        = turned_mask(dma_waddr_i[BankBits], dma_wmask_i);

  for (genvar b = 0; b < Banks; b++) begin : gen_bank
    if (Banks == DataWords) begin : gen_all
      assign use_o[b] = pend_q[b % DataWords];
    end else begin : gen_group
      assign use_o[b] = pend_q[b % DataWords] &&
                        addr_q[BankBits-1:WordBits] == (BankBits-WordBits)'(b / DataWords);
    end
  end

  always_comb begin
    left = '0;
    for (int unsigned b = 0; b < Banks; b++) begin
      if (use_o[b] && merging_i[b]) left[b % DataWords] = 1'b1;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      pend_q        <= '0;
      reads_first_q <= 1'b0;
    end else if (clear_i) begin
      pend_q        <= '0;
      reads_first_q <= 1'b0;
    end else begin
      pend_q <= stall ? left : take_read ? '1 : take_write ? wmask : '0;
      if (take_read || take_write) reads_first_q <= !take_read;
    end
  end

  always_ff @(posedge clk_i) begin
    if (take_read || take_write) begin
      we_q   <= !take_read;
      addr_q <= take_read ? dma_raddr_i : dma_waddr_i;
      if (take_write) data_q <= turned(dma_waddr_i[BankBits], dma_wdata_i);
    end
  end

  assign we_o    = we_q;
  assign row_o   = addr_q[BankBits +: RowBits];
  assign wdata_o = data_q;

  // ---------------------------------------------------------------------------------------------
  // Words read, when their banks' registers have them. With codes they are collected.
  // ---------------------------------------------------------------------------------------------
  logic [2:1]           last_q;
  logic [DataWords-1:0] got_q, got_q2;
  logic [AddrBits-1:0]  got_addr_q, got_addr_q2;
  logic [DataBits-1:0]  placed, words;

  always_comb begin
    placed = '0;
    for (int unsigned w = 0; w < DataWords; w++) begin
      for (int unsigned g = 0; g < Banks / DataWords; g++) begin
        if (got_addr_q2[BankBits-1:0] >> WordBits == BankBits'(g)) begin
          placed[w*32 +: 32] = bank_words_i[(g*DataWords + w)*32 +: 32];
        end
      end
    end
  end

  assign words = turned(got_addr_q2[BankBits], placed);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      last_q <= '0;
      got_q  <= '0;
      got_q2 <= '0;
    end else if (clear_i) begin
      last_q <= '0;
      got_q  <= '0;
      got_q2 <= '0;
    end else begin
      last_q <= {last_q[1], used && !stall && !we_q};
      got_q  <= we_q ? '0 : pend_q & ~left;
      got_q2 <= turned_mask(got_addr_q[BankBits], got_q);
    end
  end

  always_ff @(posedge clk_i) begin
    if (used) got_addr_q <= addr_q;
    got_addr_q2 <= got_addr_q;
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
        if (got_q2[w]) rdata_q[w*32 +: 32] <= words[w*32 +: 32];
      end
    end

    assign dma_rdata_valid_o = valid_q;
    assign dma_rdata_o       = rdata_q;
  end else begin : gen_at_once
    logic unused_got;
    assign dma_rdata_valid_o = last_q[2];
    assign dma_rdata_o       = words;
    assign unused_got        = ^got_q2;
  end

  logic unused_addr;  // words of a beat are aligned
  assign unused_addr = ^{addr_q[WordBits-1:0], got_addr_q2[AddrBits-1:BankBits],
                         got_addr_q2[WordBits-1:0]};

`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      a_all_asked: assert ($countones(use_o) == $countones(pend_q));
      a_one:       assert (!(take_read && dma_wvalid_i && dma_wready_o));
      if (dma_wvalid_i) m_write_aligned: assume (32'(dma_waddr_i) % DataWords == 0);
      if (dma_rvalid_i) m_read_aligned:  assume (32'(dma_raddr_i) % DataWords == 0);
      c_alternate: cover (dma_rvalid_i && dma_wvalid_i && reads_first_q && used && we_q);
    end
  end
`endif

endmodule
