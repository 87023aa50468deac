#include <gtest/gtest.h>

#include "boot/watchdog/ipmi_messages.h"

namespace cube::ipmi {
namespace {

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text.push_back(static_cast<char>(value));
  return text;
}

IpmiReply reply_to(const IpmiRequest& request, std::initializer_list<int> values) {
  return {static_cast<std::uint8_t>(request.netfn | 1), request.command, bytes(values)};
}

// Written down by hand from the specification's tables.
TEST(IpmiMessages, RequestsAreTheBytesOfTheSpecification) {
  EXPECT_EQ(get_watchdog().netfn, 0x06);
  EXPECT_EQ(get_watchdog().command, 0x25);
  EXPECT_EQ(reset_watchdog().command, 0x22);
  const auto set = set_os_load_watchdog(300);
  EXPECT_EQ(set.netfn, 0x06);
  EXPECT_EQ(set.command, 0x24);
  EXPECT_EQ(set.data, bytes({0x43, 0x01, 0x00, 0x3e, 0xb8, 0x0b})) << "3000 tenths of a second";
  EXPECT_EQ(set_os_load_watchdog(6553).data, bytes({0x43, 0x01, 0x00, 0x3e, 0xfa, 0xff}));
  EXPECT_EQ(stop_watchdog().data.substr(0, 4), bytes({0x03, 0x00, 0x00, 0x00}))
      << "no don't-stop bit, no action, signs of expiry stay";
  EXPECT_EQ(get_restart_cause().netfn, 0x00);
  EXPECT_EQ(get_restart_cause().command, 0x07);
  EXPECT_EQ(get_log_info().netfn, 0x0a);
  EXPECT_EQ(get_log_info().command, 0x40);
  EXPECT_EQ(get_log_entry(0x1234).command, 0x43);
  EXPECT_EQ(get_log_entry(0x1234).data, bytes({0, 0, 0x34, 0x12, 0, 0xff}));
  EXPECT_EQ(get_log_time().command, 0x48);
}

TEST(IpmiMessages, TheEntryOfARollbackIsWhatTheDocumentSays) {
  const auto add = add_rollback_entry(0x107);
  EXPECT_EQ(add.netfn, 0x0a);
  EXPECT_EQ(add.command, 0x44);
  EXPECT_EQ(add.data,
            bytes({0, 0, 0x02, 0, 0, 0, 0, 0x41, 0x00, 0x04, 0x2b, 0x01, 0x6f, 0xe5, 0x0b, 0x07}));
}

TEST(IpmiMessages, AWatchdogIsRead) {
  const auto timer =
      parse_watchdog(reply_to(get_watchdog(), {0, 0x43, 0x01, 0, 0x08, 0xb8, 0x0b, 1, 0})).value();
  EXPECT_EQ(timer.use, use_os_load);
  EXPECT_TRUE(timer.running);
  EXPECT_EQ(timer.action, action_hard_reset);
  EXPECT_EQ(timer.expired, 1 << use_os_load);
  EXPECT_EQ(timer.seconds, 300);
  EXPECT_FALSE(
      parse_watchdog(reply_to(get_watchdog(), {0, 3, 1, 0, 0, 0, 0, 0, 0})).value().running);
}

TEST(IpmiMessages, AnEntryOfTheWatchdogIsToldFromOthers) {
  const auto entry = [](int type, int sensor, int event_type, int event) {
    return parse_log_entry(
               reply_to(get_log_entry(1), {0, 0xff, 0xff, 7, 0, type, 0x10, 0x20, 0, 0, 0x20, 0, 4,
                                           sensor, 1, event_type, event, 3, 0xff}))
        .value();
  };
  EXPECT_EQ(entry(0x02, 0x23, 0x6f, 0xc1).watchdog_event, 1);
  EXPECT_EQ(entry(0x02, 0x23, 0x6f, 0xc1).time, 0x2010U);
  EXPECT_EQ(entry(0x02, 0x23, 0x6f, 0xc1).id, 7);
  EXPECT_EQ(entry(0x02, 0x23, 0x6f, 0xc1).next, last_entry);
  EXPECT_FALSE(entry(0x02, 0x23, 0xef, 0xc1).watchdog_event) << "deasserted";
  EXPECT_FALSE(entry(0x02, 0x2b, 0x6f, 0xc1).watchdog_event) << "another sensor";
  EXPECT_FALSE(entry(0xc0, 0x23, 0x6f, 0xc1).watchdog_event) << "an OEM's record";
}

TEST(IpmiMessages, CompletionCodesAreToldInWords) {
  const auto refused = parse_watchdog(reply_to(get_watchdog(), {0xc1}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::refused);
  EXPECT_EQ(refused.error().what, "BMC: command 06 25 is refused: invalid command (C1)");
  EXPECT_EQ(words_of(0x7e), "unknown completion code (7E)");
}

TEST(IpmiMessages, AnswersMustHaveExactlyTheirLength) {
  struct Case {
    IpmiRequest request;
    std::size_t length;  // with the completion code
    std::function<Status(const IpmiReply&)> parse;
  };
  const auto status = [](auto parse) {
    return [parse](const IpmiReply& reply) -> Status {
      const auto value = parse(reply);
      return value ? ok() : Status(value.error());
    };
  };
  // An entry must have a number, so bytes are 1.
  const std::vector<Case> cases{
      {get_watchdog(), 9, status(parse_watchdog)},
      {get_restart_cause(), 3, status(parse_restart_cause)},
      {get_log_info(), 15, status(parse_log_info)},
      {get_log_time(), 5, status(parse_log_time)},
      {get_log_entry(0), 19, status(parse_log_entry)},
      {add_rollback_entry(1), 3, status(parse_added_entry)},
      {reset_watchdog(), 1,
       [](const IpmiReply& reply) { return parse_empty(reset_watchdog(), reply); }},
  };
  for (const auto& one : cases)
    for (std::size_t length = 0; length <= 300; ++length) {
      IpmiReply reply{static_cast<std::uint8_t>(one.request.netfn | 1), one.request.command,
                      std::string(length, '\x01')};
      if (length > 0) reply.data[0] = 0;
      EXPECT_EQ(one.parse(reply).has_value(), length == one.length)
          << static_cast<int>(one.request.command) << " with " << length << " bytes";
    }
}

TEST(IpmiMessages, AnAnswerToAnotherCommandIsNotBelieved) {
  auto reply = reply_to(get_watchdog(), {0, 0x43, 1, 0, 8, 0, 0, 0, 0});
  EXPECT_TRUE(parse_watchdog(reply));
  reply.command = 0x24;
  EXPECT_EQ(parse_watchdog(reply).error().code, Errc::corrupt);
  reply.command = 0x25;
  reply.netfn = 0x06;
  EXPECT_EQ(parse_watchdog(reply).error().code, Errc::corrupt) << "a request is no answer";
  reply.netfn = 0x0b;
  EXPECT_EQ(parse_watchdog(reply).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace cube::ipmi
