// SPDX-License-Identifier: Apache-2.0
//
// Checks whether a program word is a valid instruction and whether this configuration supports it.
// It checks these parts of a word:
//
//   RUN   the operation, and the flags that select hardware; the flag half_even is valid only
//         together with the flag single
//   SET   the fields `output` and `encoding` of the compute and vector engine, which also select
//         hardware; the coordinates of lanes, which must fit in the 14 bits of trine_agu
//         (-8192..8191); the difference x_end - x_start
//
// spec/isa.def lists the features that each operation and code needs. It is printed into
// trine_isa_pkg. The simulator refuses the same words, using the same table.
//
// Timing    Outputs are combinational.
// Check     trine_legal_tb: every operation, flag and code under every set of features

module trine_legal #(
  // Optional features that the design supports. If a feature is absent, no gates distinguish its
  // codes from invalid operations.
  parameter bit Int16  = 1'b1,
  parameter bit Int4   = 1'b1,
  parameter bit Groups = 1'b1,
  parameter bit Packed = 1'b1,
  parameter bit Cluster = 1'b1,
  parameter bit Formats = 1'b1,
  parameter bit Sums    = 1'b1
) (
  input  logic [trine_isa_pkg::Features-1:0] features_i,  // constants of the design

  input  trine_isa_pkg::word_t               word_i,        // not the program's first word
  output logic                               illegal_o,     // no configuration supports it
  output logic                               unsupported_o  // valid, but not supported here
);

  localparam int unsigned Features = trine_isa_pkg::Features;
  localparam int unsigned IsInt16  = trine_isa_pkg::FeatureInt16;
  localparam logic [Features-1:0] Later =
      Features'(1) << trine_isa_pkg::FeatureInt16 | Features'(1) << trine_isa_pkg::FeatureInt4 |
      Features'(1) << trine_isa_pkg::FeatureGroups | Features'(1) << trine_isa_pkg::FeaturePacked |
      Features'(1) << trine_isa_pkg::FeatureStreams |
      Features'(1) << trine_isa_pkg::FeatureCluster |
      Features'(1) << trine_isa_pkg::FeatureFormats;
  localparam logic [Features-1:0] Absent =
      Features'(!Int16) << trine_isa_pkg::FeatureInt16 |
      Features'(!Int4) << trine_isa_pkg::FeatureInt4 |
      Features'(!Groups) << trine_isa_pkg::FeatureGroups |
      Features'(!Packed) << trine_isa_pkg::FeaturePacked |
      Features'(!Packed) << trine_isa_pkg::FeatureStreams |
      Features'(!Cluster) << trine_isa_pkg::FeatureCluster |
      Features'(!Formats) << trine_isa_pkg::FeatureFormats;

  logic [1:0]          opcode, engine, out_code, encoding;
  logic [3:0]          target;
  logic [7:0]          op;
  logic                from_dmem, low_bytes, window, half_even, single, rescale, known,
                       add_sums;
  logic [Features-1:0] needs;

  // The payload of a RUN or SET.
  trine_isa_pkg::run_payload_t  run;
  trine_isa_pkg::agu_payload_t  agu;
  trine_isa_pkg::post_payload_t post;

  assign run  = word_i.payload;
  assign agu  = word_i.payload;
  assign post = word_i.payload;

  assign opcode    = word_i.opcode;
  assign engine    = word_i.engine;
  assign target    = word_i.reg_index;
  assign op        = run.op;
  assign from_dmem = run.flags[trine_isa_pkg::DmaFlagFromDmem];
  assign low_bytes = run.flags[trine_isa_pkg::DmaFlagLowBytes];
  assign window    = run.flags[trine_isa_pkg::ComputeFlagWindow];
  assign add_sums  = run.flags[trine_isa_pkg::ComputeFlagAddSums];
  assign half_even = run.flags[trine_isa_pkg::ComputeFlagHalfEven];
  assign single    = run.flags[trine_isa_pkg::ComputeFlagSingle];
  assign rescale   = run.flags[trine_isa_pkg::VectorFlagRescale];
  assign out_code  = post.r10.output_;
  assign encoding  = post.r10.encoding;

  // ---------------------------------------------------------------------------------------------
  // RUN: its operation and flags.
  // ---------------------------------------------------------------------------------------------
  logic                run_known;
  logic [Features-1:0] run_needs;

  always_comb begin
    run_known = 1'b0;
    run_needs = '0;
    unique case (engine)
      trine_isa_pkg::EngineLoad: begin
        for (int unsigned i = 0; i < trine_isa_pkg::DmaTargetCodes; i++) begin
          if (op == 8'(i) &&
              (trine_isa_pkg::DmaTargetNeeds[Features*i +: Features] & Absent) == '0) begin
            run_known = trine_isa_pkg::DmaTargetKnown[i];
            run_needs = trine_isa_pkg::DmaTargetNeeds[Features*i +: Features];
          end
        end
        if (from_dmem) begin
          run_known = op == trine_isa_pkg::DmaTargetPmem ||
                      op == trine_isa_pkg::DmaTargetTransposed;
          run_needs[trine_isa_pkg::FeatureMaps] = 1'b1;
        end
        if (low_bytes) begin
          run_known = Int16 && (op == trine_isa_pkg::DmaTargetPmem ||
                                op == trine_isa_pkg::DmaTargetTransposed);
          run_needs[trine_isa_pkg::FeatureMaps] = 1'b1;
          run_needs[IsInt16]                    = 1'b1;
        end
      end
      trine_isa_pkg::EngineCompute: begin
        for (int unsigned i = 0; i < trine_isa_pkg::ComputeOpCodes; i++) begin
          if (op == 8'(i) &&
              (trine_isa_pkg::ComputeOpNeeds[Features*i +: Features] & Absent) == '0) begin
            run_known = trine_isa_pkg::ComputeOpKnown[i];
            run_needs = trine_isa_pkg::ComputeOpNeeds[Features*i +: Features];
          end
        end
        if (window) run_needs[trine_isa_pkg::FeatureWindow] = 1'b1;
        if (add_sums && !Sums) run_known = 1'b0;
      end
      trine_isa_pkg::EngineVector: begin
        for (int unsigned i = 0; i < trine_isa_pkg::VectorOpCodes; i++) begin
          if (op == 8'(i) &&
              (trine_isa_pkg::VectorOpNeeds[Features*i +: Features] & Absent) == '0) begin
            run_known = trine_isa_pkg::VectorOpKnown[i];
            run_needs = trine_isa_pkg::VectorOpNeeds[Features*i +: Features];
          end
        end
        if (rescale && op != 8'(trine_isa_pkg::VectorOpSoftmax)) run_known = 1'b0;
      end
      default: begin  // store
        run_needs[IsInt16] = Int16 && op == trine_isa_pkg::DmaTargetDmem16;
        run_known = (op == trine_isa_pkg::DmaTargetDmem || run_needs[IsInt16]) && !from_dmem;
      end
    endcase
  end

  // ---------------------------------------------------------------------------------------------
  // SET of the register with `output` and `encoding`.
  // ---------------------------------------------------------------------------------------------
  logic                selects, set_known;
  logic [Features-1:0] output_needs, encoding_needs;

  assign selects = target == 4'(trine_isa_pkg::PostOutputReg) &&
                   (engine == trine_isa_pkg::EngineCompute ||
                    engine == trine_isa_pkg::EngineVector);

  always_comb begin
    output_needs   = '0;
    encoding_needs = '0;
    set_known      = 1'b0;
    for (int unsigned i = 0; i < trine_isa_pkg::PostOutputCodes; i++) begin
      if (out_code == 2'(i)) output_needs = trine_isa_pkg::PostOutputNeeds[Features*i +: Features];
    end
    for (int unsigned i = 0; i < trine_isa_pkg::PostEncodingCodes; i++) begin
      if (encoding == 2'(i)) begin
        set_known      = trine_isa_pkg::PostEncodingKnown[i];
        encoding_needs = trine_isa_pkg::PostEncodingNeeds[Features*i +: Features];
      end
    end
    if (engine == trine_isa_pkg::EngineVector &&
        (out_code == trine_isa_pkg::PostOutputThresholds ||
         out_code == trine_isa_pkg::PostOutputRaw)) begin
      set_known = 1'b0;
    end
  end

  // ---------------------------------------------------------------------------------------------
  // SET of coordinates: the bits that trine_agu drops must equal the sign bit, or be zeros. The
  // difference of x_end and x_start must also fit in the bits of a coordinate.
  // ---------------------------------------------------------------------------------------------
  localparam int unsigned CoordBits = trine_isa_pkg::CoordBits;
  localparam int unsigned Sign      = CoordBits - 1;
  localparam int unsigned Cut       = trine_isa_pkg::AguXStartWidth - Sign;

  logic               lanes, fits, span_fits;  // lanes: the SET is for an engine with lanes
  logic [CoordBits:0] span;                    // one more bit than CoordBits: no overflow
  logic [Cut-1:0]     x_start, x_end, y_start, y_end, height, width, tile_x, tile_y;

  assign lanes   = engine == trine_isa_pkg::EngineCompute || engine == trine_isa_pkg::EngineVector;
  assign x_start = agu.r3.x_start[Sign +: Cut];
  assign x_end   = agu.r3.x_end[Sign +: Cut];
  assign y_start = agu.r3.y_start[Sign +: Cut];
  assign y_end   = agu.r4.y_end[Sign +: Cut];
  assign height  = agu.r4.height[Sign +: Cut];
  assign width   = agu.r4.width[Sign +: Cut];
  assign tile_x  = agu.r5.tile_x[Sign +: Cut];
  assign tile_y  = agu.r5.tile_y[Sign +: Cut];

  assign span = {agu.r3.x_end[Sign], agu.r3.x_end[CoordBits-1:0]} -
                {agu.r3.x_start[Sign], agu.r3.x_start[CoordBits-1:0]};
  assign span_fits = span[CoordBits] == span[Sign];

  always_comb begin
    unique case (target)
      4'(trine_isa_pkg::AguXStartReg): begin
        fits = (&x_start || !(|x_start)) && (&x_end || !(|x_end)) &&
               (&y_start || !(|y_start)) && span_fits;
      end
      4'(trine_isa_pkg::AguYEndReg):  fits = (&y_end || !(|y_end)) && {height, width} == '0;
      4'(trine_isa_pkg::AguTileXReg): fits = {tile_x, tile_y} == '0;
      default: fits = 1'b1;
    endcase
  end

  always_comb begin
    known = 1'b0;
    needs = '0;
    unique case (opcode)
      trine_isa_pkg::OpcodeEnd: known = 1'b1;
      trine_isa_pkg::OpcodeRun: begin
        known = run_known && !(lanes && half_even && !single);
        needs = run_needs;
      end
      trine_isa_pkg::OpcodeSet: begin
        known = (!selects || set_known) && (!lanes || fits);
        if (selects) needs = output_needs | encoding_needs;
      end
      default: known = 1'b0;  // BEGIN
    endcase
  end

  logic taken;

  assign taken         = known && (needs & ~features_i & Later) == '0;
  assign illegal_o     = !taken;
  assign unsupported_o = taken && (needs & ~features_i) != '0;

  logic unused_word;
  assign unused_word = ^{run, agu, post, span};

endmodule
