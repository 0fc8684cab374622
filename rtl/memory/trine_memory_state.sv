// SPDX-License-Identifier: Apache-2.0
//
// Reports the state of DMEM and PMEM to control: zeros being written and, with Ecc, errors and
// counts. trine_ecc produces the errors and counts.
//
// Timing    `wiping` passes through. For the other outputs see trine_ecc.
// Check     trine_ecc_tb

module trine_memory_state #(
  parameter bit          Ecc          = 1'b0,
  parameter int unsigned Banks        = 16,
  parameter int unsigned Cols         = 8,
  parameter int unsigned DmemAddrBits = 15,
  parameter int unsigned PmemAddrBits = 11
) (
  input  logic                            clk_i,
  input  logic                            rst_ni,
  input  logic                            clear_i,
  input  logic                            start_i,   // a program starts
  input  logic                            wiping_i,

  // Words of this cycle that were corrected, or that could not be corrected, and their addresses.
  input  logic [Banks-1:0]                dmem_corrected_i,
  input  logic                            dmem_fatal_i,
  input  logic [DmemAddrBits-1:0]         dmem_addr_i,
  input  logic [Cols-1:0]                 pmem_corrected_i,
  input  logic                            pmem_fatal_i,
  input  logic [7:0]                      pmem_column_i,
  input  logic [PmemAddrBits-1:0]         pmem_row_i,

  output trine_engine_pkg::memory_state_t state_o
);

  logic        fatal;
  logic [32:0] addr;
  logic [31:0] dmem_count, pmem_count;

  assign state_o = {wiping_i, fatal, 3'd0, addr, dmem_count, pmem_count};

  if (Ecc) begin : gen_ecc
    trine_ecc #(
      .Banks        (Banks),
      .Cols         (Cols),
      .DmemAddrBits (DmemAddrBits),
      .PmemAddrBits (PmemAddrBits)
    ) u_ecc (
      .clk_i,
      .rst_ni,
      .clear_i,
      .start_i,
      .dmem_corrected_i,
      .dmem_fatal_i,
      .dmem_addr_i,
      .pmem_corrected_i,
      .pmem_fatal_i,
      .pmem_column_i,
      .pmem_row_i,
      .dmem_count_o (dmem_count),
      .pmem_count_o (pmem_count),
      .fatal_o      (fatal),
      .addr_o       (addr)
    );
  end else begin : gen_no_ecc
    logic unused_ecc;
    assign fatal      = 1'b0;
    assign addr       = '0;
    assign dmem_count = '0;
    assign pmem_count = '0;
    assign unused_ecc = ^{clk_i, rst_ni, clear_i, start_i, dmem_corrected_i, dmem_fatal_i,
                          dmem_addr_i, pmem_corrected_i, pmem_fatal_i, pmem_column_i, pmem_row_i};
  end

endmodule
