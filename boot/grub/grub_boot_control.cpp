#include "boot/grub/grub_boot_control.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "base/digest.h"
#include "base/durable_file.h"
#include "base/io.h"
#include "base/mutation.h"
#include "boot/cmdline.h"

namespace cube {
namespace {

constexpr const char* write_anew =
    "; on a healthy system, `cube-update commit` writes the boot records anew";

std::string folder_of(const std::string& path) {
  const auto slash = path.find_last_of('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

// A regular file, not through a symlink: GRUB may resolve one to another filesystem than we do.
// Errors: corrupt, not_found, failed.
Result<std::string> read_block(const RootDir& root, const std::string& path) {
  auto file = root.open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  if (!file) {
    if (file.error().sys_errno == ELOOP) return Error{Errc::corrupt, "it is a symbolic link"};
    return std::move(file).error();
  }
  struct stat st {};
  if (::fstat(file->get(), &st) != 0) return system_error("stat " + root.join(path));
  if (!S_ISREG(st.st_mode)) return Error{Errc::corrupt, "it is not a regular file"};
  return read_all(*file, env_block_bytes);
}

bool is_damage(const Error& error) {
  return error.code == Errc::corrupt || error.code == Errc::not_found;
}

// Damage as the port reports it.
Error unusable(Error error, const std::string& where) {
  if (error.code == Errc::not_found)
    return {Errc::cannot_arm, "boot record " + where + " is missing" + write_anew, ENOENT};
  if (error.code == Errc::corrupt)
    return {Errc::cannot_arm, "boot record " + where + " is damaged: " + error.what + write_anew};
  return std::move(error).in("boot record " + where);
}

Error not_written(Error error, const std::string& where) {
  const bool locked = error.sys_errno == EROFS || error.sys_errno == EPERM ||
                      error.sys_errno == EACCES;
  error = std::move(error).in("write boot record " + where);
  if (locked) {
    error.code = Errc::cannot_arm;
    error.what += "; mount the boot partition read-write and see that the file is not immutable";
  }
  return error;
}

Result<std::string> random_canary() {
  std::array<unsigned char, 8> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return system_error("getrandom");
  return to_hex(bytes.data(), bytes.size());
}

bool same_second_sector(const std::string& one, const std::string& two) {
  return std::string_view(one).substr(env_sector_bytes) ==
         std::string_view(two).substr(env_sector_bytes);
}

}  // namespace

GrubBootControl::GrubBootControl(const RootDir& root, GrubPaths paths)
    : root_(root), paths_(std::move(paths)) {}

Result<GrubBootControl::Records> GrubBootControl::records() const {
  const std::string env_path = root_.join(paths_.env);
  const std::string good_path = root_.join(paths_.good);
  auto env_block = read_block(root_, paths_.env);
  if (!env_block) return unusable(std::move(env_block).error(), env_path);
  auto env = parse_env(*env_block);
  if (!env) return unusable(std::move(env).error(), env_path);
  auto good_block = read_block(root_, paths_.good);
  if (!good_block) return unusable(std::move(good_block).error(), good_path);
  auto good = parse_good(*good_block);
  if (!good) return unusable(std::move(good).error(), good_path);
  return Records{std::move(*env), std::move(*env_block), *good};
}

Result<BootState> GrubBootControl::state() const {
  CUBE_TRY(const auto now, records());
  return to_boot_state(now.env);
}

// The same values, with the canary as the next write has to leave it.
Result<GrubEnv> GrubBootControl::proven(GrubEnv env) const {
  if (mutated("grub-arm-skips-canary")) return env;
  CUBE_TRY(const auto cmdline, read_cmdline(root_, paths_.cmdline));
  const std::string where = root_.join(paths_.env);
  if (cmdline.canary.empty())
    return Error{Errc::cannot_arm,
                 "the running kernel was started without cube.canary, so it is not known whether "
                 "the boot loader reads " + where + "; restart through the cube-update boot entry"};
  if (cmdline.canary == env.canary) {
    env.was = env.canary;
    CUBE_TRY(env.canary, random_canary());
    return env;
  }
  if (cmdline.canary == env.was) return env;
  return Error{Errc::cannot_arm, "the boot loader started this kernel from other records than " +
                                     where + "; see which partition is mounted there"};
}

// For a block that tells nothing. Later writes of this boot must pass proven(): was is what the
// running kernel was told, if it was told anything.
Result<GrubEnv> GrubBootControl::new_env() const {
  CUBE_TRY(const auto cmdline, read_cmdline(root_, paths_.cmdline));
  GrubEnv env;
  CUBE_TRY(env.canary, random_canary());
  CUBE_TRY(env.was, random_canary());
  if (!cmdline.canary.empty()) env.was = cmdline.canary;
  return env;
}

Status GrubBootControl::put(const std::string& path, const std::string& block) {
  const std::string where = root_.join(path);
  if (mutated("grub-not-in-place")) return replace_file(root_, path, block);
  const auto old = read_block(root_, path);
  auto written = old && old->size() == block.size() ? overwrite_in_place(root_, path, block)
                                                    : put_anew(path, block);
  if (!written) return not_written(std::move(written).error(), where);
  return ok();
}

Status GrubBootControl::put_anew(const std::string& path, const std::string& block) {
  const std::string folder = folder_of(path);
  if (!root_.exists(folder))
    return Error{Errc::cannot_arm, "its folder does not exist; mount the boot partition and install "
                                   "the cube-update boot entry"};
  auto file = root_.open_file(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0644);
  if (!file && file.error().sys_errno == ELOOP) {
    CUBE_CHECK(root_.remove_file(path));
    file = root_.open_file(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
  }
  if (!file) return std::move(file).error();
  struct stat st {};
  if (::fstat(file->get(), &st) != 0) return system_error("stat");
  if (!S_ISREG(st.st_mode)) return Error{Errc::failed, "it is not a regular file; remove it"};
  if (::ftruncate(file->get(), static_cast<off_t>(block.size())) != 0)
    return system_error("set its length");
  CUBE_CHECK(write_at(*file, block, 0));
  CUBE_CHECK(sync_file(*file));
  CUBE_CHECK(sync_folder(root_, folder));
  CUBE_TRY(const auto back, read_block(root_, path));
  if (back != block) return Error{Errc::failed, "read back differs from what was written"};
  return ok();
}

Status GrubBootControl::change(const Records& before, const GrubEnv& next) {
  CUBE_TRY(const auto block, render_env(next));
  if (!same_second_sector(block, before.env_block))
    return Error{Errc::cannot_arm, "boot record " + root_.join(paths_.env) +
                                       ": variables of others reach beyond its first 512 bytes, so "
                                       "it cannot be changed safely; remove them with grub-editenv"};
  if (before.good != before.env.fallback)  // a cut inside bless: both slots were good
    CUBE_CHECK(put(paths_.good, render_good(before.env.fallback)));
  return put(paths_.env, block);
}

Status GrubBootControl::arm(SlotId slot, int tries) {
  if (tries < 1 || tries > 9) return Error{Errc::bug, "arm: tries must be 1 to 9"};
  CUBE_TRY(const auto before, records());
  if (slot == before.env.fallback) return Error{Errc::bug, "arm: the slot is the fallback"};
  CUBE_TRY(auto next, proven(before.env));
  if (next.trial != slot) next.done = 0;
  next.trial = slot;
  next.offer = slot;
  next.left = tries;
  return change(before, next);
}

Status GrubBootControl::reject(SlotId slot) {
  CUBE_TRY(const auto before, records());
  if (slot == before.env.fallback) return Error{Errc::bug, "reject: the slot is the fallback"};
  CUBE_TRY(auto next, proven(before.env));
  next.offer.reset();
  next.trial.reset();
  next.left = 0;
  next.done = 0;
  return change(before, next);
}

Status GrubBootControl::bless(SlotId slot) {
  const auto old_block = read_block(root_, paths_.env);
  if (!old_block && !is_damage(old_block.error()))
    return Error(old_block.error()).in("boot record " + root_.join(paths_.env));
  const auto old = old_block ? parse_env(*old_block) : Result<GrubEnv>(old_block.error());
  CUBE_TRY(auto next, old ? proven(*old) : new_env());
  next.fallback = slot;
  next.offer.reset();
  next.trial.reset();
  next.left = 0;
  next.done = 0;
  auto block = render_env(next);
  if (old && (!block || !same_second_sector(*block, *old_block))) {
    next.foreign.clear();  // a healthy boot is worth more than variables of others
    block = render_env(next);
  }
  if (!block) return std::move(block).error();
  if (!mutated("grub-bless-skips-good-copy")) CUBE_CHECK(put(paths_.good, render_good(slot)));
  return put(paths_.env, *block);
}

}  // namespace cube
