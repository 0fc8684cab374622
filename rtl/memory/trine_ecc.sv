// SPDX-License-Identifier: Apache-2.0
//
// Counts the corrected words of DMEM and PMEM and stores the address of a word that cannot be
// corrected. With memory.ecc, words carry error-correcting codes. trine_scrub writes the zeros that
// the memories start with.
//
// Timing    fatal_o comes in the cycle after the wrong word was reported, and stays high until
//           clear_i. Corrected words are counted two cycles after their report.
// Check     trine_ecc_tb

module trine_ecc #(
  parameter int unsigned Banks        = 16,
  parameter int unsigned Cols         = 8,
  parameter int unsigned DmemAddrBits = 15,
  parameter int unsigned PmemAddrBits = 11,
  parameter int unsigned CountBits    = 32
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,
  input  logic                    clear_i,
  input  logic                    start_i,  // a program starts: clear the counts

  input  logic [Banks-1:0]        dmem_corrected_i,
  input  logic                    dmem_fatal_i,
  input  logic [DmemAddrBits-1:0] dmem_addr_i,
  input  logic [Cols-1:0]         pmem_corrected_i,
  input  logic                    pmem_fatal_i,
  input  logic [7:0]              pmem_column_i,
  input  logic [PmemAddrBits-1:0] pmem_row_i,

  output logic [CountBits-1:0]    dmem_count_o,  // corrected words that were read
  output logic [CountBits-1:0]    pmem_count_o,
  output logic                    fatal_o,
  output logic [32:0]             addr_o  // bit 32: PMEM, row * 256 + column; else word of DMEM
);

  // Corrected words are counted; the first word that cannot be corrected is kept.
  logic [Banks-1:0]     dmem_corrected_q;
  logic [Cols-1:0]      pmem_corrected_q;
  logic [CountBits-1:0] dmem_count_q, pmem_count_q;
  logic                 fatal_q;
  logic [32:0]          addr_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      dmem_corrected_q <= '0;
      pmem_corrected_q <= '0;
      dmem_count_q     <= '0;
      pmem_count_q     <= '0;
      fatal_q          <= 1'b0;
    end else begin
      dmem_corrected_q <= dmem_corrected_i;
      pmem_corrected_q <= pmem_corrected_i;
      dmem_count_q     <= start_i ? '0 : dmem_count_q + CountBits'($countones(dmem_corrected_q));
      pmem_count_q     <= start_i ? '0 : pmem_count_q + CountBits'($countones(pmem_corrected_q));
      fatal_q          <= !clear_i && (fatal_q || dmem_fatal_i || pmem_fatal_i);
    end
  end

  always_ff @(posedge clk_i) begin
    if (!fatal_q) begin
      addr_q <= dmem_fatal_i ? 33'(dmem_addr_i) : {1'b1, 32'({pmem_row_i, pmem_column_i})};
    end
  end

  assign dmem_count_o = dmem_count_q;
  assign pmem_count_o = pmem_count_q;
  assign fatal_o      = fatal_q;
  assign addr_o       = addr_q;

`ifdef TRINE_ASSERT
  logic        live_q, failed_q;
  logic [32:0] failed_addr_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      {live_q, failed_q} <= '0;
    end else begin
      live_q   <= 1'b1;
      failed_q <= fatal_o && !clear_i;
    end
  end

  always_ff @(posedge clk_i) begin
    failed_addr_q <= addr_o;
    if (live_q && failed_q) begin
      a_stays:     assert (fatal_o);
      a_first_one: assert (addr_o == failed_addr_q);
    end
  end
`endif

endmodule
