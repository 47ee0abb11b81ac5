# How graft's own code is compiled: warnings, one precompiled header for all targets, and the fast linker and compiler cache where present.

find_program(GRAFT_MOLD mold)
find_program(GRAFT_CCACHE ccache)

add_library(graft_options INTERFACE)
target_compile_features(graft_options INTERFACE cxx_std_20)
# -fPIC for all, programs too: a precompiled header serves only sources that are compiled alike.
target_compile_options(graft_options INTERFACE -fPIC -fvisibility=hidden -fvisibility-inlines-hidden -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wold-style-cast)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  # False alarms of this compiler over std::string in C++20 (GCC bug 105329 and its kin).
  target_compile_options(graft_options INTERFACE -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_FLAGS MATCHES "-fsanitize")
  target_compile_options(graft_options INTERFACE -Wno-maybe-uninitialized)  # false alarms over std::regex with sanitizers on
endif()
if(GRAFT_WERROR)
  target_compile_options(graft_options INTERFACE -Werror)
endif()
# g++ takes -fuse-ld=mold from version 12.1 on
if(GRAFT_MOLD AND NOT (CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12.1))
  target_link_options(graft_options INTERFACE -fuse-ld=mold)
endif()
if(GRAFT_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # ccache understands a precompiled header only with these.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${GRAFT_CCACHE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(graft_options INTERFACE -fpch-preprocess)
  endif()
endif()

# The precompiled header is made once, here, and reused by every target. It holds what most sources include, and not torch/script.h, which
# few do: each source pays for loading it (2.7 s with 390 MB of it, 7 s with 610 MB). Sources that need no tensor operators go without.
file(WRITE ${CMAKE_BINARY_DIR}/pch.cpp "// carries the shared precompiled header\n")
add_library(graft_pch OBJECT ${CMAKE_BINARY_DIR}/pch.cpp)
target_link_libraries(graft_pch PRIVATE graft_options graft_torch)
target_precompile_headers(graft_pch PRIVATE <ATen/ATen.h> <nlohmann/json.hpp>)

function(graft_light_sources)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
endfunction()

function(graft_target name)
  target_link_libraries(${name} PRIVATE graft_options)
  target_precompile_headers(${name} REUSE_FROM graft_pch)
endfunction()

# Tests spend their time in the library; their own code is not optimized, which saves a fifth of its build time. It needs a header compiled alike.
function(graft_test_target name)
  if(NOT TARGET graft_test_pch)
    add_library(graft_test_pch OBJECT ${CMAKE_BINARY_DIR}/pch.cpp)
    target_link_libraries(graft_test_pch PRIVATE graft_options graft_torch)
    target_compile_options(graft_test_pch PRIVATE -O0)
    target_precompile_headers(graft_test_pch PRIVATE <ATen/ATen.h> <nlohmann/json.hpp>)
  endif()
  target_link_libraries(${name} PRIVATE graft_options)
  target_compile_options(${name} PRIVATE -O0)
  target_precompile_headers(${name} REUSE_FROM graft_test_pch)
endfunction()
