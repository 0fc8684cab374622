// SPDX-License-Identifier: Apache-2.0
//
// Stores the bias, multiplier and shift of each output channel (bias and scale memories). A bias is
// an int32 value, and a multiplier a Q31 value. A beat contains DataWords biases, or DataWords/2
// scales of 64 bits each, of which 37 are stored. A beat is written in one cycle. With
// Drain = 2, a read gives a channel and the next channel, and even and odd channels have their own
// memories. After the last channel, the second value is undefined. Multipliers and shifts are in
// separate memories: 31 and 6 bits fill macros of 32 and 8 bits, while 37 bits fill no macro.
//
// Reads have priority, with up to one read per cycle. Writes wait in front of the memories
// (trine_skid). A row contains two or more neighbouring entries of a bank, and a read of the row
// that was read last needs no memory access. Columns come in the order of their channels, so they
// leave at least every second cycle to the writes. The next channel is in the same row or in the
// next row. One bit of the channel number shows which.
//
//   cycle          0    1    2    3    4        Drain = 1, two entries per row
//   r_channel_i    4    5    6    7             memory reads in cycles 0 and 2
//   r_next_i       0    1    1    1
//   bias_we_i      A    B    B                  A waits and is written in 1, B in 3
//   w_ready_o      1    0    1    0    1
//
// Timing    A read is answered one cycle later. The answer holds until the next read.
// Contract  channel < Channels. Channels is a multiple of DataWords. r_next_i comes only for the
//           next channel after the last read or, with Drain = 2, for the next but one. A
//           channel whose parameters are still to be written is not read, except as the unused
//           second channel of two. This holds because a write is done before its channel is used:
//           the columns of a new RUN wait for empty lanes.
//
// Check     trine_params_tb

module trine_params #(
  parameter int unsigned Channels  = 512,
  parameter int unsigned DataWords = 2,  // power of two, at least 2
  parameter int unsigned Drain     = 1,  // channels read at once: 1, 2
  localparam int unsigned DataBits      = 32 * DataWords,
  localparam int unsigned ScaleWords    = DataWords / 2,
  localparam int unsigned ChannelBits   = $clog2(Channels),
  localparam int unsigned BiasAddrBits  = $clog2(Channels / DataWords),
  localparam int unsigned ScaleAddrBits = $clog2(Channels / ScaleWords)
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,
  input  logic                     clear_i,      // drops the waiting write

  input  logic                     r_valid_i,
  input  logic                     r_next_i,     // r_channel_i follows the channel read last
  input  logic [ChannelBits-1:0]   r_channel_i,
  output logic [Drain*32-1:0]      bias_o,
  output logic [Drain*31-1:0]      multiplier_o,
  output logic [Drain*6-1:0]       shift_o,

  output logic                     w_ready_o,
  input  logic                     bias_we_i,
  input  logic [BiasAddrBits-1:0]  bias_addr_i,
  input  logic                     scale_we_i,
  input  logic [ScaleAddrBits-1:0] scale_addr_i,
  input  logic [DataBits-1:0]      wdata_i
);

  localparam int unsigned MultiplierBits = 31;
  localparam int unsigned ShiftBits      = 6;

  // ---------------------------------------------------------------------------------------------
  // The write that waits in the skid buffer, or that arrives.
  // ---------------------------------------------------------------------------------------------
  logic                     write, write_bias, write_scale, we_bias, we_scale;
  logic [Drain-1:0]         bias_read, scale_read;  // banks that are read in this cycle
  logic [BiasAddrBits-1:0]  bias_addr;
  logic [ScaleAddrBits-1:0] scale_addr;
  logic [DataBits-1:0]      wdata;

  assign write_bias  = write && we_bias && bias_read == '0;
  assign write_scale = write && we_scale && scale_read == '0;

  trine_skid #(.Width(2 + BiasAddrBits + ScaleAddrBits + DataBits)) u_skid (
    .clk_i,
    .rst_ni,
    .clear_i,
    .in_valid_i  (bias_we_i || scale_we_i),
    .in_ready_o  (w_ready_o),
    .in_data_i   ({bias_we_i, scale_we_i, bias_addr_i, scale_addr_i, wdata_i}),
    .out_valid_o (write),
    .out_ready_i (write_bias == we_bias && write_scale == we_scale),
    .out_data_o  ({we_bias, we_scale, bias_addr, scale_addr, wdata})
  );

  logic [ScaleWords*MultiplierBits-1:0] multipliers;  // of the beat
  logic [ScaleWords*ShiftBits-1:0]      shifts;

  always_comb begin
    for (int unsigned w = 0; w < ScaleWords; w++) begin
      multipliers[w*MultiplierBits +: MultiplierBits] = wdata[w*64 +: MultiplierBits];
      shifts[w*ShiftBits +: ShiftBits] = wdata[w*64 + MultiplierBits +: ShiftBits];
    end
  end

  logic unused_scale;  // bits 63:37 of each scale in DRAM
  assign unused_scale = ^wdata;

  // ---------------------------------------------------------------------------------------------
  // A bank stores every Drain-th entry, starting with the bank's number. A beat contains entries of
  // each bank, or a single scale.
  // ---------------------------------------------------------------------------------------------
  logic [31:0]               bias [Drain];
  logic [MultiplierBits-1:0] multiplier [Drain];
  logic [ShiftBits-1:0]      shift [Drain];

  for (genvar b = 0; b < Drain; b++) begin : gen_bank
    // Entries of a beat and of a row.
    localparam int unsigned Entries    = Channels / Drain;
    localparam int unsigned BeatBiases = DataWords / Drain;
    localparam int unsigned RowBiases  = BeatBiases < 2 ? 2 : BeatBiases;
    localparam int unsigned BeatScales = ScaleWords < Drain ? 1 : ScaleWords / Drain;
    localparam int unsigned RowScales  = BeatScales < 2 ? 2 : BeatScales;
    localparam int unsigned BiasRows   = (Entries + RowBiases - 1) / RowBiases;
    localparam int unsigned ScaleRows  = (Entries + RowScales - 1) / RowScales;
    localparam int unsigned BiasRowBits  = BiasRows > 1 ? $clog2(BiasRows) : 1;
    localparam int unsigned ScaleRowBits = ScaleRows > 1 ? $clog2(ScaleRows) : 1;
    localparam int unsigned BiasBits     = $clog2(RowBiases);
    localparam int unsigned ScaleBits    = $clog2(RowScales);
    localparam int unsigned EntryBits    = Entries > 1 ? $clog2(Entries) : 1;

    // The entry to read, and the first entries to write. If an odd channel is read, the next
    // channel is in the even bank. After the last channel, the entry in the even bank is 0.
    logic [ChannelBits-1:0]              entry;
    logic [EntryBits-1:0]                read_entry, bias_entry, scale_entry;
    logic [BiasRowBits-1:0]              bias_row, bias_row_q;
    logic [ScaleRowBits-1:0]             scale_row, scale_row_q;
    logic [BiasBits-1:0]                 bias_at_q;   // in its row
    logic [ScaleBits-1:0]                scale_at_q;
    logic                                bias_valid_q, scale_valid_q, scale_row_sel, scale_we;
    logic                                bias_turn, scale_turn;  // lowest bits of rows
    logic [RowBiases*32-1:0]             biases, bias_mask;
    logic [RowScales*MultiplierBits-1:0] scales, multiplier_mask;
    logic [RowScales*ShiftBits-1:0]      amounts, shift_mask;
    logic [BeatBiases*32-1:0]            bias_beat;
    logic [BeatScales*MultiplierBits-1:0] multiplier_beat;
    logic [BeatScales*ShiftBits-1:0]     shift_beat;

    for (genvar w = 0; w < BeatBiases; w++) begin : gen_bias
      assign bias_beat[w*32 +: 32] = wdata[(w*Drain+b)*32 +: 32];
    end
    if (Drain == 1) begin : gen_all
      assign entry = r_channel_i;
    end else if (b == 0) begin : gen_evens
      // If the channel numbers use all values of their bits, the addition wraps by itself.
      localparam bit Wraps = Channels != 1 << ChannelBits;
      assign entry = Wraps && 32'(r_channel_i) == Channels - 1
                     ? '0 : (r_channel_i >> 1) + ChannelBits'(r_channel_i[0]);
    end else begin : gen_odds
      assign entry = r_channel_i >> 1;
    end

    if (ScaleWords < Drain) begin : gen_turns
      assign multiplier_beat = multipliers;
      assign shift_beat      = shifts;
      assign scale_entry     = EntryBits'(scale_addr >> 1);
      assign scale_row_sel   = scale_addr[0] == 1'(b);
    end else begin : gen_share
      for (genvar w = 0; w < BeatScales; w++) begin : gen_scale
        assign multiplier_beat[w*MultiplierBits +: MultiplierBits] =
            multipliers[(w*Drain+b)*MultiplierBits +: MultiplierBits];
        assign shift_beat[w*ShiftBits +: ShiftBits] =
            shifts[(w*Drain+b)*ShiftBits +: ShiftBits];
      end
      assign scale_entry   = EntryBits'(scale_addr * BeatScales);
      assign scale_row_sel = 1'b1;
    end

    // A row that was read last, and not written since, needs no access.
    assign read_entry    = EntryBits'(entry);
    assign bias_entry    = EntryBits'(bias_addr * BeatBiases);
    assign scale_we      = write_scale && scale_row_sel;
    assign bias_turn     = 1'(read_entry >> BiasBits);
    assign scale_turn    = 1'(read_entry >> ScaleBits);
    assign bias_read[b]  = r_valid_i && !(r_next_i && bias_valid_q && bias_turn == bias_row_q[0]);
    assign scale_read[b] = r_valid_i && !(r_next_i && scale_valid_q &&
                                          scale_turn == scale_row_q[0]);
    assign bias_row      = BiasRowBits'((bias_read[b] ? read_entry : bias_entry) >> BiasBits);
    assign scale_row     = ScaleRowBits'((scale_read[b] ? read_entry : scale_entry) >> ScaleBits);

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        bias_valid_q  <= 1'b0;
        scale_valid_q <= 1'b0;
      end else begin
        if (bias_read[b]) bias_valid_q <= 1'b1;
        else if (write_bias && bias_row == bias_row_q) bias_valid_q <= 1'b0;
        if (scale_read[b]) scale_valid_q <= 1'b1;
        else if (scale_we && scale_row == scale_row_q) scale_valid_q <= 1'b0;
      end
    end

    always_ff @(posedge clk_i) begin
      if (bias_read[b]) bias_row_q <= bias_row;
      if (scale_read[b]) scale_row_q <= scale_row;
      if (r_valid_i) begin
        bias_at_q  <= read_entry[BiasBits-1:0];
        scale_at_q <= read_entry[ScaleBits-1:0];
      end
    end

    // Selects the part of its row that a beat writes.
    always_comb begin
      for (int unsigned w = 0; w < RowBiases; w++) begin
        bias_mask[w*32 +: 32] =
            {32{bias_entry[BiasBits-1:0] == BiasBits'(w / BeatBiases * BeatBiases)}};
      end
      for (int unsigned w = 0; w < RowScales; w++) begin
        multiplier_mask[w*MultiplierBits +: MultiplierBits] =
            {MultiplierBits{scale_entry[ScaleBits-1:0] == ScaleBits'(w / BeatScales * BeatScales)}};
        shift_mask[w*ShiftBits +: ShiftBits] =
            {ShiftBits{scale_entry[ScaleBits-1:0] == ScaleBits'(w / BeatScales * BeatScales)}};
      end
    end

    trine_sram #(
      .Width    (RowBiases * 32),
      .Depth    (BiasRows),
      .MaskBits (BeatBiases * 32)
    ) u_bias (
      .clk_i,
      .en_i    (bias_read[b] || write_bias),
      .we_i    (write_bias),
      .addr_i  (bias_row),
      .mask_i  (bias_mask),
      .wdata_i ({RowBiases/BeatBiases{bias_beat}}),
      .rdata_o (biases)
    );

    trine_sram #(
      .Width    (RowScales * MultiplierBits),
      .Depth    (ScaleRows),
      .MaskBits (BeatScales * MultiplierBits)
    ) u_multiplier (
      .clk_i,
      .en_i    (scale_read[b] || scale_we),
      .we_i    (scale_we),
      .addr_i  (scale_row),
      .mask_i  (multiplier_mask),
      .wdata_i ({RowScales/BeatScales{multiplier_beat}}),
      .rdata_o (scales)
    );

    trine_sram #(
      .Width    (RowScales * ShiftBits),
      .Depth    (ScaleRows),
      .MaskBits (BeatScales * ShiftBits)
    ) u_shift (
      .clk_i,
      .en_i    (scale_read[b] || scale_we),
      .we_i    (scale_we),
      .addr_i  (scale_row),
      .mask_i  (shift_mask),
      .wdata_i ({RowScales/BeatScales{shift_beat}}),
      .rdata_o (amounts)
    );

    assign bias[b] = biases[{bias_at_q, 5'd0} +: 32];

    always_comb begin
      multiplier[b] = '0;
      shift[b]      = '0;
      for (int unsigned w = 0; w < RowScales; w++) begin
        if (scale_at_q == ScaleBits'(w)) begin
          multiplier[b] = scales[w*MultiplierBits +: MultiplierBits];
          shift[b]      = amounts[w*ShiftBits +: ShiftBits];
        end
      end
    end

    logic unused_entry;
    assign unused_entry = ^{entry, bias_entry, scale_entry};

`ifdef TRINE_ASSERT
    always_ff @(posedge clk_i) begin
      if (r_valid_i) a_inside: assert (32'(read_entry) < Entries);
      // A channel whose parameters wait to be written is not read; its neighbours may be.
      if (r_valid_i && 32'(r_channel_i) % Drain == b) begin
        if (write && we_bias) begin
          m_bias_written: assume (32'(read_entry) / BeatBiases != 32'(bias_entry) / BeatBiases);
        end
        if (write && we_scale && scale_row_sel) begin
          m_scale_written: assume (32'(read_entry) / BeatScales != 32'(scale_entry) / BeatScales);
        end
      end
      c_waits: cover (write && we_scale && scale_read[b]);
    end
`endif
  end

  logic first_q;  // bank of the channel

  if (Drain == 1) begin : gen_first
    assign first_q = 1'b0;
  end else begin : gen_turn
    always_ff @(posedge clk_i) begin
      if (r_valid_i) first_q <= r_channel_i[0];
    end
  end

  for (genvar d = 0; d < Drain; d++) begin : gen_out
    localparam int unsigned Other = Drain - 1 - d;
    assign bias_o[d*32 +: 32]       = first_q ? bias[Other] : bias[d];
    assign multiplier_o[d*31 +: 31] = first_q ? multiplier[Other] : multiplier[d];
    assign shift_o[d*6 +: 6]        = first_q ? shift[Other] : shift[d];
  end

`ifdef TRINE_ASSERT
  always_ff @(posedge clk_i) begin
    if (r_valid_i) m_channel: assume (32'(r_channel_i) < Channels);
  end
`endif

endmodule
