# SPDX-License-Identifier: Apache-2.0
# Installs programs together with their libraries. They run on each Linux that has this system's glibc or a later one.
#
#   trine_bundle(TARGET PATH)   the installed TARGET looks for libraries in PATH (relative to itself), then in the system
#   trine_bundled()             called last: installs all these targets, and their libraries into lib/trine (component
#                               trine_libraries)
#
# The system provides glibc and g++'s libraries: RTL models that the user's g++ compiles share these with the tool.

function(trine_bundle target path)
  set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN/${path}" BUILD_WITH_INSTALL_RPATH ON)
  if(NOT APPLE)
    target_link_options(${target} PRIVATE LINKER:--disable-new-dtags)  # libraries find each other by it, too
  endif()
  set_property(GLOBAL APPEND PROPERTY TRINE_BUNDLE ${target})
endfunction()

function(trine_bundled)
  get_property(targets GLOBAL PROPERTY TRINE_BUNDLE)
  install(TARGETS ${targets} RUNTIME_DEPENDENCY_SET trine_libraries
          RUNTIME DESTINATION bin COMPONENT trine_cli
          LIBRARY DESTINATION . COMPONENT trine_python EXCLUDE_FROM_ALL)
  install(RUNTIME_DEPENDENCY_SET trine_libraries COMPONENT trine_libraries EXCLUDE_FROM_ALL
          PRE_EXCLUDE_REGEXES "^ld-linux" "^lib(c|m|dl|rt|pthread|resolv|stdc\\+\\+|gcc_s)\\.so"
          LIBRARY DESTINATION lib/trine)
endfunction()

# The target `archive` packs the tool, its libraries, the files that it reads and the driver.
function(trine_add_archive)
  set(name trine-${PROJECT_VERSION}-linux-${CMAKE_SYSTEM_PROCESSOR})
  set(install ${CMAKE_COMMAND} --install ${CMAKE_BINARY_DIR} --strip --prefix ${CMAKE_BINARY_DIR}/${name} --component)
  add_custom_target(archive
    COMMAND ${CMAKE_COMMAND} -E rm -rf ${name}
    COMMAND ${install} trine_cli COMMAND ${install} trine_share COMMAND ${install} trine_runtime
    COMMAND ${install} trine_libraries
    COMMAND ${CMAKE_COMMAND} -E tar czf ${name}.tar.gz.part ${name}
    COMMAND ${CMAKE_COMMAND} -E rename ${name}.tar.gz.part ${name}.tar.gz
    WORKING_DIRECTORY ${CMAKE_BINARY_DIR} DEPENDS trine_cli trine_runtime
    COMMENT "Packing ${name}.tar.gz" VERBATIM)
endfunction()
