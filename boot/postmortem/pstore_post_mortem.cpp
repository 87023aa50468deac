#include "boot/postmortem/pstore_post_mortem.h"

#include <algorithm>

#include "base/durable_file.h"
#include "base/mutation.h"
#include "boot/postmortem/diagnosis.h"
#include "boot/postmortem/records.h"

namespace cube {
namespace {

constexpr const char* pstore = "sys/fs/pstore";
constexpr std::size_t max_records = 64;
constexpr std::size_t max_record_bytes = 256 * 1024;
constexpr std::size_t max_folder_bytes = 1024 * 1024;
constexpr std::size_t max_folders = 20;
constexpr int max_rounds = 200;  // of max_records each

// The kernel's own first line, "Panic#1 Part1", gives the reason. With printk.always_kmsg_dump it
// records restarts and halts too.
bool is_orderly(std::string_view record) {
  for (const std::string_view reason : {"Restart#", "Shutdown#", "Halt#", "Poweroff#"})
    if (record.starts_with(reason)) return true;
  return false;
}

bool is_compressed(const std::string& name) {
  return name.ends_with(".z");
}

}  // namespace

Evidence evidence_in(std::string_view kernel_log) {
  constexpr std::string_view last_words = "cube-update: initramfs: ";
  const auto diagnosis = diagnose(kernel_log);
  Evidence evidence;
  if (!diagnosis.panic.empty()) evidence = {Cause::panic, diagnosis.panic};
  for (const auto& line : diagnosis.evidence)
    if (const auto at = line.find(last_words); at != std::string::npos)
      evidence = {Cause::breadcrumb, line.substr(at + last_words.size())};
  if (evidence.cause == Cause::none) return evidence;
  const std::string end =
      diagnosis.kernel.empty() ? "" : " (kernel " + diagnosis.kernel.substr(0, 64) + ")";
  evidence.detail = evidence.detail.substr(0, max_detail - end.size()) + end;
  return evidence;
}

Result<std::vector<std::string>> PstorePostMortem::records() const {
  auto names = root_.list(pstore, 10000);
  if (!names) {
    if (names.error().code == Errc::not_found) return std::vector<std::string>{};
    return std::move(names).error();
  }
  std::erase_if(*names, [](const std::string& name) { return !name.starts_with("dmesg-"); });
  if (names->size() > max_records) names->resize(max_records);
  return std::move(*names);
}

Result<Evidence> PstorePostMortem::look() const {
  CUBE_TRY(const auto names, records());
  Evidence unread;
  std::vector<Record> read;
  for (const auto& name : names) {
    // A record that cannot be read still proves a death.
    auto log = is_compressed(name) ? Result<std::string>(Error{Errc::corrupt, "compressed"})
                                   : read_record(root_, std::string(pstore) + "/" + name,
                                                 max_record_bytes, Keep::begin);
    if (!log)
      unread = {Cause::panic, "a kernel crash record was found, but it cannot be read: " + name};
    else if (!is_orderly(*log))
      read.push_back({name, std::move(*log)});
  }
  const auto found = evidence_in(in_order(std::move(read)));
  return found.cause == Cause::none ? unread : found;
}

Status PstorePostMortem::keep(std::uint64_t attempt) {
  return move_to(std::to_string(attempt));
}

Status PstorePostMortem::set_aside() {
  const std::string earlier = state_ + "/post-mortem/earlier";
  CUBE_TRY(const auto names, records());
  CUBE_TRY(const auto used, room_of(earlier));
  // The newest deaths are worth more. Half is left free, so that a cut in here loses none of them.
  if (!names.empty() && (used.bytes > max_folder_bytes / 2 || used.files > max_records / 2))
    CUBE_CHECK(root_.remove_tree(earlier));
  return move_to("earlier");
}

// Copies first, and all the way to the disk; then erases. By max_records, until nothing is left: a
// record that stays would be blamed on the next release.
Status PstorePostMortem::move_to(const std::string& name) {
  const std::string folder = state_ + "/post-mortem/" + name;
  for (int round = 0; round < max_rounds; ++round) {
    CUBE_TRY(const auto names, records());
    if (names.empty()) return round == 0 ? ok() : forget_oldest();
    CUBE_CHECK(root_.make_dirs(folder, 0700));
    for (const auto& record : names) CUBE_CHECK(copy(record, folder));
    CUBE_CHECK(sync_folder(root_, state_ + "/post-mortem"));
    CUBE_CHECK(sync_folder(root_, state_));
    for (const auto& record : names)
      CUBE_CHECK(root_.remove_file(std::string(pstore) + "/" + record));
  }
  return Error{Errc::failed, root_.join(pstore) +
                                 ": records come back after they were erased; erase "
                                 "them with the firmware's own tools"};
}

// As its name, or NAME.2, NAME.3, ... where another death has used it already. One that cannot be
// read or finds no room is not copied, and still erased: a full store swallows the next death.
Status PstorePostMortem::copy(const std::string& record, const std::string& folder) {
  const auto content =
      read_record(root_, std::string(pstore) + "/" + record, max_record_bytes, Keep::begin);
  if (!content || mutated("post-mortem-not-kept")) return ok();
  std::string path = folder + "/" + record;
  for (int count = 2; root_.exists(path); ++count) {
    const auto old = root_.read_file(path, max_record_bytes);
    if (old && *old == *content) return ok();
    path = folder + "/" + record + "." + std::to_string(count);
  }
  CUBE_TRY(const auto used, room_of(folder));
  if (used.files >= max_records || used.bytes + content->size() > max_folder_bytes) return ok();
  return replace_file(root_, path, *content, 0600);
}

Result<PstorePostMortem::Room> PstorePostMortem::room_of(const std::string& folder) const {
  Room room;
  const auto names = root_.list(folder);
  if (!names && names.error().code == Errc::not_found) return room;
  if (!names) return Error(names.error());
  for (const auto& name : *names) {
    CUBE_TRY(const auto st, root_.stat(folder + "/" + name));
    room.bytes += static_cast<std::size_t>(st.st_size);
  }
  room.files = names->size();
  return room;
}

Status PstorePostMortem::forget_oldest() {
  const std::string parent = state_ + "/post-mortem";
  CUBE_TRY(auto folders, root_.list(parent));
  std::erase(folders, "earlier");
  // Numbers: the shorter is the smaller.
  std::sort(folders.begin(), folders.end(), [](const std::string& left, const std::string& right) {
    return left.size() != right.size() ? left.size() < right.size() : left < right;
  });
  for (std::size_t i = 0; i + max_folders < folders.size(); ++i)
    CUBE_CHECK(root_.remove_tree(parent + "/" + folders[i]));
  return ok();
}

}  // namespace cube
