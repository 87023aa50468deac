// Versions in the order of dpkg and rpm. The rows were compared with `dpkg --compare-versions` and
// rpm's own comparison.
#include "insight/locks/version_order.h"

#include <gtest/gtest.h>

namespace cube::insight {
namespace {

struct Row {
  PackageKind kind;
  std::string left, right;
  int order;
};

TEST(VersionOrder, IsThatOfDpkgAndRpm) {
  constexpr auto dpkg = PackageKind::dpkg, rpm = PackageKind::rpm;
  const VersionOrder order;
  for (const auto& [kind, left, right, wanted] : std::initializer_list<Row>{
           {dpkg, "5.2.15-2", "5.2.15-2", 0},
           {dpkg, "5.2.9-1", "5.2.15-1", -1},
           {dpkg, "1:1.0-1", "2.0-1", 1},
           {dpkg, "0:1.0-1", "1.0-1", 0},
           {dpkg, "1.0~rc1-1", "1.0-1", -1},
           {dpkg, "1.0-1", "1.0-1+deb12u1", -1},
           {dpkg, "1.0-1~bpo12+1", "1.0-1", -1},
           {dpkg, "1.0", "1.0-1", -1},
           {dpkg, "1.0", "1.0-0", 0},
           {dpkg, "1.0a-1", "1.0+b-1", -1},
           {dpkg, "1.0-1-2", "1.0-1-10", -1},
           {dpkg, "6.1.0-9", "6.1.0-42", -1},
           {dpkg, "007", "7", 0},
           {rpm, "4.18.0-348.el8", "4.18.0-373.el8", -1},
           {rpm, "4.18.0-348.el8", "4.18.0-348.2.1.el8_5", -1},
           {rpm, "5.14.0-70.13.1.el9_0", "5.14.0-162.6.1.el9_1", -1},
           {rpm, "1:3.0.1-43.el9", "3.0.7-1.el9", 1},
           {rpm, "0:1.0-1", "1.0-1", 0},
           {rpm, "1.0~rc1-1", "1.0-1", -1},
           {rpm, "1.0^git1-1", "1.0-1", 1},
           {rpm, "1.0a-1", "1.0.1-1", -1},
           {rpm, "1.05-1", "1.5-1", 0},
           {rpm, "2.0-1", "10.0-1", -1},
           {rpm, "3.0.7-16.el9", "3.0.7", 0},
           {rpm, "3.0.7", "3.0.7-16.el9", 0},
           {rpm, "3.0.8-1.el9", "3.0.7", 1},
       }) {
    EXPECT_EQ(order.compare(kind, left, right), wanted) << left << " " << right;
    EXPECT_EQ(order.compare(kind, right, left), -wanted) << right << " " << left;
  }
}

TEST(VersionOrder, OddVersionsAreComparedToo) {
  const VersionOrder order;
  for (const auto kind : {PackageKind::dpkg, PackageKind::rpm})
    for (const std::string odd :
         {"", ":", "-", "~", "^", "::1", "1:", "-1", "\xff", "99999999999999999999999"}) {
      EXPECT_EQ(order.compare(kind, odd, odd), 0) << odd;
      const auto there = order.compare(kind, odd, "1.0-1"),
                 back = order.compare(kind, "1.0-1", odd);
      ASSERT_TRUE(there && back);
      EXPECT_EQ(*there, -*back) << odd;
    }
}

TEST(VersionOrder, KeysTellTheKind) {
  EXPECT_EQ(kind_of_package("bash:amd64"), PackageKind::dpkg);
  EXPECT_EQ(kind_of_package("python3.11:amd64"), PackageKind::dpkg);
  EXPECT_EQ(kind_of_package("bash.x86_64"), PackageKind::rpm);
  EXPECT_EQ(kind_of_package("gpg-pubkey"), PackageKind::rpm);
  EXPECT_EQ(name_of_package("python3.11:amd64"), "python3.11");
  EXPECT_EQ(name_of_package("python3.11.x86_64"), "python3.11");
  EXPECT_EQ(name_of_package("gpg-pubkey"), "gpg-pubkey");
}

}  // namespace
}  // namespace cube::insight
