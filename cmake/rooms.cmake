# cube_room(NAME SOURCES ... NEEDS ...): one room of the house as a static library.
function(cube_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;NEEDS;PRIVATE_NEEDS" ${ARGN})
  add_library(cube_${name} STATIC ${ROOM_SOURCES})
  target_include_directories(cube_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_precompile_headers(cube_${name} REUSE_FROM cube_headers)
  target_link_libraries(cube_${name} PUBLIC ${ROOM_NEEDS} PRIVATE ${ROOM_PRIVATE_NEEDS})
endfunction()
