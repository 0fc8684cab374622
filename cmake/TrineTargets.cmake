# SPDX-License-Identifier: Apache-2.0
# The two kinds of target of this project: a library and a Catch2 test program.

add_library(trine_warnings INTERFACE)
target_compile_options(trine_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Werror
                       -Wno-restrict)  # g++ 12 sees overlaps in its own std::string (GCC 105651)

# trine_add_library(NAME SOURCES a.cpp b.cpp LIBS fmt::fmt trine_base)
# Headers are included by their path from the root: #include "base/error.h".
function(trine_add_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR} ${CMAKE_BINARY_DIR})
  target_link_libraries(${name} PUBLIC ${ARG_LIBS} PRIVATE trine_warnings)
endfunction()

# trine_add_test(NAME SOURCES a_test.cpp LIBS trine_base LABELS quick)
# One ctest entry a Catch2 case. Labels: quick (the whole label under a minute) or slow (--full only).
include(Catch)
include(Processor)
add_custom_target(cpp_tests)  # all of them, without the benches: tests/house/cpp.py
function(trine_add_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS;LABELS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} trine_test_main trine_warnings)
  add_dependencies(cpp_tests ${name})
  if(CMAKE_BUILD_TYPE STREQUAL Release)
    target_compile_options(${name} PRIVATE -O1)  # tests compile for longer than they run
  endif()
  trine_time_target(${name})
  # A case that asserts nothing fails.
  catch_discover_tests(${name} TEST_PREFIX "${name}: " DISCOVERY_MODE PRE_TEST
                       EXTRA_ARGS -w NoAssertions PROPERTIES LABELS "${ARG_LABELS}")
endfunction()
