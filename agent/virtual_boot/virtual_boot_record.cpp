#include "agent/virtual_boot/virtual_boot_record.h"

#include "base/durable_file.h"

namespace cube {
namespace {

constexpr std::size_t max_bytes = 16 * 1024, max_kept_console = 64 * 1024;
constexpr std::size_t max_shown_lines = 8;
constexpr const char* state_folder = "var/lib/cube-update";
constexpr const char* not_exercised =
    "firmware, loader and the drivers of this machine's own devices were not exercised";

Result<bool> flag_at(const Json& json, const std::string& key) {
  CUBE_TRY(const auto member, json.member(key));
  return member.boolean();
}

Result<VirtualEnd> parse_end(const std::string& word) {
  for (const auto end : {VirtualEnd::reached, VirtualEnd::died, VirtualEnd::hung, VirtualEnd::slow,
                         VirtualEnd::impossible})
    if (to_string(end) == word) return end;
  return Error{Errc::corrupt, "\"end\" is not known"};
}

Result<VirtualBoot> parse(const std::string& text) {
  CUBE_TRY(const auto json, Json::parse(text, {.max_bytes = max_bytes}));
  VirtualBoot boot;
  CUBE_TRY(boot.release, json.string_at("release"));
  CUBE_TRY(boot.commit, json.string_at("commit"));
  CUBE_TRY(const auto end, json.string_at("end"));
  CUBE_TRY(boot.end, parse_end(end));
  CUBE_TRY(boot.emulated, flag_at(json, "emulated"));
  CUBE_TRY(boot.own_disk, flag_at(json, "own_disk"));
  CUBE_TRY(boot.seconds, json.unsigned_at("seconds"));
  CUBE_TRY(boot.disk, json.string_at("disk"));
  CUBE_TRY(boot.stage, json.string_at("stage"));
  CUBE_TRY(boot.why, json.string_at("why"));
  CUBE_TRY(const auto evidence, json.member("evidence"));
  CUBE_TRY(const auto lines, evidence.array());
  for (const auto& line : lines) {
    CUBE_TRY(auto words, line.string());
    boot.evidence.push_back(std::move(words));
  }
  return boot;
}

// "in a virtual machine (emulated, disk virtio_blk)"
std::string where(const VirtualBoot& boot) {
  std::string text = "in a virtual machine (";
  text += boot.emulated ? "emulated" : "on this machine's processor";
  if (!boot.disk.empty())
    text += ", disk " + boot.disk + (boot.own_disk ? " as this machine's" : "");
  return text + ")";
}

}  // namespace

VirtualPolicy virtual_policy(const std::string& word) {
  if (word == "require") return VirtualPolicy::require;
  return word == "warn" ? VirtualPolicy::warn : VirtualPolicy::off;
}

Json virtual_boot_json(const VirtualBoot& boot) {
  Json::Array evidence;
  for (const auto& line : boot.evidence) {
    if (evidence.size() == max_shown_lines) break;
    evidence.push_back(Json(line));
  }
  return Json(Json::Object{{"release", boot.release},
                           {"commit", boot.commit},
                           {"end", std::string(to_string(boot.end))},
                           {"emulated", boot.emulated},
                           {"own_disk", boot.own_disk},
                           {"seconds", boot.seconds},
                           {"disk", boot.disk},
                           {"stage", boot.stage},
                           {"why", boot.why},
                           {"evidence", Json(std::move(evidence))}});
}

std::string virtual_boot_text(const VirtualBoot& boot) {
  const std::string after = " after " + std::to_string(boot.seconds) + " s ";
  switch (boot.end) {
    case VirtualEnd::reached:
      return boot.release + " reached its goal" + after + where(boot) + "; " + not_exercised;
    case VirtualEnd::died:
    case VirtualEnd::hung: {
      const std::string stage = boot.stage.empty() || boot.stage == "none" ? "" : boot.stage + ": ";
      return boot.release + (boot.end == VirtualEnd::died ? " died" : " hung") + after +
             where(boot) + ": " + stage + boot.why +
             (boot.evidence.empty() ? "" : " (\"" + boot.evidence.back() + "\")");
    }
    case VirtualEnd::slow:
      return boot.release + " was not judged " + where(boot) + ": " + boot.why + " (" +
             std::to_string(boot.seconds) + " s)";
    case VirtualEnd::impossible:
      break;
  }
  return boot.release + " was not started in a virtual machine: " + boot.why;
}

insight::Finding virtual_boot_finding(const VirtualBoot& boot, VirtualPolicy policy) {
  insight::Finding finding;
  finding.check = "virtual-boot";
  finding.object = boot.release;
  finding.what = virtual_boot_text(boot);
  const bool failed = boot.end == VirtualEnd::died || boot.end == VirtualEnd::hung;
  if (boot.end == VirtualEnd::reached) return finding;
  finding.grade = failed ? insight::Grade::warning : insight::Grade::unknown;
  finding.remedy = failed ? "see what it said in /" + std::string(virtual_console_file) : "";
  if (policy == VirtualPolicy::require) {
    finding.grade = insight::Grade::refusal;
    if (!failed)
      finding.remedy = "make the virtual boot possible, or set foresight.virtual to \"warn\"";
  }
  return finding;
}

Status save_virtual_boot(const RootDir& root, const VirtualBoot& boot, const std::string& console) {
  const std::string text = virtual_boot_json(boot).line() + "\n";
  // What cannot be read back is of no use.
  CUBE_CHECK(Json::parse(text, {.max_bytes = max_bytes}));
  CUBE_CHECK(root.make_dirs(state_folder));
  if (boot.end == VirtualEnd::reached || console.empty()) {
    CUBE_CHECK(root.remove_file(virtual_console_file));
  } else {
    const auto skipped = console.size() - std::min(console.size(), max_kept_console);
    CUBE_CHECK(
        replace_file(root, virtual_console_file, std::string_view(console).substr(skipped), 0600));
  }
  return replace_file(root, virtual_boot_file, text);
}

Result<std::optional<VirtualBoot>> load_virtual_boot(const RootDir& root) {
  const auto text = root.read_file(virtual_boot_file, max_bytes);
  if (!text && text.error().code == Errc::not_found) return std::optional<VirtualBoot>();
  if (!text) return text.error();
  CUBE_TRY(auto boot, parse(*text));
  return std::optional<VirtualBoot>(std::move(boot));
}

bool still_holds(const VirtualBoot& boot, const std::string& commit) {
  return !commit.empty() && boot.commit == commit && boot.end != VirtualEnd::slow &&
         boot.end != VirtualEnd::impossible;
}

}  // namespace cube
