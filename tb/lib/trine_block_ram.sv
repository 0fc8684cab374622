// SPDX-License-Identifier: Apache-2.0
//
// Before trine_sram.sv: its body for FPGAs.

`define TRINE_BLOCK_RAM
