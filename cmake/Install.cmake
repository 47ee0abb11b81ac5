# cmake --install: headers, both libraries, the program, and what find_package(graft) and pkg-config read.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(graft_package ${CMAKE_INSTALL_LIBDIR}/cmake/graft)
install(TARGETS graft graft_predict EXPORT graftTargets)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/graft DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT graftTargets NAMESPACE graft:: DESTINATION ${graft_package})
if(GRAFT_BUILD_PROGRAM)
  # The program finds LibTorch where it was built with; docs/shipping.md tells how to take it along.
  set_target_properties(graft_program PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
  install(TARGETS graft_program)
endif()

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/graftConfig.cmake.in ${PROJECT_BINARY_DIR}/graftConfig.cmake
                              INSTALL_DESTINATION ${graft_package} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/graftConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/graftConfig.cmake ${PROJECT_BINARY_DIR}/graftConfigVersion.cmake ${PROJECT_SOURCE_DIR}/cmake/Dependencies.cmake
              ${PROJECT_SOURCE_DIR}/cmake/LibTorch.cmake
        DESTINATION ${graft_package})
file(RELATIVE_PATH graft_pc_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)  # an install tree may be moved
configure_file(${PROJECT_SOURCE_DIR}/cmake/graft.pc.in ${PROJECT_BINARY_DIR}/graft.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/graft.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
