// SPDX-License-Identifier: Apache-2.0
//
// Defines the structs that control, the DMA, the memories and the four engines exchange. Engines
// are numbered as trine_isa_pkg::Engine... says.

// A design reads some of these.
// verilator lint_off UNUSEDPARAM
package trine_engine_pkg;

  // To an engine, from its issue unit: a SET or a RUN, each with a handshake; of several engines
  // one behind the other, engine 0 in the low bits.
  localparam int unsigned CommandBits = 82;
  // Where fields of command_t begin, for a module that has several commands side by side.
  localparam int unsigned CfgPayloadAt = 21;
  localparam int unsigned RunValidAt   = 20;

  typedef struct packed {
    logic        cfg_valid;
    logic [3:0]  cfg_reg;
    logic [55:0] cfg_payload;
    logic        run_valid;
    logic [7:0]  run_op;
    logic [7:0]  run_flags;
    logic [3:0]  lacks;  // engines whose token the RUN at the front lacks
  } command_t;

  // From an engine; retire: a pulse for each RUN, in order, a cycle after it was taken or later.
  localparam int unsigned AnswerBits = 3;

  typedef struct packed {
    logic        cfg_ready;
    logic        run_ready;
    logic        retire;
  } answer_t;

  // The machine's state; bit = engine.
  typedef struct packed {
    logic        running;  // a program
    logic        start;    // of a program, one pulse
    logic        wipe;     // zeros are to be written to all memories, one pulse
    logic [3:0]  idle;     // nothing queued, offered or in flight
    logic [3:0]  busy;     // a RUN is in flight
    logic [3:0]  begun;    // a RUN was taken: one pulse
    logic [3:0]  retired;  // a RUN ended: one pulse
  } state_t;

  // What the bus master is told of the program's life.
  typedef struct packed {
    logic        start;          // of a program
    logic        forget;         // it may be another one than before, or did not end well
    logic        wipe;           // zeros are to be written to the memories
    logic        stop;           // no more requests
    logic        bus_was_reset;  // what is outstanding never comes
    logic        broken;         // a word of a memory cannot be corrected: no more data to DRAM
  } life_t;

  // Where a program and its data lie in DRAM: registers that hold while a program runs.
  typedef struct packed {
    logic [63:0] program_addr;
    logic [31:0] program_words;  // of 64 bits
    logic [63:0] base;           // of the addresses in instructions
    logic [63:0] first;          // bursts are allowed from here
    logic [63:0] last;           // to here
  } dram_t;

  // The program's word at the front, offered until it is taken.
  typedef struct packed {
    logic        valid;
    logic [63:0] word;
    logic [34:0] offset;         // in the program, bytes
    logic        out_of_words;   // all were taken
    logic        error;          // its fetch failed
    logic        outside;        // its fetch is not in the allowed range
  } program_word_t;

  // What the bus master moves in this cycle, and the addresses that errors are told with.
  typedef struct packed {
    logic        read_beat;      // a beat of AxiDataBits came in
    logic [5:0]  write_words;    // words of 32 bits that left
    logic [1:0]  moved;          // DMEM gave a beat to a store, took one of a load
    logic [63:0] load_beat;      // of a load that failed
    logic [63:0] load_burst;     // of a load's burst on offer
    logic [63:0] store_answer;   // of the burst that is answered next
    logic [63:0] store_burst;    // of a store's burst on offer
  } dma_report_t;

  // One side of the bus master: what is outstanding, what moved, what went wrong.
  typedef struct packed {
    logic        idle;
    logic        owed;         // the bus is to take something or to answer,
    logic        moved;        // and did
    logic        engine_owed;  // the engine has bursts without an answer
    logic        error;        // an answer of the engine's was an error,
    logic        stream;       // or what it read is no stream of packed weights
    logic        outside;      // its burst on offer is not in the allowed range
  } bus_event_t;

  // The instruction memory: zeros are being written; with codes, errors of what was read from it.
  typedef struct packed {
    logic        wiping;
    logic        fatal;       // a word that cannot be corrected, until clear,
    logic [33:0] fatal_addr;  // and where: 2^33 + word
    logic [31:0] count;       // corrected words
  } imem_t;

  // A beat of the load engine for one of the small memories, data apart; held until it is taken.
  localparam int unsigned ParamBits    = 55;
  localparam int unsigned BiasValidAt  = 54;
  localparam int unsigned ScaleValidAt = 37;

  typedef struct packed {
    logic        bias_valid;
    logic [15:0] bias_addr;
    logic        scale_valid;
    logic [15:0] scale_addr;
    logic        table_valid;
    logic [7:0]  table_addr;
    logic        exp_valid;
    logic [7:0]  exp_addr;
    logic        entries;  // beats are of the lookup table or of exponentials, one there or not
    logic        exp;      // of exponentials, or of the lookup table's points
    logic        points;
  } param_t;

  // What a compute engine does, for the cause of a cycle.
  typedef struct packed {
    logic running;     // a RUN is in flight
    logic enters;      // a step enters the array
    logic drain_wait;  // a tile's last step waits in front of the array
    logic last_wait;   // it is not issued yet
  } compute_state_t;

  localparam int unsigned ActivityBits = 4;

  // What a program gets done in this cycle: its cause; a step entered the array, the vector engine
  // read, or a word of results was taken.
  typedef struct packed {
    logic [2:0] cause;
    logic       moved;
  } activity_t;

  // A client's access of the gather, addresses and lanes apart.
  typedef struct packed {
    logic       valid;
    logic       hold;  // its access at the front waits
    logic [7:0] pad;   // code of lanes that are not active
    logic [3:0] tag;   // comes back with the answer
  } gather_ask_t;

  // Why compute's next access is late, for the cause of a cycle.
  typedef struct packed {
    logic replay;  // the one at the front waits for banks
    logic taken;   // another client's was taken
  } gather_lost_t;

  // An entry of the lookup table, or of the exponentials, is written.
  typedef struct packed {
    logic        table_we;
    logic        exp_we;
    logic [7:0]  addr;
    logic [31:0] data;  // of the lookup table the lowest byte
  } entry_t;

  // What the memories tell control.
  localparam int unsigned MemoryStateBits = 102;

  typedef struct packed {
    logic        wiping;      // zeros are being written
    logic        fatal;       // with codes: a word that cannot be corrected, until clear,
    logic [2:0]  fatal_core;  // and where
    logic [32:0] fatal_addr;
    logic [31:0] dmem_count;  // corrected words
    logic [31:0] pmem_count;
  } memory_state_t;

endpackage
// verilator lint_on UNUSEDPARAM
