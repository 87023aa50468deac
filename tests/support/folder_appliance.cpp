#include "tests/support/folder_appliance.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "base/clock.h"
#include "base/digest.h"
#include "base/spawn.h"
#include "model/manifest.h"
#include "slots/ostree/compose/compose.h"
#include "slots/seal_file.h"
#include "tests/support/commit_packs.h"
#include "tests/support/packs.h"
#include "tests/support/text_files.h"
#include "tests/support/tuf_signer.h"

namespace cube {
namespace {

namespace fs = std::filesystem;

template <typename T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().what);
  return std::move(result).value();
}

void lay_out_tree(const fs::path& tree, const std::string& name) {
  put(tree / "boot/vmlinuz", "kernel of " + name);
  put(tree / "boot/initrd.img", "initramfs of " + name);
  put(tree / "etc/os-release", "NAME=" + name + "\n");
  put(tree / "usr/bin/tool", "tool of " + name);
  put(tree / "usr/bin/same", "the same in every release");
  put(tree / "usr/lib/large", random_bytes(40'000, 1) + name);
  put(tree / "usr/share/empty", "");
  put(tree / "var/lib/state", "factory");
  fs::create_directories(tree / "run");
  fs::create_symlink("usr/bin", tree / "bin");
  fs::permissions(tree / "usr/bin/tool", fs::perms(0755));
}

// What links point to, the files that share an inode, times, modes: all as in `from`.
void copy_tree(const fs::path& from, const fs::path& to) {
  fs::remove_all(to);
  const auto outcome = value_of(spawn({"cp", "-a", from.string(), to.string()}));
  if (outcome.exit_code != 0) throw std::runtime_error("cp: " + outcome.output);
}

}  // namespace

FolderAppliance::FolderAppliance() {
  publish();
  write_config(repository());
  fs::create_directories(root() + "/slots/a");
  fs::create_directories(root() + "/slots/b");
  fs::create_directories(root() + "/var/lib");
  const auto installed = value_of(
      spawn({CUBE_PROGRAM, "install-slot", root() + "/slots/a", older, "--from", repository(),
             "--trusted-root", root() + "/usr/share/cube-update/root.json"}));
  if (installed.exit_code != 0) throw std::runtime_error("install-slot: " + installed.output);
  loader_.install(SlotId::a);
  start();
}

void FolderAppliance::write_config(const std::string& source, const std::string& more) const {
  put(root() + "/usr/lib/cube-update/config.d/10.toml",
      "product = \"CUBE\"\n[slots]\na = \"dir:slots/a\"\nb = \"dir:slots/b\"\n[source]\nurl = \"" +
          source + "\"\n" + more);
}

void FolderAppliance::publish() {
  fs::create_directories(repository());
  auto objects = value_of(ArchiveRepository::create(repository() + "/repo"));
  for (const std::string name : {older, newer}) {
    const fs::path tree = dir_.path() + "/tree-" + name;
    lay_out_tree(tree, name);
    const auto composed = value_of(objects.commit_tree(tree, {name, 1'650'000'000, false}));
    Release release;
    release.name = value_of(ReleaseName::parse(name));
    release.epoch = 1;
    release.commit = composed.commit;
    release.tree_bytes = composed.tree_bytes;
    release.tree_inodes = composed.tree_inodes;
    release.kernel_release = composed.kernel_release;
    const auto full = full_pack_of(repository() + "/repo", composed.commit);
    release.packs = {full.pack};
    signer_.add_release(name, render_manifest(release));
    signer_.add_file(name, full.pack.file, full.bytes);
    if (name == older) older_commit_ = composed.commit;
    newer_ = release;
    newer_pack_ = full.bytes;
  }
  signer_.publish();
  signer_.bake_root(root());
}

void FolderAppliance::offer(const std::string& name, std::uint64_t epoch,
                            std::uint64_t tree_bytes) {
  Release release = newer_;
  release.name = value_of(ReleaseName::parse(name));
  release.epoch = epoch;
  if (tree_bytes > 0) release.tree_bytes = tree_bytes;
  signer_.add_release(name, render_manifest(release));
  signer_.add_file(name, "full.pack", newer_pack_);
}

void FolderAppliance::add_delta() {
  const auto delta = delta_of(repository() + "/repo", older_commit_, newer_.commit);
  newer_.packs.push_back(delta.pack);
  signer_.add_release(newer, render_manifest(newer_));
  signer_.add_file(newer, "full.pack", newer_pack_);
  signer_.add_file(newer, delta.pack.file, delta.bytes);
  signer_.publish_again();
}

// Consistent snapshots put a digest before the name.
fs::path FolderAppliance::published(const std::string& file) const {
  for (const auto& entry : fs::directory_iterator(repository() + "/targets/releases/" + newer))
    if (entry.path().filename().string().ends_with("." + file)) return entry.path();
  throw std::runtime_error("not published: " + file);
}

void FolderAppliance::take_packs_away() const {
  std::vector<fs::path> packs;
  for (const auto& entry : fs::recursive_directory_iterator(repository() + "/targets"))
    if (entry.path().extension() == ".pack") packs.push_back(entry.path());
  for (const auto& pack : packs) fs::remove(pack);
}

std::vector<std::string> FolderAppliance::command_line(std::vector<std::string> command) const {
  command.insert(command.begin(), CUBE_PROGRAM);
  command.insert(command.end(), {"--root", root()});
  return command;
}

std::vector<std::string> FolderAppliance::environment() {
  std::vector<std::string> variables = SpawnOptions{}.environment;
  if (const char* mutation = std::getenv("CUBE_MUTATION"))
    variables.push_back(std::string("CUBE_MUTATION=") + mutation);
  return variables;
}

FolderAppliance::Ran FolderAppliance::run(std::vector<std::string> command) const {
  const auto outcome =
      value_of(spawn(command_line(std::move(command)), {.environment = environment()}));
  return {outcome.exit_code, outcome.output};
}

Json FolderAppliance::status() const {
  const auto ran = run({"status", "--json"});
  if (ran.exit_code != 0) throw std::runtime_error("status: " + ran.output);
  return value_of(Json::parse(ran.output));
}

std::string FolderAppliance::status_text(const std::string& member) const {
  return value_of(value_of(status().member(member)).string());
}

std::string FolderAppliance::sealed_release(const std::string& slot) const {
  const auto folder = RootDir::open(root() + "/slots/" + slot);
  if (!folder) return "";
  const auto seal = read_seal(*folder);
  return seal && *seal ? (*seal)->release : "";
}

Started FolderAppliance::would_start() const {
  const ScratchDir elsewhere;
  fs::copy(root() + "/boot", elsewhere.path() + "/boot", fs::copy_options::recursive);
  return GrubLoader(elsewhere.path()).start();
}

void FolderAppliance::copy_slot_a_to_b() const {
  copy_tree(root() + "/slots/a", root() + "/slots/b");
}

Started FolderAppliance::start() {
  const auto started = loader_.start();
  const auto ran = run({"resume"});
  if (ran.exit_code != 0) throw std::runtime_error("resume: " + ran.output);
  return started;
}

void FolderAppliance::keep() const {
  copy_tree(root(), dir_.path() + "/kept");
}
void FolderAppliance::restore() const {
  copy_tree(dir_.path() + "/kept", root());
}

std::map<std::string, std::string> FolderAppliance::tree(const std::string& slot) const {
  const std::string top = root() + "/slots/" + slot;
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(top)) {
    struct stat st {};
    if (::lstat(entry.path().c_str(), &st) != 0) throw std::runtime_error("lstat");
    std::string value = std::to_string(st.st_mode);
    if (S_ISREG(st.st_mode)) value += " " + to_hex(sha256(get(entry.path())));
    if (S_ISLNK(st.st_mode)) value += " " + fs::read_symlink(entry.path()).string();
    all[entry.path().string().substr(top.size())] = value;
  }
  return all;
}

bool offers_trial(const Json& status) {
  const auto trial = status.member("trial");
  if (!trial) return false;
  const auto value = trial->member("offered");
  return value && value->boolean() && *value->boolean();
}

}  // namespace cube
