#include <fmt/format.h>

#include <algorithm>

#include "release/difference_screen.h"

namespace cube {
namespace {

using insight::Change;

constexpr std::size_t most_rows = 20;

std::string row(const Change& change) {
  if (change.from.empty() && change.to.empty()) return "  " + change.name + "\n";
  if (change.from.empty()) return fmt::format("  {:<40} {}\n", change.name, change.to);
  if (change.to.empty()) return fmt::format("  {:<40} {}\n", change.name, change.from);
  return fmt::format("  {:<40} {} -> {}\n", change.name, change.from, change.to);
}

std::string list(std::string_view title, const std::vector<Change>& changes) {
  if (changes.empty()) return "";
  auto text = fmt::format("\n{} ({})\n", title, changes.size());
  const auto shown = std::min(most_rows, changes.size());
  for (std::size_t i = 0; i < shown; ++i) text += row(changes[i]);
  if (changes.size() > shown)
    text += fmt::format("  and {} more; --json has them all\n", changes.size() - shown);
  return text;
}

std::string known(const std::string& kernel) {
  return kernel.empty() ? "none" : kernel;
}

std::string sizes(const insight::Difference& found) {
  if (found.folders.empty()) return "";
  std::string text = "\nsize of folders\n";
  const auto shown = std::min(most_rows, found.folders.size());
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& size = found.folders[i];
    const bool more = size.to > size.from;
    text += fmt::format("  {:<24} {}{} bytes, now {}\n", size.folder, more ? "+" : "-",
                        more ? size.to - size.from : size.from - size.to, size.to);
  }
  return text;
}

}  // namespace

std::string difference_text(const insight::Difference& found, const Compared& names) {
  auto text = fmt::format("{} -> {}\n", names.from, names.to);
  if (found.kernel_from == found.kernel_to)
    text += fmt::format("kernel {}, the same\n", known(found.kernel_to));
  else
    text += fmt::format("kernel {} -> {}\n", known(found.kernel_from), known(found.kernel_to));
  if (found.harms.empty()) text += "nothing found that can hurt\n";
  for (const auto& [harm, changes] : found.harms)
    text += list("! " + std::string(sentence_for(harm)), changes);
  text += list("packages removed", found.packages_removed);
  text += list("packages added", found.packages_added);
  text += list("packages changed", found.packages_changed);
  text += list("modules and units added", found.added);
  return text + sizes(found);
}

}  // namespace cube
