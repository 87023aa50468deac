#include "base/http/mirrors.h"

#include <gtest/gtest.h>

namespace cube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Patience::Time start{seconds(1000)};

TEST(Mirrors, OneThatSaysNothingHasFiveSeconds) {
  Patience patience;
  patience.begin(start);
  EXPECT_FALSE(patience.spent(start + milliseconds(4999)));
  EXPECT_TRUE(patience.spent(start + seconds(5)));
}

TEST(Mirrors, OneThatWasFastHasNotMore) {
  Patience patience;
  patience.begin(start);
  patience.arrived(std::uint64_t{1} << 40, start + seconds(1));
  EXPECT_FALSE(patience.spent(start + milliseconds(5999)));
  EXPECT_TRUE(patience.spent(start + seconds(6)));
}

TEST(Mirrors, OneThatIsSlowIsEndedAndOneThatIsNotGoesOn) {
  for (const auto& [bytes, seconds_long] :
       {std::pair{30'000U, 10}, std::pair{70'000U, 1000}, std::pair{0U, 5}}) {
    Patience patience;
    patience.begin(start);
    int spent = 1000;
    for (int second = 1; second <= 1000 && spent == 1000; ++second) {
      if (patience.spent(start + seconds(second)))
        spent = second;
      else
        patience.arrived(bytes, start + seconds(second));
    }
    EXPECT_LE(std::abs(spent - seconds_long), 1) << bytes;
  }
}

TEST(Mirrors, WhatTheListenerDoesIsNotWaiting) {
  Patience patience;
  patience.begin(start);
  patience.arrived(1, start + seconds(4));
  patience.resume(start + seconds(60));
  EXPECT_FALSE(patience.spent(start + milliseconds(60'900)));
  EXPECT_TRUE(patience.spent(start + seconds(62)));
}

TEST(Mirrors, WhoAsksForLittleWaitsForLittle) {
  Patience patience(16 * 1024);
  patience.begin(start);
  for (int second = 1; second < 100; ++second) {
    EXPECT_FALSE(patience.spent(start + seconds(second)));
    patience.arrived(12 * 1024, start + seconds(second));
  }
}

TEST(Mirrors, AreFoldersOfTheSource) {
  HttpConfig http;
  http.allow_http = true;
  const auto mirrors = Mirrors::make("https://s/cube", {"http://a/", "https://b/x//"}, http);
  ASSERT_TRUE(mirrors);
  const auto places = (*mirrors)->of("https://s/cube/targets/p");
  ASSERT_EQ(places.size(), 2U);
  EXPECT_EQ(places[0].url, "http://a/targets/p");
  EXPECT_EQ(places[1].url, "https://b/x/targets/p");
  EXPECT_EQ((*mirrors)->of("https://s/cube").size(), 2U);
  for (const char* other : {"https://s/cube2/p", "https://other/cube/p", "", "file:///cube/p"})
    EXPECT_TRUE((*mirrors)->of(other).empty()) << other;
}

TEST(Mirrors, AFileThatIsLackingIsOneFileAndAnythingElseIsAll) {
  const auto mirrors = Mirrors::make("https://s", {"https://a", "https://b"}, {});
  ASSERT_TRUE(mirrors);
  auto& m = **mirrors;
  m.give_up(m.of("https://s/p")[0], {Errc::not_found, "status 404"});
  EXPECT_EQ(m.of("https://s/p").size(), 1U);
  EXPECT_EQ(m.of("https://s/q").size(), 2U);
  m.give_up(m.of("https://s/q")[1], {Errc::corrupt, "another SHA-256"});
  EXPECT_TRUE(m.is_left_out(1));
  EXPECT_FALSE(m.is_left_out(0));
  EXPECT_TRUE(m.of("https://s/p").empty());
  EXPECT_EQ(m.of("https://s/q").size(), 1U);
}

TEST(Mirrors, GetNoCredentials) {
  HttpConfig http;
  http.ca_file = "ca";
  http.client_certificate = "certificate";
  http.client_key = "key";
  http.proxy = "http://proxy:1";
  http.through = "socket";
  const auto mirrors = Mirrors::make("https://s", {"https://a"}, http);
  ASSERT_TRUE(mirrors);
  const auto& asked = (*mirrors)->http();
  EXPECT_EQ(asked.client_certificate + asked.client_key + asked.proxy, "");
  EXPECT_EQ(asked.ca_file + asked.through, "casocket");
  EXPECT_EQ(asked.tries, 1);
}

TEST(Mirrors, OtherUrlsAreRefused) {
  for (const char* url : {"", "a", "file:///m", "ftp://a", "https://u:p@a", "https://a/?x",
                          "https://a/#x", "http://a", "https://", "https://a b"})
    EXPECT_EQ(Mirrors::make("https://s", {url}, {}).error().code, Errc::invalid) << url;
  const std::vector<std::string> nine(9, "https://a");
  EXPECT_EQ(Mirrors::make("https://s", nine, {}).error().code, Errc::invalid);
}

}  // namespace
}  // namespace cube
