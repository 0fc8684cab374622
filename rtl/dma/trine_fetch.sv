// SPDX-License-Identifier: Apache-2.0
//
// Fetches the program from DRAM and streams its 64-bit words in order.
//
// The module requests bursts in advance. It requests a burst only if the buffer has room for all
// outstanding beats, so every response is accepted without delay. After an erroneous response, no
// more words are stored. error_o rises when the words before the error have been taken, so offset_o
// is the offset of the failing word.
//
// Timing    Throughput is one word per cycle, or less while a burst is written into the single-port
//           buffer.
// Contract  start_i comes once after clear_i. program_i, which is a multiple of DataBits / 8, and
//           words_i hold.
// Check     trine_control_tb

module trine_fetch #(
  parameter int unsigned AxiAddrBits = 32,
  parameter int unsigned DataBits    = 64
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,
  input  logic                   clear_i,

  input  logic                   start_i,
  input  logic [AxiAddrBits-1:0] program_i,
  input  logic [31:0]            words_i,

  // Read client.
  output logic                   req_valid_o,
  input  logic                   req_ready_i,
  output logic [AxiAddrBits-1:0] req_addr_o,
  output logic [7:0]             req_len_o,
  input  logic                   outside_i,    // the request is not allowed, and never ready
  input  logic                   rsp_valid_i,
  input  logic [DataBits-1:0]    rsp_data_i,
  input  logic                   rsp_error_i,
  input  logic                   rsp_last_i,   // last of a burst

  // Words; the byte offset of the word in the program.
  output logic                   word_valid_o,
  input  logic                   word_ready_i,
  output logic [63:0]            word_o,
  output logic [34:0]            offset_o,
  output logic                   out_of_words_o,
  output logic                   error_o,
  // all words before a request outside the window were taken
  output logic                   outside_o
);

  // The buffer stores two bursts. It always has 4 Kibit: the smallest macro of common memory
  // compilers.
  localparam int unsigned Depth     = 2 * trine_dma_pkg::FetchBits / DataBits;
  localparam int unsigned BeatShift = $clog2(DataBits / 8);
  localparam int unsigned WordShift = BeatShift - 3;  // words in a beat: 2^WordShift
  localparam int unsigned CountBits = 32 - WordShift;
  localparam int unsigned FreeBits  = $clog2(Depth + 1);

  // ---------------------------------------------------------------------------------------------
  // Requests. A burst is requested only if the buffer has room for it.
  // ---------------------------------------------------------------------------------------------
  logic [31:0]         words_last;
  logic [FreeBits-1:0] free_d, free_q;
  logic [7:0]          len;
  logic                burst_valid, burst_ready, room, requesting, beat_taken, requested;

  assign words_last  = words_i - 32'd1;
  assign room        = free_q >= FreeBits'(Depth / 2);  // for the longest burst
  assign req_valid_o = burst_valid && room;
  assign req_len_o   = len;
  assign burst_ready = req_ready_i && room;
  assign requested   = burst_valid && burst_ready;
  assign free_d      = free_q + FreeBits'(beat_taken) - (requested ? FreeBits'(len) + FreeBits'(1)
                                                                   : FreeBits'(0));

  trine_dma_requests #(
    .AddrBits  (AxiAddrBits),
    .BeatBytes (DataBits / 8),
    .MaxBeats  (Depth / 2),
    .CountBits (CountBits),
    .Rows2D    (1'b0)
  ) u_requests (
    .clk_i        (clk_i),
    .rst_ni       (rst_ni),
    .clear_i      (clear_i),
    .start_i      (start_i),
    .addr_i       (program_i[AxiAddrBits-1:BeatShift]),
    .stride_i     ('0),
    .beats_last_i (words_last[31:WordShift]),
    .rows_last_i  (16'd0),
    .busy_o       (requesting),
    .valid_o      (burst_valid),
    .ready_i      (burst_ready),
    .addr_o       (req_addr_o),
    .len_o        (len)
  );

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      free_q <= FreeBits'(Depth);
    end else if (clear_i) begin
      free_q <= FreeBits'(Depth);
    end else begin
      free_q <= free_d;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // Bursts end at multiples of the longest burst (trine_dma_bursts), and at the end of the program.
  // When all bursts have been requested, the last outstanding beat is the last beat of the program.
  // A burst that ends elsewhere is an error.
  // ---------------------------------------------------------------------------------------------
  localparam int unsigned ChunkBits = $clog2(Depth / 2);

  logic [ChunkBits-1:0] place_q;  // of the next beat
  logic [FreeBits-1:0]  outstanding_q;
  logic                 burst_ends, bad;

  assign burst_ends = (&place_q) || (!requesting && outstanding_q == FreeBits'(1));
  assign bad        = rsp_error_i || rsp_last_i != burst_ends;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni)      outstanding_q <= '0;
    else if (clear_i) outstanding_q <= '0;
    else outstanding_q <= outstanding_q - FreeBits'(rsp_valid_i) +
                          (requested ? FreeBits'(len) + FreeBits'(1) : FreeBits'(0));
  end

  always_ff @(posedge clk_i) begin
    if (start_i)          place_q <= program_i[BeatShift +: ChunkBits];
    else if (rsp_valid_i) place_q <= place_q + ChunkBits'(1);
  end

  // ---------------------------------------------------------------------------------------------
  // Buffer and words.
  // ---------------------------------------------------------------------------------------------
  logic                started_q, failed_q, beat_valid, word_taken, empty, beat_ready;
  logic [31:0]         index_q;
  logic [DataBits-1:0] beat;

  trine_queue #(
    .Width (DataBits),
    .Depth (Depth)
  ) u_buffer (
    .clk_i       (clk_i),
    .rst_ni      (rst_ni),
    .clear_i     (clear_i),
    .in_valid_i  (rsp_valid_i && !bad && !failed_q),
    .in_ready_o  (beat_ready),
    .in_data_i   (rsp_data_i),
    .out_valid_o (beat_valid),
    .out_ready_i (beat_taken),
    .out_data_o  (beat),
    .empty_o     (empty)
  );

  if (WordShift == 0) begin : gen_one
    assign word_o     = beat;
    assign beat_taken = word_taken;
  end else begin : gen_several
    logic [WordShift-1:0] place;
    assign place      = index_q[WordShift-1:0];
    assign word_o     = beat[64*place +: 64];
    assign beat_taken = word_taken && (&place);
  end

  assign out_of_words_o = started_q && index_q == words_i;
  assign word_valid_o   = beat_valid && !out_of_words_o;
  assign word_taken     = word_valid_o && word_ready_i;
  assign offset_o       = {index_q, 3'd0};
  assign error_o        = failed_q && empty;
  assign outside_o      = outside_i && free_q == FreeBits'(Depth);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      started_q <= 1'b0;
      failed_q  <= 1'b0;
      index_q   <= 32'd0;
    end else if (clear_i) begin
      started_q <= 1'b0;
      failed_q  <= 1'b0;
      index_q   <= 32'd0;
    end else begin
      started_q <= started_q || start_i;
      failed_q  <= failed_q || (rsp_valid_i && bad);
      if (word_taken) index_q <= index_q + 32'd1;
    end
  end

  logic unused_low;  // the buffer always has room for a beat
  assign unused_low = ^{program_i[BeatShift-1:0], words_last, beat_ready};

`ifdef TRINE_ASSERT
  logic                   live_q;
  logic [AxiAddrBits-1:0] held_program_q;
  logic [31:0]            held_words_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) live_q <= 1'b0;
    else         live_q <= 1'b1;
  end

  always_ff @(posedge clk_i) begin
    held_program_q <= program_i;
    held_words_q   <= words_i;
    if (live_q && !clear_i) begin
      if (started_q) begin
        m_start_once: assume (!start_i);
        m_held:       assume (program_i == held_program_q && words_i == held_words_q);
      end
      if (rsp_valid_i) m_asked: assume (outstanding_q != '0);
      if (rsp_valid_i && !bad && !failed_q) a_place: assert (beat_ready);
      a_places: assert (32'(free_q) + 32'(outstanding_q) <= Depth);
    end
  end
`endif

endmodule
