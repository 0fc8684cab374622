# SPDX-License-Identifier: Apache-2.0
#
# Corner suite: the benches at the ends of what a configuration allows, assertions on. The sizes are
# those of the designs in tb/corners.tsv, which `trine generate --packages .` prints from the ranges of
# spec/schema.cpp. Nobody writes a size here.
#
#   trine_add_corners(trine_pmem TOP trine_pmem SOURCES ... BENCH ... [LIBS ...] [CHEAP] [LONG]
#                     TAKES Cols Channels=ParamChannels ... PARAMS Depth=16
#                     [MOST Rows*Cols 1024 Rows 31] [WITH Packed])
#
# TAKES   parameters of TOP that come from a design, by the table's name if that is another
# PARAMS  parameters that are the same in each
# MOST    products of the table's columns and what they may be: larger ones verilate for minutes, or the
#         bench keeps its lanes in 31 bits
# WITH    a column: designs where it is 0 are left out
# CHEAP   built in seconds: TRINE_CORNER_DRAW of these benches, one design each, are in the short suite
#
# With TRINE_BENCH_DESIGN the designs are those of that table, usually a single one, and all benches are built (label
# design). The file design_benches.tsv of the build folder then lists each bench: its program, the module, and all
# modules that it contains; or the module, and the size that is beyond MOST.
#
# The file is included twice: first to list what there is, then to add what is built. All corners are
# built with TRINE_FULL_TESTS (label slow).

set(TRINE_CORNER_DRAW 4 CACHE STRING "benches at corner sizes in the short suite")
set(TRINE_CORNER_SEED 79 CACHE STRING "of their draw")

# The designs, each a list of NAME=VALUE.
set(trine_corner_table ${CMAKE_CURRENT_SOURCE_DIR}/corners.tsv)
if(TRINE_BENCH_DESIGN)
  set(trine_corner_table ${TRINE_BENCH_DESIGN})
  file(WRITE ${CMAKE_BINARY_DIR}/design_benches.tsv "")
endif()
file(STRINGS ${trine_corner_table} lines)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${trine_corner_table})
list(POP_FRONT lines head)
string(REPLACE "\t" ";" trine_corner_names "${head}")
set(trine_corner_count 0)
foreach(line IN LISTS lines)
  string(REPLACE "\t" ";" trine_corner_${trine_corner_count} "${line}")
  math(EXPR trine_corner_count "${trine_corner_count} + 1")
endforeach()

# The value of a column in a design.
function(trine_corner_value design column result)
  list(FIND trine_corner_names ${column} at)
  if(at EQUAL -1)
    message(FATAL_ERROR "corners.tsv: no column ${column}")
  endif()
  list(GET trine_corner_${design} ${at} value)
  set(${result} ${value} PARENT_SCOPE)
endfunction()

function(trine_add_corners name)
  cmake_parse_arguments(ARG "CHEAP;LONG" "TOP;WITH" "BENCH;SOURCES;PARAMS;LIBS;TAKES;MOST" ${ARGN})
  set(seen "")
  math(EXPR last "${trine_corner_count} - 1")
  foreach(design RANGE ${last})
    if(ARG_WITH)
      trine_corner_value(${design} ${ARG_WITH} with)
      if(with MATCHES "^(0|1'b0)$")
        continue()
      endif()
    endif()
    set(bounds ${ARG_MOST})
    set(fits TRUE)
    while(bounds)
      list(POP_FRONT bounds product most)
      string(REPLACE "*" ";" factors ${product})
      set(size 1)
      foreach(factor IN LISTS factors)
        trine_corner_value(${design} ${factor} value)
        math(EXPR size "${size} * ${value}")
      endforeach()
      if(size GREATER most)
        set(fits FALSE)
        if(TRINE_BENCH_DESIGN AND NOT TRINE_CORNERS_LIST)
          file(APPEND ${CMAKE_BINARY_DIR}/design_benches.tsv "-\t${ARG_TOP}\t${product} is ${size}, allowed ${most}\n")
        endif()
      endif()
    endwhile()
    if(NOT fits)
      continue()
    endif()
    set(params "")
    set(values "")
    foreach(take IN LISTS ARG_TAKES)
      string(REPLACE "=" ";" pair ${take})
      list(GET pair 0 parameter)
      list(GET pair -1 column)
      trine_corner_value(${design} ${column} value)
      list(APPEND params ${parameter}=${value})
      string(REPLACE "1'b" "" value ${value})
      string(APPEND values _${value})
    endforeach()
    if(values IN_LIST seen)
      continue()
    endif()
    list(APPEND seen ${values})
    set(bench ${name}_corner${values})
    if(TRINE_CORNERS_LIST)
      if(ARG_CHEAP)
        set_property(GLOBAL APPEND PROPERTY TRINE_CHEAP_CORNERS ${name}/${bench})
      endif()
      continue()
    endif()
    set(labels slow)
    if(TRINE_BENCH_DESIGN)
      set(labels design)
      list(JOIN ARG_SOURCES " " sources)
      file(APPEND ${CMAKE_BINARY_DIR}/design_benches.tsv "${bench}_tb\t${ARG_TOP}\t${sources}\n")
    elseif(bench IN_LIST TRINE_DRAWN_CORNERS)
      set(labels quick)
    elseif(NOT TRINE_FULL_TESTS)
      continue()
    endif()
    set(long "")
    if(ARG_LONG)
      set(long LONG)
    endif()
    trine_add_bench(${bench} ${long} TOP ${ARG_TOP} SOURCES ${ARG_SOURCES} BENCH ${ARG_BENCH} LIBS ${ARG_LIBS}
                    PARAMS ${params} ${ARG_PARAMS} LABELS ${labels} corner)
  endforeach()
endfunction()

# One design of TRINE_CORNER_DRAW cheap benches, by the seed.
function(trine_draw_corners result)
  get_property(cheap GLOBAL PROPERTY TRINE_CHEAP_CORNERS)
  set(keyed "")
  foreach(corner IN LISTS cheap)
    string(MD5 key "${TRINE_CORNER_SEED} ${corner}")
    list(APPEND keyed ${key}/${corner})
  endforeach()
  list(SORT keyed)
  set(names "")
  set(drawn "")
  foreach(corner IN LISTS keyed)
    string(REPLACE "/" ";" parts ${corner})
    list(GET parts 1 name)
    list(GET parts 2 bench)
    list(LENGTH drawn count)
    if(name IN_LIST names OR count EQUAL TRINE_CORNER_DRAW)
      continue()
    endif()
    list(APPEND names ${name})
    list(APPEND drawn ${bench})
  endforeach()
  list(JOIN drawn ", " text)
  message(STATUS "Corner benches of the short suite, seed ${TRINE_CORNER_SEED}: ${text}")
  set(${result} ${drawn} PARENT_SCOPE)
endfunction()
