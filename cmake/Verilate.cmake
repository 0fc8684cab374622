# SPDX-License-Identifier: Apache-2.0
# Benches: a module Verilated at build time, linked with a Catch2 program and registered in ctest.
#
#   trine_add_bench(trine_pe TOP trine_pe SOURCES trine_pe trine_dot
#                   [BENCH trine_pe_tb.cpp ...] [PARAMS Rows=3 Cols=5]
#                   [LIBS trine_base] [LABELS quick] [LONG] [NETLIST | MUTATE trine_pe trine_dot MUTANTS 50])
#
# NAME     target NAME_tb; the bench is NAME_tb.cpp in a folder of tb/ unless BENCH names other files
# SOURCES  packages first: modules of rtl/ by name, other files by path from the root
# PARAMS   parameters of TOP, a bit as Int8=1'b0; the bench sees macros TB_Rows=3, TB_Int8=0, with MUTATE TB_Mutants
# LONG     compiled with optimization: it runs for longer than that takes
# NETLIST  run on what Yosys maps SOURCES to instead, in cells of sg13g2 as their Liberty file models
#          them; label slow and only with TRINE_FULL_TESTS, unless LABELS says otherwise; assertions are off
# MUTATE   no test of its own: the module with MUTANTS mutants of these modules, for tb/mutation/kill.py
#          (with TRINE_FULL_TESTS, unless LABELS says otherwise)
#
# Lint warnings (-Wall) are errors; assertions (TRINE_ASSERT) are on. The Verilated class is V<TOP>.

find_program(VERILATOR verilator REQUIRED)
find_program(YOSYS yosys REQUIRED)
set(TRINE_LIBERTY ${CMAKE_BINARY_DIR}/sg13g2.lib)
execute_process(COMMAND gzip -dc ${CMAKE_SOURCE_DIR}/synth/sg13g2/sg13g2_stdcell_typ_1p20V_25C.lib.gz
                OUTPUT_FILE ${TRINE_LIBERTY} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${VERILATOR} --getenv VERILATOR_ROOT OUTPUT_VARIABLE TRINE_VERILATOR_ROOT
                OUTPUT_STRIP_TRAILING_WHITESPACE)
find_package(Threads REQUIRED)

# Verilator finds modules that SOURCES leaves out in the folders of rtl/.
file(GLOB TRINE_RTL_FOLDERS LIST_DIRECTORIES true ${CMAKE_SOURCE_DIR}/rtl/*)
list(FILTER TRINE_RTL_FOLDERS EXCLUDE REGEX "\\.(md|sv)$")
list(TRANSFORM TRINE_RTL_FOLDERS PREPEND -I)

# Verilator's runtime, compiled once for all benches.
add_library(trine_verilated STATIC ${TRINE_VERILATOR_ROOT}/include/verilated.cpp
            ${TRINE_VERILATOR_ROOT}/include/verilated_threads.cpp)
target_include_directories(trine_verilated SYSTEM PUBLIC ${TRINE_VERILATOR_ROOT}/include
                           ${TRINE_VERILATOR_ROOT}/include/vltstd)
target_compile_options(trine_verilated PRIVATE -w)
target_link_libraries(trine_verilated PUBLIC Threads::Threads)

# Verilator's headers are parsed once for all models and once for all benches. -Og compiles much faster than -O1, most
# of all wide crossbars, and its programs run about as fast.
set(trine_model_brief ${cold})
set(trine_model_long $<$<CONFIG:Release>:-Og>)
function(trine_compile_model target kind)
  target_link_libraries(${target} PRIVATE trine_verilated)
  target_compile_options(${target} PRIVATE ${trine_model_${kind}} -w -fno-sanitize=all -fPIE)
endfunction()
if(TRINE_PCH)
  foreach(kind brief long)
    add_library(trine_headers_model_${kind} OBJECT ${CMAKE_BINARY_DIR}/precompiled.cpp)
    trine_compile_model(trine_headers_model_${kind} ${kind})
    target_precompile_headers(trine_headers_model_${kind} PRIVATE <verilated.h>)
  endforeach()
  foreach(option cold light)
    trine_precompile_test(bench ${option} <random> <verilated.h>)
    target_link_libraries(trine_headers_bench_${option} PRIVATE trine_verilated)
  endforeach()
endif()

# trine_add_model(NAME KIND DIR): the objects of the C++ that Verilator wrote to DIR. Functions that run only before the
# first cycle stand in slow.cpp, which is never optimized.
function(trine_add_model name kind dir)
  add_library(${name} OBJECT ${dir}/fast.cpp ${dir}/slow.cpp)
  target_include_directories(${name} SYSTEM PRIVATE ${dir})
  trine_compile_model(${name} ${kind})
  trine_reuse(${name} trine_headers_model_${kind})
  if(kind STREQUAL long)
    set_source_files_properties(${dir}/slow.cpp PROPERTIES COMPILE_OPTIONS -O0 SKIP_PRECOMPILE_HEADERS ON)
  endif()
endfunction()

function(trine_add_bench name)
  cmake_parse_arguments(ARG "LONG;NETLIST" "TOP;MUTANTS"
                        "BENCH;SOURCES;PARAMS;LIBS;LABELS;MUTATE" ${ARGN})
  if(NOT ARG_TOP OR NOT ARG_SOURCES OR ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "trine_add_bench(${name}): TOP and SOURCES are needed, "
                        "unknown: ${ARG_UNPARSED_ARGUMENTS}")
  endif()
  if((ARG_NETLIST OR ARG_MUTATE) AND NOT ARG_LABELS AND NOT TRINE_FULL_TESTS)
    return()
  endif()
  if(TRINE_BENCH_DESIGN AND NOT "design" IN_LIST ARG_LABELS)
    return()
  endif()
  if(NOT ARG_BENCH)
    file(GLOB ARG_BENCH ${CMAKE_CURRENT_SOURCE_DIR}/*/${name}_tb.cpp)
  endif()
  if(NOT ARG_LABELS AND ARG_NETLIST)
    set(ARG_LABELS slow)
  elseif(NOT ARG_LABELS)
    set(ARG_LABELS quick)
  endif()

  set(dir ${CMAKE_CURRENT_BINARY_DIR}/verilated/${name})
  set(target ${name}_tb)
  set(sources "")
  foreach(source IN LISTS ARG_SOURCES)
    if(source MATCHES "/")
      list(APPEND sources ${CMAKE_SOURCE_DIR}/${source})
    else()
      file(GLOB found ${CMAKE_SOURCE_DIR}/rtl/${source}.sv ${CMAKE_SOURCE_DIR}/rtl/*/${source}.sv)
      if(NOT found)
        message(FATAL_ERROR "trine_add_bench(${name}): no module ${source} in rtl/")
      endif()
      list(APPEND sources ${found})
    endif()
  endforeach()
  set(flags ${TRINE_RTL_FOLDERS})
  set(chparam "")
  set(params "")
  set(definitions "")
  foreach(param IN LISTS ARG_PARAMS)
    string(REPLACE "=" ";" pair ${param})
    list(GET pair 0 key)
    list(GET pair 1 value)
    string(APPEND chparam " -set ${key} ${value}")
    list(APPEND params -G${param})
    string(REPLACE "1'b" "" value ${value})
    list(APPEND definitions TB_${key}=${value})
  endforeach()

  set(depends ${sources})
  if(ARG_NETLIST)
    set(netlist ${dir}/netlist.v)
    list(FILTER sources EXCLUDE REGEX "vlt$")  # Verilator's waivers
    string(REPLACE ";" " " read "${flags};${sources}")
    add_custom_command(
      OUTPUT ${netlist}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${dir}
      COMMAND ${YOSYS} -qq -e "implicitly declared|no driver" -p
              "read_verilog -sv ${read}; chparam${chparam} ${ARG_TOP}; synth -flatten -top ${ARG_TOP}; check -assert; rename -top ${ARG_TOP}; dfflibmap -liberty ${TRINE_LIBERTY}; abc -liberty ${TRINE_LIBERTY}; opt_clean; read_liberty -ignore_miss_func ${TRINE_LIBERTY}; write_verilog -noattr ${netlist}"
      DEPENDS ${sources}
      COMMENT "Synthesizing ${name}" VERBATIM)
  elseif(ARG_MUTATE)
    set(netlist ${dir}/mutants.v)
    string(REPLACE ";" "," modules "${ARG_MUTATE}")
    set(verilog ${sources})
    list(FILTER verilog INCLUDE REGEX "\\.sv$")
    list(TRANSFORM ARG_PARAMS PREPEND --param= OUTPUT_VARIABLE plant_params)
    add_custom_command(
      OUTPUT ${netlist}
      COMMAND ${CMAKE_COMMAND} -E make_directory ${dir}
      COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_SOURCE_DIR}/tb/mutation/plant.py --top ${ARG_TOP}
              --modules ${modules} --count ${ARG_MUTANTS} --seed ${TRINE_MUTANT_SEED} --out ${netlist}
              ${plant_params} ${flags} ${verilog}
      DEPENDS ${depends} ${CMAKE_SOURCE_DIR}/tb/mutation/plant.py
      COMMENT "Planting mutants of ${name}" VERBATIM)
  endif()
  if(ARG_NETLIST OR ARG_MUTATE)
    set(sources ${netlist})
    set(depends ${netlist})
    # 5.006 miscompiles some trees of bit operations.
    set(flags -Wno-fatal -Wno-lint -Wno-style -Wno-UNOPTFLAT -fno-const-bit-op-tree)
  else()
    list(APPEND flags -Wall --assert -DTRINE_ASSERT ${params})
  endif()

  set(kind brief)
  if(ARG_MUTATE)
    set(ARG_LONG TRUE)  # one run for each mutant
  endif()
  if(ARG_LONG)
    set(kind long)
  endif()
  add_custom_command(
    OUTPUT ${dir}/fast.cpp ${dir}/slow.cpp
    BYPRODUCTS ${dir}/V${ARG_TOP}.h  # else ninja compiles the bench with the header of the time before
    COMMAND ${CMAKE_COMMAND} -E make_directory ${dir}
    COMMAND ${VERILATOR} --cc -Mdir ${dir} --top-module ${ARG_TOP} --x-assign fast --x-initial unique ${flags} ${sources}
    COMMAND ${CMAKE_COMMAND} -DFOLDER=${dir} -DTOP=${ARG_TOP} -P ${CMAKE_SOURCE_DIR}/cmake/JoinModel.cmake
    DEPENDS ${depends} ${CMAKE_SOURCE_DIR}/cmake/JoinModel.cmake
    COMMENT "Verilating ${name}" VERBATIM)
  trine_add_model(${target}_model ${kind} ${dir})

  add_executable(${target} ${ARG_BENCH})
  add_dependencies(${target} ${target}_model)
  target_include_directories(${target} SYSTEM PRIVATE ${dir})
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR})
  target_compile_definitions(${target} PRIVATE ${definitions})
  trine_compile_test(${target} ${ARG_LONG} bench)
  list(LENGTH ARG_BENCH files)
  if(files GREATER 1)
    trine_unite(${target})
  endif()
  target_link_libraries(${target} PRIVATE ${target}_model ${ARG_LIBS} trine_verilated
                        trine_test_main trine_warnings)
  if(ARG_MUTATE)
    target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tb/mutation/mutant.cpp)
    target_compile_definitions(${target} PRIVATE TB_Mutants)
    set_property(GLOBAL APPEND PROPERTY TRINE_MUTANTS ${target} ${netlist})
    return()
  endif()
  trine_time_target(${target})
  catch_discover_tests(${target} TEST_PREFIX "${target}: " DISCOVERY_MODE PRE_TEST EXTRA_ARGS -w NoAssertions
                       PROPERTIES LABELS "${ARG_LABELS}")
endfunction()
