#include "agent/bus/job_note.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/durable_file.h"
#include "base/json.h"

namespace cube {
namespace {

constexpr const char* volatile_folder = "run/cube-update";
constexpr const char* note_file = "run/cube-update/job";
constexpr const char* state_folder = "var/lib/cube-update";
constexpr const char* told_file = "var/lib/cube-update/told-rollback";
constexpr std::size_t max_note_bytes = 4096;
constexpr std::size_t max_words = 24, max_word = 160;

std::optional<Method> method_of(const std::string& name) {
  for (int i = 0; i <= static_cast<int>(Method::diagnose); ++i)
    if (to_string(static_cast<Method>(i)) == name) return static_cast<Method>(i);
  return std::nullopt;
}

bool is_word(const std::string& word) {
  return !word.empty() && word.size() <= max_word &&
         std::all_of(word.begin(), word.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

Result<JobNote> parse_note(const std::string& text) {
  CUBE_TRY(const auto json, Json::parse(text));
  JobNote note;
  CUBE_TRY(const auto number, json.unsigned_at("number"));
  note.number = static_cast<std::uint32_t>(number);
  CUBE_TRY(note.starts, json.unsigned_at("starts"));
  CUBE_TRY(const auto running, json.member("running"));
  CUBE_TRY(note.running, running.boolean());
  CUBE_TRY(const auto name, json.string_at("method"));
  const auto method = method_of(name);
  CUBE_TRY(const auto list, json.member("words"));
  CUBE_TRY(const auto words, list.array());
  if (!method || words.size() > max_words) return Error{Errc::corrupt, "no note of a job"};
  note.method = *method;
  for (const auto& element : words) {
    CUBE_TRY(auto word, element.string());
    if (!is_word(word)) return Error{Errc::corrupt, "no note of a job"};
    note.words.push_back(std::move(word));
  }
  return note;
}

}  // namespace

JobNote read_note(const RootDir& root) {
  const auto text = root.read_file(note_file, max_note_bytes);
  const auto note = text ? parse_note(*text) : Result<JobNote>(text.error());
  return note ? *note : JobNote{};
}

Status write_note(const RootDir& root, const JobNote& note) {
  Json::Array words;
  for (const auto& word : note.words) words.push_back(Json(word));
  const Json json(Json::Object{{"number", Json(std::uint64_t{note.number})},
                               {"running", Json(note.running)},
                               {"method", Json(std::string(to_string(note.method)))},
                               {"words", Json(std::move(words))},
                               {"starts", Json(note.starts)}});
  CUBE_CHECK(root.make_dirs(volatile_folder));
  return replace_file(root, note_file, json.line() + "\n", 0600);
}

std::uint64_t told_rollback(const RootDir& root) {
  const auto text = root.read_file(told_file, 64);
  std::uint64_t attempt = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), attempt);
  return attempt;
}

Status note_told_rollback(const RootDir& root, std::uint64_t attempt) {
  CUBE_CHECK(root.make_dirs(state_folder));
  return replace_file(root, told_file, std::to_string(attempt) + "\n", 0600);
}

}  // namespace cube
