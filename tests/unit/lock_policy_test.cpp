// Locks: what the rules of a file find in a release.
#include "insight/locks/lock_policy.h"

#include <gtest/gtest.h>

#include "insight/locks/lock_file.h"
#include "insight/locks/locked_packages.h"

namespace cube::insight {
namespace {

LockPolicy policy_of(const std::string& text, LockOwner owner = LockOwner::publisher) {
  LockPolicy policy;
  const auto status = add_locks(text, "locks.toml", owner, policy);
  EXPECT_TRUE(status) << status.error().what;
  return policy;
}

// The appliance's kernel packages at one build, as the seed's story has them.
Inventory with_kernel(const std::string& build) {
  Inventory made;
  made.kernel = "4.18.0-" + build + ".el8.x86_64";
  for (const std::string name :
       {"kernel", "kernel-core", "kernel-headers", "kernel-modules", "kernel-modules-extra"})
    made.packages[name + ".x86_64"] = "4.18.0-" + build + ".el8";
  made.packages["bash.x86_64"] = "4.4.20-2.el8";
  made.packages["openssl.x86_64"] = "1:1.1.1k-5.el8_5";
  return made;
}

Inventory with_debian_kernel(const std::string& abi, const std::string& version) {
  Inventory made;
  made.kernel = "6.1.0-" + abi + "-amd64";
  made.packages = {{"linux-image-6.1.0-" + abi + "-amd64:amd64", version},
                   {"linux-image-amd64:amd64", version},
                   {"linux-headers-6.1.0-" + abi + "-amd64:amd64", version},
                   {"bash:amd64", "5.2.15-2+b7"}};
  return made;
}

// "lock:kernel lock:kernel-core"; "?" before what is only not known.
std::string found(const Findings& findings) {
  std::string ids;
  for (const auto& one : findings)
    ids +=
        (ids.empty() ? "" : " ") + std::string(one.grade == Grade::unknown ? "?" : "") + one.id();
  return ids;
}
std::string breaks(const std::string& rules, const Inventory& offered,
                   const Inventory* running = nullptr) {
  return found(lock_breaches(policy_of("[locks]\n" + rules + "\n"), offered, running));
}

TEST(Locks, TheSeedsCase) {
  const auto policy = policy_of(
      "[locks]\nkernel = \"4.18.0-348.*\"\n\"kernel-*\" = \"4.18.0-348.*\"\n[groups]\n"
      "kernel = [\"kernel\", \"kernel-*\"]\n");
  EXPECT_EQ(found(lock_breaches(policy, with_kernel("348"), nullptr)), "");
  const auto breaches = lock_breaches(policy, with_kernel("373"), nullptr);
  EXPECT_EQ(
      found(breaches),
      "lock:kernel lock:kernel lock:kernel-core lock:kernel-headers lock:kernel-modules-extra "
      "lock:kernel-modules");
  EXPECT_EQ(breaches[1].what,
            "the kernel that boots is 4.18.0-373.el8, which breaks the rule kernel = "
            "\"4.18.0-348.*\" of locks.toml:2");
  EXPECT_TRUE(breaches[0].refuses());
}

struct Row {
  std::string rule, wanted;
};

TEST(Locks, VersionsAndRangesWithRpm) {
  const auto offered = with_kernel("348");
  for (const auto& [rule, wanted] : std::initializer_list<Row>{
           {"bash = \"4.4.20-2.el8\"", ""},
           {"bash = \"4.4.20\"", "lock:bash"},
           {"bash = \"4.4.20-*\"", ""},
           {"bash = \"4.?.*\"", ""},
           {"bash = \"5.* 4.4.20-2.*\"", ""},
           {"\"bash.x86_64\" = \"4.4.*\"", ""},
           {"\"bash.i686\" = \"4.4.*\"", "lock:bash.i686"},
           {"bash = \"= 4.4.20\"", ""},
           {"bash = \"= 4.4.20-3.el8\"", "lock:bash"},
           {"bash = \">= 4.4, < 5\"", ""},
           {"bash = \">= 4.10\"", "lock:bash"},
           {"bash = \"> 4.4.20\"", "lock:bash"},
           {"bash = \"<= 4.4.20\"", ""},
           {"bash = \"<4.4.20-2.el8\"", "lock:bash"},
           {"bash = [\">= 4\", \"4.4.*\"]", ""},
           {"bash = [\">= 5\", \"forbid\"]", "lock:bash lock:bash"},
           {"openssl = \"1.1.1k-*\"", ""},  // a pattern may leave the epoch away
           {"openssl = \"1:1.1.1k-*\"", ""},
           {"openssl = \"< 1.1.2\"", "lock:openssl"},  // a bound may not
           {"openssl = \"< 1:1.1.2\"", ""},
           {"kernel = \">= 4.18.0-348, < 4.18.0-372\"", ""},
           {"kernel = \">= 4.18.0-349\"", "lock:kernel lock:kernel"},
           {"kernel = \"4.18.0-348.el8\"", ""},
           {"kernel-core = \"4.18.0-348.el8\"", ""},
           {"nothing = \"1\"", "lock:nothing"},
           {"\"nothing*\" = \"1\"", ""},
           {"nothing = \"forbid\"", ""},
           {"\"open*\" = \"forbid\"", "lock:openssl"},
       })
    EXPECT_EQ(breaks(rule, offered), wanted) << rule;
}

TEST(Locks, TheKernelThatBootsWithDpkg) {
  const auto offered = with_debian_kernel("42", "6.1.159-1");
  for (const auto& [rule, wanted] : std::initializer_list<Row>{
           {"kernel = \"6.1.0-42-amd64\"", ""},
           {"kernel = \"6.1.0-42-*\"", ""},
           {"kernel = \"6.1.0-42\"", ""},
           {"kernel = \"6.1.0-4\"", "lock:kernel"},
           {"kernel = \"6.1.0-41-*\"", "lock:kernel"},
           {"kernel = \">= 6.1.0-40, <= 6.1.0-42\"", ""},
           {"kernel = \"< 6.1.0-42\"", "lock:kernel"},
           {"\"linux-image-*\" = \"6.1.159-*\"", ""},
           {"\"linux-image-*-amd64\" = \"6.1.158-*\"", "lock:linux-image-6.1.0-42-amd64"},
       })
    EXPECT_EQ(breaks(rule, offered), wanted) << rule;
  EXPECT_EQ(breaks("kernel = \"6.1.0-42-*\"", Inventory{}), "lock:kernel");
}

TEST(Locks, NeverDowngrade) {
  const auto old_one = with_kernel("348"), new_one = with_kernel("373");
  EXPECT_EQ(breaks("\"*\" = \"never downgrade\"", new_one, &old_one), "");
  EXPECT_EQ(breaks("\"*\" = \"never downgrade\"", old_one, &old_one), "");
  EXPECT_EQ(breaks("kernel-core = \"never downgrade\"", old_one, &new_one), "lock:kernel-core");
  EXPECT_EQ(breaks("kernel = \"never downgrade\"", old_one, &new_one), "lock:kernel lock:kernel");
  EXPECT_EQ(breaks("\"*\" = \"never downgrade\"", Inventory{}, &old_one), "");
  // The same name of the kernel, an older build of it.
  const auto from = with_debian_kernel("42", "6.1.159-1"),
             to = with_debian_kernel("42", "6.1.99-1");
  EXPECT_EQ(breaks("kernel = \"never downgrade\"", to, &from), "lock:kernel");
  EXPECT_EQ(breaks("kernel = \"never downgrade\"", from, &to), "");
  // Of a package that is there twice neither the oldest nor the newest sinks.
  Inventory both = old_one, one = new_one;
  both.packages["kernel-core.x86_64"] = "4.18.0-348.el8 4.18.0-373.el8";
  EXPECT_EQ(breaks("kernel-core = \"never downgrade\"", both, &both), "");
  EXPECT_EQ(breaks("kernel-core = \"never downgrade\"", one, &both), "");
  EXPECT_EQ(breaks("kernel-core = \"never downgrade\"", both, &one), "lock:kernel-core");
}

TEST(Locks, SameAsRunning) {
  const auto old_one = with_kernel("348"), new_one = with_kernel("373");
  EXPECT_EQ(breaks("\"*\" = \"same as running\"", old_one, &old_one), "");
  EXPECT_EQ(breaks("bash = \"same as running\"", new_one, &old_one), "");
  EXPECT_EQ(breaks("kernel = \"same as running\"", new_one, &old_one), "lock:kernel lock:kernel");
  Inventory without = old_one;
  without.packages.erase("bash.x86_64");
  EXPECT_EQ(breaks("bash = \"same as running\"", without, &old_one), "lock:bash");
  EXPECT_EQ(breaks("bash = \"same as running\"", old_one, &without), "lock:bash");
  EXPECT_EQ(breaks("bash = \"same as running\"", without, &without), "");
  auto flavour = with_debian_kernel("42", "6.1.159-1");
  const auto from = flavour;
  flavour.kernel = "6.1.0-42-cloud-amd64";
  EXPECT_EQ(breaks("kernel = \"same as running\"", flavour, &from), "lock:kernel lock:kernel");
}

TEST(Locks, AGroupThatMovedApart) {
  const std::string rpm =
      "[groups]\nkernel = [\"kernel\", \"kernel-core\", \"kernel-modules\", \"kernel-headers\"]\n";
  EXPECT_EQ(found(lock_breaches(policy_of(rpm), with_kernel("373"), nullptr)), "");
  auto apart = with_kernel("373");
  apart.packages["kernel-modules.x86_64"] = "4.18.0-348.el8";
  EXPECT_EQ(found(lock_breaches(policy_of(rpm), apart, nullptr)), "lock:group/kernel");
  // Packages of one build, and another kernel that boots.
  apart = with_kernel("373");
  apart.kernel = "4.18.0-348.el8.x86_64";
  EXPECT_EQ(found(lock_breaches(policy_of(rpm), apart, nullptr)), "lock:group/kernel");
  apart = with_kernel("373");
  apart.packages.erase("kernel-headers.x86_64");
  EXPECT_EQ(found(lock_breaches(policy_of(rpm), apart, nullptr)), "");
  apart.packages["kernel-core.x86_64"] = "4.18.0-348.el8 4.18.0-373.el8";
  EXPECT_EQ(found(lock_breaches(policy_of(rpm), apart, nullptr)), "lock:group/kernel");

  const std::string dpkg = "[groups]\nkernel = [\"kernel\", \"linux-headers-*\"]\n";
  auto debian = with_debian_kernel("42", "6.1.159-1");
  EXPECT_EQ(found(lock_breaches(policy_of(dpkg), debian, nullptr)), "");
  debian.packages["linux-headers-6.1.0-42-amd64:amd64"] = "6.1.158-1";
  EXPECT_EQ(found(lock_breaches(policy_of(dpkg), debian, nullptr)), "lock:group/kernel");
}

TEST(Locks, WhatIsNotKnown) {
  Inventory offered;
  offered.kernel = "4.18.0-348.el8.x86_64";
  offered.unreadable = {{"packages", "var/lib/rpm: rpm's database is damaged"}};
  // The release must prove it.
  EXPECT_EQ(breaks("bash = \"4.*\"", offered), "lock:policy");
  EXPECT_EQ(breaks("bash = \"forbid\"", offered), "lock:policy");
  EXPECT_EQ(breaks("kernel = \"4.18.0-373.*\"", offered), "lock:kernel lock:policy");
  EXPECT_EQ(found(unchecked_locks(policy_of("[locks]\na = \"1\"\n"), "no inventory")),
            "lock:policy");
  EXPECT_EQ(found(unchecked_locks({}, "no inventory")), "");
  // What runs cannot be blamed on it.
  const auto known = with_kernel("348");
  EXPECT_EQ(breaks("bash = \"never downgrade\"", known), "?lock:running");
  EXPECT_EQ(breaks("bash = \"same as running\"", known, &offered), "?lock:running");
  EXPECT_EQ(breaks("bash = \"4.*\"", known, &offered), "");
}

TEST(Locks, WhoSetTheRuleIsInTheId) {
  const auto site = policy_of("[locks]\nbash = \"5.*\"\n", LockOwner::site);
  EXPECT_EQ(found(lock_breaches(site, with_kernel("348"), nullptr)), "site-lock:bash");
}

TEST(Locks, FilesOnlyAdd) {
  auto policy = policy_of("[locks]\nbash = \"5.*\"\n");
  ASSERT_TRUE(add_locks("[locks]\nbash = \"*\"\n", "site.toml", LockOwner::site, policy));
  ASSERT_TRUE(add_locks("", "empty.toml", LockOwner::site, policy));
  EXPECT_EQ(found(lock_breaches(policy, with_kernel("348"), nullptr)), "lock:bash");
  // A file that is wrong adds nothing.
  EXPECT_FALSE(add_locks("[locks]\na = \"1\"\nb = 2\n", "bad.toml", LockOwner::site, policy));
  EXPECT_EQ(policy.rules.size(), 2U);
}

TEST(Locks, ManyBreachesAreCounted) {
  Inventory offered;
  for (int i = 0; i < 1000; ++i) offered.packages["p" + std::to_string(i) + ":amd64"] = "1";
  const auto all = lock_breaches(policy_of("[locks]\n\"*\" = \"forbid\"\n"), offered, nullptr);
  EXPECT_EQ(all.size(), max_lock_findings);
  EXPECT_EQ(all.back().id(), "lock:policy");
  EXPECT_NE(all.back().what.find("801 more"), std::string::npos) << all.back().what;
}

TEST(LockFile, WhatIsNoneIsRefusedWithFileAndLine) {
  for (const auto& [text, says] : std::initializer_list<Row>{
           {"x = 1\n", "locks.toml:1: x: unknown key"},
           {"[lock]\na = \"1\"\n", "locks.toml:1: lock: unknown key"},
           {"[locks]\n\na = 1\n", "locks.toml:3: a: must be a text"},
           {"[locks]\na = []\n", "locks.toml:2: a: must have 1 to 8"},
           {"[locks]\na = [1]\n", "locks.toml:2: a: must be a text"},
           {"[locks]\na = \"\"\n", "empty"},
           {"[locks]\na = \"never-downgrade\"\n", "is no rule"},
           {"[locks]\na = \"forbidden\"\n", "is no rule"},
           {"[locks]\na = \">= 1 < 2\"\n", "is no bound"},
           {"[locks]\na = \"< 2.*\"\n", "is no bound"},
           {"[locks]\na = \">= \"\n", "is no bound"},
           {"[locks]\na = \"1;2\"\n", "is no rule"},
           {"[locks]\na = \"1\\u001b[2J\"\n", "is no rule"},
           {"[locks]\n\"a b\" = \"1\"\n", "is no name"},
           {"[locks]\n\"\" = \"1\"\n", "is no name"},
           {"[locks]\na.b = \"1\"\n", "must be a text"},
           {"[locks]\na = \"1\"\na = \"2\"\n", "locks.toml:3"},
           {"[groups]\nk = [\"a b\"]\n", "is no name"},
           {"[groups]\n\"k*\" = [\"a\"]\n", "is no pattern"},
           {"[locks\na = \"1\"\n", "locks.toml:1"},
           {"[.a]\n", "must begin with a letter"},
       }) {
    LockPolicy policy;
    const auto status = add_locks(text, "locks.toml", LockOwner::site, policy);
    ASSERT_FALSE(status) << text;
    EXPECT_EQ(status.error().code, Errc::invalid);
    EXPECT_NE(status.error().what.find(says), std::string::npos) << status.error().what;
    EXPECT_TRUE(policy.empty());
  }
}

TEST(LockFile, IsBounded) {
  LockPolicy policy;
  std::string patterns = "[locks]\n", rules = "[locks]\n";
  for (int i = 0; i < 300; ++i) patterns += "\"a" + std::to_string(i) + "*\" = \"1\"\n";
  for (int i = 0; i < 17000; ++i) rules += "a" + std::to_string(i) + " = \"1\"\n";
  EXPECT_FALSE(add_locks(patterns, "f", LockOwner::site, policy));
  EXPECT_FALSE(add_locks(rules, "f", LockOwner::site, policy));
  EXPECT_FALSE(add_locks(std::string(2 << 20, '\n'), "f", LockOwner::site, policy));
}

TEST(LockInit, HoldsWhatItWasMadeOf) {
  for (const auto& inventory : {with_kernel("348"), with_debian_kernel("42", "6.1.159-1")})
    for (const auto& choice :
         {LockChoice{}, LockChoice{true, {}}, LockChoice{false, {"bash", "kernel*"}}}) {
      const auto text = locks_of(inventory, choice);
      ASSERT_TRUE(text) << text.error().what;
      const auto policy = policy_of(*text);
      EXPECT_EQ(found(lock_breaches(policy, inventory, nullptr)), "") << *text;
      auto other = inventory;
      other.kernel = "9.9.9-9-amd64";
      EXPECT_NE(found(lock_breaches(policy, other, nullptr)), "") << *text;
    }
  EXPECT_NE(found(lock_breaches(policy_of(*locks_of(with_kernel("348"), {})), with_kernel("373"),
                                nullptr)),
            "");
  EXPECT_EQ(locks_of(with_kernel("348"), {false, {"bash"}}).value(),
            "[locks]\n\"bash.x86_64\" = \"4.4.20-2.el8\"\n");
  EXPECT_EQ(locks_of(with_kernel("348"), {false, {"nothing"}}).error().code, Errc::not_found);
}

TEST(LockedPackages, TheKernelsVersionHasNoMachine) {
  EXPECT_EQ(kernel_version("6.1.0-42-amd64"), "6.1.0-42");
  EXPECT_EQ(kernel_version("6.1.0-42-cloud-amd64"), "6.1.0-42");
  EXPECT_EQ(kernel_version("5.15.0-91-generic"), "5.15.0-91");
  EXPECT_EQ(kernel_version("4.18.0-348.el8.x86_64"), "4.18.0-348.el8");
  EXPECT_EQ(kernel_version("5.14.0-70.13.1.el9_0.aarch64+64k"), "5.14.0-70.13.1.el9_0");
  EXPECT_EQ(kernel_version("6.12"), "6.12");
}

}  // namespace
}  // namespace cube::insight
