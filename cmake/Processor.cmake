# SPDX-License-Identifier: Apache-2.0
# Processor seconds of tests: each runs under GNU time and adds a line
#   FOLDER/NAME USER SYSTEM
# to processor.log of the build folder; tests/house/processor.py sums them (.ci/run). With TRINE_FULL_TESTS a test that
# passed is not run again until something that it read has changed: tests/house/kept.py.
#
#   trine_timed(OUT NAME)   OUT: the command to stand in front of a test's; NAME: what the line says

find_program(TRINE_TIME time)  # Debian's package `time`, not the shell's word

function(trine_timed out name)
  set(command "")
  if(TRINE_TIME)
    file(RELATIVE_PATH folder ${CMAKE_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
    list(APPEND command ${TRINE_TIME} -q -a -o ${CMAKE_BINARY_DIR}/processor.log -f "${folder}/${name} %U %S")
  endif()
  if(TRINE_FULL_TESTS)
    list(APPEND command ${Python3_EXECUTABLE} -B ${CMAKE_SOURCE_DIR}/tests/house/kept.py --folder
         ${CMAKE_BINARY_DIR}/kept)
  endif()
  set(${out} "${command}" PARENT_SCOPE)
endfunction()

# Times the tests of an executable target that catch_discover_tests() finds; call it before that.
function(trine_time_target target)
  trine_timed(timed ${target})
  set_target_properties(${target} PROPERTIES CROSSCOMPILING_EMULATOR "${timed}")
endfunction()

# trine_add_command_test(NAME COMMAND trine_cli run ...): a test that is a command, timed.
function(trine_add_command_test name)
  cmake_parse_arguments(ARG "" "" "COMMAND" ${ARGN})
  trine_timed(timed ${name})
  list(POP_FRONT ARG_COMMAND program)
  if(TARGET ${program})
    set(program $<TARGET_FILE:${program}>)
  endif()
  add_test(NAME ${name} COMMAND ${timed} ${program} ${ARG_COMMAND})
  set_tests_properties(${name} PROPERTIES COST 1)  # ctest begins with those that may take long: none is left at the end
endfunction()
