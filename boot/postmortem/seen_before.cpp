#include "boot/postmortem/seen_before.h"

#include "base/durable_file.h"
#include "base/mutation.h"

namespace cube {
namespace {

constexpr std::size_t max_file_bytes = 64 * 1024;
constexpr const char* looked_at_archive = "archive-known";
constexpr const char* looked_at_marks = "marks-known";

}  // namespace

SeenBefore::SeenBefore(const RootDir& root, const std::string& path) {
  const auto text = root.read_file(path, max_file_bytes);
  if (!text) return;
  for (std::size_t at = 0; at < text->size();) {
    const auto end = text->find('\n', at);
    if (end == std::string::npos) return;
    words_.insert(text->substr(at, end - at));
    at = end + 1;
  }
}

std::vector<ArchivedRecord> SeenBefore::unseen(Result<std::vector<ArchivedRecord>> archived) const {
  if (!archived || !words_.contains(looked_at_archive)) return {};
  if (mutated("archived-records-all-new")) return std::move(*archived);
  std::erase_if(*archived,
                [&](const ArchivedRecord& record) { return words_.contains(record.identity); });
  return std::move(*archived);
}

std::vector<Mark> SeenBefore::unseen(std::vector<Mark> marks) const {
  if (!words_.contains(looked_at_marks)) return {};
  if (mutated("marks-all-new")) return marks;
  std::erase_if(marks, [&](const Mark& mark) { return words_.contains(mark.boot); });
  return marks;
}

Status SeenBefore::write(const RootDir& root, const std::string& path,
                         const Result<std::vector<ArchivedRecord>>& archived,
                         const Result<std::vector<Mark>>& marks) {
  std::set<std::string> words;
  if (archived || archived.error().code == Errc::not_found) words.insert(looked_at_archive);
  if (archived)
    for (const auto& record : *archived) words.insert(record.identity);
  if (marks) {
    words.insert(looked_at_marks);
    for (const auto& mark : *marks) words.insert(mark.boot);
  }
  std::string text;
  for (const auto& word : words) text += word + "\n";
  return replace_file(root, path, text, 0600);
}

}  // namespace cube
