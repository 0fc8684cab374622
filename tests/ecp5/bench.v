// SPDX-License-Identifier: Apache-2.0
//
// The designs and their netlist, side by side, with random inputs: what is known of the designs'
// outputs must be the netlist's. Addresses come from a small pool, so that they meet again.
//
// Timing    one set of inputs a cycle
// Contract  module netlist: designs after synth_ecp5
// Check     tests/ecp5/ecp5_test.py

module bench;
  parameter Cycles = 300;

  reg clk = 1'b0, rst, en, we, re, clear;
  reg [3:0] be;
  reg [13:0] addr_a, addr_b, pool [0:15];
  reg [35:0] d, e;
  wire [1023:0] q, n;

  designs u_designs (clk, rst, en, we, re, clear, be, addr_a, addr_b, d, e, q);
  netlist u_netlist (.clk(clk), .rst(rst), .en(en), .we(we), .re(re), .clear(clear), .be(be),
                     .addr_a(addr_a), .addr_b(addr_b), .d(d), .e(e), .q(n));

  integer i, cycle, bad = 0, known = 0;
  initial begin
    for (i = 0; i < 16; i = i + 1) pool[i] = $random;
    for (cycle = 0; cycle < Cycles; cycle = cycle + 1) begin
      {en, we, re, be} = $random;
      {rst, clear}     = cycle < 3 ? 2'b11 : {$random, $random} & {$random, $random} & 2'b11;
      d = {$random, $random};
      e = {$random, $random};
      i = $random;
      addr_a = pool[i[3:0]];
      // Another word of each memory: the first bits of an address are those of the smallest one.
      addr_b = pool[i[7:4]];
      if (addr_a[8:0] == addr_b[8:0]) addr_b = addr_b ^ 14'd1;
      #5 clk = 1'b1;
      #5 clk = 1'b0;
      #1;
      for (i = 0; i < 1024; i = i + 1) begin
        if (q[i] !== 1'bx) known = known + 1;
        if (q[i] !== 1'bx && q[i] !== n[i]) begin
          bad = bad + 1;
          if (bad < 20) $display("cycle %0d, bit %0d: %b, netlist %b", cycle, i, q[i], n[i]);
        end
      end
    end
    $display("%0d bits compared, %0d wrong", known, bad);
    if (bad == 0 && known > Cycles * 500) $display("PASS");
    $finish;
  end
endmodule
