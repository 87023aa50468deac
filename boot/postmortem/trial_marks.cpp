#include "boot/postmortem/trial_marks.h"

#include <algorithm>
#include <array>

#include "boot/postmortem/kernel_log.h"

namespace cube {
namespace {

constexpr std::string_view begin_of_mark = "cube-update: stage ";
constexpr std::string_view before_boot = " boot ";

struct Word {
  std::string_view stage;
  std::string_view sentence;
};

constexpr std::array<Word, 3> words{{
    {"initramfs-start", "its initramfs had started"},
    {"root-mounted", "its root was mounted"},
    {"userspace", "its userspace had started"},
}};

bool is_boot_id(std::string_view text) {
  return text.size() == 36 && text.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
}

// The whole of a line is the mark: a program that quotes one has other words around it.
bool read_mark(std::string_view line, Mark& mark) {
  if (!line.starts_with(begin_of_mark)) return false;
  line.remove_prefix(begin_of_mark.size());
  const auto at = line.find(before_boot);
  if (at == std::string_view::npos) return false;
  mark = {std::string(line.substr(0, at)), std::string(line.substr(at + before_boot.size()))};
  return rank_of_stage(mark.stage) > 0 && is_boot_id(mark.boot);
}

}  // namespace

std::vector<Mark> marks_in(std::string_view text) {
  std::vector<Mark> marks;
  KernelLog lines(text);
  Mark mark;
  for (LogLine line; lines.next(line);) {
    if (!read_mark(line.text, mark)) continue;
    if (marks.size() == max_marks) marks.erase(marks.begin());
    marks.push_back(mark);
  }
  return marks;
}

std::string render_marks(const std::vector<Mark>& marks) {
  std::string text;
  for (const auto& [stage, boot] : marks)
    text += std::string(begin_of_mark) + stage + std::string(before_boot) + boot + "\n";
  return text;
}

std::size_t rank_of_stage(std::string_view stage) {
  const auto found = std::find_if(words.begin(), words.end(),
                                  [&](const Word& word) { return word.stage == stage; });
  return found == words.end() ? 0 : static_cast<std::size_t>(found - words.begin()) + 1;
}

std::string_view sentence_of_stage(std::string_view stage) {
  const auto rank = rank_of_stage(stage);
  return rank == 0 ? "" : words[rank - 1].sentence;
}

}  // namespace cube
