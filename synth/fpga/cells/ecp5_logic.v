// SPDX-License-Identifier: Apache-2.0
//
// Models of the ECP5 cells to which Yosys 0.23's synth_ecp5 maps logic, for simulation of a
// netlist (Verilator, Icarus). Ports and parameters are those that Yosys writes.
//
// Timing    none
// Contract  a netlist of synth_ecp5; pins that it leaves open are 0
// Check     tests/ecp5/ecp5_test.py

// Z = INIT[{D, C, B, A}]; an unknown input that does not matter leaves Z known.
module LUT4 (
  input A, B, C, D,
  output Z
);
  parameter [15:0] INIT = 16'h0000;

  wire [7:0] d = D ? INIT[15:8] : INIT[7:0];
  wire [3:0] c = C ? d[7:4] : d[3:0];
  wire [1:0] b = B ? c[3:2] : c[1:0];

  assign Z = A ? b[1] : b[0];
endmodule

module PFUMX (
  input ALUT, BLUT, C0,
  output Z
);
  assign Z = C0 ? ALUT : BLUT;
endmodule

module L6MUX21 (
  input D0, D1, SD,
  output Z
);
  assign Z = SD ? D1 : D0;
endmodule

// Two bits of a carry chain: each has its table. Where the table gives 0, its first quarter, which
// depends only on A and B, is the carry.
module CCU2C (
  input CIN, A0, B0, C0, D0, A1, B1, C1, D1,
  output S0, S1, COUT
);
  parameter [15:0] INIT0 = 16'h0000;
  parameter [15:0] INIT1 = 16'h0000;
  parameter INJECT1_0 = "YES";
  parameter INJECT1_1 = "YES";

  wire propagate0, propagate1, first0, first1;
  LUT4 #(.INIT(INIT0)) u_propagate0 (.A(A0), .B(B0), .C(C0), .D(D0), .Z(propagate0));
  LUT4 #(.INIT(INIT1)) u_propagate1 (.A(A1), .B(B1), .C(C1), .D(D1), .Z(propagate1));
  LUT4 #(.INIT(INIT0)) u_first0 (.A(A0), .B(B0), .C(1'b0), .D(1'b0), .Z(first0));
  LUT4 #(.INIT(INIT1)) u_first1 (.A(A1), .B(B1), .C(1'b0), .D(1'b0), .Z(first1));

  wire generate0 = INJECT1_0 == "NO" && first0;
  wire generate1 = INJECT1_1 == "NO" && first1;
  wire carry     = propagate0 ? CIN : generate0;

  assign S0   = propagate0 ^ (INJECT1_0 == "NO" && CIN);
  assign S1   = propagate1 ^ (INJECT1_1 == "NO" && carry);
  assign COUT = propagate1 ? carry : generate1;
endmodule

// Flip-flop with enable and set or reset.
module TRELLIS_FF (
  input CLK, LSR, CE, DI, M,
  output reg Q
);
  parameter GSR     = "ENABLED";
  parameter CEMUX   = "1";
  parameter CLKMUX  = "CLK";
  parameter LSRMUX  = "LSR";
  parameter SRMODE  = "LSR_OVER_CE";
  parameter REGSET  = "RESET";
  parameter LSRMODE = "LSR";

  localparam Value = REGSET == "SET";

  wire clock  = CLKMUX == "INV" ? !CLK : CLK;
  wire set    = LSRMUX == "INV" ? !LSR : LSR;
  wire enable = CEMUX == "1" || (CEMUX == "INV" ? !CE : CE);

  initial begin
    Q = Value;
    if (LSRMODE != "LSR") $fatal(1, "TRELLIS_FF: LSRMODE %s", LSRMODE);
  end

  generate
    if (SRMODE == "ASYNC") begin : gen_async
      always @(posedge clock or posedge set)
        if (set) Q <= Value;
        else if (enable) Q <= DI;
    end else begin : gen_sync
      always @(posedge clock)
        if (set) Q <= Value;
        else if (enable) Q <= DI;
    end
  endgenerate
endmodule

// 16 x 4 bits in LUTs: synchronous write, asynchronous read.
module TRELLIS_DPR16X4 (
  input [3:0] DI, WAD, RAD,
  input WRE, WCK,
  output [3:0] DO
);
  parameter WCKMUX = "WCK";
  parameter WREMUX = "WRE";
  parameter [63:0] INITVAL = 64'd0;

  reg [3:0] mem [0:15];

  wire clock  = WCKMUX == "INV" ? !WCK : WCK;
  wire enable = WREMUX == "1" || (WREMUX == "INV" ? !WRE : WRE);

  assign DO = mem[RAD];

  integer i;
  initial for (i = 0; i < 16; i = i + 1) mem[i] = INITVAL[4*i +: 4];

  always @(posedge clock) if (enable) mem[WAD] <= DI;
endmodule
