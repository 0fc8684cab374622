# SPDX-License-Identifier: Apache-2.0
# Writes fast.cpp and slow.cpp, which include the files that Verilator's Makefile in FOLDER lists for the module TOP: a
# bench's model has two units, however many files Verilator splits it into.
file(READ ${FOLDER}/V${TOP}_classes.mk makefile)
string(REPLACE "\\" "" makefile "${makefile}")  # ends of lines, which CMake's lists take for quotes
string(REPLACE "\n" ";" lines "${makefile}")
set(unit "")
foreach(line IN LISTS lines)
  if(line MATCHES "^VM_(CLASSES|SUPPORT)_(FAST|SLOW)")
    string(TOLOWER ${CMAKE_MATCH_2} unit)
  elseif(unit AND line MATCHES "^\t(V[A-Za-z0-9_]+)")
    string(APPEND ${unit} "#include \"${CMAKE_MATCH_1}.cpp\"\n")
  else()
    set(unit "")
  endif()
endforeach()
file(WRITE ${FOLDER}/fast.cpp "${fast}")
file(WRITE ${FOLDER}/slow.cpp "${slow}")
