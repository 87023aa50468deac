# The headers that most files include, read once for all files of the same flags. They save work and give nothing: a file still
# names what it uses, which presets dev and tidy hold it to; they do without (CMAKE_DISABLE_PRECOMPILE_HEADERS).
set(CUBE_COMMON_HEADERS <algorithm> <array> <charconv> <chrono> <cstddef> <cstdint> <filesystem> <fmt/format.h> <functional> <map> <memory>
                        <optional> <set> <string> <string_view> <utility> <vector>)

# What is defined by some libraries and not by others would make them useless.
add_compile_options(-pthread)
add_compile_definitions(FMT_SHARED)

# cube_common_headers(NAME HEADER ...): a target whose precompiled headers others take by REUSE_FROM.
function(cube_common_headers name)
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp CONTENT "// Carries precompiled headers.\n")
  add_library(${name} OBJECT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  target_precompile_headers(${name} PRIVATE ${ARGN})
endfunction()
