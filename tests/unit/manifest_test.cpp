#include "model/manifest.h"

#include <gtest/gtest.h>

#include "base/digest.h"
#include "base/json.h"
#include "model/policy.h"

namespace cube {
namespace {

constexpr const char* good = R"({
  "format": 1, "name": "CUBE_2.2.4_20220421-1616_55765df7", "product": "CUBE", "version": "2.2.4",
  "built": "20220421-1616", "source": "55765df7", "epoch": 3,
  "ostree": {"commit": "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"},
  "tree": {"bytes": 5000000000, "inodes": 4321}, "kernel": {"release": "5.10.0-13-amd64"},
  "trial": {"deadline": 600},
  "packs": [{"file": "full.pack", "length": 1000000,
    "sha256": "1111111111111111111111111111111111111111111111111111111111111111",
    "index": {"offset": 999000, "length": 1000,
      "sha256": "2222222222222222222222222222222222222222222222222222222222222222"}}]})";

std::string with(const std::string& from, const std::string& to) {
  std::string text = good;
  const auto at = text.find(from);
  if (at == std::string::npos) throw std::runtime_error("not in the manifest: " + from);
  return text.replace(at, from.size(), to);
}

TEST(Manifest, AllFieldsAreRead) {
  const auto release = parse_manifest(good);
  ASSERT_TRUE(release) << release.error().what;
  EXPECT_EQ(release->name.text, "CUBE_2.2.4_20220421-1616_55765df7");
  EXPECT_EQ(release->epoch, 3u);
  EXPECT_EQ(release->commit, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
  EXPECT_EQ(release->tree_bytes, 5000000000u);
  EXPECT_EQ(release->tree_inodes, 4321u);
  EXPECT_EQ(release->kernel_release, "5.10.0-13-amd64");
  EXPECT_EQ(release->trial_deadline, 600);
  EXPECT_EQ(release->manifest_sha256, to_hex(sha256(good)));
  ASSERT_EQ(release->packs.size(), 1u);
  const auto& pack = release->packs[0];
  EXPECT_EQ(pack.file, "full.pack");
  EXPECT_EQ(pack.length, 1000000u);
  EXPECT_EQ(pack.sha256, std::string(64, '1'));
  EXPECT_EQ(pack.index_offset, 999000u);
  EXPECT_EQ(pack.index_length, 1000u);
  EXPECT_EQ(pack.index_sha256, std::string(64, '2'));
}

TEST(Manifest, ASchemaOfStateMakesItFormat2) {
  auto release = parse_manifest(good).value();
  EXPECT_EQ(release.schema, 0u);
  release.schema = 7;
  const auto text = render_manifest(release);
  EXPECT_NE(text.find("\"format\": 2"), std::string::npos);
  const auto again = parse_manifest(text);
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ(again->schema, 7u);
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string other = text;
    return other.replace(other.find(from), from.size(), to);
  };
  EXPECT_FALSE(parse_manifest(changed("\"format\": 2", "\"format\": 1")));
  EXPECT_FALSE(parse_manifest(changed("\"schema\": 7", "\"schema\": 0")));
  EXPECT_FALSE(parse_manifest(changed("\"schema\": 7", "\"schema\": -7")));
  EXPECT_FALSE(parse_manifest(changed("\"schema\": 7", "\"schema\": 7, \"more\": 1")));
}

TEST(Manifest, RenderedIsReadBackTheSame) {
  const auto release = parse_manifest(good).value();
  const auto text = render_manifest(release);
  const auto again = parse_manifest(text);
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ(render_manifest(*again), text);
  EXPECT_EQ(Json::parse(text)->canonical(), Json::parse(good)->canonical());
  EXPECT_EQ(again->manifest_sha256, to_hex(sha256(text)));
}

TEST(Manifest, WhatTheNameSaysMustBeWhatTheMembersSay) {
  for (const auto& text : {with("\"product\": \"CUBE\"", "\"product\": \"BALL\""),
                           with("\"version\": \"2.2.4\"", "\"version\": \"2.2.5\""),
                           with("\"version\": \"2.2.4\"", "\"version\": \"2.2.4.0\""),
                           with("\"built\": \"20220421-1616\"", "\"built\": \"20220421-1617\""),
                           with("\"source\": \"55765df7\"", "\"source\": \"55765df8\""),
                           with("CUBE_2.2.4_20220421-1616_55765df7", "../../etc/passwd")})
    EXPECT_EQ(parse_manifest(text).error().code, Errc::corrupt) << text;
}

TEST(Manifest, OnlyTheKnownFormIsRead) {
  for (const auto& text :
       {with("\"format\": 1", "\"format\": 2"), with("\"format\": 1", "\"format\": \"1\""),
        with("\"epoch\": 3", "\"epoch\": -1"), with("\"epoch\": 3", "\"epoch\": 9007199254740992"),
        with("\"epoch\": 3", "\"epoch\": 3, \"extra\": 0"), with("\"epoch\": 3,", ""),
        with("\"inodes\": 4321", "\"inodes\": 4321, \"extra\": 0"), with(", \"inodes\": 4321", ""),
        with("\"deadline\": 600", "\"deadline\": 86401"),
        with("\"deadline\": 600", "\"deadline\": 1.5"),
        with("0123456789abcdef", "0123456789ABCDEF"), with("0123456789abcdef", ""),
        with("5.10.0-13-amd64", "../x"), with("5.10.0-13-amd64", "a b"),
        with("{\"deadline\": 600}", "600"), std::string(good) + "x",
        std::string(good) + std::string(max_manifest_bytes, ' ')})
    EXPECT_EQ(parse_manifest(text).error().code, Errc::corrupt) << text.substr(0, 600);
  EXPECT_TRUE(parse_manifest(with("5.10.0-13-amd64", ""))) << "an unknown kernel is allowed";
}

// The member "packs" with so many packs, which differ in their names alone.
std::string with_packs(std::size_t count) {
  const std::string text = good;
  const auto begin = text.find("[{\"file\"");
  const auto one = text.substr(begin + 1, text.find("}}]") + 2 - begin - 1);
  std::string list;
  for (std::size_t i = 0; i < count; ++i) {
    auto pack = one;
    pack.replace(pack.find("full"), 4, "p" + std::to_string(i));
    list += (i == 0 ? "" : ", ") + pack;
  }
  return text.substr(0, begin) + "[" + list + "]}";
}

// The length of a pack, and that it is a delta.
std::string from(const std::string& commit) {
  return "\"length\": 1000000, \"from\": \"" + commit + "\"";
}

TEST(Manifest, ADeltaNamesTheCommitThatItNeeds) {
  const std::string older(64, '3');
  const auto release = parse_manifest(with("\"length\": 1000000", from(older)));
  ASSERT_TRUE(release) << release.error().what;
  EXPECT_EQ(release->packs[0].from, older);
  EXPECT_EQ(parse_manifest(render_manifest(*release))->packs[0].from, older);
  EXPECT_EQ(parse_manifest(good)->packs[0].from, "");
  EXPECT_EQ(render_manifest(*parse_manifest(good)).find("from"), std::string::npos);

  auto two = *release;
  two.packs.push_back(two.packs[0]);
  two.packs[1].file = "another.pack";
  EXPECT_EQ(parse_manifest(render_manifest(two)).error().code, Errc::corrupt) << "from one commit";
  two.packs[1].from = std::string(64, '4');
  EXPECT_TRUE(parse_manifest(render_manifest(two)));
}

TEST(Manifest, PacksOnlyAsTheyCanBe) {
  for (const std::size_t count : {0U, 1U, 2U, 8U}) {
    const auto release = parse_manifest(with_packs(count));
    ASSERT_TRUE(release) << release.error().what;
    EXPECT_EQ(release->packs.size(), count);
    EXPECT_EQ(parse_manifest(render_manifest(*release))->packs.size(), count);
  }
  auto twice = with_packs(2);
  twice.replace(twice.find("p1.pack"), 7, "p0.pack");
  for (const auto& text :
       {with_packs(9),
        twice,
        with("full.pack", "../full.pack"),
        with("full.pack", ".pack"),
        with("full.pack", "full"),
        with("full.pack", "manifest.json"),
        with("full.pack", ""),
        with("\"length\": 1000000", "\"length\": 1000001"),
        with("\"length\": 1000000", "\"length\": 999999"),
        with("\"length\": 1000000", "\"length\": 0"),
        with("\"offset\": 999000", "\"offset\": 1000000"),
        with("\"offset\": 999000, \"length\": 1000", "\"offset\": 1000000, \"length\": 0"),
        with("\"offset\": 999000, \"length\": 1000", "\"offset\": 0, \"length\": 1000000"),
        with("\"offset\": 999000", "\"offset\": 18446744073709551615"),
        with("\"offset\": 999000", "\"offset\": 9007199254740992"),
        with("1111", "111g"),
        with("2222", "222"),
        with("1111", ""),
        with("\"length\": 1000000,", ""),
        with("\"offset\": 999000,", ""),
        with("\"offset\": 999000", "\"offset\": 999000, \"from\": 1"),
        with("\"length\": 1000000", "\"length\": 1000000, \"from\": 1"),
        with("\"length\": 1000000", "\"length\": 1000000, \"from\": \"\""),
        with("\"length\": 1000000", "\"length\": 1000000, \"from\": null"),
        with("\"length\": 1000000", from(std::string(63, '3'))),
        with("\"length\": 1000000", from(std::string(64, 'G'))),
        with("\"length\": 1000000", from(parse_manifest(good)->commit)),
        with("[{\"file\"", "[0, {\"file\""),
        with("\"packs\"", "\"pack\"")})
    EXPECT_EQ(parse_manifest(text).error().code, Errc::corrupt) << text;
}

TEST(Manifest, EveryTruncationIsRefused) {
  const std::string whole = good;
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_FALSE(parse_manifest(whole.substr(0, length))) << length;
}

Standing standing(std::uint64_t epoch = 0, const std::string& release = "",
                  const std::string& running = "") {
  return {"CUBE", running, {epoch, release}};
}

TEST(Policy, AdmitsWhatIsNewerOrEqual) {
  const auto release = parse_manifest(good).value();
  EXPECT_TRUE(admissible(release, standing(), {}));
  EXPECT_TRUE(admissible(
      release,
      standing(3, "CUBE_2.2.3_20220401-1200_aaaa1111", "CUBE_2.2.3_20220401-1200_aaaa1111"), {}));
  EXPECT_TRUE(admissible(release, standing(3, release.name.text), {}));
}

TEST(Policy, ADowngradeIsAllowedOnlyByWishAndNeverBelowTheEpoch) {
  const auto release = parse_manifest(good).value();
  Standing machine = standing(3, "CUBE_9.0.0_20260101-0000_aaaa");
  EXPECT_FALSE(admissible(release, machine, {}));
  machine.allow_downgrade = true;
  EXPECT_TRUE(admissible(release, machine, {}));
  machine.floor.epoch = 4;
  EXPECT_EQ(admissible(release, machine, {}).error().code, Errc::unsuitable);
}

TEST(Policy, TheHigherFloorOfTwo) {
  const Floor low{1, "CUBE_1.0.0_20220101-0000_aaaa"}, new_only{0, "CUBE_2.0.0_20220101-0000_aaaa"};
  EXPECT_EQ(higher(low, new_only), (Floor{1, new_only.release}));
  EXPECT_EQ(higher(new_only, low), (Floor{1, new_only.release}));
  EXPECT_EQ(higher(low, Floor{}), low);
  EXPECT_EQ(higher(Floor{}, low), low);
}

TEST(Policy, RefusesWithASentenceEach) {
  const auto release = parse_manifest(good).value();
  const auto refusal = [&](const Standing& machine, const Journal& journal = {}) {
    const auto status = admissible(release, machine, journal);
    if (status) return std::string("admitted");
    EXPECT_EQ(status.error().code, Errc::unsuitable);
    return status.error().what;
  };
  EXPECT_NE(refusal({"BALL", "", {}}).find("for product CUBE"), std::string::npos);
  EXPECT_NE(refusal({"", "", {}}).find("for product CUBE"), std::string::npos);
  EXPECT_NE(refusal(standing(4, "")).find("epoch 3"), std::string::npos);
  for (const auto* newer : {"CUBE_2.2.5_20220101-0000_aaaa", "CUBE_2.2.4_20220421-1617_aaaa"})
    EXPECT_NE(refusal(standing(3, newer)).find("older than"), std::string::npos);
  EXPECT_NE(refusal(standing(0, "nonsense")).find("floor"), std::string::npos);
  Journal denied;
  denied.denied.push_back({release.name.text, release.manifest_sha256, "panic"});
  EXPECT_NE(refusal(standing(), denied).find("denied"), std::string::npos);
  denied.denied.back().manifest_sha256 = "";
  EXPECT_NE(refusal(standing(), denied).find("denied"), std::string::npos);
}

TEST(Policy, TheRunningReleaseIsNothingToDo) {
  const auto release = parse_manifest(good).value();
  EXPECT_EQ(admissible(release, standing(0, "", release.name.text), {}).error().code,
            Errc::nothing_to_do);
}

}  // namespace
}  // namespace cube
