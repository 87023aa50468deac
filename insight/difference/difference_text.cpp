#include <algorithm>

#include "insight/difference/difference_screen.h"

namespace cube::insight {
namespace {

constexpr std::size_t name_width = 40;
constexpr std::size_t folder_width = 24;

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text + " ";
}

std::string row(const Change& change) {
  if (change.from.empty() && change.to.empty()) return "  " + change.name + "\n";
  const auto begin = "  " + padded(change.name, name_width);
  if (change.from.empty()) return begin + change.to + "\n";
  if (change.to.empty()) return begin + change.from + "\n";
  return begin + change.from + " -> " + change.to + "\n";
}

std::string list(const std::string& title, const std::vector<Change>& changes, std::size_t rows) {
  if (changes.empty()) return "";
  auto text = "\n" + title + " (" + std::to_string(changes.size()) + ")\n";
  const auto shown = std::min(rows, changes.size());
  for (std::size_t i = 0; i < shown; ++i) text += row(changes[i]);
  if (changes.size() > shown)
    text += "  and " + std::to_string(changes.size() - shown) + " more; --json has them all\n";
  return text;
}

std::string known(const std::string& kernel) {
  return kernel.empty() ? "none" : kernel;
}

std::string sizes(const Difference& found, std::size_t rows) {
  if (found.folders.empty()) return "";
  std::string text = "\nsize of folders\n";
  const auto shown = std::min(rows, found.folders.size());
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& size = found.folders[i];
    const bool more = size.to > size.from;
    text += "  " + padded(size.folder, folder_width) + (more ? "+" : "-") +
            std::to_string(more ? size.to - size.from : size.from - size.to) + " bytes, now " +
            std::to_string(size.to) + "\n";
  }
  return text;
}

std::string of_this_machine(const Here& here) {
  std::string text;
  if (!here.why.empty())
    text += "\n!! not all is known of what this machine uses\n  " + here.why + "\n";
  for (const auto& [harm, changes] : here.harms)
    text += list("!! in use on this machine: " + std::string(sentence_for(harm)), changes,
                 changes.size());
  if (here.harms.empty() && here.why.empty())
    text += "of the " + std::to_string(here.modules) + " modules and " +
            std::to_string(here.firmware) +
            " firmware files that this machine uses, none is gone or changed for the worse\n";
  return text;
}

}  // namespace

std::string difference_text(const Difference& found, const Compared& names, const Here* here,
                            std::size_t rows) {
  auto text = names.from + " -> " + names.to + "\n";
  if (found.kernel_from == found.kernel_to)
    text += "kernel " + known(found.kernel_to) + ", the same\n";
  else
    text += "kernel " + known(found.kernel_from) + " -> " + known(found.kernel_to) + "\n";
  if (here != nullptr) text += of_this_machine(*here);
  if (found.harms.empty()) text += "nothing found that can hurt\n";
  for (const auto& [harm, changes] : found.harms)
    text += list("! " + std::string(sentence_for(harm)), changes, rows);
  text += list("packages removed", found.packages_removed, rows);
  text += list("packages added", found.packages_added, rows);
  text += list("packages changed", found.packages_changed, rows);
  text += list("firmware with other content", found.firmware_changed, rows);
  text += list("modules and units added", found.added, rows);
  return text + sizes(found, rows);
}

}  // namespace cube::insight
