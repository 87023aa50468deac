#include "agent/virtual_boot/virtual_boot.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "agent/virtual_boot/kvm.h"
#include "agent/virtual_boot/overlay.h"
#include "base/digest.h"
#include "boot/cmdline.h"
#include "boot/postmortem/diagnosis.h"

namespace cube {
namespace {

// Debian and most others; Enterprise Linux.
constexpr std::array<const char*, 2> programs{"usr/bin/qemu-system-x86_64", "usr/libexec/qemu-kvm"};
constexpr std::int64_t least_memory_mib = 256, kib_in_mib = 1024;
constexpr std::uint64_t mib = 1024 * 1024;
constexpr std::uint64_t own_memory = 2048 * mib;  // address space of QEMU beside the guest's
constexpr std::chrono::seconds kvm_first_word{15};
constexpr std::size_t last_lines = 3;

struct Disk {
  std::uint64_t bytes = 0;
  bool is_device = false;
  dev_t device = 0;  // of a block device
};

Result<Disk> look_at(const Fd& fd) {
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return system_error("stat the slot's device");
  Disk disk{static_cast<std::uint64_t>(st.st_size), S_ISBLK(st.st_mode), st.st_rdev};
  if (disk.is_device && ::ioctl(fd.get(), BLKGETSIZE64, &disk.bytes) != 0)
    return system_error("size of the slot's device");
  return disk;
}

std::string find_program(const RootDir& root) {
  for (const char* program : programs)
    if (root.exists(program)) return root.join(program);
  return "";
}

// Half of what is available, at most what is wanted.
std::int64_t memory_to_take(const RootDir& root, std::int64_t wanted) {
  constexpr std::string_view key = "MemAvailable:";
  const auto text = root.read_file("proc/meminfo", 64 * 1024);
  const auto at = text ? text->find(key) : std::string::npos;
  if (at == std::string::npos) return wanted;  // an appliance in a folder
  const auto number = text->find_first_of("0123456789", at + key.size());
  std::int64_t available = 0;
  if (number != std::string::npos)
    std::from_chars(text->data() + number, text->data() + text->size(), available);
  return std::min(wanted, available / kib_in_mib / 2);
}

Result<std::string> new_secret() {
  std::array<unsigned char, 8> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return system_error("random bytes");
  return to_hex(bytes.data(), bytes.size());
}

std::string printable_line(std::string_view line) {
  std::string text(line.substr(0, max_line));
  for (char& c : text)
    if (c < ' ' || c >= '\x7f') c = '?';
  return text;
}

std::vector<std::string> end_of(std::string_view console) {
  std::vector<std::string> lines;
  while (!console.empty() && lines.size() < last_lines) {
    const auto start = console.find_last_of('\n');
    auto line = start == std::string_view::npos ? console : console.substr(start + 1);
    console = start == std::string_view::npos ? std::string_view() : console.substr(0, start);
    while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
    if (!line.empty()) lines.insert(lines.begin(), printable_line(line));
  }
  return lines;
}

VirtualEnd end_of_run(const GuestRun& run) {
  if (run.end == GuestEnd::reached) return VirtualEnd::reached;
  if (run.end == GuestEnd::ended) return VirtualEnd::died;
  if (run.end == GuestEnd::not_started || run.end == GuestEnd::overlay_full)
    return VirtualEnd::impossible;
  return run.silent * 2 >= run.took ? VirtualEnd::hung : VirtualEnd::slow;
}

// What its console tells of how it ended.
void explain(const GuestRun& run, VirtualBoot& boot) {
  if (boot.end == VirtualEnd::reached) return;
  boot.evidence = end_of(run.console);
  if (run.end == GuestEnd::not_started) {
    const auto words = end_of(run.qemu);
    boot.why = "QEMU did not run it: " + (words.empty() ? "it said nothing" : words.back());
    return;
  }
  if (run.end == GuestEnd::overlay_full) {
    boot.why = "it wrote more than a virtual boot may";
    return;
  }
  if (boot.end == VirtualEnd::slow) {
    boot.why = "it was still starting when its time was over";
    return;
  }
  const auto diagnosis = diagnose(run.console);
  if (diagnosis.stage == Stage::oom) {
    // The guest's memory, not the machine's.
    boot.end = VirtualEnd::impossible;
    boot.why = "the guest has too little memory for it (foresight.virtual-memory)";
    return;
  }
  boot.stage = to_string(diagnosis.stage);
  if (diagnosis.stage != Stage::none) {
    boot.why = diagnosis.cause;
    if (!diagnosis.evidence.empty()) boot.evidence = diagnosis.evidence;
  } else {
    boot.why = boot.end == VirtualEnd::hung
                   ? "it fell silent before its goal"
                   : "it switched itself off or restarted before its goal, without saying why";
  }
}

// This machine, as far as a guest needs it.
class Host {
 public:
  Host(const RootDir& root, const SlotParts& parts, const VirtualBootLimits& limits,
       const ProgressSink& progress)
      : root_(root), parts_(parts), limits_(limits), progress_(progress) {}

  Result<VirtualBootRun> run() {
    if (const auto prepared = prepare(); !prepared) return impossible(prepared.error().what);
    // On this machine's processor first; a guest that does not say a word there is emulated.
    if (const auto kvm = find_kvm(root_)) {
      CUBE_TRY(auto run, start(*kinds_.front(), kvm));
      if (run.end != GuestEnd::mute && run.end != GuestEnd::not_started)
        return judge(run, *kinds_.front(), false);
    }
    // Not every QEMU has every disk.
    for (const auto* kind : kinds_) {
      CUBE_TRY(auto run, start(*kind, std::nullopt));
      if (run.end != GuestEnd::not_started || kind == kinds_.back()) return judge(run, *kind, true);
    }
    return impossible("no disk to start it from");
  }

 private:
  Status prepare() {
    program_ = find_program(root_);
    if (program_.empty())
      return Error{Errc::not_found,
                   "there is no QEMU on this machine (" + root_.join(programs[0]) + ")"};
    memory_mib_ = memory_to_take(root_, limits_.memory_mib);
    if (memory_mib_ < least_memory_mib)
      return Error{Errc::failed, "less than " + std::to_string(2 * least_memory_mib) +
                                     " MiB of memory are available"};
    CUBE_TRY(disk_, look_at(parts_.disk));
    if (disk_.is_device) of_machine_ = drivers_of_device(root_, disk_.device);
    kinds_ = disks_to_try(of_machine_, parts_.initramfs_known ? &parts_.loadable : nullptr,
                          parts_.built_in);
    if (kinds_.empty())
      return Error{Errc::unsuitable,
                   parts_.initramfs_known
                       ? "its initramfs has drivers only for disks that no virtual machine has"
                       : "what drivers its initramfs has cannot be read"};
    if (const auto cmdline = root_.read_file("proc/cmdline", max_cmdline_bytes))
      words_ = guest_words(*cmdline);
    return ok();
  }

  Result<GuestRun> start(const DiskKind& kind, const std::optional<Kvm>& kvm) {
    Guest guest;
    guest.slot = parts_.slot;
    CUBE_TRY(guest.secret, new_secret());
    guest.knows_virtual = parts_.knows_virtual;
    guest.machine_words = words_;
    guest.memory_mib = memory_mib_;
    guest.kvm = kvm.has_value();
    guest.disk_is_device = disk_.is_device;
    guest.disk = &kind;
    GuestLimits limits;
    limits.time = kvm ? limits_.time : limits_.emulated_time;
    if (kvm) limits.first_word = std::min(kvm_first_word, limits_.time);
    if (kvm) limits.group = kvm->group;
    limits.address_space = static_cast<std::uint64_t>(memory_mib_) * mib + own_memory;
    CUBE_TRY(auto overlay, nameless_file(root_));
    CUBE_CHECK(make_overlay(overlay, disk_.bytes));
    const GuestFiles files{parts_.disk, overlay, parts_.kernel, parts_.initramfs};
    return run_guest(
        qemu_arguments(program_, guest), files, limits,
        [&](std::string_view port, std::string_view console) {
          return says_reached(port, guest.secret) ||
                 (!guest.knows_virtual && shows_reached(console));
        },
        progress_);
  }

  VirtualBootRun judge(const GuestRun& run, const DiskKind& kind, bool emulated) const {
    VirtualBootRun told;
    told.console = run.console;
    VirtualBoot& boot = told.result;
    boot.end = end_of_run(run);
    boot.emulated = emulated;
    boot.seconds = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::seconds>(run.took).count());
    boot.disk = kind.driver;
    boot.own_disk = of_machine_.count(boot.disk) != 0;
    explain(run, boot);
    return told;
  }

  static VirtualBootRun impossible(const std::string& why) {
    VirtualBootRun told;
    told.result.why = why;
    return told;
  }

  const RootDir& root_;
  const SlotParts& parts_;
  const VirtualBootLimits& limits_;
  const ProgressSink& progress_;
  std::string program_, words_;
  std::int64_t memory_mib_ = 0;
  Disk disk_;
  std::set<std::string> of_machine_;
  std::vector<const DiskKind*> kinds_;
};

}  // namespace

std::string_view to_string(VirtualEnd end) {
  constexpr std::array<std::string_view, 5> words{"reached", "died", "hung", "slow", "impossible"};
  return words[static_cast<std::size_t>(end)];
}

Result<VirtualBootRun> boot_virtually(const RootDir& root, const SlotParts& parts,
                                      const VirtualBootLimits& limits,
                                      const ProgressSink& progress) {
  auto run = Host(root, parts, limits, progress).run();
  if (run || run.error().code == Errc::cancelled) return run;
  VirtualBootRun told;
  told.result.why = run.error().what;
  return told;
}

}  // namespace cube
