// SPDX-License-Identifier: Apache-2.0
//
// Keeps the first beats of the program on chip, so that its next start does not read them from the
// bus again. This is the instruction memory (memory.imem_kib).
//
//   trine_fetch --bursts--> here: all beats of the burst are kept ---> answered
//                            `--> else this and all later bursts --> bus --> kept, answered
//
// The kept beats are the program's first beats, without a gap. A beat from the bus is stored if it
// is the next one, came without an error, and fits in the memory. A single count (kept_q) therefore
// describes which beats are valid. rst_ni and flush_i set the count to zero.
//
// With Ecc, each word carries a code (trine_ecc_pkg) and is corrected after the memory's output
// register. A beat with an uncorrectable word is an error for the fetch, and the fatal flag stays
// set until clear_i.
//
// A scrub (wipe_i) writes zeros for Depth cycles. Error correction does not require these zeros,
// because no word is read before it is written.
//
// Timing    The first beat of a kept burst comes three cycles after the request. The other beats
//           come every second cycle, so that the fetch's single-port buffer can output a word in
//           between. The first burst that is not kept goes to the bus one cycle late. Later bursts
//           pass without delay.
// Contract  Bursts are consecutive, from the program's first beat on, and start there again after
//           clear_i. The bus answers in order. After clear_i, no answer to an earlier request
//           comes. flush_i does not come while bursts are outstanding. wipe_i comes only with
//           clear_i, and no request comes until wiping has ended.
// Check     trine_imem_tb, trine_imem_props, trine_control_tb

module trine_imem #(
  parameter int unsigned Words    = 2048,  // 64-bit words; whole beats
  parameter int unsigned DataBits = 64,
  parameter bit          Ecc      = 1'b0,
  parameter int unsigned MaxBeats = trine_dma_pkg::FetchBits / DataBits  // beats of a burst
) (
  input  logic                         clk_i,
  input  logic                         rst_ni,
  input  logic                         clear_i,
  input  logic                         start_i,   // a program starts: clear the count
  input  logic                         flush_i,   // drop all kept beats
  input  logic                         wipe_i,

  // The fetch.
  input  logic                         req_valid_i,
  output logic                         req_ready_o,
  input  logic [7:0]                   req_len_i,
  output logic                         rsp_valid_o,
  output logic [DataBits-1:0]          rsp_data_o,
  output logic                         rsp_error_o,
  output logic                         rsp_last_o,  // last of its burst

  // The bus.
  output logic                         bus_req_valid_o,
  input  logic                         bus_req_ready_i,
  input  logic                         bus_valid_i,
  input  logic [DataBits-1:0]          bus_data_i,
  input  logic                         bus_error_i,
  input  logic                         bus_last_i,

  output trine_engine_pkg::imem_t      state_o
);

  localparam int unsigned Depth     = 64 * Words / DataBits;
  localparam int unsigned DataWords = DataBits / 32;
  localparam int unsigned WordBits  = Ecc ? trine_ecc_pkg::WordBits : 32;
  localparam int unsigned AddrBits  = $clog2(Depth);
  localparam int unsigned PlaceBits = $clog2(Depth + 1);
  localparam int unsigned LenBits   = $clog2(MaxBeats);

  // ---------------------------------------------------------------------------------------------
  // Beats. kept_q is the number of kept beats. place_q is the index of the next beat, up to Depth.
  // ---------------------------------------------------------------------------------------------
  logic [PlaceBits-1:0] kept_q, place_q;
  logic [PlaceBits:0]   burst_end;  // end of the burst on offer
  logic [LenBits:0]     left_q;     // beats left of the burst that is being read
  logic                 busy, lookup, hit, miss_q, taken_q, read, store, wiping_q, last;
  logic                 read_q, rsp_valid_q;  // a beat is in the memory's output; in the register
  logic                 last_q, rsp_last_q;   // this beat is its burst's last

  assign burst_end = (PlaceBits + 1)'(place_q) + (PlaceBits + 1)'(req_len_i[LenBits-1:0]) +
                     (PlaceBits + 1)'(1);
  assign busy    = left_q != '0;
  assign read    = busy && !read_q;
  assign lookup  = req_valid_i && !miss_q && !busy;
  assign hit     = lookup && burst_end <= (PlaceBits + 1)'(kept_q);
  assign store   = bus_valid_i && !bus_error_i && place_q == kept_q &&
                   place_q != PlaceBits'(Depth);
  assign last    = wiping_q && place_q == PlaceBits'(Depth - 1);

  assign req_ready_o     = miss_q ? bus_req_ready_i : taken_q;
  assign bus_req_valid_o = miss_q && req_valid_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      miss_q   <= 1'b0;
      taken_q  <= 1'b0;
      left_q   <= '0;
      place_q  <= '0;
    end else if (clear_i) begin
      miss_q   <= 1'b0;
      taken_q  <= 1'b0;
      left_q   <= '0;
      place_q  <= '0;
    end else begin
      miss_q   <= miss_q || (lookup && !hit);
      taken_q  <= hit;
      if (hit)       left_q <= (LenBits + 1)'(req_len_i[LenBits-1:0]) + (LenBits + 1)'(1);
      else if (read) left_q <= left_q - (LenBits + 1)'(1);
      if (last) begin
        place_q <= '0;
      end else if (read || wiping_q || (bus_valid_i && place_q != PlaceBits'(Depth))) begin
        place_q <= place_q + PlaceBits'(1);
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      kept_q   <= '0;
      wiping_q <= 1'b0;
    end else begin
      if (flush_i)    kept_q <= '0;
      else if (store) kept_q <= kept_q + PlaceBits'(1);
      wiping_q <= wipe_i || (wiping_q && !last);
    end
  end

  // ---------------------------------------------------------------------------------------------
  // The memory and its output register.
  // ---------------------------------------------------------------------------------------------
  logic [DataWords*WordBits-1:0] wdata, rdata, beat_q;
  logic [DataBits-1:0]           beat;
  logic [DataWords-1:0]          uncorrectable;

  trine_sram #(
    .Width    (DataWords * WordBits),
    .Depth    (Depth),
    .MaskBits (DataWords * WordBits)
  ) u_sram (
    .clk_i,
    .en_i    (read || store || wiping_q),
    .we_i    (store || wiping_q),
    .addr_i  (place_q[AddrBits-1:0]),
    .mask_i  ('1),
    .wdata_i (wiping_q ? '0 : wdata),
    .rdata_o (rdata)
  );

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)      {rsp_valid_q, read_q} <= '0;
    else if (clear_i) {rsp_valid_q, read_q} <= '0;
    else              {rsp_valid_q, read_q} <= {read_q, read};
  end

  always_ff @(posedge clk_i) begin
    if (read_q) beat_q <= rdata;
    {rsp_last_q, last_q} <= {last_q, left_q == (LenBits + 1)'(1)};
  end

  assign rsp_valid_o = bus_valid_i || rsp_valid_q;
  assign rsp_data_o  = rsp_valid_q ? beat : bus_data_i;
  assign rsp_error_o = rsp_valid_q ? uncorrectable != '0 : bus_error_i;
  assign rsp_last_o  = rsp_valid_q ? rsp_last_q : bus_last_i;

  // ---------------------------------------------------------------------------------------------
  // Error correction.
  // ---------------------------------------------------------------------------------------------
  assign state_o.wiping = wiping_q;

  if (Ecc) begin : gen_code
    localparam int unsigned WordAddrBits = AddrBits + $clog2(DataWords);

    logic [DataWords-1:0]         fixed, corrected_q;
    logic [AddrBits-1:0]          beat_place_q;  // index of the next beat, from 0 on
    logic [$clog2(DataWords)-1:0] word;          // the first word that cannot be corrected
    logic [WordAddrBits-1:0]      fatal_word_q;
    logic                         fatal_q;
    logic [31:0]                  count_q;

    for (genvar w = 0; w < DataWords; w++) begin : gen_word
      trine_ecc_encode u_encode (
        .data_i (bus_data_i[32*w +: 32]),
        .word_o (wdata[WordBits*w +: WordBits])
      );
      trine_ecc_decode u_decode (
        .word_i      (beat_q[WordBits*w +: WordBits]),
        .data_o      (beat[32*w +: 32]),
        .corrected_o (fixed[w]),
        .fatal_o     (uncorrectable[w])
      );
    end

    always_comb begin
      word = '0;
      for (int unsigned w = DataWords; w > 0; w--) begin
        if (uncorrectable[w-1]) word = ($clog2(DataWords))'(w - 1);
      end
    end

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        beat_place_q <= '0;
        corrected_q  <= '0;
        count_q      <= '0;
        fatal_q      <= 1'b0;
      end else begin
        if (clear_i)     beat_place_q <= '0;
        else if (rsp_valid_q) beat_place_q <= beat_place_q + AddrBits'(1);
        corrected_q <= rsp_valid_q ? fixed : '0;
        count_q     <= start_i ? '0 : count_q + 32'($countones(corrected_q));
        fatal_q     <= !clear_i && (fatal_q || (rsp_valid_q && uncorrectable != '0));
      end
    end

    always_ff @(posedge clk_i) begin
      if (!fatal_q) fatal_word_q <= {beat_place_q, word};
    end

    assign state_o.fatal      = fatal_q;
    assign state_o.fatal_addr = {1'b1, 33'(fatal_word_q)};
    assign state_o.count      = count_q;
  end else begin : gen_plain
    logic unused_start;
    assign wdata              = bus_data_i;
    assign beat               = beat_q;
    assign uncorrectable      = '0;
    assign state_o.fatal      = 1'b0;
    assign state_o.fatal_addr = '0;
    assign state_o.count      = '0;
    assign unused_start       = start_i;
  end

  logic unused_len;
  assign unused_len = ^req_len_i;

`ifdef TRINE_ASSERT
  logic live_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (live_q) begin
      m_len:    assume (!req_valid_i || req_len_i[7:LenBits] == '0);
      m_wipe:   assume (!wipe_i || clear_i);
      m_alone:  assume (!(wiping_q && (req_valid_i || bus_valid_i)));
      a_kept:   assert (kept_q <= PlaceBits'(Depth));
      a_inside: assert (!read || wiping_q || place_q < kept_q || flush_i);
      a_source: assert (!(rsp_valid_q && bus_valid_i));
      c_kept:   cover (rsp_valid_q);
    end
  end
`endif

endmodule
