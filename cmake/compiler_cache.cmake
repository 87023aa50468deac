# What was compiled once, here or in another build folder, is not compiled again where ccache is installed.
find_program(CUBE_CCACHE ccache)
if(CUBE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Also with precompiled headers, and for the same tree in another folder.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_DEPEND=1 CCACHE_SLOPPINESS=pch_defines,time_macros
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CUBE_CCACHE})
endif()
