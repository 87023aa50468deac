#include "agent/bus/job.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/mutation.h"
#include "model/release.h"

namespace cube {
namespace {

constexpr std::array<std::string_view, 8> names{"Check",    "Fetch", "Apply", "Commit",
                                                "Rollback", "Deny",  "Allow", "Diagnose"};
constexpr std::size_t max_text = 64;
constexpr std::uint64_t highest_rate = 16'777'216;  // KiB/s, as the key source.max-rate

// The alternatives of Option::value.
enum class Kind { flag, number, text, folder };

struct Known {
  std::string_view name;
  Kind kind;
  std::uint64_t low, high;  // of a number
  bool overrides;
  std::vector<Method> methods;
};

const std::vector<Known>& known_options() {
  using enum Method;
  static const std::vector<Known> table{
      {"folder", Kind::folder, 0, 0, false, {check, fetch, apply}},
      {"accept-stale", Kind::flag, 0, 0, true, {check, fetch, apply}},
      {"allow-downgrade", Kind::flag, 0, 0, true, {fetch, apply}},
      {"max-rate", Kind::number, 0, highest_rate, false, {fetch, apply}},
      {"no-reboot", Kind::flag, 0, 0, false, {apply}},
      {"window", Kind::flag, 0, 0, false, {apply}},
      {"at", Kind::text, 0, 0, false, {apply}},
      {"tries", Kind::number, 1, 9, false, {apply}},
      {"now", Kind::flag, 0, 0, false, {rollback}},
  };
  return table;
}

Error wrong(const std::string& what) {
  return {Errc::invalid, what};
}

// As it may stand in a message, for a name that was not found good.
std::string shown(const std::string& text) {
  std::string clean = text.substr(0, max_text);
  for (char& c : clean)
    if (c < ' ' || c >= 0x7f) c = '?';
  return "\"" + clean + "\"";
}

bool is_text(const std::string& text) {
  return !text.empty() && text.size() <= max_text &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

Result<const Known*> find(const Option& option, Method method) {
  for (const auto& known : known_options()) {
    if (known.name != option.name) continue;
    if (std::find(known.methods.begin(), known.methods.end(), method) == known.methods.end()) break;
    if (static_cast<std::size_t>(known.kind) != option.value.index())
      return wrong("option " + shown(option.name) + " has another type");
    return &known;
  }
  return wrong(std::string(to_string(method)) + " has no option " + shown(option.name));
}

// One word with its value, so that no value is ever taken for another option.
Status add(Job& job, const Known& known, const Option& option) {
  const std::string word = "--" + std::string(known.name);
  if (const auto* number = std::get_if<std::uint64_t>(&option.value)) {
    if (*number < known.low || *number > known.high)
      return wrong("option " + std::string(known.name) + ": from " + std::to_string(known.low) +
                   " to " + std::to_string(known.high));
    job.words.push_back(word + "=" + std::to_string(*number));
  } else if (const auto* text = std::get_if<std::string>(&option.value)) {
    if (!is_text(*text)) return wrong("option " + std::string(known.name) + ": not such a text");
    job.words.push_back(word + "=" + *text);
  } else if (const auto* flag = std::get_if<bool>(&option.value)) {
    if (!*flag) return ok();
    job.words.push_back(word);
    job.overrides = job.overrides || known.overrides;
  } else {
    job.handed = true;
  }
  return ok();
}

Status add_release(Job& job, const Request& request) {
  const bool may_be_newest = job.method == Method::fetch || job.method == Method::apply;
  const bool has_one = may_be_newest || job.method == Method::deny || job.method == Method::allow;
  if (!has_one || (may_be_newest && request.release.empty())) return ok();
  const auto name = ReleaseName::parse(request.release);
  if (!name) return wrong(shown(request.release) + " is no name of a release");
  job.words.push_back(name->text);
  return ok();
}

}  // namespace

std::string_view to_string(Method method) {
  return names.at(static_cast<std::size_t>(method));
}

Result<Job> job_of(const Request& request) {
  Job job;
  job.method = request.method;
  std::string command(to_string(request.method));
  command[0] = static_cast<char>(command[0] - 'A' + 'a');
  if (request.method == Method::diagnose) command = "why";
  job.words = {command, "--json"};
  CUBE_CHECK(add_release(job, request));
  if (request.method == Method::deny && !request.reason.empty()) {
    if (!is_text(request.reason)) return wrong("the reason: at most 40 printable characters");
    job.words.push_back("--reason=" + request.reason);
  }
  if (request.attempt > 0) job.words.push_back(std::to_string(request.attempt));
  if (request.options.size() > max_options) return wrong("too many options");
  std::set<std::string> seen;
  for (const auto& option : request.options) {
    const auto known = find(option, request.method);
    if (!known && mutated("unknown-option-taken")) continue;
    if (!known) return Error(known.error());
    if (!seen.insert(option.name).second) return wrong("option " + option.name + " comes twice");
    CUBE_CHECK(add(job, **known, option));
  }
  return job;
}

}  // namespace cube
