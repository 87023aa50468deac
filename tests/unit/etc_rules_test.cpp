#include <gtest/gtest.h>

#include "slots/etc_rules.h"

namespace cube {
namespace {

TEST(EtcRules, WhoeverChangedItIsHeard) {
  for (const auto wins : {EtcSide::local, EtcSide::release}) {
    //                      local  release same
    EXPECT_EQ(choose_side(false, false, true, wins), (EtcChoice{EtcSide::release, false}));
    EXPECT_EQ(choose_side(false, true, false, wins), (EtcChoice{EtcSide::release, false}));
    EXPECT_EQ(choose_side(true, false, false, wins), (EtcChoice{EtcSide::local, false}));
    EXPECT_EQ(choose_side(true, true, true, wins), (EtcChoice{EtcSide::release, false}));
    EXPECT_EQ(choose_side(true, true, false, wins), (EtcChoice{wins, true}));
  }
}

TEST(EtcRules, AccountsOfBothSidesStay) {
  const auto merged =
      merge_accounts("root:x:0\nold:x:9\n", "root:x:0:local\nadmin:x:1000\nold:x:9\n",
                     "root:x:0\nchrony:x:99\n", EtcSide::local);
  EXPECT_EQ(merged.text, "root:x:0:local\nadmin:x:1000\nchrony:x:99\n")
      << "one added here, one there, one changed here, one that the release dropped";
  EXPECT_TRUE(merged.conflicts.empty());
}

TEST(EtcRules, AccountsThatBothChangedAreConflicts) {
  const auto local = merge_accounts("a:1\nb:1\n", "a:2\n", "a:3\nb:2\n", EtcSide::local);
  EXPECT_EQ(local.text, "a:2\n");
  EXPECT_EQ(local.conflicts, (std::vector<std::string>{"a", "b"})) << "removing is a change";
  EXPECT_EQ(merge_accounts("a:1\nb:1\n", "a:2\n", "a:3\nb:2\n", EtcSide::release).text,
            "a:3\nb:2\n");
}

TEST(EtcRules, TablesOfAnyForm) {
  EXPECT_EQ(merge_accounts("", "", "", EtcSide::local).text, "");
  EXPECT_EQ(merge_accounts("a:1", "a:1", "a:1\n\n\nb", EtcSide::local).text, "a:1\nb\n");
  EXPECT_EQ(merge_accounts("", "+nis\na:1\na:2\n", "", EtcSide::local).text, "+nis\na:2\n");
  EXPECT_TRUE(is_account_table("etc/shadow"));
  EXPECT_FALSE(is_account_table("etc/shadow-"));
}

}  // namespace
}  // namespace cube
