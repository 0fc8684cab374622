// SPDX-License-Identifier: Apache-2.0
//
// Reorders int16 codes between the formats of DRAM and DMEM. DRAM stores codes in little-endian
// order, so eight bytes of DRAM are four codes. DMEM stores their high bytes in one word and their
// low bytes in the next word.
//
//   DRAM   l0 h0 l1 h1 l2 h2 l3 h3      DMEM   h0 h1 h2 h3 | l0 l1 l2 l3      lowest byte first
//
// Timing    The output is combinational: a multiplexer for each bit.
// Check     trine_control_tb; random_program_test (whole core)

module trine_byte_planes #(
  parameter int unsigned DataBits = 64,
  parameter bit          Int16    = 1'b0,
  parameter bit          Back     = 1'b0  // from DMEM to DRAM
) (
  input  logic                int16_i,
  input  logic [DataBits-1:0] data_i,
  output logic [DataBits-1:0] data_o
);

  always_comb begin
    data_o = data_i;
    if (Int16 && int16_i) begin
      for (int unsigned k = 0; k < DataBits; k = k + 64) begin
        for (int unsigned c = 0; c < 4; c++) begin
          if (Back) begin
            data_o[k + 16*c +: 8]     = data_i[k + 32 + 8*c +: 8];
            data_o[k + 16*c + 8 +: 8] = data_i[k + 8*c +: 8];
          end else begin
            data_o[k + 32 + 8*c +: 8] = data_i[k + 16*c +: 8];
            data_o[k + 8*c +: 8]      = data_i[k + 16*c + 8 +: 8];
          end
        end
      end
    end
  end

  logic unused_int16;
  assign unused_int16 = int16_i;

endmodule
