#include "insight/difference/difference_screen.h"

namespace cube::insight {
namespace {

constexpr const char* style =
    ":root{color-scheme:light dark;--text:#1b1f24;--back:#fff;--quiet:#57606a;--line:#d0d7de;"
    "--harm:#a40e26;--harm-back:#ffebe9}"
    "@media(prefers-color-scheme:dark){:root{--text:#e6edf3;--back:#0d1117;--quiet:#8d96a0;"
    "--line:#30363d;--harm:#ff9a93;--harm-back:#3c1618}}"
    "body{font:16px/1.5 system-ui,sans-serif;color:var(--text);background:var(--back);"
    "max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}"
    "td,th{text-align:left;padding:.2rem .8rem .2rem 0;border-bottom:1px solid var(--line);"
    "overflow-wrap:anywhere}"
    "th{color:var(--quiet);font-weight:normal}"
    ".harm,.here{border-left:4px solid var(--harm);background:var(--harm-back);"
    "padding:.1rem 1rem .6rem;margin:1rem 0}.here{border-left-width:12px}"
    ".harm h2,.here h2{color:var(--harm)}h2{font-size:1.1rem}";

std::string cell(const std::string& text) {
  return "<td>" + html_text(text) + "</td>";
}

std::string rows(const std::vector<Change>& changes) {
  std::string text = "<table><tr><th>name</th><th>from</th><th>to</th></tr>\n";
  for (const auto& change : changes)
    text += "<tr>" + cell(change.name) + cell(change.from) + cell(change.to) + "</tr>\n";
  return text + "</table>";
}

std::string section(const std::string& kind, const std::string& title,
                    const std::vector<Change>& changes) {
  if (changes.empty()) return "";
  return "<section class=\"" + kind + "\"><h2>" + title + " (" + std::to_string(changes.size()) +
         ")</h2>\n" + rows(changes) + "</section>\n";
}

std::string sizes(const Difference& found) {
  std::vector<Change> changes;
  for (const auto& size : found.folders)
    changes.push_back({size.folder, std::to_string(size.from), std::to_string(size.to)});
  return section("quiet", "Size of folders, in bytes", changes);
}

std::string known(const std::string& kernel) {
  return "<strong>" + html_text(kernel.empty() ? "none" : kernel) + "</strong>";
}

std::string of_this_machine(const Here& here) {
  std::string text;
  if (!here.why.empty())
    text +=
        "<section class=\"here\"><h2>&#9888; Not all is known of what this machine uses</h2>\n"
        "<p>" +
        html_text(here.why) + "</p></section>\n";
  for (const auto& [harm, changes] : here.harms)
    text += section("here", "&#9888; In use on this machine: " + std::string(sentence_for(harm)),
                    changes);
  if (text.empty())
    text = "<p>Of the " + std::to_string(here.modules) + " modules and " +
           std::to_string(here.firmware) +
           " firmware files that this machine uses, none is gone or changed for the worse.</p>\n";
  return text;
}

}  // namespace

std::string html_text(const std::string& text) {
  std::string made;
  for (const char c : text) {
    if (c == '&')
      made += "&amp;";
    else if (c == '<')
      made += "&lt;";
    else if (c == '>')
      made += "&gt;";
    else if (c == '"')
      made += "&quot;";
    else if (c == '\'')
      made += "&#39;";
    else
      made += c;
  }
  return made;
}

std::string difference_page(const Difference& found, const Compared& names, const Here* here) {
  const auto from = html_text(names.from), to = html_text(names.to);
  auto text =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n<title>" +
      to + " against " + from + "</title>\n<style>" + style + "</style></head><body>\n<h1>" + to +
      "</h1>\n<p>against " + from + "</p>\n<p>Kernel " + known(found.kernel_from) + " to " +
      known(found.kernel_to) + "</p>\n";
  if (here != nullptr) text += of_this_machine(*here);
  if (found.harms.empty()) text += "<p>Nothing was found that can hurt.</p>\n";
  for (const auto& [harm, changes] : found.harms)
    text += section("harm", "&#9888; " + std::string(sentence_for(harm)), changes);
  text += section("quiet", "Packages removed", found.packages_removed);
  text += section("quiet", "Packages added", found.packages_added);
  text += section("quiet", "Packages changed", found.packages_changed);
  text += section("quiet", "Firmware with other content", found.firmware_changed);
  text += section("quiet", "Modules and units added", found.added);
  return text + sizes(found) + "</body></html>\n";
}

}  // namespace cube::insight
