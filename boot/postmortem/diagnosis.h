// diagnose(): what a kernel's log says about how its boot ended. One pure function over foreign
// bytes: a serial console's log, or the records of a pstore put in order.
//
// Guarantees: never fails; work and memory are bounded by the input's length; every text in the
// result is printable ASCII (anything else is '?') and at most max_line bytes long.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cube {

// How far a boot came before it ended. The words are stable (JSON, docs/why.md).
enum class Stage {
  loader,                  // no kernel was started
  kernel_early,            // the kernel died before it unpacked or ran an initramfs
  initramfs_start,         // the initramfs could not be unpacked or its init could not be run
  drivers_missing,         // the driver that the root needs is not there
  driver_not_loaded,       // it is there, and the kernel refused it
  disk_not_found,          // the driver runs, and sees no disk
  root_not_found,          // there are disks, but not the root that was asked for
  unknown_filesystem,      // the kernel does not know the root's file system
  fs_feature_unsupported,  // it does, but not a feature of this one
  mount_failed,            // damaged, or refused for another reason
  switch_root_failed,
  init_missing,
  init_died,
  userspace_panic,  // the kernel died after the real init had started
  oom,
  hang,
  health,
  power,
  none,  // it reached its goal, or nothing is known that speaks against it
};
[[nodiscard]] std::string_view to_string(Stage stage);  // "kernel-early", ...
[[nodiscard]] std::optional<Stage> parse_stage(std::string_view text);

enum class Confidence { low, medium, high };
[[nodiscard]] std::string_view to_string(Confidence confidence);

struct Diagnosis {
  Stage stage = Stage::none;
  Confidence confidence = Confidence::low;
  std::string cause;                  // one sentence for people
  std::vector<std::string> evidence;  // the lines that decided, as they stood; at most max_evidence
  std::string kernel;                 // its release, as `uname -r`; "" when the log does not say
  std::string panic;                  // the line of the panic, the first oops else; or ""
  std::string module;                 // the driver or module involved; or ""
  std::string device;                 // the disk or root that was asked for; or ""
  std::string filesystem;             // "ext4"; or ""
  std::vector<std::string> trace;     // of the panic: functions, innermost first; at most max_trace
  bool trial = false;                 // the boot that is judged was one on trial (cube.trial=1)
  std::string reached;                // the furthest stage that it marked (trial_marks.h); or ""
};

inline constexpr std::size_t max_line = 200;
inline constexpr std::size_t max_evidence = 8;
inline constexpr std::size_t max_trace = 16;

// A log may hold several boots: judged is the last one on trial that failed, without such the last
// one that failed, without such the last one.
[[nodiscard]] Diagnosis diagnose(std::string_view log);

// What the marks tell besides, that the same boot left elsewhere than in its log. Of several boots
// the last one counts. Of a hang they are all that is known.
void add_marks(std::string_view marks, Diagnosis& diagnosis);

// What to do next, one sentence for people.
[[nodiscard]] std::string_view advice(Stage stage);

}  // namespace cube
