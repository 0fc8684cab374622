// SPDX-License-Identifier: Apache-2.0
//
// Bias and scale memories: for each output channel an int32 bias, a Q31 multiplier and a shift.
// A beat of DataWords biases, or of DataWords/2 scales (64 bits each, 37 kept), is written at once.
// With Drain = 2 a read gives a channel and the next one, or behind the last channel the first:
// even and odd channels have memories of their own. Multipliers and shifts lie apart: 31 and 6 bits
// fill macros of 32 and 8, 37 fill none.
//
// Timing    a read answers one cycle later and holds until the next read. A write goes first: the
//           read of that cycle is refused (r_ready_o low); the post unit says when it
//           cannot wait (trine_post's p_lock_o).
// Contract  channel < Channels; Channels is a multiple of DataWords.
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

  input  logic                     r_valid_i,
  output logic                     r_ready_o,
  input  logic [ChannelBits-1:0]   r_channel_i,
  output logic [Drain*32-1:0]      bias_o,
  output logic [Drain*31-1:0]      multiplier_o,
  output logic [Drain*6-1:0]       shift_o,

  input  logic                     bias_we_i,
  input  logic [BiasAddrBits-1:0]  bias_addr_i,
  input  logic [DataBits-1:0]      bias_wdata_i,
  input  logic                     scale_we_i,
  input  logic [ScaleAddrBits-1:0] scale_addr_i,
  input  logic [DataBits-1:0]      scale_wdata_i
);

  localparam int unsigned MultiplierBits = 31;
  localparam int unsigned ShiftBits      = 6;

  logic                                 read;
  logic [ScaleWords*MultiplierBits-1:0] multipliers;  // of the beat
  logic [ScaleWords*ShiftBits-1:0]      shifts;

  assign r_ready_o = !bias_we_i && !scale_we_i;
  assign read      = r_valid_i && r_ready_o;

  always_comb begin
    for (int unsigned w = 0; w < ScaleWords; w++) begin
      multipliers[w*MultiplierBits +: MultiplierBits] = scale_wdata_i[w*64 +: MultiplierBits];
      shifts[w*ShiftBits +: ShiftBits] = scale_wdata_i[w*64 + MultiplierBits +: ShiftBits];
    end
  end

  logic unused_scale;  // bits 63:37 of each scale in DRAM
  assign unused_scale = ^scale_wdata_i;

  // Every Drain-th entry, from the bank's number on. A beat holds some of each bank, but of one
  // scale only.
  logic [31:0]               bias [Drain];
  logic [MultiplierBits-1:0] multiplier [Drain];
  logic [ShiftBits-1:0]      shift [Drain];

  for (genvar b = 0; b < Drain; b++) begin : gen_bank
    localparam int unsigned BiasWords  = DataWords / Drain;
    localparam int unsigned BankScales = ScaleWords < Drain ? 1 : ScaleWords / Drain;
    localparam int unsigned BankRows   = Channels / Drain / BankScales;
    localparam int unsigned RowBits    = $clog2(BankRows);

    // that is read: of an odd channel and the next, the next is even, of the last one it is 0
    logic [ChannelBits-1:0]               entry;
    logic [BiasWords*32-1:0]              bias_row, bias_beat;
    logic [BankScales*MultiplierBits-1:0] multiplier_row, multiplier_beat;
    logic [BankScales*ShiftBits-1:0]      shift_row, shift_beat;
    logic [RowBits-1:0]                   scale_wrow, scale_addr;
    logic                                 scale_we;

    for (genvar w = 0; w < BiasWords; w++) begin : gen_bias
      assign bias_beat[w*32 +: 32] = bias_wdata_i[(w*Drain+b)*32 +: 32];
    end
    if (Drain == 1) begin : gen_all
      assign entry = r_channel_i;
    end else if (b == 0) begin : gen_evens
      // Where a row's number has all values, it wraps by itself.
      localparam bit Wraps = Channels != 1 << ChannelBits;
      assign entry = Wraps && 32'(r_channel_i) == Channels - 1
                     ? '0 : (r_channel_i >> 1) + ChannelBits'(r_channel_i[0]);
    end else begin : gen_odds
      assign entry = r_channel_i >> 1;
    end

    if (ScaleWords < Drain) begin : gen_turns
      assign multiplier_beat = multipliers;
      assign shift_beat      = shifts;
      assign scale_wrow      = RowBits'(scale_addr_i >> 1);
      assign scale_we        = scale_we_i && scale_addr_i[0] == 1'(b);
    end else begin : gen_share
      for (genvar w = 0; w < BankScales; w++) begin : gen_scale
        assign multiplier_beat[w*MultiplierBits +: MultiplierBits] =
            multipliers[(w*Drain+b)*MultiplierBits +: MultiplierBits];
        assign shift_beat[w*ShiftBits +: ShiftBits] =
            shifts[(w*Drain+b)*ShiftBits +: ShiftBits];
      end
      assign scale_wrow = scale_addr_i;
      assign scale_we   = scale_we_i;
    end

    trine_sram #(
      .Width    (BiasWords * 32),
      .Depth    (Channels / DataWords),
      .MaskBits (BiasWords * 32)
    ) u_bias (
      .clk_i,
      .en_i    (read || bias_we_i),
      .we_i    (bias_we_i),
      .addr_i  (bias_we_i ? bias_addr_i : BiasAddrBits'(entry >> $clog2(BiasWords))),
      .mask_i  ('1),
      .wdata_i (bias_beat),
      .rdata_o (bias_row)
    );

    assign scale_addr = scale_we ? scale_wrow : RowBits'(entry >> $clog2(BankScales));

    trine_sram #(
      .Width    (BankScales * MultiplierBits),
      .Depth    (BankRows),
      .MaskBits (BankScales * MultiplierBits)
    ) u_multiplier (
      .clk_i,
      .en_i    (read || scale_we),
      .we_i    (scale_we),
      .addr_i  (scale_addr),
      .mask_i  ('1),
      .wdata_i (multiplier_beat),
      .rdata_o (multiplier_row)
    );

    trine_sram #(
      .Width    (BankScales * ShiftBits),
      .Depth    (BankRows),
      .MaskBits (BankScales * ShiftBits)
    ) u_shift (
      .clk_i,
      .en_i    (read || scale_we),
      .we_i    (scale_we),
      .addr_i  (scale_addr),
      .mask_i  ('1),
      .wdata_i (shift_beat),
      .rdata_o (shift_row)
    );

    if (BiasWords == 1) begin : gen_one_bias
      assign bias[b] = bias_row;
    end else begin : gen_biases
      logic [$clog2(BiasWords)-1:0] select_q;
      always_ff @(posedge clk_i) begin
        if (read) select_q <= entry[$clog2(BiasWords)-1:0];
      end
      assign bias[b] = bias_row[{select_q, 5'd0} +: 32];
    end

    if (BankScales == 1) begin : gen_one_scale
      assign multiplier[b] = multiplier_row;
      assign shift[b]      = shift_row;
    end else begin : gen_scales
      logic [$clog2(BankScales)-1:0] select_q;
      always_ff @(posedge clk_i) begin
        if (read) select_q <= entry[$clog2(BankScales)-1:0];
      end
      always_comb begin
        multiplier[b] = '0;
        shift[b]      = '0;
        for (int unsigned w = 0; w < BankScales; w++) begin
          if (select_q == $clog2(BankScales)'(w)) begin
            multiplier[b] = multiplier_row[w*MultiplierBits +: MultiplierBits];
            shift[b]      = shift_row[w*ShiftBits +: ShiftBits];
          end
        end
      end
    end
  end

  logic first_q;  // bank of the channel

  if (Drain == 1) begin : gen_first
    assign first_q = 1'b0;
  end else begin : gen_turn
    always_ff @(posedge clk_i) begin
      if (read) first_q <= r_channel_i[0];
    end
  end

  for (genvar d = 0; d < Drain; d++) begin : gen_out
    localparam int unsigned Other = Drain - 1 - d;
    assign bias_o[d*32 +: 32]       = first_q ? bias[Other] : bias[d];
    assign multiplier_o[d*31 +: 31] = first_q ? multiplier[Other] : multiplier[d];
    assign shift_o[d*6 +: 6]        = first_q ? shift[Other] : shift[d];
  end

`ifdef TRINE_ASSERT
  // Both reads are of channels that there are.
  for (genvar b = 0; b < Drain; b++) begin : gen_inside
    localparam int unsigned EntryBits = Channels / Drain > 1 ? $clog2(Channels / Drain) : 1;
    always_ff @(posedge clk_i) begin
      if (read) begin
        a_inside: assert (32'(EntryBits'(gen_bank[b].entry)) < Channels / Drain);
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (r_valid_i) m_channel: assume (32'(r_channel_i) < Channels);
    if (read) a_write_first: assert (!bias_we_i && !scale_we_i);
  end
`endif

endmodule
