// A repository that is wrong in one way must be refused, leave nothing behind, and not spoil the
// next good one.
#include <gtest/gtest.h>

#include <limits>

#include "base/digest.h"
#include "tests/support/appliance_and_repository.h"

namespace cube {
namespace {

class Keys : public ApplianceAndRepository {
 protected:
  // Breaks the repository with `how`, expects the refusal, mends it and expects it to be accepted.
  template <typename How>
  void broken(const std::string& role, How how, Errc code, const std::string& because) {
    SCOPED_TRACE(role + ": " + because);
    ++signer_.role("timestamp").version;
    const auto good = signer_.role(role);
    how(signer_.role(role));
    signer_.publish();
    expect_refused(code, because);
    signer_.role(role) = good;
    signer_.publish();
    expect_accepted();
  }
  void edit(const std::string& role, const std::string& member, const Json& value, Errc code,
            const std::string& because) {
    broken(
        role,
        [&](TufSigner::Role& r) { r.edit = [=](Json::Object& body) { body[member] = value; }; },
        code, because);
  }
};

constexpr const char* below_root[] = {"timestamp", "snapshot", "targets"};

TEST_F(Keys, AGoodRepositoryIsBelieved) {
  auto channel = open();
  ASSERT_TRUE(channel) << channel.error().what;
  const auto names = channel->names();
  ASSERT_TRUE(names) << names.error().what;
  ASSERT_EQ(names->size(), 2u);
  EXPECT_EQ(names->front().text, older);
  const auto release = channel->release(newer);
  ASSERT_TRUE(release) << release.error().what;
  EXPECT_EQ(release->get().manifest_sha256, to_hex(sha256(manifest_of(newer))));
  EXPECT_EQ(channel->release("CUBE_9.9.9_20220421-1616_55765df7").error().code, Errc::not_found);
  EXPECT_EQ(channel->release("../../x").error().code, Errc::not_found);
  EXPECT_EQ(channel->object_url(), "file://" + repository_.path() + "/repo");
  expect_accepted();
}

TEST_F(Keys, WrongAndMissingSignatures) {
  for (const auto* role : below_root) {
    broken(
        role, [](auto& r) { r.signers = {SigningKey("stranger")}; }, Errc::untrusted,
        "signed by 0 of the 1");
    const std::string other = role == std::string("targets") ? "snapshot" : "targets";
    broken(
        role, [&](auto& r) { r.signers = {SigningKey(other)}; }, Errc::untrusted,
        "signed by 0 of the 1");
    broken(
        role,
        [](auto& r) {
          r.spoil = [](std::string& text) {
            auto document = Json::parse(text, {1 << 20, 16})->object().value();
            document["signatures"] = Json::Array{};
            text = Json(document).pretty();
          };
        },
        Errc::untrusted, "signed by 0 of the 1");
    // The right key id over the signature of another document.
    const auto forged = SigningKey(role).sign("something else");
    broken(
        role,
        [&](auto& r) {
          const auto id = r.keys[0].id();
          r.spoil = [=](std::string& text) {
            auto document = Json::parse(text, {1 << 20, 16})->object().value();
            document["signatures"] = Json::Array{
                Json::Object{{"keyid", id}, {"sig", to_hex(forged.data(), forged.size())}}};
            text = Json(document).pretty();
          };
        },
        Errc::untrusted, "signed by 0 of the 1");
  }
}

TEST_F(Keys, OneKeyUnderTwoIdsCountsOnce) {
  for (const auto* name : below_root) {
    auto& role = signer_.role(name);
    const auto good = role;
    role.keys = {SigningKey(name), SigningKey(name, "again"), SigningKey("second")};
    role.threshold = 2;
    role.signers = {SigningKey(name), SigningKey(name, "again")};
    signer_.bake_root(appliance_.path());
    signer_.publish_again();
    expect_refused(Errc::untrusted, "signed by 1 of the 2");
    role.signers = {SigningKey(name), SigningKey("second")};
    signer_.publish_again();
    expect_accepted();
    role.keys = good.keys;
    role.threshold = good.threshold;
    role.signers = good.signers;
  }
}

TEST_F(Keys, ExpiredDocuments) {
  for (const auto* role : below_root)
    for (const auto* time :
         {"2026-08-01T00:00:00Z", "2026-07-31T23:59:59Z", "1970-01-01T00:00:00Z"})
      broken(
          role, [&](auto& r) { r.expires = time; }, Errc::untrusted,
          std::string(role) + ".json: expired");
  clock_.set("2030-01-01T00:00:00Z");
  expect_refused(Errc::untrusted, "root.json: expired");
}

TEST_F(Keys, AClockThatIsFarBehindDoesNotUndoTheTimeFloor) {
  signer_.role("timestamp").expires = "2025-01-01T00:00:00Z";
  signer_.publish();
  clock_.set("1970-01-01T00:00:00Z");
  auto with_floor = config();
  with_floor.not_before = parse_utc("2025-01-01T00:00:00Z").value();
  EXPECT_EQ(ReleaseChannel::open(root_, clock_, with_floor)->refresh().error().code,
            Errc::untrusted);
  with_floor.not_before -= 1;
  EXPECT_TRUE(ReleaseChannel::open(root_, clock_, with_floor)->refresh());
}

TEST_F(Keys, AClockThatFallsBehindIsNotBelieved) {
  signer_.role("timestamp").expires = "2026-09-01T00:00:00Z";
  signer_.publish();
  clock_.set("2026-08-31T23:59:59Z");
  EXPECT_TRUE(refresh());
  signer_.role("timestamp").expires = "2026-08-15T00:00:00Z";
  ++signer_.role("timestamp").version;
  signer_.publish();
  clock_.set("1970-01-01T00:00:00Z");
  expect_refused(Errc::untrusted, "timestamp.json: expired");
  write(std::filesystem::path(state("root")).parent_path() / "last-time", "damaged");
  EXPECT_TRUE(refresh()) << "a damaged memory is none";
}

TEST_F(Keys, AClockThatWasFarAheadIsNotRemembered) {
  clock_.set("2099-01-01T00:00:00Z");
  EXPECT_FALSE(refresh());
  clock_.set("2026-08-01T00:00:00Z");
  expect_accepted();
}

TEST_F(Keys, LowerVersionsAreRolledBack) {
  for (int i = 0; i < 3; ++i) signer_.publish_again();
  expect_accepted();
  for (const auto* role : below_root) {
    broken(
        role, [](auto& r) { r.version = 2; }, Errc::untrusted, "was seen before");
    broken(
        role, [](auto& r) { r.version = 1; }, Errc::untrusted, "was seen before");
  }
}

TEST_F(Keys, RollbackIsSeenByWhatIsLeftOfTheState) {
  signer_.publish_again();
  expect_accepted();
  std::filesystem::remove(state("timestamp"));
  ++signer_.role("timestamp").version;
  broken(
      "snapshot", [](auto& r) { r.version = 1; }, Errc::untrusted, "snapshot.json: version 1");
  std::filesystem::remove(state("timestamp"));
  std::filesystem::remove(state("snapshot"));
  signer_.role("snapshot").version += 5;
  broken(
      "targets", [](auto& r) { r.version = 1; }, Errc::untrusted, "targets.json: version 1");
}

TEST_F(Keys, TwoDocumentsOfOneVersion) {
  expect_accepted();
  const auto first = persisted();
  signer_.role("timestamp").expires = "2029-01-01T00:00:00Z";
  signer_.add_release(newer, manifest_of(newer) + " ");
  signer_.publish();
  expect_accepted();  // by the first; the second is not even looked at
  EXPECT_EQ(persisted(), first);
  ++signer_.role("timestamp").version;
  signer_.publish();
  expect_accepted();
  EXPECT_NE(persisted(), first);
}

TEST_F(Keys, MixAndMatch) {
  const auto old_targets = read(metadata("1.targets.json"));
  const auto old_snapshot = read(metadata("1.snapshot.json"));
  signer_.publish_again();
  write(metadata("2.targets.json"), old_targets);
  expect_refused(Errc::untrusted, "2.targets.json");
  signer_.publish();
  write(metadata("2.snapshot.json"), old_snapshot);
  expect_refused(Errc::untrusted, "2.snapshot.json");
  signer_.publish();
  expect_accepted();
  // Without hashes and lengths the version alone must show it.
  const Json bare = Json::Object{{"targets.json", Json::Object{{"version", 3}}}};
  signer_.role("snapshot").edit = [=](Json::Object& body) { body["meta"] = bare; };
  signer_.publish_again();
  write(metadata("3.targets.json"), old_targets);
  expect_refused(Errc::untrusted, "targets.json: is version 1, not 3");
  signer_.publish();
  expect_accepted();
}

TEST_F(Keys, HashAndLengthMismatch) {
  for (const std::string name : {"1.snapshot.json", "1.targets.json"}) {
    std::filesystem::remove_all(appliance_.path() + "/var");  // what is kept is not fetched
    const auto good = read(metadata(name));
    auto changed = good;
    changed[changed.find("1.0.31")] = '2';
    write(metadata(name), changed);
    expect_refused(Errc::untrusted, "SHA-256");
    write(metadata(name), good + " ");
    expect_refused(Errc::untrusted, "larger than");
    write(metadata(name), good.substr(0, good.size() - 1));
    expect_refused(Errc::untrusted, "bytes instead of");
    std::filesystem::remove(metadata(name));
    expect_refused(Errc::untrusted, name);
    write(metadata(name), good);
    expect_accepted();
  }
  std::filesystem::remove(metadata("timestamp.json"));
  expect_refused(Errc::unreachable, "is the address right");
}

TEST_F(Keys, ManifestMismatch) {
  const auto hash = to_hex(sha256(manifest_of(newer)));
  const auto path =
      repository_.path() + "/targets/releases/" + newer + "/" + hash + ".manifest.json";
  const auto good = read(path);
  for (const auto& wrong : {good + " ", good.substr(1), manifest_of(older), std::string()}) {
    write(path, wrong);
    EXPECT_EQ(ask().error().code, Errc::untrusted);
  }
  std::filesystem::remove(path);
  EXPECT_EQ(ask().error().code, Errc::untrusted);
  write(path, good);
  expect_accepted();
  signer_.add_release(newer, manifest_of(older));
  signer_.publish_again();
  EXPECT_NE(ask().error().what.find("names another release"), std::string::npos);
  signer_.add_release(newer, std::string(70000, ' ') + manifest_of(newer));
  signer_.publish_again();
  EXPECT_EQ(ask().error().code, Errc::untrusted);
}

TEST_F(Keys, EveryTruncationOfTheTimestamp) {
  const auto good = read(metadata("timestamp.json"));
  // The last byte is a line end, without which the document is still whole.
  for (std::size_t length = 0; length + 1 < good.size(); ++length) {
    write(metadata("timestamp.json"), good.substr(0, length));
    ASSERT_FALSE(refresh()) << length;
  }
  EXPECT_EQ(persisted().find('{'), std::string::npos);
  write(metadata("timestamp.json"), good);
  expect_accepted();
}

TEST_F(Keys, EveryBitOfTheTimestamp) {
  const auto good = read(metadata("timestamp.json"));
  const auto meaning = Json::parse(good)->canonical();
  int harmless = 0;
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto changed = good;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    const auto read_back = Json::parse(changed);
    write(metadata("timestamp.json"), changed);
    const bool same = read_back && read_back->canonical() == meaning;
    if (same) ++harmless;
    ASSERT_EQ(refresh().has_value(), same) << "bit " << bit;
  }
  EXPECT_LT(harmless, static_cast<int>(good.size())) << "only white space may change";
}

TEST_F(Keys, MalformedJson) {
  const std::string nul("{\"signed\":{},\"signatures\":[]}\0", 30);
  const auto good = read(metadata("timestamp.json"));
  auto twice = good;
  twice.insert(twice.find('{') + 1, "\"signed\": {},");
  for (const auto& text :
       {std::string(), nul, good + nul, good + good, twice, std::string(70000, '['),
        std::string(70000, ' ') + good, std::string("\"\xff\xfe\""), std::string("[]"),
        std::string("{}"), std::string("{\"signed\":[],\"signatures\":{}}")}) {
    write(metadata("timestamp.json"), text);
    expect_refused(Errc::untrusted, "timestamp.json");
  }
  write(metadata("timestamp.json"), good);
  expect_accepted();
}

TEST_F(Keys, MembersOutOfRange) {
  const auto meta = [](const Json& version, const Json& length, const std::string& hash) {
    return Json(
        Json::Object{{"snapshot.json", Json::Object{{"version", version},
                                                    {"length", length},
                                                    {"hashes", Json::Object{{"sha256", hash}}}}}});
  };
  const std::string hash(64, 'a');
  for (const auto& [member, value] :
       std::vector<std::pair<std::string, Json>>{{"version", 0},
                                                 {"version", -1},
                                                 {"version", "1"},
                                                 {"version", Json()},
                                                 {"version", std::uint64_t{1} << 53},
                                                 {"_type", "snapshot"},
                                                 {"_type", 1},
                                                 {"spec_version", "2.0.0"},
                                                 {"spec_version", "1."},
                                                 {"spec_version", "1.x"},
                                                 {"expires", "2030-01-01"},
                                                 {"expires", "2030-02-30T00:00:00Z"},
                                                 {"expires", 5},
                                                 {"meta", Json::Object{}},
                                                 {"meta", meta(0, 1, hash)},
                                                 {"meta", meta(1, -1, hash)},
                                                 {"meta", meta(1, 1, "")},
                                                 {"meta", meta(1, 1, hash + "a")}})
    edit("timestamp", member, value, Errc::untrusted, "timestamp.json");
  for (const auto length :
       {std::uint64_t{(1 << 20) + 1}, std::uint64_t{1} << 31, (std::uint64_t{1} << 32) + 1,
        std::numeric_limits<std::uint64_t>::max()})
    edit("timestamp", "meta", meta(1, length, hash), Errc::untrusted, "announced with more");
}

TEST_F(Keys, TooMuchOfEverything) {
  Json::Object many;
  const Json file = Json::Object{{"length", 1}, {"hashes", Json::Object{{"sha256", "x"}}}};
  for (int i = 0; i < 4097; ++i) many["t" + std::to_string(i)] = file;
  edit("targets", "targets", many, Errc::untrusted, "more than 4096 targets");
  edit("targets", "custom", std::string(1 << 20, 'x'), Errc::untrusted, "more than 1048576");
  edit("timestamp", "custom", std::string(1 << 16, 'x'), Errc::untrusted, "larger than 65536");
  broken(
      "timestamp",
      [](auto& r) {
        for (int i = 0; i < 17; ++i) r.signers.emplace_back("stranger " + std::to_string(i));
      },
      Errc::untrusted, "more than 16 signatures");
  broken(
      "timestamp",
      [](auto& r) {
        r.signers = {SigningKey("timestamp"), SigningKey("timestamp")};
      },
      Errc::untrusted, "two signatures with one key id");
}

TEST_F(Keys, ForeignTargetsAreIgnoredAndForeignMembersCovered) {
  const auto add = [](Json::Object& body) {
    auto targets = body["targets"].object().value();
    for (const auto* name : {"releases/../../x/manifest.json", "releases//manifest.json", "other",
                             "releases/a/b/manifest.json", "releases/.hidden/manifest.json"})
      targets[name] = Json::Object{
          {"length", 1},
          {"hashes", Json::Object{{"sha256", std::string(64, 'a')}, {"md5", "unknown"}}},
          {"anything", true}};
    body["targets"] = targets;
    body["x-unknown"] = Json::Array{1, "two", Json()};
  };
  signer_.role("targets").edit = add;
  signer_.publish_again();
  EXPECT_EQ(open()->names()->size(), 2u);
  auto text = read(metadata("2.targets.json"));
  text.replace(text.find("\"two\""), 5, "\"owt\"");
  write(metadata("2.targets.json"), text);
  std::filesystem::remove_all(appliance_.path() + "/var");  // what is kept is not fetched
  expect_refused(Errc::untrusted, "SHA-256");
}

TEST_F(Keys, TargetWithoutAHash) {
  const Json bare = Json::Object{
      {std::string("releases/") + newer + "/manifest.json", Json::Object{{"length", 5}}}};
  edit("targets", "targets", bare, Errc::untrusted, "hashes");
}

TEST_F(Keys, UrlsThatAreNotAllowed) {
  for (const auto* url :
       {"", "ftp://x/", "relative/path", "https://", "file://host/x", "HTTP://x"}) {
    auto wrong = config();
    wrong.url = url;
    EXPECT_EQ(ReleaseChannel::open(root_, clock_, wrong).error().code, Errc::invalid) << url;
  }
  auto plain = config();
  plain.url = "http://127.0.0.1:1/";
  plain.http.allow_http = false;
  EXPECT_EQ(ReleaseChannel::open(root_, clock_, plain).error().code, Errc::invalid);
}

TEST_F(Keys, ARepositoryInAFolderWithBlanks) {
  const auto folder = repository_.path() + "/USB DISK 100%";
  std::filesystem::create_directory(folder);
  for (const auto* part : {"metadata", "targets"})
    std::filesystem::copy(repository_.path() + "/" + part, folder + "/" + part,
                          std::filesystem::copy_options::recursive);
  url_ = folder + "/";
  EXPECT_TRUE(ask());
  EXPECT_EQ(open()->object_url(), "file://" + repository_.path() + "/USB%20DISK%20100%25/repo");
  url_ = "file://" + repository_.path() + "/USB%20DISK%20100%25/";
  EXPECT_TRUE(ask());
}

TEST_F(Keys, RefreshHappensOnceInAnObjectsLife) {
  auto channel = open();
  ASSERT_TRUE(channel->refresh());
  std::filesystem::remove_all(metadata(""));
  EXPECT_TRUE(channel->refresh());
  EXPECT_TRUE(channel->release(newer));
  EXPECT_FALSE(refresh());
}

TEST_F(Keys, DamagedStateIsIgnored) {
  expect_accepted();
  const auto good = persisted();
  for (const std::string name : {"root", "timestamp", "snapshot", "targets"})
    for (const auto& damage : {std::string(), std::string("{"), std::string(5000, '\0'),
                               read(state("root")).substr(0, 300), std::string(2 << 20, ' ')}) {
      write(state(name), damage);
      expect_accepted();
      EXPECT_EQ(persisted(), good) << name;
    }
}

// A power cut between any two of the files that a refresh writes.
TEST_F(Keys, AnyMixtureOfOldAndNewStateIsGood) {
  const std::vector<std::string> names{"root", "targets", "snapshot", "timestamp"};
  expect_accepted();
  std::vector<std::string> before;
  for (const auto& name : names) before.push_back(read(state(name)));
  auto& root = signer_.role("root");
  root.signers = root.keys;
  root.version = 2;
  signer_.publish_again();
  expect_accepted();
  std::vector<std::string> after;
  for (const auto& name : names) after.push_back(read(state(name)));
  for (unsigned mixture = 0; mixture < 16; ++mixture) {
    for (std::size_t i = 0; i < names.size(); ++i)
      write(state(names[i]), (mixture >> i & 1) != 0 ? after[i] : before[i]);
    expect_accepted();
    for (std::size_t i = 0; i < names.size(); ++i) EXPECT_EQ(read(state(names[i])), after[i]);
  }
}

TEST_F(Keys, StateThatCannotBeWrittenIsAnError) {
  write(appliance_.path() + "/var/lib/cube-update", "a file where a folder should be");
  EXPECT_FALSE(ask());
  std::filesystem::remove(appliance_.path() + "/var/lib/cube-update");
  expect_accepted();
}

}  // namespace
}  // namespace cube
