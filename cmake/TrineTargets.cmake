# SPDX-License-Identifier: Apache-2.0
# The two kinds of target of this project: a library and a Catch2 test program.

option(TRINE_WERROR "warnings are errors: our own builds, not those of users (cmake --preset ci)" OFF)
add_library(trine_warnings INTERFACE)
set(gcc $<CXX_COMPILER_ID:GNU>)
target_compile_options(trine_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion $<$<BOOL:${TRINE_WERROR}>:-Werror>
                       # g++ 12 sees overlaps in its own std::string (GCC 105651).
                       $<${gcc}:-Wno-restrict>
                       # g++ 14 warns of members of a std::variant's other alternative, which nobody reads.
                       $<$<AND:${gcc},$<VERSION_GREATER_EQUAL:$<CXX_COMPILER_VERSION>,14>>:-Wno-maybe-uninitialized>
                       # Clang's -Wconversion includes sign conversions, g++'s does not.
                       $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wno-sign-conversion>)

# Headers that most files read are parsed once: one precompiled header for each set of compiler options, which must be
# equal.
set(TRINE_HEADERS <algorithm> <array> <cmath> <cstdint> <cstring> <filesystem> <functional> <limits> <map> <memory>
                  <numeric> <optional> <set> <span> <string> <string_view> <utility> <vector> <fmt/format.h>
                  <fmt/ranges.h>)
option(TRINE_PCH "precompiled headers" ON)
# Files of a target are compiled some at a time, in a third of the processor time: their anonymous namespaces are one.
option(TRINE_UNITY "several files at a time" ON)
# Most code compiles for longer than it runs. Without optimization, tests compile in three quarters of the time.
set(cold $<$<CONFIG:Release>:-O0>)
set(light $<$<CONFIG:Release>:-O1>)
set(hot $<$<CONFIG:Release>:-O2>)
file(WRITE ${CMAKE_BINARY_DIR}/precompiled.cpp "")

function(trine_unite target)
  get_target_property(sources ${target} SOURCES)
  if(TRINE_UNITY AND NOT sources MATCHES "\\.c(;|$)")
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)
  endif()
endfunction()

# trine_precompile(NAME OPTION <header>..): a target whose header others reuse.
function(trine_precompile name option)
  if(NOT TRINE_PCH)
    return()
  endif()
  add_library(${name} OBJECT ${CMAKE_BINARY_DIR}/precompiled.cpp)
  target_compile_options(${name} PRIVATE ${option})
  target_link_libraries(${name} PRIVATE fmt::fmt trine_warnings)
  target_precompile_headers(${name} PRIVATE ${TRINE_HEADERS} ${ARGN})
endfunction()

function(trine_reuse target precompiled)
  get_target_property(sources ${target} SOURCES)
  if(TRINE_PCH AND NOT sources MATCHES "\\.c(;|$)")  # C has no such header
    target_precompile_headers(${target} REUSE_FROM ${precompiled})
  endif()
endfunction()

trine_precompile(trine_headers "${light}")
trine_precompile(trine_headers_hot "${hot}")
trine_precompile(trine_headers_cli "${light}" <nlohmann/json.hpp>)
# trine_precompile_test(KIND OPTION <header>..): headers of tests or benches.
function(trine_precompile_test kind option)
  set(headers trine_headers_${kind}_${option})
  trine_precompile(${headers} "${${option}}" ${CMAKE_SOURCE_DIR}/sw/base/catch.h ${ARGN})
  # As programs are compiled, not libraries.
  set_target_properties(${headers} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${headers} PRIVATE -fPIE)
  target_compile_definitions(${headers} PRIVATE CATCH_CONFIG_FAST_COMPILE)
endfunction()
if(TRINE_TESTS AND TRINE_PCH)
  trine_precompile_test(test cold)
  trine_precompile_test(test light)
endif()

# How a test is compiled, with the precompiled headers of KIND, test or bench. LOOPS: optimized, because it runs for
# longer than optimization takes. Without it, inline functions of the libraries are not optimized either: the linker
# takes them from the program's own files.
function(trine_compile_test target loops kind)
  set(option cold)
  if(loops)
    set(option light)
  endif()
  target_compile_options(${target} PRIVATE ${${option}})
  trine_reuse(${target} trine_headers_${kind}_${option})
endfunction()

# trine_add_library(NAME SOURCES a.cpp b.cpp LIBS fmt::fmt trine_base [HOT | CLI])
# Headers are included by their path from the root: #include "sw/base/error.h". HOT: with loops over a model's or a
# design's values; CLI: its files write JSON.
function(trine_add_library name)
  cmake_parse_arguments(ARG "HOT;CLI" "" "SOURCES;LIBS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
  target_link_libraries(${name} PUBLIC ${ARG_LIBS} PRIVATE trine_warnings)
  if(ARG_HOT)
    target_compile_options(${name} PRIVATE ${hot})
    trine_reuse(${name} trine_headers_hot)
  elseif(ARG_CLI)
    target_compile_options(${name} PRIVATE ${light})
    trine_reuse(${name} trine_headers_cli)
  else()
    target_compile_options(${name} PRIVATE ${light})
    trine_reuse(${name} trine_headers)
  endif()
  trine_unite(${name})
endfunction()

# trine_component(NAME SOURCES a.cpp LIBS trine_x) adds the library with a component's commands (components.txt). Other
# components reach it as trine_commands_NAME.
function(trine_component name)
  trine_add_library(trine_commands_${name} CLI ${ARGN})
  target_link_libraries(trine_commands_${name} PUBLIC trine_commands)
endfunction()

# trine_add_test(NAME SOURCES a_test.cpp LIBS trine_base LABELS quick [ALONE b_test.cpp] [CASES spec] [LOOPS])
# One ctest entry a Catch2 case. Labels: quick, rtl (Verilates designs for up to minutes, so ctest begins with it) or
# slow (--full only). ALONE: more sources, with names in their anonymous namespaces that others have, too. CASES: a
# Catch2 test specification that selects cases. LOOPS: see trine_compile_test.
if(TRINE_TESTS)
  include(Catch)
  include(Processor)
endif()
add_custom_target(cpp_tests)  # all of them, without the benches: tests/house/cpp.py
function(trine_add_test name)
  cmake_parse_arguments(ARG "LOOPS" "CASES" "SOURCES;LIBS;LABELS;ALONE" ${ARGN})
  add_executable(${name} ${ARG_SOURCES} ${ARG_ALONE})
  set_source_files_properties(${ARG_ALONE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} trine_test_main trine_warnings)
  add_dependencies(cpp_tests ${name})
  trine_compile_test(${name} ${ARG_LOOPS} test)
  trine_unite(${name})
  trine_time_target(${name})
  set(cost 0)
  if(ARG_LABELS MATCHES rtl)
    set(cost 2)
  endif()
  # A case that asserts nothing fails.
  catch_discover_tests(${name} TEST_PREFIX "${name}: " DISCOVERY_MODE PRE_TEST TEST_SPEC ${ARG_CASES}
                       EXTRA_ARGS -w NoAssertions PROPERTIES LABELS "${ARG_LABELS}" COST ${cost})
endfunction()
