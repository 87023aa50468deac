// Runs a program under tests/support/crash_shim.cpp: counts the calls by which it changes what is
// stored, and ends or fails it at one of them.
#pragma once

#include <string>
#include <vector>

namespace cube {

enum class Crash {
  kill,      // SIGKILL before the call
  torn,      // as kill; of a write, half of the bytes are written first
  no_space,  // the call fails with ENOSPC, the program lives
  io_error,  // the same with EIO
  read_only, // the same with EROFS
  disk_full, // as no_space, for that call and all later ones
  disk_dies, // as io_error, for that call and all later ones
};

struct Counted {
  int exit_code = 0;  // or 128 + signal
  int calls = 0;      // of all its threads, up to its end
  std::string output; // stdout and stderr, cut at 64 KiB
};

// argv[0] is a path; `environment` ("NAME=VALUE") is all that it gets besides the shim's own. After
// 60 s it is killed, and that is an exception. `on`: only calls on paths that contain it count.
Counted count_calls(const std::vector<std::string>& argv, std::vector<std::string> environment = {},
                    const std::string& on = "");
// `n` counts from 1. A program that makes fewer calls just ends.
Counted run_with_crash(const std::vector<std::string>& argv, int n, Crash crash,
                       std::vector<std::string> environment = {}, const std::string& on = "");

}  // namespace cube
