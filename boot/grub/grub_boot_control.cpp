#include "boot/grub/grub_boot_control.h"

#include "base/mutation.h"
#include "boot/cmdline.h"
#include "boot/grub/block_file.h"
#include "boot/grub/env_block.h"

namespace cube {

// The variables of `env`, typed.
struct GrubBootControl::Env {
  EnvBlock block;     // with what else may be in it
  std::string bytes;  // as read
  BootState state;
  std::string canary;
};

namespace {

constexpr const char* remedy =
    "; the running slot can be made the fallback anew with `cube-update commit`";

std::string slot_or_none(const std::optional<SlotId>& slot) {
  return slot ? std::string(to_string(*slot)) : "none";
}

Result<std::optional<SlotId>> slot_or_none_in(const EnvBlock& block, const std::string& name) {
  CUBE_TRY(const auto text, block.get(name));
  if (text == "none") return std::optional<SlotId>();
  if (const auto slot = parse_slot(text)) return std::optional<SlotId>(slot);
  return Error{Errc::corrupt, "has " + name + "=" + text};
}

Result<SlotId> slot_in(const EnvBlock& block, const std::string& name) {
  CUBE_TRY(const auto slot, slot_or_none_in(block, name));
  if (!slot) return Error{Errc::corrupt, "has " + name + "=none"};
  return *slot;
}

Result<int> digit_in(const EnvBlock& block, const std::string& name) {
  CUBE_TRY(const auto text, block.get(name));
  if (text.size() != 1 || text[0] < '0' || text[0] > '9')
    return Error{Errc::corrupt, "has " + name + "=" + text};
  return text[0] - '0';
}

Result<std::string> canary_in(const EnvBlock& block) {
  CUBE_TRY(auto text, block.get("cube_canary"));
  if (!is_canary(text)) return Error{Errc::corrupt, "has cube_canary=" + text};
  return text;
}

Result<BootState> state_in(const EnvBlock& block) {
  BootState state;
  CUBE_TRY(state.fallback, slot_in(block, "cube_fallback"));
  CUBE_TRY(const auto offer, slot_or_none_in(block, "cube_offer"));
  CUBE_TRY(const auto trial, slot_or_none_in(block, "cube_trial"));
  CUBE_TRY(const int left, digit_in(block, "cube_left"));
  CUBE_TRY(const int done, digit_in(block, "cube_done"));
  if (trial) state.trial = Trial{*trial, left, done};
  state.offered = offer.has_value();
  if (offer && offer != trial) return Error{Errc::corrupt, "offers a slot that is not on trial"};
  if (trial && *trial == state.fallback)
    return Error{Errc::corrupt, "has the fallback itself on trial"};
  if (offer && left == 0) return Error{Errc::corrupt, "offers a trial without tries left"};
  return state;
}

// Any trouble with the records means: no safe trial. Out of space and the like keep their code.
Error records_error(Error error, const std::string& path) {
  const bool unusable = error.code == Errc::corrupt || error.code == Errc::not_found ||
                        error.sys_errno == EROFS || error.sys_errno == EACCES ||
                        error.sys_errno == EPERM;
  if (unusable) error.code = Errc::cannot_arm;
  error.what = "GRUB environment block " + path + ": " + error.what;
  return error;
}

}  // namespace

Result<GrubBootControl::Env> GrubBootControl::read_env() const {
  const auto read = [&]() -> Result<Env> {
    CUBE_TRY(const auto bytes, read_block(root_, paths_.env));
    Env env;
    env.bytes = bytes;
    CUBE_TRY(env.block, EnvBlock::parse(bytes));
    CUBE_TRY(env.state, state_in(env.block));
    CUBE_TRY(env.canary, canary_in(env.block));
    return env;
  };
  auto env = read();
  if (!env) {
    auto error = records_error(std::move(env).error(), root_.join(paths_.env));
    error.what += remedy;
    return error;
  }
  return env;
}

Result<SlotId> GrubBootControl::read_good() const {
  const auto read = [&]() -> Result<SlotId> {
    CUBE_TRY(const auto bytes, read_block(root_, paths_.good));
    CUBE_TRY(const auto block, EnvBlock::parse(bytes));
    return slot_in(block, "cube_fallback");
  };
  auto good = read();
  if (!good) {
    auto error = records_error(std::move(good).error(), root_.join(paths_.good));
    error.what += remedy;
    return error;
  }
  return good;
}

Result<BootState> GrubBootControl::state() const {
  CUBE_TRY(const auto env, read_env());
  CUBE_CHECK(read_by_grub(env));
  // A second copy that cannot be read is damage; one that names the other slot is a bless() that
  // was cut short, and the block that GRUB asks first counts.
  CUBE_TRY([[maybe_unused]] const auto good, read_good());
  return env.state;
}

// Good follows env, which GRUB asks first: a bless() cut short has left both slots good. Without
// this that one cut would keep arm() and reject() out for ever; and a slot that good still names
// must not be filled.
Status GrubBootControl::let_good_follow(const Env& env) {
  CUBE_TRY(const auto good, read_good());
  if (good == env.state.fallback || mutated("grub-good-left-behind")) return ok();
  CUBE_CHECK(read_by_grub(env));
  return write_good(env.state.fallback);
}

// Writes after proving that GRUB started this kernel from the same block.
Status GrubBootControl::write_env(Env env) {
  CUBE_CHECK(read_by_grub(env));
  CUBE_TRY(env.canary, canary_of_this_boot(root_));
  const auto& state = env.state;
  const std::optional<SlotId> trial = state.trial ? std::optional(state.trial->slot) : std::nullopt;
  env.block.set("cube_fallback", std::string(to_string(state.fallback)));
  env.block.set("cube_offer", slot_or_none(state.offered ? trial : std::nullopt));
  env.block.set("cube_trial", slot_or_none(trial));
  env.block.set("cube_left", std::to_string(state.trial ? state.trial->tries_left : 0));
  env.block.set("cube_done", std::to_string(state.trial ? state.trial->tries_done : 0));
  env.block.set("cube_canary", env.canary);
  CUBE_TRY(const auto bytes, env.block.render());
  if (bytes.substr(env_sector_bytes) != env.bytes.substr(env_sector_bytes))
    return Error{Errc::cannot_arm, "GRUB environment block " + root_.join(paths_.env) +
                                       ": variables of others reach beyond its first 512 bytes, so "
                                       "a power cut could tear it; remove them with grub-editenv"};
  return write(paths_.env, bytes);
}

// The kernel's arguments prove that GRUB read this block; its canary, that this boot has proved so
// before it wrote.
Status GrubBootControl::read_by_grub(const Env& env) const {
  CUBE_TRY(const auto cmdline, read_cmdline(root_));
  CUBE_TRY(const auto ours, canary_of_this_boot(root_));
  if (env.canary == cmdline.canary || env.canary == ours || mutated("grub-canary-ignored"))
    return ok();
  return Error{Errc::cannot_arm,
               "GRUB did not start this kernel from " + root_.join(paths_.env) +
                   ": it reads another environment block; check the boot partition that GRUB uses"};
}

Status GrubBootControl::write_good(SlotId fallback) {
  EnvBlock block;
  block.set("cube_fallback", std::string(to_string(fallback)));
  CUBE_TRY(const auto bytes, block.render());
  return write(paths_.good, bytes);
}

Status GrubBootControl::write(const std::string& path, const std::string& bytes) {
  Status written = write_block(root_, path, bytes);
  if (written) return ok();
  const bool locked = written.error().sys_errno == EROFS || written.error().sys_errno == EPERM ||
                      written.error().sys_errno == EACCES;
  auto error = std::move(written).error().in("GRUB environment block " + root_.join(path));
  if (locked || error.code == Errc::not_found) error.code = Errc::cannot_arm;
  if (error.code == Errc::corrupt) error.code = Errc::failed;  // another one writes there
  if (locked) error.what += "; remount the boot partition writable and try again";
  return error;
}

Status GrubBootControl::arm(SlotId slot, int tries) {
  if (tries < 1 || tries > 9) return Error{Errc::bug, "arm: tries out of range"};
  CUBE_TRY(auto env, read_env());
  if (slot == env.state.fallback) return Error{Errc::bug, "arm: the slot is the fallback"};
  CUBE_CHECK(let_good_follow(env));
  const bool again = env.state.trial && env.state.trial->slot == slot;
  env.state.trial = Trial{slot, tries, again ? env.state.trial->tries_done : 0};
  env.state.offered = true;
  return write_env(std::move(env));
}

Status GrubBootControl::reject(SlotId slot) {
  CUBE_TRY(auto env, read_env());
  if (slot == env.state.fallback) return Error{Errc::bug, "reject: the slot is the fallback"};
  // Written even if nothing changes: after a failed fsync only the page cache may know of no trial.
  CUBE_CHECK(let_good_follow(env));
  env.state.trial.reset();
  env.state.offered = false;
  return write_env(std::move(env));
}

Status GrubBootControl::bless(SlotId slot) {
  auto env = read_env();
  if (env) {
    CUBE_CHECK(read_by_grub(*env));
    if (!mutated("grub-bless-skips-good")) CUBE_CHECK(write_good(slot));
    env->state = BootState{slot, std::nullopt, false};
    return write_env(std::move(*env));
  }
  return write_anew(slot, env.error());
}

// The block is damaged or missing. Written anew only where GRUB must have seen the same: a missing
// file that GRUB nevertheless read a canary from is a boot partition that is not mounted here.
Status GrubBootControl::write_anew(SlotId slot, const Error& damage) {
  CUBE_TRY(const auto cmdline, read_cmdline(root_));
  if (!cmdline.slot)
    return Error{
        Errc::cannot_arm,
        "this kernel was not started by cube-update's GRUB script (no cube.slot= among its "
        "arguments); install packaging/grub.d first"};
  if (!root_.exists(paths_.env) && !cmdline.canary.empty())
    return Error{Errc::cannot_arm,
                 damage.what + "; but GRUB found one: is the boot partition mounted?"};
  CUBE_CHECK(write_good(slot));
  EnvBlock block;
  const std::string text(to_string(slot));
  CUBE_TRY(const auto canary, canary_of_this_boot(root_));
  for (const auto& [name, value] :
       std::initializer_list<std::pair<const char*, std::string>>{{"cube_fallback", text},
                                                                  {"cube_offer", "none"},
                                                                  {"cube_trial", "none"},
                                                                  {"cube_left", "0"},
                                                                  {"cube_done", "0"},
                                                                  {"cube_canary", canary}})
    block.set(name, value);
  CUBE_TRY(const auto bytes, block.render());
  return write(paths_.env, bytes);
}

}  // namespace cube
