#include "tests/support/verified_release.h"

#include <gtest/gtest.h>

#include <type_traits>

namespace cube {
namespace {

static_assert(!std::is_constructible_v<Verified<Release>, Release>);
static_assert(!std::is_default_constructible_v<Verified<Release>>);

TEST(VerifiedRelease, TheClientFindsBoth) {
  EXPECT_EQ(old_release().get().name.text, "CUBE_2.2.3_20220401-1200_aaaa1111");
  EXPECT_EQ(new_release().get().name.text, "CUBE_2.2.4_20220421-1616_55765df7");
  EXPECT_EQ(new_release().get().epoch, 1u);
  EXPECT_EQ(built_at(ReleaseName::parse("CUBE_2.2.4_20220421-1616_55765df7").value()),
            parse_utc("2022-04-21T16:16:00Z").value());
  EXPECT_EQ(built_at(ReleaseName{}), 0);
  EXPECT_LT(compare_age(old_release().get().name, new_release().get().name), 0);
  EXPECT_NE(old_release().get().commit, new_release().get().commit);
}

TEST(VerifiedRelease, WhatIsParsedFromItIsVerifiedOrAnError) {
  const auto name = new_release().parsed_by(
      [](const Release& release) -> Result<std::string> { return release.name.product; });
  ASSERT_TRUE(name);
  static_assert(std::is_same_v<decltype(name), const Result<Verified<std::string>>>);
  EXPECT_EQ(name->get(), "CUBE");
  const auto wrong = new_release().parsed_by([](const Release&) -> Result<int> {
    return Error{Errc::corrupt, "no"};
  });
  EXPECT_EQ(wrong.error().code, Errc::corrupt);
}

}  // namespace
}  // namespace cube
