#include "agent/bus/machine_view.h"

#include <utility>

namespace cube {
namespace {

constexpr std::chrono::seconds fresh_for{1};
constexpr std::chrono::seconds answers_within{60};

}  // namespace

bool MachineView::fresh() const {
  return known_ && !outdated_ && std::chrono::steady_clock::now() - as_of_ < fresh_for;
}

void MachineView::outdate() {
  outdated_ = true;
}

void MachineView::when_fresh(std::function<void()> then) {
  if (fresh()) return then();
  waiting_.push_back(std::move(then));
  if (!busy()) look();
}

void MachineView::look() {
  asked_ = std::exchange(waiting_, {});
  outdated_ = false;
  as_of_ = std::chrono::steady_clock::now();
  found_ = unknown_facts("cube-update status does not answer");
  Worker::Order order;
  order.argv = argv_;
  order.limit = answers_within;
  order.event = [this](const JobEvent& event) {
    if (event.kind == JobEvent::Kind::result) found_ = facts_of(event.result);
    if (event.kind == JobEvent::Kind::error) found_ = unknown_facts(event.error);
  };
  order.ended = [this](int) { take(std::move(found_)); };
  if (auto started = worker_.start(std::move(order)); !started)
    take(unknown_facts(started.error().what));
}

void MachineView::take(Facts facts) {
  const Facts before = std::exchange(facts_, std::move(facts));
  const bool first = !std::exchange(known_, true);
  // Whoever is told may ask again.
  const auto told = std::exchange(asked_, {});
  if (first || !(before == facts_)) changed_(before);
  for (const auto& tell : told) tell();
  if (!waiting_.empty() && !busy()) look();
}

void MachineView::set_phase(const std::string& phase) {
  if (!known_ || facts_.phase == phase) return;
  const Facts before = facts_;
  facts_.phase = phase;
  outdated_ = true;
  changed_(before);
}

}  // namespace cube
