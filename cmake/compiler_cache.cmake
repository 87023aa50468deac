# What was compiled once in this build folder is not compiled again where ccache is installed, also after the folder was removed.
find_program(CUBE_CCACHE ccache)
if(CUBE_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Also with precompiled headers.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_DEPEND=1 CCACHE_SLOPPINESS=pch_defines,time_macros
      CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CUBE_CCACHE})
endif()
