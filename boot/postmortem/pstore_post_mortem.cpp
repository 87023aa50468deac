#include "boot/postmortem/pstore_post_mortem.h"

#include <algorithm>

#include "base/durable_file.h"
#include "base/mutation.h"
#include "boot/postmortem/diagnosis.h"
#include "boot/postmortem/records.h"
#include "boot/postmortem/seen_before.h"

namespace cube {
namespace {

constexpr const char* pstore = "sys/fs/pstore";
constexpr std::string_view deaths = "dmesg-";
constexpr std::string_view messages = "pmsg-";
constexpr std::size_t max_records = 64;
constexpr std::size_t max_record_bytes = 256 * 1024;
constexpr std::size_t max_folder_bytes = 1024 * 1024;
constexpr std::size_t max_folders = 20;
constexpr int max_rounds = 200;  // of max_records each
constexpr const char* seen_file = "/seen-records";

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

// systemd-pstore may be told to leave in the store what it archived.
bool has(const std::vector<Record>& read, const std::string& name, const std::string& content) {
  return std::any_of(read.begin(), read.end(), [&](const Record& record) {
    return record.name == name && record.content == content;
  });
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

// What the kernel's store holds of a kind: dmesg, pmsg.
Result<std::vector<std::string>> PstorePostMortem::records(std::string_view kind) const {
  auto names = root_.list(pstore, 10000);
  if (!names) {
    if (names.error().code == Errc::not_found) return std::vector<std::string>{};
    return std::move(names).error();
  }
  std::erase_if(*names, [&](const std::string& name) { return !name.starts_with(kind); });
  if (names->size() > max_records) names->resize(max_records);
  return std::move(*names);
}

Result<Evidence> PstorePostMortem::look() const {
  CUBE_TRY(const auto names, records(deaths));
  Evidence unread;
  std::vector<Record> read;
  const auto take = [&](const std::string& path, const std::string& name) {
    // A record that cannot be read still proves a death.
    auto log = is_compressed(name) ? Result<std::string>(Error{Errc::corrupt, "compressed"})
                                   : read_record(root_, path, max_record_bytes, Keep::begin);
    if (!log)
      unread = {Cause::panic, "a kernel crash record was found, but it cannot be read: " + name};
    else if (!is_orderly(*log) && !has(read, name, *log))
      read.push_back({name, std::move(*log)});
  };
  for (const auto& name : names) take(std::string(pstore) + "/" + name, name);
  for (const auto& record : archived()) take(record.path, record.name);
  const auto found = evidence_in(in_order(std::move(read)));
  return found.cause == Cause::none ? unread : found;
}

// What was archived stays where it is, so it is written down as seen once its copy is on the disk.
Status PstorePostMortem::keep(std::uint64_t attempt) {
  const std::string folder = state_ + "/post-mortem/" + std::to_string(attempt);
  CUBE_CHECK(keep_archived(folder));
  CUBE_CHECK(keep_marks(folder));
  CUBE_CHECK(move_to(std::to_string(attempt)));
  CUBE_CHECK(note_seen());
  return forget_oldest();
}

Status PstorePostMortem::set_aside() {
  const std::string earlier = state_ + "/post-mortem/earlier";
  CUBE_TRY(const auto names, records(deaths));
  CUBE_TRY(const auto used, room_of(earlier));
  // The newest deaths are worth more. Half is left free, so that a cut in here loses none of them.
  if (!names.empty() && (used.bytes > max_folder_bytes / 2 || used.files > max_records / 2))
    CUBE_CHECK(root_.remove_tree(earlier));
  CUBE_CHECK(move_to("earlier"));
  return note_seen();
}

// Copies first, and all the way to the disk; then erases. By max_records, until nothing is left: a
// record that stays would be blamed on the next release.
Status PstorePostMortem::move_to(const std::string& name) {
  const std::string folder = state_ + "/post-mortem/" + name;
  for (int round = 0; round < max_rounds; ++round) {
    CUBE_TRY(const auto names, records(deaths));
    if (names.empty()) return ok();
    CUBE_CHECK(root_.make_dirs(folder, 0700));
    for (const auto& record : names)
      CUBE_CHECK(copy(std::string(pstore) + "/" + record, record, folder));
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
Status PstorePostMortem::copy(const std::string& path, const std::string& name,
                              const std::string& folder) {
  const auto content = read_record(root_, path, max_record_bytes, Keep::begin);
  if (!content || mutated("post-mortem-not-kept")) return ok();
  std::string place = folder + "/" + name;
  for (int count = 2; root_.exists(place); ++count) {
    const auto old = root_.read_file(place, max_record_bytes);
    if (old && *old == *content) return ok();
    place = folder + "/" + name + "." + std::to_string(count);
  }
  CUBE_TRY(const auto used, room_of(folder));
  if (used.files >= max_records || used.bytes + content->size() > max_folder_bytes) return ok();
  return replace_file(root_, place, *content, 0600);
}

Status PstorePostMortem::keep_archived(const std::string& folder) {
  const auto found = archived();
  if (found.empty()) return ok();
  CUBE_CHECK(root_.make_dirs(folder, 0700));
  for (const auto& record : found) CUBE_CHECK(copy(record.path, record.name, folder));
  CUBE_CHECK(sync_folder(root_, state_ + "/post-mortem"));
  return sync_folder(root_, state_);
}

// Those of the trial's boots alone; without any a file of an earlier call stays.
Status PstorePostMortem::keep_marks(const std::string& folder) {
  const auto found = marks();
  if (!found) return ok();
  const auto left = SeenBefore(root_, state_ + seen_file).unseen(*found);
  if (left.empty()) return ok();
  CUBE_CHECK(root_.make_dirs(folder, 0700));
  CUBE_CHECK(replace_file(root_, folder + "/" + kept_marks, render_marks(left), 0600));
  CUBE_CHECK(sync_folder(root_, state_ + "/post-mortem"));
  return sync_folder(root_, state_);
}

// At most max_records, the newest by name: what is archived is not made by us.
std::vector<ArchivedRecord> PstorePostMortem::archived() const {
  auto found = SeenBefore(root_, state_ + seen_file).unseen(archived_records(root_));
  if (found.size() > max_records)
    found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(max_records));
  return found;
}

// Of the slot that does not run, and of the messages that an earlier kernel's programs left in
// ramoops. Those are other people's, too, so they are neither copied nor erased.
Result<std::vector<Mark>> PstorePostMortem::marks() const {
  std::string text;
  if (read_marks_) {
    CUBE_TRY(text, read_marks_());
  }
  CUBE_TRY(const auto names, records(messages));
  for (const auto& name : names) {
    const auto more =
        read_record(root_, std::string(pstore) + "/" + name, max_marks_bytes, Keep::end);
    if (more) text += "\n" + *more;
  }
  std::vector<Mark> found;
  for (auto& mark : marks_in(text))
    if (std::find(found.begin(), found.end(), mark) == found.end())
      found.push_back(std::move(mark));
  return found;
}

// The boot that arms may have been a trial itself: its marks are not the next one's.
Status PstorePostMortem::note_seen() {
  auto found = marks();
  if (auto boot = root_.read_file("proc/sys/kernel/random/boot_id", 64); boot && found)
    found->push_back({"", boot->substr(0, boot->find('\n'))});
  CUBE_CHECK(root_.make_dirs(state_));
  return SeenBefore::write(root_, state_ + seen_file, archived_records(root_), found);
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
  if (!root_.exists(parent)) return ok();
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
