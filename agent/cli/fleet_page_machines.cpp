// The machines of a cluster on its page.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "agent/cli/fleet_page_parts.h"
#include "agent/cli/html_text.h"

namespace cube::cli {
namespace {

using fleet::node_states;
using fleet::NodeInState;
using fleet::NodeState;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The number that begins at `at`, without its leading zeros; `at` moves behind it.
std::string_view number_in(std::string_view text, std::size_t& at) {
  while (at < text.size() && text[at] == '0') ++at;
  const auto begin = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  return text.substr(begin, at - begin);
}

// n2 before n10. Names that differ in leading zeros alone: as bytes.
bool in_counting_order(const std::string& left, const std::string& right) {
  std::size_t l = 0, r = 0;
  while (l < left.size() && r < right.size()) {
    if (is_digit(left[l]) && is_digit(right[r])) {
      const auto a = number_in(left, l), b = number_in(right, r);
      if (a != b) return a.size() != b.size() ? a.size() < b.size() : a < b;
    } else if (left[l] != right[r]) {
      return left[l] < right[r];
    } else {
      ++l, ++r;
    }
  }
  const bool left_ends = l == left.size(), right_ends = r == right.size();
  return left_ends && right_ends ? left < right : left_ends;
}

struct InCountingOrder {
  bool operator()(const std::string& left, const std::string& right) const {
    return in_counting_order(left, right);
  }
};

using Counts = std::array<std::size_t, node_states.size()>;
struct Domain {
  Counts counts{};
  std::vector<const NodeInState*> nodes;
};
using Domains = std::map<std::string, Domain, InCountingOrder>;

std::size_t index(NodeState state) {
  return static_cast<std::size_t>(state);
}

Domains domains_of(const States& states) {
  Domains domains;
  for (const auto& node : states) {
    auto& domain = domains[node.domain];
    ++domain.counts[index(node.state)];
    domain.nodes.push_back(&node);
  }
  for (auto& [name, domain] : domains)
    std::sort(domain.nodes.begin(), domain.nodes.end(),
              [](const auto* a, const auto* b) { return in_counting_order(a->node, b->node); });
  return domains;
}

std::string name_of(const std::string& domain) {
  return domain.empty() ? "<em>no domain</em>" : html(domain, 40);
}

std::string matrix_row(const std::string& name, const Counts& counts, const Counts& all) {
  std::string row = fmt::format("<tr><th scope=\"row\">{}</th>", name);
  std::size_t sum = 0;
  for (const auto state : node_states) {
    const auto count = counts[index(state)];
    sum += count;
    if (all[index(state)] == 0) continue;
    row += count == 0 ? "<td class=\"none\">0</td>"
                      : fmt::format("<td><span class=\"state {}\">{}</span></td>", to_string(state),
                                    count);
  }
  return row + fmt::format("<td class=\"sum\">{}</td></tr>\n", sum);
}

std::string matrix(const Domains& domains, const Counts& all) {
  std::string text = "<table class=\"matrix\"><thead><tr><th scope=\"col\">Failure domain</th>";
  for (const auto state : node_states)
    if (all[index(state)] > 0)
      text +=
          fmt::format("<th scope=\"col\"><span class=\"turned\">{}</span></th>", page_state(state));
  text += "<th scope=\"col\"><span class=\"turned\">all</span></th></tr></thead>\n<tbody>";
  std::size_t shown = 0;
  Counts rest{};
  for (const auto& [name, domain] : domains) {
    if (++shown <= max_domains_shown)
      text += matrix_row(name_of(name), domain.counts, all);
    else
      for (std::size_t i = 0; i < rest.size(); ++i) rest[i] += domain.counts[i];
  }
  if (shown > max_domains_shown)
    text += matrix_row(fmt::format("{} more", shown - max_domains_shown), rest, all);
  text += "</tbody>";
  if (domains.size() > 1) text += "<tfoot>" + matrix_row("All", all, all) + "</tfoot>";
  return text + "</table>\n";
}

std::string each_machine(const Domains& domains, std::size_t all) {
  std::string text;
  std::size_t shown = 0, domains_shown = 0;
  for (const auto& [name, domain] : domains) {
    if (shown == max_machines_shown || ++domains_shown > max_domains_shown) break;
    text += fmt::format("<div class=\"domain\"><h3>{}</h3><ul class=\"nodes\">", name_of(name));
    for (const auto* node : domain.nodes) {
      if (shown == max_machines_shown) break;
      ++shown;
      text += fmt::format(
          "<li class=\"state {0}\" title=\"{0}\"><span class=\"sign\">{1}</span>{2}</li>",
          to_string(node->state), page_sign(node->state), html(node->node, 40));
    }
    text += "</ul></div>\n";
  }
  if (shown < all) text += page_quiet(fmt::format("and {} machines more", all - shown));
  return text;
}

}  // namespace

std::string machines_part(const States& states) {
  if (states.empty()) return page_section("Machines", page_quiet("No machine shows itself yet."));
  const auto domains = domains_of(states);
  Counts all{};
  for (const auto& node : states) ++all[index(node.state)];
  return page_section("Machines", matrix(domains, all) + each_machine(domains, states.size()));
}

std::string attention_part(const States& states) {
  std::vector<const NodeInState*> wanted;
  for (const auto& node : states)
    if (node.state != NodeState::idle) wanted.push_back(&node);
  if (wanted.empty()) return "";
  std::sort(wanted.begin(), wanted.end(), [](const auto* a, const auto* b) {
    return a->state != b->state ? a->state < b->state : in_counting_order(a->node, b->node);
  });
  PageTable table({"Machine", "State", "Runs", "On its way", "It says", "Seen"});
  for (const auto* node : wanted) {
    if (node->shows == nullptr) {
      table.row({html(node->node), page_state(node->state), "", "", "", "never"});
      continue;
    }
    const auto& status = node->shows->status;
    table.row({html(node->node), page_state(node->state), html(status.release), html(status.target),
               html(status.says), page_time(node->shows->at)});
  }
  return page_section("At work, waiting, failed", table.take());
}

std::string releases_part(const States& states) {
  std::map<std::string, std::size_t> releases;
  for (const auto& node : states)
    if (node.shows != nullptr) ++releases[node.shows->status.release];
  if (releases.empty()) return "";
  std::vector<std::pair<std::string, std::size_t>> list(releases.begin(), releases.end());
  std::stable_sort(list.begin(), list.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  PageTable table({"Release", "Machines", "Share"});
  for (const auto& [release, count] : list)
    table.row(
        {release.empty() ? "<em>not known</em>" : html(release), std::to_string(count),
         fmt::format("<svg class=\"bar\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" "
                     "role=\"img\" aria-label=\"{0} of {1}\"><rect class=\"all\" width=\"100\" "
                     "height=\"8\"/><rect width=\"{2:.1f}\" height=\"8\"/></svg>",
                     count, states.size(),
                     100.0 * static_cast<double>(count) / static_cast<double>(states.size()))});
  return page_section("Releases that run", table.take());
}

}  // namespace cube::cli
