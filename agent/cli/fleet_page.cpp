#include "agent/cli/fleet_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/cli/fleet_page_parts.h"
#include "agent/cli/html_text.h"
#include "base/base64.h"
#include "base/digest.h"

namespace cube::cli {
namespace {

using fleet::NodeState;

// That hold for every rollout.
fleet::Limits limits_of(const FleetPage& page) {
  return limits_here(page.view.gate, page.plan ? strictest_limits(*page.plan) : fleet::Limits{});
}

Seconds hold_deadline(const FleetPage& page, const std::string& rollout) {
  fleet::Limits limits;
  if (page.plan)
    for (const auto& one : page.plan->rollouts)
      if (one.id == rollout) limits = one.limits;
  return limits_here(page.view.gate, limits).hold_deadline;
}

std::string notice(const char* kind, const char* title, const std::string& inside) {
  return fmt::format("<div class=\"notice {}\" role=\"status\"><h2>{}</h2>{}</div>\n", kind, title,
                     inside);
}

std::string said(const fleet::Notice& one) {
  return fmt::format("<p>{}</p><p class=\"quiet\">{}, {}</p>", html(one.reason), html(one.by),
                     page_time(one.at));
}

std::string notices(const FleetPage& page) {
  const auto& gate = page.view.gate;
  std::string text;
  if (gate.halt) text += notice("halted", "&#9632; Halted: nothing begins", said(*gate.halt));
  if (gate.pause)
    text += notice("paused", "&#10074;&#10074; Paused: nothing begins", said(*gate.pause));
  if (!gate.unreadable.empty()) {
    std::string keys;
    for (std::size_t i = 0; i < std::min<std::size_t>(gate.unreadable.size(), 8); ++i)
      keys += "<li>" + html(gate.unreadable[i]) + "</li>";
    text += notice(
        "halted", "&#9632; Keys without sense: nothing begins",
        fmt::format("<ul>{}</ul><p class=\"quiet\">{} in all</p>", keys, gate.unreadable.size()));
  }
  if (page.plan && page.plan->halt)
    text += notice("halted", "&#9632; The plan is halted", "<p>" + html(*page.plan->halt) + "</p>");
  if (page.plan && page.plan->expires <= page.written)
    text += notice("halted", "&#9632; The plan has expired: nothing begins",
                   "<p>" + page_time(page.plan->expires) + "</p>");
  if (text.empty()) text = notice("calm", "&#10003; Nothing stands still", "");
  return text;
}

std::string figure(const char* name, const std::string& value) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", name, value);
}

std::string figures(const FleetPage& page, const States& states) {
  const auto failed = std::count_if(states.begin(), states.end(),
                                    [](const auto& one) { return one.state == NodeState::failed; });
  const auto& gate = page.view.gate;
  std::string text = figure("machines", std::to_string(states.size())) +
                     figure("away", fmt::format("{} <small>of {}</small>", gate.holders.size(),
                                                limits_of(page).max_unavailable)) +
                     figure("waiting in line", std::to_string(page.view.waiting)) +
                     figure("failed", std::to_string(failed));
  if (gate.plan) text += figure("plan's serial", std::to_string(gate.plan->serial));
  return "<dl class=\"figures\">" + text + "</dl>\n";
}

std::string told(const fleet::Limits& limits) {
  return fmt::format("At most {} at once{}; a place that is held for more than {} is a failure.",
                     limits.max_unavailable, limits.one_domain ? ", of one failure domain" : "",
                     page_duration(limits.hold_deadline));
}

std::string holders(const FleetPage& page) {
  const auto& gate = page.view.gate;
  const auto rules = page_quiet(told(limits_of(page)));
  if (gate.holders.empty())
    return page_section("Away", page_quiet("Nobody holds a place.") + rules);
  PageTable table({"Machine", "Failure domain", "Rollout", "Since", "For"});
  for (const auto& one : gate.holders) {
    const auto age = page.written - one.since;
    const bool late = age > hold_deadline(page, one.rollout);
    table.row(
        {html(one.node), one.domain.empty() ? "<em>not known</em>" : html(one.domain),
         html(one.rollout), page_time(one.since),
         late ? "<span class=\"state failed\">&#9888; " + page_duration(age) + ", too long</span>"
              : page_duration(age)});
  }
  return page_section("Away", table.take() + rules);
}

std::string blocked(const FleetPage& page) {
  PageTable table({"Release", "By", "Why"});
  for (const auto& [release, why] : page.view.gate.blocked)
    table.row({html(release), "the cluster", html(why)});
  if (page.plan)
    for (const auto& one : page.plan->blocked)
      table.row({html(one.name), "the plan", html(one.reason)});
  const bool none = page.view.gate.blocked.empty() && (!page.plan || page.plan->blocked.empty());
  return none ? "" : page_section("Blocked releases", table.take());
}

std::string log_part(const FleetPage& page) {
  if (page.log.empty())
    return page_section("Log", page_quiet("No operator has done anything yet."));
  PageTable table({"When", "Act", "Why", "Who"});
  const auto shown = std::min(page.log.size(), max_log_shown);
  for (std::size_t i = 0; i < shown; ++i) {
    const auto& one = page.log[page.log.size() - 1 - i];
    table.row({page_time(one.at), html(one.act), html(one.reason), html(one.by)});
  }
  std::string text = table.take();
  if (page.log.size() > shown)
    text += page_quiet(fmt::format("and {} older entries", page.log.size() - shown));
  return page_section("Log, the newest first", text);
}

std::string head(const FleetPage& page) {
  const auto style = page_style();
  const auto digest = sha256(style);
  const std::string hash = base64({reinterpret_cast<const char*>(digest.data()), digest.size()});
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'sha256-{}'; base-uri 'none'; form-action 'none'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<title>Cluster {}{}</title>\n<style>{}</style></head>\n",
      hash, html(page.cluster),
      page.view.gate.halt    ? ": halted"
      : page.view.gate.pause ? ": paused"
                             : "",
      style);
}

}  // namespace

std::string fleet_page(const FleetPage& page) {
  const auto states = states_of(page.view);
  return head(page) +
         fmt::format(
             "<body><header><h1>Cluster {}</h1><p class=\"quiet\">as {} saw it at "
             "<time>{}</time></p></header>\n<main>\n",
             html(page.cluster), html(page.writer), page_time(page.written)) +
         notices(page) + figures(page, states) + holders(page) + machines_part(states) +
         attention_part(states) + failures_part(page.view.gate) + releases_part(states) +
         rollouts_part(page) + blocked(page) + log_part(page) +
         fmt::format(
             "</main>\n<footer class=\"quiet\">Written by cube-update {} on {}. Times of "
             "machines and operators are by their own clocks.</footer>\n</body></html>\n",
             html(page.version), html(page.writer));
}

}  // namespace cube::cli
