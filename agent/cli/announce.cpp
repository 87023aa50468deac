#include "agent/cli/announce.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#include "base/durable_file.h"
#include "base/io.h"
#include "base/log.h"
#include "boot/postmortem/trial_marks.h"

namespace cube::cli {
namespace {

constexpr const char* kept_records = "var/lib/cube-update/post-mortem/";
constexpr const char* motd = "run/motd.d/cube-update";

const Attempt* last_rolled_back(const Journal& journal) {
  if (journal.history.empty() || journal.history.back().outcome != Outcome::rolled_back)
    return nullptr;
  return &journal.history.back();
}

Status write_motd(const RootDir& root, const std::string& text) {
  CUBE_CHECK(root.make_dirs("run/motd.d"));
  return replace_file(root, motd, text, 0644);
}

// Only a real console: a serial line, or what kernel argument console= names.
Status write_console(const RootDir& root, const std::string& text) {
  const auto console = root.open_file("dev/console", O_WRONLY | O_NOCTTY | O_NONBLOCK);
  if (!console && console.error().code == Errc::not_found) return ok();
  if (!console) return Error(console.error());
  struct stat st {};
  if (::fstat(console->get(), &st) != 0 || !S_ISCHR(st.st_mode)) return ok();
  return write_all(*console, "\r\n" + text + "\r\n");
}

Status write_journal(const std::vector<std::string>& fields) {
  std::vector<iovec> parts;
  for (const auto& field : fields) parts.push_back({const_cast<char*>(field.data()), field.size()});
  const int result = ::sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
  return result < 0 ? Status(system_error("write to the journal", -result)) : ok();
}

void log_failure(const Status& status) {
  if (!status) log(Level::warning, "the rollback could not be announced: " + status.error().what);
}

// Somebody is likely to watch the console for it.
void announce_rehearsal(const Appliance& appliance, const Journal& before, const Journal& after) {
  if (after.history.empty() || after.history.back().outcome != Outcome::rehearsed) return;
  const Attempt& attempt = after.history.back();
  if (!before.history.empty() && before.history.back() == attempt) return;
  const auto text = fmt::format(
      "rehearsal #{} of: {}. The old release runs again, {} s after it left ({})", attempt.number,
      to_string(attempt.rehearsal), attempt.away, to_string(attempt.why.cause));
  log(Level::notice, text);
  log_failure(write_console(appliance.root(), "cube-update: " + text + "\n"));
}

}  // namespace

Result<LastWords> last_words_of(const Appliance& appliance, const Attempt& attempt) {
  LastWords words;
  words.attempt = attempt;
  auto log = read_log(appliance.root(), kept_records + std::to_string(attempt.number));
  if (!log && log.error().code != Errc::not_found) return std::move(log).error();
  if (log) words.left_out = std::move(log->left_out);
  words.diagnosis = diagnose_attempt(attempt, log ? *log : Log{});
  const auto marks = marks_in(log ? log->marks : "");
  if (!marks.empty()) words.boot = marks.back().boot;
  return words;
}

std::vector<std::string> journal_fields(const LastWords& words) {
  const Attempt& attempt = words.attempt.value();
  const Diagnosis& found = words.diagnosis;
  std::vector<std::string> fields = {
      fmt::format("MESSAGE=update #{} to {} was rolled back: {}", attempt.number, attempt.release,
                  found.cause),
      "MESSAGE_ID=2a4be16f38294bd6bd84302e067259a6",
      "PRIORITY=4",
      "SYSLOG_IDENTIFIER=cube-update",
      fmt::format("CUBE_ATTEMPT={}", attempt.number),
      "CUBE_RELEASE=" + attempt.release,
      "CUBE_FROM_RELEASE=" + attempt.from_release,
      fmt::format("CUBE_CAUSE={}", to_string(attempt.why.cause)),
      fmt::format("CUBE_STAGE={}", to_string(found.stage)),
      fmt::format("CUBE_CONFIDENCE={}", to_string(found.confidence))};
  for (const auto& [name, value] : {std::pair("CUBE_KERNEL=", &found.kernel),
                                    {"CUBE_PANIC=", &found.panic},
                                    {"CUBE_MODULE=", &found.module},
                                    {"CUBE_DEVICE=", &found.device}})
    if (!value->empty()) fields.push_back(name + *value);
  return fields;
}

std::string message_of_the_day(const LastWords& words) {
  const Attempt& attempt = words.attempt.value();
  std::string text = fmt::format("The update to {} was rolled back on {}: {}\n", attempt.release,
                                 format_utc(attempt.ended), words.diagnosis.cause);
  if (!words.diagnosis.evidence.empty()) text += "    " + words.diagnosis.evidence.back() + "\n";
  return text + fmt::format("More: cube-update why {}\n", attempt.number);
}

void announce(const Appliance& appliance, const Journal& before, const Journal& after) {
  announce_rehearsal(appliance, before, after);
  const Attempt* attempt = last_rolled_back(after);
  if (attempt == nullptr) {
    log_failure(appliance.root().remove_file(motd));
    return;
  }
  const auto words = last_words_of(appliance, *attempt);
  if (!words) return log_failure(words.error());
  log_failure(write_motd(appliance.root(), message_of_the_day(*words)));
  if (last_rolled_back(before) != nullptr && *last_rolled_back(before) == *attempt) return;
  log_failure(write_console(appliance.root(), message_of_the_day(*words)));
  // Of another root the running system's journal knows nothing.
  if (appliance.root().path() == "/") log_failure(write_journal(journal_fields(*words)));
}

}  // namespace cube::cli
