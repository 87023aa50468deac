#include "agent/bus/authority.h"

#include <systemd/sd-bus.h>

#include <algorithm>

#include "base/log.h"
#include "base/mutation.h"

namespace cube {
namespace {

constexpr std::uint64_t second = 1'000'000;
constexpr std::uint64_t polkit_answers_within = 25 * second;
constexpr std::uint64_t people_answer_within = 120 * second;
constexpr std::uint32_t may_ask_people = 1;  // polkit's AllowUserInteraction

}  // namespace

struct Authority::Question {
  Authority* authority = nullptr;
  sd_bus_message* call = nullptr;
  sd_bus_slot* slot = nullptr;  // of what is waited for
  std::string action;
  std::function<void()> allowed;
  bool asked = false;  // polkit

  static int on_user(sd_bus_message* reply, void* question, sd_bus_error*);
  static int on_verdict(sd_bus_message* reply, void* question, sd_bus_error*);

  Question() = default;
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;
  ~Question() {
    sd_bus_slot_unref(slot);
    sd_bus_message_unref(call);
  }
};

Authority::Authority(sd_bus* bus, std::function<void()> settled)
    : bus_(bus), settled_(std::move(settled)) {}
Authority::~Authority() = default;

void Authority::ask(sd_bus_message* call, const std::string& action,
                    std::function<void()> allowed) {
  auto& question = *questions_.emplace_back(std::make_unique<Question>());
  question.authority = this;
  question.call = sd_bus_message_ref(call);
  question.action = bus::action_prefix + action;
  question.allowed = std::move(allowed);
  const char* sender = sd_bus_message_get_sender(call);
  const int r = sender == nullptr
                    ? -EINVAL
                    : sd_bus_call_method_async(bus_, &question.slot, "org.freedesktop.DBus",
                                               "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                               "GetConnectionUnixUser", &Question::on_user,
                                               &question, "s", sender);
  if (r < 0) answer(question, "it cannot be told who asks");
}

int Authority::Question::on_user(sd_bus_message* reply, void* data, sd_bus_error*) {
  auto& question = *static_cast<Question*>(data);
  std::uint32_t user = 0;
  if (sd_bus_message_is_method_error(reply, nullptr) != 0 ||
      sd_bus_message_read(reply, "u", &user) < 0) {
    question.authority->answer(question, "it cannot be told who asks");
  } else if (user == 0 || mutated("anybody-counts-as-root")) {
    question.authority->answer(question, nullptr);
  } else {
    question.authority->ask_polkit(question);
  }
  return 0;
}

void Authority::ask_polkit(Question& question) {
  if (asked_ >= max_asked) {
    bus::refuse(question.call, {Errc::busy, "too many callers wait for polkit; try again later"});
    std::erase_if(questions_, [&](const auto& other) { return other.get() == &question; });
    return settled_();
  }
  ++asked_;
  question.asked = true;
  const bool people = sd_bus_message_get_allow_interactive_authorization(question.call) > 0;
  sd_bus_message* request = nullptr;
  int r = sd_bus_message_new_method_call(
      bus_, &request, "org.freedesktop.PolicyKit1", "/org/freedesktop/PolicyKit1/Authority",
      "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization");
  if (r >= 0)
    r = sd_bus_message_append(request, "(sa{sv})sa{ss}us", "system-bus-name", 1, "name", "s",
                              sd_bus_message_get_sender(question.call), question.action.c_str(), 0,
                              people ? may_ask_people : 0U, "");
  question.slot = sd_bus_slot_unref(question.slot);
  if (r >= 0)
    r = sd_bus_call_async(bus_, &question.slot, request, &Question::on_verdict, &question,
                          people ? people_answer_within : polkit_answers_within);
  sd_bus_message_unref(request);
  if (r < 0) answer(question, "polkit cannot be asked, so only root may");
}

int Authority::Question::on_verdict(sd_bus_message* reply, void* data, sd_bus_error*) {
  auto& question = *static_cast<Question*>(data);
  int authorized = 0;
  int challenge = 0;
  if (const auto* error = sd_bus_message_get_error(reply); error != nullptr) {
    log(Level::warning, std::string("polkit does not answer: ") + error->name);
    const bool allowed = mutated("polkit-absence-allows");
    question.authority->answer(question,
                               allowed ? nullptr : "polkit does not answer, so only root may");
  } else if (sd_bus_message_enter_container(reply, 'r', "bba{ss}") <= 0 ||
             sd_bus_message_read(reply, "bb", &authorized, &challenge) <= 0) {
    question.authority->answer(question, "polkit says nothing that makes sense");
  } else {
    // That somebody might prove who they are is no permission.
    const bool allowed = authorized != 0 || (challenge != 0 && mutated("polkit-challenge-allows"));
    question.authority->answer(question, allowed ? nullptr : "polkit does not permit it");
  }
  return 0;
}

void Authority::answer(Question& question, const char* refusal) {
  const auto found = std::find_if(questions_.begin(), questions_.end(),
                                  [&](const auto& other) { return other.get() == &question; });
  const std::unique_ptr<Question> kept = std::move(*found);
  questions_.erase(found);
  if (kept->asked) --asked_;
  if (refusal == nullptr)
    kept->allowed();
  else
    sd_bus_reply_method_errorf(kept->call, SD_BUS_ERROR_ACCESS_DENIED, "%s: %s",
                               kept->action.c_str(), refusal);
  settled_();
}

}  // namespace cube
