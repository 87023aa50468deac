#include "boot/postmortem/pstore_post_mortem.h"

#include <algorithm>
#include <array>

#include "base/durable_file.h"

namespace cube {
namespace {

constexpr const char* pstore = "sys/fs/pstore";
constexpr std::size_t max_records = 64;
constexpr std::size_t max_record_bytes = 256 * 1024;
constexpr std::size_t max_folders = 20;

struct Sign {
  std::string_view text;
  Cause cause;
};
// In order of how much they tell.
constexpr std::array<Sign, 6> signs{{
    {"cube-update: initramfs: ", Cause::breadcrumb},
    {"Kernel panic - not syncing", Cause::panic},
    {"BUG: ", Cause::panic},
    {"Oops: ", Cause::panic},
    {"watchdog: BUG", Cause::panic},
    {"Unable to handle kernel", Cause::panic},
}};

std::string line_from(std::string_view log, std::size_t at) {
  std::string line(log.substr(at, std::min(log.find('\n', at), log.size()) - at));
  if (line.size() > max_detail) line.resize(max_detail);
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

bool is_compressed(const std::string& name) { return name.ends_with(".z"); }

}  // namespace

Evidence evidence_in(std::string_view kernel_log) {
  for (const auto& sign : signs) {
    auto at = kernel_log.find(sign.text);
    if (at == std::string_view::npos) continue;
    if (sign.cause == Cause::breadcrumb) at += sign.text.size();
    return {sign.cause, line_from(kernel_log, at)};
  }
  return {};
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
  Evidence best;
  for (const auto& name : names) {
    // A record that cannot be read still proves a death.
    Evidence found{Cause::panic, "a kernel crash record was found, but it cannot be read: " + name};
    if (!is_compressed(name)) {
      if (const auto log = root_.read_file(std::string(pstore) + "/" + name, max_record_bytes))
        found = evidence_in(*log);
    }
    const bool tells_more = best.cause == Cause::none ||
                            (found.cause == Cause::breadcrumb && best.cause != Cause::breadcrumb) ||
                            (found.cause == Cause::panic && best.cause == Cause::panic &&
                             found.detail.starts_with("Kernel panic") &&
                             !best.detail.starts_with("Kernel panic"));
    if (found.cause != Cause::none && tells_more) best = found;
  }
  return best;
}

Status PstorePostMortem::keep(std::uint64_t attempt) { return move_to(std::to_string(attempt)); }

Status PstorePostMortem::set_aside() {
  CUBE_TRY(const auto names, records());
  if (names.empty()) return ok();
  CUBE_CHECK(root_.remove_tree(state_ + "/post-mortem/earlier"));  // the newest batch is enough
  return move_to("earlier");
}

Status PstorePostMortem::move_to(const std::string& name) {
  CUBE_TRY(const auto names, records());
  if (names.empty()) return ok();
  const std::string folder = state_ + "/post-mortem/" + name;
  CUBE_CHECK(root_.make_dirs(folder, 0700));
  for (const auto& record : names) {
    const std::string path = std::string(pstore) + "/" + record;
    // One that cannot be read is erased all the same: it would be blamed on the next release.
    if (const auto content = root_.read_file(path, max_record_bytes))
      CUBE_CHECK(replace_file(root_, folder + "/" + record, *content, 0600));
    CUBE_CHECK(root_.remove_file(path));
  }
  return forget_oldest();
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
