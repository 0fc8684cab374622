# SPDX-License-Identifier: Apache-2.0
#
# Lists the parameters of each bench's module that the corner designs set: see corners.cmake. Depths of memories
# are small in each: the benches write and read all rows.

trine_add_corners(trine_dot TOP trine_dot SOURCES ${dot} BENCH matmul/trine_dot_tb.cpp TAKES Int8 Ternary Binary
                  PARAMS ${booth})
trine_add_corners(trine_pe TOP trine_pe SOURCES ${pe} BENCH matmul/trine_pe_tb.cpp TAKES Stages=PeStages AccBits)
trine_add_corners(trine_post_lane_int16 LONG TOP trine_post_lane SOURCES ${lane} LIBS trine_spec WITH Int16
                  TAKES Int16 Formats BENCH results/trine_post_lane_tb.cpp results/trine_post_lane_int16_tb.cpp)
if(TRINE_BENCH_DESIGN)  # modules of one size, which other benches test once
  trine_add_corners(trine_post_lane LONG TOP trine_post_lane SOURCES ${lane} BENCH results/trine_post_lane_tb.cpp)
  trine_add_corners(trine_vector_lane TOP trine_vector_lane SOURCES trine_isa_pkg trine_vector_lane LIBS trine_gen
                    BENCH results/trine_vector_lane_tb.cpp TAKES Ternary Binary Formats)
  trine_add_corners(trine_legal ${legal})
endif()
trine_add_corners(trine_array TOP trine_array SOURCES ${array} BENCH matmul/trine_array_tb.cpp MOST Rows*Cols 1024
                  TAKES Rows Cols PipeRows PipeCols Drain PeStages AccBits Window ClockGates)
trine_add_corners(trine_zero_points TOP trine_zero_points SOURCES ${zero_points} BENCH matmul/trine_zero_points_tb.cpp
                  TAKES Rows Cols PipeCols PeStages AccBits Drain Int16 ClockGates)
trine_add_corners(trine_control LONG TOP trine_control_ports SOURCES ${control} LIBS trine_gen BENCH ${control_benches}
                  TAKES Cols AxiDataBits AxiAddrBits Ecc PARAMS ImemWords=640 ${control_params})
trine_add_corners(trine_counters ${counters} TAKES AxiDataBits PARAMS Bits=14)
trine_add_corners(trine_window ${window} TAKES BeatBytes PARAMS AddrBits=32)
trine_add_corners(trine_dma_bursts ${bursts} TAKES BeatBytes MaxBeats)
trine_add_corners(trine_imem ${imem} WITH ImemWords TAKES Words=ImemWords DataBits Ecc)
trine_add_corners(trine_ecc TOP trine_ecc SOURCES trine_ecc BENCH memory/trine_ecc_tb.cpp CHEAP
                  TAKES Banks Cols DmemAddrBits=AddrBits PmemAddrBits PARAMS CountBits=12)
trine_add_corners(trine_scrub TOP trine_scrub SOURCES trine_isa_pkg trine_scrub LIBS trine_gen
                  BENCH memory/trine_scrub_tb.cpp TAKES DataWords
                  PARAMS DmemRows=16 PmemRows=20 ParamChannels=96 AtReset=1'b1)
trine_add_corners(trine_unpack ${unpack} WITH Streams TAKES PairsPerRow=Fours PARAMS AddrBits=6 FromBits=8)
trine_add_corners(trine_unpack_wide ${unpack_wide} WITH Wide TAKES QuadsPerRow=Quads DataBits PARAMS AddrBits=6 FromBits=8)
trine_add_corners(trine_load_pmem ${load_pmem} WITH Packed TAKES Cols DataBits PARAMS Packed=1'b1 PmemAddrBits=6 FromBits=8)
trine_add_corners(trine_table_loader ${entries} TAKES DataWords Int16)
trine_add_corners(trine_expand TOP trine_expand SOURCES trine_expand BENCH matmul/trine_expand_tb.cpp MOST Cols 64
                  TAKES Cols Parts=WindowParts)
trine_add_corners(trine_gather_arb TOP trine_gather_arb SOURCES ${gather_arb} BENCH maps/trine_gather_arb_tb.cpp CHEAP
                  TAKES Rows Lanes AddrBits)
trine_add_corners(trine_pmem TOP trine_pmem SOURCES ${pmem} BENCH matmul/trine_pmem_tb.cpp CHEAP
                  TAKES Cols Ecc PARAMS Depth=16)
trine_add_corners(trine_params TOP trine_params SOURCES trine_params trine_skid ${sram} CHEAP
                  BENCH memory/trine_params_tb.cpp TAKES DataWords Drain PARAMS Channels=96)
trine_add_corners(trine_dmem TOP trine_dmem SOURCES ${dmem} BENCH maps/trine_dmem_tb.cpp MOST Lanes 31
                  TAKES Rows Lanes Banks DataWords Ecc PARAMS BankRows=16 TagBits=4)
trine_add_corners(trine_agu TOP trine_agu SOURCES ${agu} LIBS trine_gen BENCH lib/trine_agu_tb.cpp
                  TAKES Rows AddrBits Window Pairs=Int16)
trine_add_corners(trine_vector LONG TOP trine_vector LIBS trine_gen BENCH results/trine_vector_tb.cpp
                  SOURCES ${post_pkg} ${vector} ${agu_rtl} trine_softmax ${softmax_lane} MOST Rows 31
                  TAKES Rows Codes=Drain AddrBits Ternary Binary Softmax Int16 Formats)
trine_add_corners(trine_compute TOP trine_compute_ports SOURCES ${compute_rtl} LIBS trine_gen
                  BENCH matmul/trine_compute_tb.cpp MOST Rows 31 TAKES Rows PipeRows AddrBits PmemAddrBits PeStages)
trine_add_corners(trine_post LONG TOP trine_post SOURCES ${post} BENCH results/trine_post_tb.cpp MOST Rows*Cols 1024
                  TAKES Rows Cols Drain Sums PipeRows PipeCols PeStages Ternary Binary Table Softmax Window Int16
                  PARAMS AddrBits=14 Channels=256)
