// SPDX-License-Identifier: Apache-2.0
//
// Defines the control and status registers (AXI4-Lite): offsets, bits and codes.
// Printed from spec/csr.h; do not edit.
// A register of 64 bits has its low half at the lower offset. Bits are indices.

// A design reads some of these.
// verilator lint_off UNUSEDPARAM
package trine_csr_pkg;

  localparam logic [31:0] CsrIdValue = 32'h5452494E;
  localparam int unsigned CsrWatchdogBits = 24;
  localparam int unsigned CsrWatchdogReset = 1048576;
  localparam int unsigned CsrErrorRunBits = 24;
  localparam int unsigned CsrErrorCauseBits = 5;
  localparam logic [31:0] CsrRegistersVersionValue = 32'd1;

  // R, 32 bits: 0x5452494E ("TRIN")
  localparam logic [11:0] CsrIdOffset = 12'h000;
  // R, 32 bits: version of the instruction set
  localparam logic [11:0] CsrVersionOffset = 12'h004;
  // R, 64 bits: hash of the configuration keys that programs depend on; the first word of a program
  localparam logic [11:0] CsrConfigHashOffset = 12'h008;
  // W, 32 bits: commands
  localparam logic [11:0] CsrControlOffset = 12'h010;
  // starts the program; must be the only command of the write; not allowed while busy or reset
  localparam int unsigned CsrControlStartBit = 0;
  // cancels the program; outstanding bus transfers complete first, or the watchdog gives them up
  localparam int unsigned CsrControlSoftResetBit = 1;
  // a soft reset that writes zeros to DMEM, PMEM, parameters and tables, so that no later program
  // reads data of an earlier one; while busy or reset, allowed only with soft_reset
  localparam int unsigned CsrControlScrubBit = 2;
  // ends the wait for outstanding bus responses, which will never come; write it while the
  // interconnect is held in reset, not while a program runs
  localparam int unsigned CsrControlBusWasResetBit = 3;
  // R, 32 bits: state
  localparam logic [11:0] CsrStatusOffset = 12'h014;
  localparam int unsigned CsrStatusBusyBit = 0;  // a program runs
  localparam int unsigned CsrStatusDoneBit = 1;  // the last program has ended
  localparam int unsigned CsrStatusErrorBit = 2;  // the last program stopped with an error
  // soft reset in progress, or zeros being written to the memories
  localparam int unsigned CsrStatusResetBit = 3;
  // the watchdog gave up on outstanding bus transfers: no start until their responses have come or
  // bus_was_reset is written
  localparam int unsigned CsrStatusBusDirtyBit = 4;
  // R, 32 bits: see the codes below
  localparam logic [11:0] CsrErrorCauseOffset = 12'h018;
  // R, 32 bits: alias of ERROR_ADDRESS: low half, high half
  localparam logic [11:0] CsrErrorAddressAliasOffset = 12'h01C;
  localparam int unsigned CsrErrorAddressAliasCount = 2;
  // RW, 32 bits: which events raise the interrupt
  localparam logic [11:0] CsrIrqEnableOffset = 12'h024;
  localparam int unsigned CsrIrqEnableDoneBit = 0;  // end of a program
  localparam int unsigned CsrIrqEnableErrorBit = 1;  // error
  // R, W1C, 32 bits: events; writing ones clears them
  localparam logic [11:0] CsrIrqStatusOffset = 12'h028;
  localparam int unsigned CsrIrqStatusDoneBit = 0;  // end of a program
  localparam int unsigned CsrIrqStatusErrorBit = 1;  // error
  // R, 32 bits: version of this map: 1; a driver must refuse a version that it does not know
  localparam logic [11:0] CsrRegistersVersionOffset = 12'h02C;
  // RW, 64 bits: byte address of the first instruction word, a multiple of the bus width (and of
  // 8); a write discards the words in IMEM (`memory.imem_kib`); locked
  localparam logic [11:0] CsrProgramOffset = 12'h030;
  // RW, 32 bits: number of 64-bit words, at least 1; a write discards the words in IMEM
  // (`memory.imem_kib`); locked
  localparam logic [11:0] CsrProgramWordsOffset = 12'h038;
  // RW, 64 bits: added to every `dram` field; a multiple of the bus width (and of 8); locked
  localparam logic [11:0] CsrBaseOffset = 12'h040;
  // RW, 64 bits: first byte that bursts may touch; after reset 0; locked
  localparam logic [11:0] CsrWindowFirstOffset = 12'h048;
  // RW, 64 bits: last byte that bursts may touch; after reset all ones; locked
  localparam logic [11:0] CsrWindowLastOffset = 12'h050;
  // RW, 32 bits: stops the program if an expected bus handshake does not come for this number of
  // cycles; 24 bits, 0: never; after reset 1048576
  localparam logic [11:0] CsrWatchdogOffset = 12'h058;
  // R, 32 bits: load and store errors: number of RUNs of that engine before the failing RUN, modulo
  // 2^24; if a load is not answered in time while the copy out of DMEM before it still runs, the
  // number of RUNs before the copy
  localparam logic [11:0] CsrErrorRunOffset = 12'h05C;
  // R, 32 bits: corrected words that were read since the start, [0] from DMEM, [1] from PMEM (only
  // with `memory.ecc`)
  localparam logic [11:0] CsrEccCorrectedOffset = 12'h060;
  localparam int unsigned CsrEccCorrectedCount = 2;
  // R, 64 bits: bus errors: the failing address; configuration, illegal, feature, token, deadlock,
  // progress, cycles: byte offset of the word at which the program stopped; ecc: a word's address
  // in DMEM, 2^32 + 256 * row + column in PMEM, 2^33 + word in IMEM; core n of a cluster adds 2^34
  // * n
  localparam logic [11:0] CsrErrorAddressOffset = 12'h068;
  // R, 32 bits: corrected words that were read from IMEM since the start (only with `memory.ecc`
  // and `memory.imem_kib`)
  localparam logic [11:0] CsrImemCorrectedOffset = 12'h070;
  // RW, 32 bits: stops the program if nothing progresses for this number of cycles: no step of the
  // array, no word of results, no beat on the bus or at DMEM's DMA port, no RUN begun or ended;
  // cycles in which a bus handshake is expected count for WATCHDOG instead; 24 bits, 0: never;
  // after reset 1048576
  localparam logic [11:0] CsrProgressLimitOffset = 12'h074;
  // RW, 32 bits: stops the program within 20 cycles after CYCLES reaches this value; 0: never;
  // after reset 0
  localparam logic [11:0] CsrCyclesLimitOffset = 12'h078;
  // R, 64 bits: cycles from start to done
  localparam logic [11:0] CsrCyclesOffset = 12'h080;
  // R, 64 bits: cycles by cause; they add up to CYCLES
  localparam logic [11:0] CsrCauseOffset = 12'h088;
  localparam int unsigned CsrCauseCount = 8;
  // R, 64 bits: cycles in which the engine executed a RUN: load, compute, vector, store
  localparam logic [11:0] CsrEngineBusyOffset = 12'h0C8;
  localparam int unsigned CsrEngineBusyCount = 4;
  // R, 64 bits: payload read by the AXI master
  localparam logic [11:0] CsrBytesReadOffset = 12'h0E8;
  // R, 64 bits: payload written by the AXI master
  localparam logic [11:0] CsrBytesWrittenOffset = 12'h0F0;

  // Codes of ERROR_CAUSE.
  localparam logic [4:0] ErrorNone = 5'd0;  // no error
  localparam logic [4:0] ErrorFetch = 5'd1;  // an instruction read answered with an error
  localparam logic [4:0] ErrorLoad = 5'd2;  // a read of the load engine answered with an error
  localparam logic [4:0] ErrorStore = 5'd3;  // a write of the store engine answered with an error
  localparam logic [4:0] ErrorIllegal = 5'd4;  // illegal instruction
  localparam logic [4:0] ErrorToken = 5'd5;  // a token counter overflowed
  localparam logic [4:0] ErrorFetchWindow = 5'd6;  // an instruction is outside of the window
  // a burst of the load engine would leave the window
  localparam logic [4:0] ErrorLoadWindow = 5'd7;
  // a burst of the store engine would leave the window
  localparam logic [4:0] ErrorStoreWindow = 5'd8;
  localparam logic [4:0] ErrorFetchTimeout = 5'd9;  // an instruction read was not answered in time
  // a read of the load engine was not answered in time
  localparam logic [4:0] ErrorLoadTimeout = 5'd10;
  // a write of the store engine was not answered in time
  localparam logic [4:0] ErrorStoreTimeout = 5'd11;
  // a word of DMEM, PMEM or IMEM with two wrong bits was read
  localparam logic [4:0] ErrorEcc = 5'd12;
  // the program was compiled for another configuration, as its first word shows
  localparam logic [4:0] ErrorConfiguration = 5'd13;
  // an instruction needs a feature that this design lacks
  localparam logic [4:0] ErrorFeature = 5'd14;
  localparam logic [4:0] ErrorDeadlock = 5'd15;  // RUNs wait for tokens that no RUN gives
  localparam logic [4:0] ErrorProgress = 5'd16;  // no progress for longer than PROGRESS_LIMIT
  localparam logic [4:0] ErrorCycles = 5'd17;  // the program ran for longer than CYCLES_LIMIT
  // packed weights are invalid or do not end with their rows
  localparam logic [4:0] ErrorStream = 5'd18;

  // Causes of cycles.
  localparam logic [2:0] CauseCompute = 3'd0;  // the array's input has a step
  // gather replays, or a bank was taken by a write or the DMA
  localparam logic [2:0] CauseBank = 3'd1;
  localparam logic [2:0] CauseDrain = 3'd2;  // the drain registers hold the previous tile
  localparam logic [2:0] CauseMemory = 3'd3;  // compute waits for the load engine
  // compute waits for the vector engine, or only the vector engine works
  localparam logic [2:0] CauseVector = 3'd4;
  // compute waits for the store engine, or only the store engine works
  localparam logic [2:0] CauseStore = 3'd5;
  // lane set-up, fetch, SETs, pipeline fill, the last results
  localparam logic [2:0] CauseControl = 3'd6;
  // compute has nothing queued while the load engine works
  localparam logic [2:0] CauseLoad = 3'd7;

endpackage
// verilator lint_on UNUSEDPARAM
