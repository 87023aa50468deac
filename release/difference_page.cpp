#include <fmt/format.h>

#include "release/difference_screen.h"

namespace cube {
namespace {

using insight::Change;

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
    ".harm{border-left:4px solid var(--harm);background:var(--harm-back);padding:.1rem 1rem .6rem;"
    "margin:1rem 0}.harm h2{color:var(--harm)}h2{font-size:1.1rem}";

std::string rows(const std::vector<Change>& changes) {
  std::string text = "<table><tr><th>name</th><th>from</th><th>to</th></tr>\n";
  for (const auto& change : changes)
    text += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td></tr>\n", html_text(change.name),
                        html_text(change.from), html_text(change.to));
  return text + "</table>";
}

std::string section(std::string_view kind, std::string_view title,
                    const std::vector<Change>& changes) {
  if (changes.empty()) return "";
  return fmt::format("<section class=\"{}\"><h2>{} ({})</h2>\n{}</section>\n", kind, title,
                     changes.size(), rows(changes));
}

std::string sizes(const insight::Difference& found) {
  std::vector<Change> changes;
  for (const auto& size : found.folders)
    changes.push_back({size.folder, std::to_string(size.from), std::to_string(size.to)});
  return section("quiet", "Size of folders, in bytes", changes);
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

std::string difference_page(const insight::Difference& found, const Compared& names) {
  auto text = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n"
      "<title>{1} against {0}</title>\n<style>{2}</style></head><body>\n"
      "<h1>{1}</h1>\n<p>against {0}</p>\n<p>Kernel <strong>{3}</strong> to "
      "<strong>{4}</strong></p>\n",
      html_text(names.from), html_text(names.to), style,
      html_text(found.kernel_from.empty() ? "none" : found.kernel_from),
      html_text(found.kernel_to.empty() ? "none" : found.kernel_to));
  if (found.harms.empty()) text += "<p>Nothing was found that can hurt.</p>\n";
  for (const auto& [harm, changes] : found.harms)
    text += section("harm", "&#9888; " + std::string(sentence_for(harm)), changes);
  text += section("quiet", "Packages removed", found.packages_removed);
  text += section("quiet", "Packages added", found.packages_added);
  text += section("quiet", "Packages changed", found.packages_changed);
  text += section("quiet", "Modules and units added", found.added);
  return text + sizes(found) + "</body></html>\n";
}

}  // namespace cube
