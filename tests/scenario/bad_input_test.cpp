// Bad input, one kind at a time, to the real program on an appliance laid out in a folder: it says
// what is wrong and ends with the code of the table, nothing is lost, and when the cause is gone
// the next apply succeeds.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "agent/cli/exit_code.h"
#include "agent/lock.h"
#include "tests/support/folder_appliance.h"
#include "tests/support/static_server.h"
#include "tests/support/text_files.h"

namespace cube {
namespace {

namespace fs = std::filesystem;
using Ran = FolderAppliance::Ran;

// Turns a byte in the middle of the file, in place, so that hard links to it change too.
void spoil(const fs::path& path) {
  std::string text = get(path);
  ASSERT_FALSE(text.empty()) << path;
  text[text.size() / 2] = static_cast<char>(text[text.size() / 2] ^ 0x20);
  const auto mode = fs::status(path).permissions();
  fs::permissions(path, fs::perms::owner_write, fs::perm_options::add);
  std::fstream(path, std::ios::binary | std::ios::in | std::ios::out) << text;
  fs::permissions(path, mode);
}

class BadInput : public testing::Test {
 protected:
  // One sentence, the code, and an appliance as it was.
  void expect_refused(const Ran& ran, int code, const std::string& word) {
    EXPECT_EQ(ran.exit_code, code) << ran.output;
    EXPECT_NE(ran.output.find("cube-update: "), std::string::npos) << ran.output;
    EXPECT_NE(ran.output.find(word), std::string::npos) << ran.output;
    EXPECT_EQ(appliance_.tree("a"), before_) << "slot a changed";
    EXPECT_EQ(appliance_.start_loader(), (Started{SlotId::a, false}));
  }
  void expect_applied(const Ran& ran) {
    ASSERT_EQ(ran.exit_code, exit_reboot_needed) << ran.output;
    EXPECT_EQ(appliance_.start(), (Started{SlotId::b, true}));
    EXPECT_EQ(get(appliance_.root() + "/slots/b/usr/bin/tool"),
              std::string("tool of ") + FolderAppliance::newer);
    EXPECT_EQ(appliance_.commit().exit_code, 0);
    EXPECT_EQ(appliance_.status_text("fallback"), "b");
  }
  void expect_refused_then_applied(int code, const std::string& word,
                                   const std::function<void()>& mend) {
    expect_refused(appliance_.apply(), code, word);
    mend();
    expect_applied(appliance_.apply());
  }
  // The newest release is filled into slot b, and given up before its trial.
  void fill_other_slot() {
    ASSERT_EQ(appliance_.apply().exit_code, exit_reboot_needed);
    ASSERT_EQ(appliance_.run({"rollback"}).exit_code, 0);
    ASSERT_EQ(appliance_.run({"allow", FolderAppliance::newer}).exit_code, 0);
  }
  // The stored form of the one object whose content begins so.
  fs::path object_in(const std::string& slot, const std::string& content) const {
    const fs::path objects = appliance_.root() + "/slots/" + slot + "/ostree/repo/objects";
    for (const auto& entry : fs::recursive_directory_iterator(objects))
      if (entry.path().extension() == ".file" && entry.is_regular_file() &&
          get(entry.path()).starts_with(content))
        return entry.path();
    return {};
  }

  FolderAppliance appliance_;
  std::map<std::string, std::string> before_ = appliance_.tree("a");
};

// --- What is signed ------------------------------------------------------------------------------

TEST_F(BadInput, SignedBySomebodyElse) {
  appliance_.signer().role("targets").signers = {SigningKey("thief")};
  appliance_.signer().publish_again();
  expect_refused_then_applied(exit_untrusted, "targets", [&] {
    appliance_.signer().role("targets").signers.clear();
    appliance_.signer().publish_again();
  });
}

TEST_F(BadInput, NotSigned) {
  appliance_.signer().role("timestamp").spoil = [](std::string& text) {
    const auto start = text.find('[', text.find("\"signatures\""));
    text.replace(start, text.find(']', start) - start + 1, "[]");
  };
  appliance_.signer().publish_again();
  expect_refused_then_applied(exit_untrusted, "timestamp", [&] {
    appliance_.signer().role("timestamp").spoil = nullptr;
    appliance_.signer().publish_again();
  });
}

TEST_F(BadInput, Expired) {
  appliance_.signer().role("timestamp").expires = "2022-01-01T00:00:00Z";
  appliance_.signer().publish_again();
  expect_refused_then_applied(exit_untrusted, "expired", [&] {
    appliance_.signer().role("timestamp").expires = "2030-01-01T00:00:00Z";
    appliance_.signer().publish_again();
  });
}

TEST_F(BadInput, OlderMetadataThanSeenBefore) {
  appliance_.signer().publish_again();
  ASSERT_EQ(appliance_.run({"check"}).exit_code, 0);
  for (const char* role : {"timestamp", "snapshot", "targets"})
    appliance_.signer().role(role).version = 1;
  appliance_.signer().publish();
  expect_refused_then_applied(exit_untrusted, "timestamp", [&] {
    for (const char* role : {"timestamp", "snapshot", "targets"})
      appliance_.signer().role(role).version = 2;
    appliance_.signer().publish();
  });
}

// The unit tests cut at every byte; this is what an operator sees.
TEST_F(BadInput, DocumentsThatAreCutOff) {
  appliance_.signer().role("root").version = 2;
  appliance_.signer().publish_again();
  std::vector<fs::path> documents;
  for (const auto* name : {"2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json"})
    documents.push_back(fs::path(appliance_.repository()) / "metadata" / name);
  const fs::path releases = fs::path(appliance_.repository()) / "targets/releases";
  for (const auto& entry : fs::directory_iterator(releases / FolderAppliance::newer))
    if (entry.path().extension() == ".json") documents.push_back(entry.path());
  ASSERT_EQ(documents.size(), 5u);
  for (const auto& path : documents) {
    const auto good = get(path);
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, good.size() / 3, good.size() / 2,
                                   good.size() - 3, good.size() - 2}) {
      put(path, good.substr(0, size));
      expect_refused(appliance_.apply(), exit_untrusted, path.filename().string());
    }
    put(path, good);
  }
  expect_applied(appliance_.apply());
}

TEST_F(BadInput, NoTrustedRoot) {
  const fs::path root = appliance_.root() + "/usr/share/cube-update/root.json";
  fs::rename(root, root.string() + ".away");
  expect_refused_then_applied(exit_untrusted, "root.json",
                              [&] { fs::rename(root.string() + ".away", root); });
}

TEST_F(BadInput, ATrustedRootThatOthersMayWrite) {
  const fs::path root = appliance_.root() + "/usr/share/cube-update/root.json";
  fs::permissions(root, fs::perms::others_write, fs::perm_options::add);
  expect_refused_then_applied(exit_untrusted, "root.json", [&] {
    fs::permissions(root, fs::perms::others_write, fs::perm_options::remove);
  });
}

// --- Not for this machine ------------------------------------------------------------------------

TEST_F(BadInput, AnOlderVersionIsRefusedAfterANewerOneWasCommitted) {
  expect_applied(appliance_.apply());
  const auto ran = appliance_.run({"apply", FolderAppliance::older, "--no-reboot"});
  EXPECT_EQ(ran.exit_code, exit_unsuitable) << ran.output;
  EXPECT_NE(ran.output.find(FolderAppliance::older), std::string::npos) << ran.output;
  EXPECT_EQ(appliance_.start(), (Started{SlotId::b, false}));
}

TEST_F(BadInput, TheFloorOutlivesTheJournal) {
  expect_applied(appliance_.apply());
  fs::remove_all(appliance_.root() + "/var/lib/cube-update");
  fs::create_directories(appliance_.root() + "/var/lib/cube-update");
  const auto ran = appliance_.run({"apply", FolderAppliance::older, "--no-reboot"});
  EXPECT_EQ(ran.exit_code, exit_unsuitable) << ran.output;
}

TEST_F(BadInput, ADowngradeIsAnOperatorsExplicitWish) {
  expect_applied(appliance_.apply());
  EXPECT_EQ(appliance_.run({"apply", "--allow-downgrade"}).exit_code, exit_usage);
  const auto ran =
      appliance_.run({"apply", FolderAppliance::older, "--allow-downgrade", "--no-reboot"});
  EXPECT_EQ(ran.exit_code, exit_reboot_needed) << ran.output;
  EXPECT_NE(ran.output.find("permits a downgrade to"), std::string::npos) << ran.output;
  EXPECT_EQ(appliance_.start(), (Started{SlotId::a, true}));
  EXPECT_EQ(appliance_.commit().exit_code, 0);
  const auto seen = appliance_.run({"status", "--json"});
  const auto floor = Json::parse(seen.output)->member("floor").value();
  EXPECT_EQ(floor.string_at("release").value(), FolderAppliance::newer) << "it does not sink";
}

TEST_F(BadInput, ALowerEpoch) {
  const std::string name = "CUBE_9.0.0_20230101-0000_cccc3333";
  appliance_.offer(name, 0);
  appliance_.signer().publish_again();
  expect_refused(appliance_.run({"apply", name, "--no-reboot"}), exit_unsuitable, "epoch");
  expect_applied(appliance_.apply());
}

TEST_F(BadInput, AnotherProduct) {
  const std::string name = "ROUTER_9.0.0_20230101-0000_cccc3333";
  appliance_.offer(name, 1);
  appliance_.signer().publish_again();
  expect_refused(appliance_.run({"apply", name, "--no-reboot"}), exit_unsuitable, "product");
  expect_applied(appliance_.apply());
}

TEST_F(BadInput, ADeniedRelease) {
  ASSERT_EQ(appliance_.run({"deny", FolderAppliance::newer}).exit_code, 0);
  expect_refused_then_applied(exit_unsuitable, "denied", [&] {
    ASSERT_EQ(appliance_.run({"allow", FolderAppliance::newer}).exit_code, 0);
  });
}

TEST_F(BadInput, AReleaseThatNobodyOffers) {
  expect_refused(appliance_.run({"apply", "CUBE_9.9.9_20230101-0000_cccc3333", "--no-reboot"}),
                 exit_unsuitable, "CUBE_9.9.9_20230101-0000_cccc3333");
}

TEST_F(BadInput, ATreeLargerThanTheSlot) {
  const std::string name = "CUBE_9.0.0_20230101-0000_cccc3333";
  appliance_.offer(name, 1, std::uint64_t{1} << 50U);
  appliance_.signer().publish_again();
  expect_refused(appliance_.run({"apply", name, "--no-reboot"}), exit_no_space, "needs");
  expect_applied(appliance_.run({"apply", FolderAppliance::newer, "--no-reboot"}));
}

// --- Damage --------------------------------------------------------------------------------------

TEST_F(BadInput, DamagedObjectInTheSource) {
  appliance_.take_packs_away();
  std::vector<fs::path> spoilt;
  for (const auto& entry :
       fs::recursive_directory_iterator(appliance_.repository() + "/repo/objects"))
    if (entry.path().extension() == ".filez") spoilt.push_back(entry.path());
  ASSERT_FALSE(spoilt.empty());
  for (const auto& path : spoilt) spoil(path);
  expect_refused_then_applied(exit_damaged, "repository", [&] {
    for (const auto& path : spoilt) spoil(path);  // the same bit again
  });
}

TEST_F(BadInput, ObjectsMissingInTheSource) {
  appliance_.take_packs_away();
  const fs::path objects = appliance_.repository() + "/repo/objects";
  fs::rename(objects, objects.string() + ".away");
  fs::create_directory(objects);
  expect_refused_then_applied(exit_damaged, "repository", [&] {
    fs::remove(objects);
    fs::rename(objects.string() + ".away", objects);
  });
}

TEST_F(BadInput, DamagedObjectInTheInactiveSlotIsMended) {
  fill_other_slot();
  const auto object = object_in("b", "tool of ");
  ASSERT_FALSE(object.empty());
  spoil(object);
  expect_applied(appliance_.apply());
}

TEST_F(BadInput, DamagedObjectInTheActiveSlotIsNotCopied) {
  const auto object = object_in("a", "the same in every release");
  ASSERT_FALSE(object.empty());
  spoil(object);
  expect_applied(appliance_.apply());
  EXPECT_EQ(get(appliance_.root() + "/slots/b/usr/bin/same"), "the same in every release");
}

TEST_F(BadInput, DamagedJournal) {
  // Both copies exist after two saves.
  ASSERT_EQ(appliance_.run({"deny", "CUBE_1.0.0_20220101-0000_dddd4444"}).exit_code, 0);
  ASSERT_EQ(appliance_.run({"allow", "CUBE_1.0.0_20220101-0000_dddd4444"}).exit_code, 0);
  for (const char* copy : {"/journal.0", "/journal.1"})
    spoil(appliance_.root() + "/var/lib/cube-update" + copy);
  expect_refused_then_applied(exit_damaged, "journal", [] {});
}

class Return : public BadInput {
 protected:
  Return() { expect_applied(appliance_.apply()); }
};

TEST_F(Return, ToASlotThatHasRun) {
  put(appliance_.root() + "/slots/a/var/lib/grown", "while it ran");
  put(appliance_.root() + "/slots/a/usr/local.log", "while it ran");
  const auto ran = appliance_.run({"rollback"});
  EXPECT_EQ(ran.exit_code, exit_reboot_needed) << ran.output;
  EXPECT_EQ(appliance_.start(), (Started{SlotId::a, true}));
  EXPECT_EQ(appliance_.commit().exit_code, 0);
  EXPECT_EQ(appliance_.status_text("fallback"), "a");
}

TEST_F(Return, ToADamagedSlotIsRefused) {
  const auto object = object_in("a", "tool of ");
  ASSERT_FALSE(object.empty());
  spoil(object);
  const auto ran = appliance_.run({"rollback"});
  EXPECT_EQ(ran.exit_code, exit_damaged) << ran.output;
  EXPECT_EQ(appliance_.start(), (Started{SlotId::b, false}));
  EXPECT_EQ(appliance_.status_text("phase"), "idle");
  spoil(object);  // the same bit again
  EXPECT_EQ(appliance_.run({"rollback"}).exit_code, exit_reboot_needed);
}

// --- The source ----------------------------------------------------------------------------------

class BadServer : public BadInput {
 protected:
  BadServer() { appliance_.write_config(server_.url(), "allow-http = true\n"); }
  StaticServer server_{appliance_.repository()};
};

TEST_F(BadServer, TruncatedObject) {
  server_.set_fault(".filez", Fault::truncate);
  expect_refused_then_applied(exit_unreachable, "127.0.0.1", [&] { server_.clear_faults(); });
}

TEST_F(BadServer, TruncatedManifest) {
  server_.set_fault("manifest.json", Fault::truncate);
  expect_refused_then_applied(exit_unreachable, "127.0.0.1", [&] { server_.clear_faults(); });
}

TEST_F(BadServer, NotFoundObject) {
  server_.set_fault(".filez", Fault::not_found);
  expect_refused_then_applied(exit_unreachable, "127.0.0.1", [&] { server_.clear_faults(); });
}

TEST_F(BadServer, HttpThatIsNotPermitted) {
  appliance_.write_config(server_.url());
  expect_refused_then_applied(exit_usage, "allow-http", [&] {
    appliance_.write_config(server_.url(), "allow-http = true\n");
  });
}

TEST_F(BadInput, NothingThere) {
  appliance_.write_config(appliance_.repository() + ".away");
  expect_refused_then_applied(exit_unreachable, ".away",
                              [&] { appliance_.write_config(appliance_.repository()); });
}

TEST_F(BadInput, WithoutASourceTrialsAreCommittedAndRolledBack) {
  const auto gone = [&](bool away) {
    appliance_.write_config(away ? "https://127.0.0.1:1" : appliance_.repository());
    const std::string there = appliance_.repository(), hidden = there + ".away";
    away ? fs::rename(there, hidden) : fs::rename(hidden, there);
  };
  ASSERT_EQ(appliance_.apply().exit_code, exit_reboot_needed);
  gone(true);
  ASSERT_EQ(appliance_.start(), (Started{SlotId::b, true}));
  ASSERT_EQ(appliance_.run({"rollback", "--now"}).exit_code, 0);
  ASSERT_EQ(appliance_.start(), (Started{SlotId::a, false}));
  ASSERT_EQ(appliance_.run({"resume"}).exit_code, 0);
  EXPECT_EQ(appliance_.status_text("phase"), "idle");
  gone(false);
  ASSERT_EQ(appliance_.run({"allow", FolderAppliance::newer}).exit_code, 0);
  ASSERT_EQ(appliance_.apply().exit_code, exit_reboot_needed);
  gone(true);
  ASSERT_EQ(appliance_.start(), (Started{SlotId::b, true}));
  EXPECT_EQ(appliance_.commit().exit_code, 0);
  EXPECT_EQ(appliance_.status_text("fallback"), "b");
}

// --- The machine ---------------------------------------------------------------------------------

TEST_F(BadInput, OneSlotUnderTwoNames) {
  const fs::path config = appliance_.root() + "/usr/lib/cube-update/config.d/20.toml";
  put(config, "[slots]\nb = \"dir:slots/a\"\n");
  expect_refused_then_applied(exit_cannot_arm, "same", [&] { fs::remove(config); });
}

TEST_F(BadInput, NoBootRecords) {
  const fs::path env = appliance_.root() + "/boot/efi/cube/env";
  EXPECT_EQ(appliance_.run({"resume"}).output, "") << "nothing to settle, nothing to say";
  fs::rename(env, env.string() + ".away");
  EXPECT_NE(appliance_.run({"resume"}).output.find("records cannot be read"), std::string::npos);
  expect_refused_then_applied(exit_cannot_arm, "cube/env", [&] {
    fs::rename(env.string() + ".away", env);
    appliance_.start();  // the loader reads it again
  });
}

TEST_F(BadInput, WrongConfiguration) {
  const fs::path config = appliance_.root() + "/usr/lib/cube-update/config.d/20.toml";
  put(config, "[trial]\ntries = 99\n");
  expect_refused_then_applied(exit_usage, "20.toml:2", [&] { fs::remove(config); });
}

TEST_F(BadInput, TwoAppliesAtOnce) {
  const auto root = RootDir::open(appliance_.root()).value();
  auto lock = take_lock(root, 0);
  ASSERT_TRUE(lock);
  const auto seen = appliance_.run({"status", "--json"});
  EXPECT_EQ(seen.exit_code, 0);
  EXPECT_NE(seen.output.find(R"("b": {"sealed": null})"), std::string::npos) << seen.output;
  expect_refused_then_applied(exit_busy, "another cube-update", [&] {
    lock = Error{Errc::failed, "let go"};
  });
}

}  // namespace
}  // namespace cube
