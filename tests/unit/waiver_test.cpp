// Waivers: what lets a refusal through, and for how long.
#include "insight/locks/waiver.h"

#include <gtest/gtest.h>

namespace cube::insight {
namespace {

constexpr UnixSeconds now = 1800000000;
constexpr Seconds day = 24 * 60 * 60;

Waiver waiver(const std::string& id, WaivedBy who = WaivedBy::root) {
  return {id, "was tested by hand", who, now - day, now + day};
}
Findings refusals() {
  return {{"lock", "kernel", Grade::refusal, "what", "", ""},
          {"lock", "bash", Grade::refusal, "what", "", ""},
          {"root-driver", "megaraid_sas", Grade::refusal, "what", "", ""},
          {"site-lock", "kernel", Grade::refusal, "what", "", ""},
          {"lock", "kernel", Grade::unknown, "what", "", ""}};
}
// The ids that are let through.
std::string through(const Waivers& waivers, UnixSeconds time = now) {
  auto findings = refusals();
  apply_waivers(waivers, time, findings);
  std::string ids;
  for (const auto& one : findings)
    if (one.grade == Grade::refusal && !one.refuses()) ids += (ids.empty() ? "" : " ") + one.id();
  EXPECT_TRUE(findings.back().waiver.empty());
  return ids;
}

TEST(Waivers, LetTheirOwnFindingThrough) {
  EXPECT_EQ(through({}), "");
  EXPECT_EQ(through({waiver("lock:kernel")}), "lock:kernel");
  EXPECT_EQ(through({waiver("lock:kern"), waiver("lock:*"), waiver("lock:kernel-core")}), "");
  EXPECT_EQ(through({waiver("root-driver:megaraid_sas"), waiver("site-lock:kernel")}),
            "root-driver:megaraid_sas site-lock:kernel");
  auto findings = refusals();
  apply_waivers({waiver("lock:kernel")}, now, findings);
  EXPECT_EQ(findings[0].waiver, "by root until 2027-01-16T08:00:00Z: was tested by hand");
}

TEST(Waivers, EndAtTheirTime) {
  const Waivers one{waiver("lock:kernel")};
  EXPECT_EQ(through(one, now + day - 1), "lock:kernel");
  EXPECT_EQ(through(one, now + day), "");
  EXPECT_EQ(through(one, now + 400 * day), "");
  // A clock that is far behind proves nothing.
  EXPECT_EQ(through(one, now - 2 * day), "lock:kernel");
  EXPECT_EQ(through(one, now - 2 * day - 1), "");
  EXPECT_EQ(through(one, 0), "");
}

TEST(Waivers, APublisherLoosensHisOwnRulesOnly) {
  EXPECT_EQ(through({waiver("lock:kernel", WaivedBy::publisher)}), "lock:kernel");
  EXPECT_EQ(through({waiver("site-lock:kernel", WaivedBy::publisher),
                     waiver("root-driver:megaraid_sas", WaivedBy::publisher)}),
            "");
}

TEST(Waivers, MalformedOnesAreRefused) {
  EXPECT_TRUE(check_waiver(waiver("root-driver:/dev/sda1 (ext4)")));
  for (const std::string id :
       {"", "kernel", "lock:", ":kernel", "Lock:kernel", "lo ck:kernel", "lock:a\nb"})
    EXPECT_FALSE(check_waiver(waiver(id))) << id;
  auto one = waiver("lock:kernel");
  one.reason = "";
  EXPECT_FALSE(check_waiver(one));
  one.reason = "a\nb";
  EXPECT_FALSE(check_waiver(one));
  one.reason = std::string(201, 'x');
  EXPECT_FALSE(check_waiver(one));
  one = waiver("lock:kernel");
  one.until = one.given + longest_waiver;
  EXPECT_TRUE(check_waiver(one));
  one.until += 1;
  EXPECT_FALSE(check_waiver(one));
  EXPECT_EQ(through({one}), "");
  one.until = one.given;
  EXPECT_FALSE(check_waiver(one));
}

TEST(Waivers, AreReadBackAsTheyWereWritten) {
  const Waivers all{waiver("lock:kernel"), waiver("lock:bash")};
  const auto back = read_waivers(waivers_text(all), WaivedBy::root);
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(*back, all);
  // Who gave them is not in the file.
  EXPECT_EQ(read_waivers(waivers_text(all), WaivedBy::publisher).value()[0].by,
            WaivedBy::publisher);
  EXPECT_EQ(read_waivers(waivers_text({}), WaivedBy::root).value(), Waivers{});
}

TEST(Waivers, AFileWithOneBadWaiverHasNone) {
  const auto good = waivers_text({waiver("lock:kernel"), waiver("site-lock:bash")});
  EXPECT_FALSE(read_waivers(good, WaivedBy::publisher));
  for (std::size_t size = 0; size + 2 < good.size(); size += 5)
    EXPECT_FALSE(read_waivers(good.substr(0, size), WaivedBy::root));
  for (const auto& [word, other] : {std::pair{"\"format\": 1", "\"format\": 2"},
                                    {"\"lock:kernel\"", "\"lock\""},
                                    {"\"until\"", "\"untill\""},
                                    {"2027-", "2027/"},
                                    {"2027-", "2037-"}}) {
    auto changed = good;
    const auto at = changed.rfind(word);
    ASSERT_NE(at, std::string::npos) << word << good;
    changed.replace(at, std::string(word).size(), other);
    EXPECT_EQ(read_waivers(changed, WaivedBy::root).error().code, Errc::corrupt) << other;
  }
  EXPECT_FALSE(read_waivers(waivers_text(Waivers(65, waiver("lock:a"))), WaivedBy::root));
}

TEST(Waivers, ADayEndsAtMidnight) {
  EXPECT_EQ(waived_until("2026-12-24").value(), parse_utc("2026-12-25T00:00:00Z").value());
  EXPECT_EQ(waived_until("2026-12-24T18:00:00Z").value(),
            parse_utc("2026-12-24T18:00:00Z").value());
  for (const std::string text : {"", "tomorrow", "2026-13-01", "2026-12-24 18:00", "24.12.2026"})
    EXPECT_FALSE(waived_until(text)) << text;
}

}  // namespace
}  // namespace cube::insight
