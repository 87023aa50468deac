#include "agent/cli/fleet_page_parts.h"

namespace cube::cli {
namespace {

// Each pair of colours has a contrast of 4.5 or more (tests/scenario/fleet_page_test.py).
constexpr std::string_view style = R"(
:root { color-scheme: light dark; --page: #f6f6f3; --card: #fff; --text: #1d2125; --quiet: #565d66; --line: #d9dad5;
  --accent: #1f5fa8; --failed: #8c1d13; --failed-is: #fbe3df; --away: #6f4300; --away-is: #fdecd0; --working: #174a86;
  --working-is: #e2ecf9; --waiting: #543b86; --waiting-is: #ece7f7; --idle: #22592f; --idle-is: #e6f2e8; --unknown: #50565e;
  --unknown-is: #ecece8; }
@media (prefers-color-scheme: dark) { :root { --page: #14171a; --card: #1c2024; --text: #e6e8ea; --quiet: #a4acb5;
  --line: #363c43; --accent: #7db4f5; --failed: #ffb9b0; --failed-is: #4d1f1a; --away: #ffd595; --away-is: #453213;
  --working: #b1d2ff; --working-is: #1d3658; --waiting: #d8c6ff; --waiting-is: #372b52; --idle: #abe0b7; --idle-is: #1c3824;
  --unknown: #c0c5cb; --unknown-is: #2d3238; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 3rem; max-width: 74rem; background: var(--page); color: var(--text);
  font: 1rem/1.45 system-ui, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; overflow-wrap: anywhere; }
h1 { margin: 0; font-size: 1.7rem; line-height: 1.2; }
h2 { margin: 0 0 .7rem; font-size: 1.1rem; }
h3 { margin: 0; font-size: .95rem; }
p { margin: .3rem 0; }
em { font-style: normal; color: var(--quiet); }
.quiet, small { color: var(--quiet); font-size: .875rem; font-weight: normal; }
header { margin-bottom: 1rem; }
section { margin: 1rem 0; padding: 1rem 1.1rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
footer { margin-top: 1.5rem; }
.notice { margin: .6rem 0; padding: .7rem 1.1rem; border-radius: .5rem; border-left: .4rem solid; }
.notice h2 { margin: 0; }
.notice ul { margin: .3rem 0; padding-left: 1.2rem; }
.notice .quiet { color: inherit; }
.halted { color: var(--failed); background: var(--failed-is); }
.paused { color: var(--away); background: var(--away-is); }
.calm { color: var(--idle); background: var(--idle-is); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: .6rem; margin: 1rem 0; }
.figures div { display: flex; flex-direction: column-reverse; padding: .6rem 1.1rem; background: var(--card);
  border: 1px solid var(--line); border-radius: .5rem; }
.figures dt { color: var(--quiet); font-size: .875rem; }
.figures dd { margin: 0; font-size: 1.6rem; font-weight: 600; line-height: 1.25; font-variant-numeric: tabular-nums; }
table { width: 100%; border-collapse: collapse; }
table + table { margin-top: 1rem; }
th, td { padding: .35rem .9rem .35rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
tr:last-child > td, tbody tr:last-child > th { border-bottom: 0; }
thead th { color: var(--quiet); font-size: .8rem; font-weight: 600; vertical-align: bottom; overflow-wrap: normal; }
.list .state { white-space: nowrap; }
.list td { font-variant-numeric: tabular-nums; font-size: .925rem; }
.list td:last-child { padding-right: 0; }
.matrix { width: auto; min-width: min(100%, 30rem); margin-bottom: 1rem; font-variant-numeric: tabular-nums; }
.matrix td, .matrix thead th + th { padding-left: .4rem; padding-right: .4rem; text-align: right; }
.matrix .state { min-width: 1.9rem; text-align: right; }
.matrix tfoot th, .matrix tfoot td { border-top: 1px solid var(--quiet); border-bottom: 0; }
.matrix th:first-child { min-width: 5.5rem; }
.none { color: var(--quiet); }
.matrix .none, .matrix .sum { padding-right: .9rem; }
.state { display: inline-block; padding: .05rem .5rem; border-radius: .3rem; }
.sign { display: inline-block; width: 1.25em; text-align: left; }
.failed { color: var(--failed); background: var(--failed-is); font-weight: 600; }
.away { color: var(--away); background: var(--away-is); }
.working { color: var(--working); background: var(--working-is); }
.waiting { color: var(--waiting); background: var(--waiting-is); }
.idle { color: var(--idle); background: var(--idle-is); }
.unknown { color: var(--unknown); background: var(--unknown-is); }
.domain { display: grid; grid-template-columns: 7rem 1fr; gap: .2rem .8rem; padding: .45rem 0; border-top: 1px solid var(--line); }
.domain h3 { padding-top: .1rem; font-weight: 600; }
.nodes { display: grid; grid-template-columns: repeat(auto-fill, minmax(6.5rem, 1fr)); gap: .25rem; margin: 0; padding: 0; list-style: none;
  font-size: .85rem; }
.bar { display: block; width: 100%; min-width: 5rem; height: .6rem; margin-top: .4rem; }
.bar rect { fill: var(--accent); }
.bar .all { fill: var(--line); }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 21rem), 1fr)); gap: 1.5rem; margin-top: .8rem; }
.card svg { display: block; width: 100%; max-width: 25rem; margin: .4rem 0; }
svg text { fill: var(--quiet); font-size: 11px; }
.grid { stroke: var(--line); }
.curve { fill: none; stroke: var(--accent); stroke-width: 2; stroke-linejoin: round; }
.area { fill: var(--accent); opacity: .14; }
line.now { stroke: var(--text); stroke-width: 1.5; }
svg text.now { fill: var(--text); font-weight: 600; }
line.deadline { stroke: var(--quiet); stroke-dasharray: 4 3; }
.turn { fill: var(--card); stroke: var(--accent); stroke-width: 2.5; }
.dot { display: inline-block; width: .6rem; height: .6rem; border: 2px solid var(--accent); border-radius: 50%; }
.facts { margin: 0; font-size: .9rem; }
.facts div { display: grid; grid-template-columns: 7.5rem 1fr; gap: .5rem; padding: .15rem 0; }
.facts dt { color: var(--quiet); }
.facts dd { margin: 0; }
@media (max-width: 40rem) {
  body { padding: 1rem .7rem 2rem; }
  section { padding: .8rem; }
  .list thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .list tr { display: block; padding: .5rem 0; border-bottom: 1px solid var(--line); }
  .list tr:last-child { border-bottom: 0; }
  .list td { display: grid; grid-template-columns: 6.5rem 1fr; gap: .5rem; padding: .1rem 0; border: 0; }
  .list td::before { content: attr(data-column); color: var(--quiet); font-size: .8rem; }
  .list td:empty { display: none; }
  .domain { grid-template-columns: 1fr; }
  .nodes { grid-template-columns: repeat(auto-fill, minmax(5.5rem, 1fr)); }
  .turned { writing-mode: vertical-rl; transform: rotate(180deg); white-space: nowrap; }
  .matrix { width: 100%; }
  .matrix th:first-child { min-width: 4.4rem; padding-right: .2rem; }
  .matrix td, .matrix thead th + th { padding-left: .1rem; padding-right: .1rem; }
  .matrix .state { min-width: 1.5rem; padding: .05rem .25rem; }
  .matrix .none, .matrix .sum { padding-right: .35rem; }
  .matrix .turned { margin-left: auto; }
}
@media print {
  :root { --page: #fff; font-size: 75%; }
  body { max-width: none; padding: 0; }
  section, .notice, .figures div { border: 1px solid; break-inside: avoid-page; }
  .state, .notice { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  tr, .card, .domain { break-inside: avoid; }
}
)";

}  // namespace

std::string_view page_style() {
  return style;
}

}  // namespace cube::cli
