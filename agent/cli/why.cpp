// The command that tells what an update died of.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "agent/appliance.h"
#include "agent/cli/announce.h"
#include "agent/cli/commands.h"
#include "agent/cli/exit_code.h"
#include "agent/foresight/findings_file.h"
#include "agent/lock.h"
#include "agent/trial_journal.h"
#include "base/log.h"

namespace cube::cli {
namespace {

int tell(const LastWords& words, bool json) {
  if (json)
    fmt::print("{}\n", Json(last_words_json(words)).line());
  else
    fmt::print("{}", last_words_text(words));
  return exit_done;
}

Result<Attempt> chosen(const Journal& journal, std::uint64_t number) {
  const auto found =
      std::find_if(journal.history.rbegin(), journal.history.rend(), [&](const Attempt& attempt) {
        return number == 0 ? attempt.outcome != Outcome::committed : attempt.number == number;
      });
  if (found != journal.history.rend()) return *found;
  if (number == 0) return Error{Errc::nothing_to_do, "no update failed on this machine"};
  return Error{Errc::invalid, fmt::format("the history has no update #{}; `cube-update history` "
                                          "lists those that it has",
                                          number)};
}

// In the slot that failed, or, where both slots log to one place, among the others' boots.
Status read_journal(const Appliance& appliance, const RootDir& failed, LastWords& words) {
  CUBE_TRY(words.journal,
           journal_errors(failed, {words.boot, words.attempt->started}, appliance.root()));
  if (words.journal.empty() && !words.boot.empty()) {
    CUBE_TRY(words.journal, journal_errors(appliance.root(), {words.boot, 0}, appliance.root()));
  }
  return ok();
}

// A file without a name, for as much as an initramfs may hold.
Result<Fd> scratch_file(const RootDir& root) {
  auto file = root.open_file("var/tmp", O_TMPFILE | O_RDWR, 0600);
  return file ? std::move(file) : root.open_file("var/lib/cube-update", O_TMPFILE | O_RDWR, 0600);
}

// None where there is none, or none that can be read.
std::optional<InitramfsContents> initramfs_in(const Appliance& appliance, const RootDir& tree) {
  const auto image = tree.open_file("boot/initrd.img", O_RDONLY);
  if (!image) return std::nullopt;
  const auto scratch = scratch_file(appliance.root());
  auto contents = scratch ? initramfs_contents(*image, *scratch, tree.join("boot/initrd.img"))
                          : Result<InitramfsContents>(scratch.error());
  if (contents) return *std::move(contents);
  log(Level::warning, "what is in an initramfs is not compared: " + contents.error().what);
  return std::nullopt;
}

Result<Offered> offered_in(const Appliance& appliance, const RootDir& tree) {
  CUBE_TRY(auto root, kernel_modules(tree));
  return Offered{std::move(root), initramfs_in(appliance, tree)};
}

// Both releases, while the failed one is still where it was.
Status compare(const Appliance& appliance, Machine& machine, LastWords& words) {
  const auto lock = take_lock(appliance.root(), 0);
  CUBE_TRY(const auto booted, machine.slots.booted());
  if (!lock || words.attempt->target == booted) return ok();
  CUBE_TRY(const auto running, appliance.look_into(booted));
  CUBE_TRY(words.good, offered_in(appliance, running.tree()));
  CUBE_TRY(const auto seal, machine.slots.seal_of(words.attempt->target));
  if (!seal || seal->attempt != words.attempt->number) return ok();
  CUBE_TRY(const auto other, appliance.look_into(words.attempt->target));
  CUBE_TRY(words.failed, offered_in(appliance, other.tree()));
  return read_journal(appliance, other.tree(), words);
}

insight::Findings foreseen_for(const Appliance& appliance, std::uint64_t attempt) {
  auto kept = load_findings(appliance.root(), findings_folder, attempt);
  if (!kept) log(Level::warning, "what was foreseen is not known: " + kept.error().what);
  if (!kept || !*kept) return {};
  std::erase_if(**kept, [](const auto& finding) { return finding.grade == insight::Grade::good; });
  return std::move(**kept);
}

Result<int> why_here(const Common& common, std::uint64_t number) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  CUBE_TRY(const auto journal, appliance->journal().load());
  CUBE_TRY(const auto attempt, chosen(journal, number));
  CUBE_TRY(auto words, last_words_of(*appliance, attempt));
  words.foreseen = foreseen_for(*appliance, attempt.number);
  CUBE_CHECK(compare(*appliance, appliance->machine(), words));
  return tell(words, common.json);
}

Result<int> why_elsewhere(const Common& common, const std::string& from) {
  const std::filesystem::path path(absolute_place(from));
  // The folder is opened as a root, so that a record that is a link leads nowhere else.
  std::error_code ignored;
  const bool folder = std::filesystem::is_directory(path, ignored);
  const auto root = RootDir::open(folder ? path.string() : path.parent_path().string());
  if (!root) return Error(root.error());
  CUBE_TRY(auto log, read_log(*root, folder ? "." : path.filename().string()));
  if (log.text.empty() && log.marks.empty() && log.left_out.empty())
    return Error{Errc::nothing_to_do, from + " is empty"};
  LastWords words;
  words.diagnosis = diagnose_log(log);
  words.left_out = std::move(log.left_out);
  return tell(words, common.json);
}

}  // namespace

Result<int> why(const Common& common, std::uint64_t attempt, const std::string& from) {
  return from.empty() ? why_here(common, attempt) : why_elsewhere(common, from);
}

}  // namespace cube::cli
