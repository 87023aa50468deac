// What a caller may have done, and as which words it reaches the program.
#include <gtest/gtest.h>

#include <fstream>

#include "agent/bus/job.h"
#include "agent/bus/job_desk.h"
#include "agent/bus/job_note.h"
#include "tests/support/scratch_dir.h"

namespace cube {
namespace {

using Words = std::vector<std::string>;
const std::string release = "CUBE_2.2.4_20220421-1616_55765df7";

Result<Job> job(Method method, std::vector<Option> options, const std::string& name = "") {
  return job_of({method, name, "", 0, std::move(options)});
}
void expect_refused(const Result<Job>& refused, const std::string& why) {
  ASSERT_FALSE(refused) << why;
  EXPECT_EQ(refused.error().code, Errc::invalid);
  EXPECT_NE(refused.error().what.find(why), std::string::npos) << refused.error().what;
}

TEST(BusJob, EachMethodIsOneCommand) {
  EXPECT_EQ(job(Method::check, {})->words, (Words{"check", "--json"}));
  EXPECT_EQ(job(Method::apply, {})->words, (Words{"apply", "--json"}));
  EXPECT_EQ(job(Method::apply, {}, release)->words, (Words{"apply", "--json", release}));
  EXPECT_EQ(job(Method::commit, {})->words, (Words{"commit", "--json"}));
  EXPECT_EQ(job(Method::allow, {}, release)->words, (Words{"allow", "--json", release}));
  EXPECT_EQ(job_of({Method::deny, release, "too loud", 0, {}})->words,
            (Words{"deny", "--json", release, "--reason=too loud"}));
  EXPECT_EQ(job_of({Method::diagnose, "", "", 12, {}})->words, (Words{"why", "--json", "12"}));
}

TEST(BusJob, OptionsAreWordsWithTheirValues) {
  const auto given = job(Method::apply, {{"no-reboot", true},
                                         {"window", false},
                                         {"tries", std::uint64_t{2}},
                                         {"at", std::string("2026-12-01 02:00")},
                                         {"max-rate", std::uint64_t{100}}});
  EXPECT_EQ(given->words, (Words{"apply", "--json", "--no-reboot", "--tries=2",
                                 "--at=2026-12-01 02:00", "--max-rate=100"}));
  EXPECT_FALSE(given->overrides);
}

TEST(BusJob, WhatOverridesARuleIsMarked) {
  EXPECT_TRUE(job(Method::apply, {{"allow-downgrade", true}}, release)->overrides);
  EXPECT_TRUE(job(Method::check, {{"accept-stale", true}})->overrides);
  EXPECT_FALSE(job(Method::apply, {{"allow-downgrade", false}}, release)->overrides);
}

TEST(BusJob, OptionsThatAMethodDoesNotHaveAreRefused) {
  expect_refused(job(Method::apply, {{"from", std::string("/etc")}}),
                 "Apply has no option \"from\"");
  expect_refused(job(Method::apply, {{"root", std::string("/")}}), "no option");
  expect_refused(job(Method::apply, {{"through", std::string("/x")}}), "no option");
  expect_refused(job(Method::commit, {{"now", true}}), "Commit has no option");
  expect_refused(job(Method::fetch, {{"tries", std::uint64_t{1}}}), "no option");
  expect_refused(job(Method::check, {{"\x1b[2J\n", true}}), "\"?[2J?\"");
}

TEST(BusJob, OptionsOfAnotherTypeOrOutOfRangeAreRefused) {
  expect_refused(job(Method::apply, {{"tries", true}}), "another type");
  expect_refused(job(Method::apply, {{"no-reboot", std::string("yes")}}), "another type");
  expect_refused(job(Method::apply, {{"folder", std::string("/media/stick")}}), "another type");
  expect_refused(job(Method::apply, {{"tries", std::uint64_t{0}}}), "from 1 to 9");
  expect_refused(job(Method::apply, {{"tries", std::uint64_t{10}}}), "from 1 to 9");
  expect_refused(job(Method::apply, {{"at", std::string()}}), "no");
  expect_refused(job(Method::apply, {{"at", std::string("a\nb")}}), "not such a text");
  expect_refused(job(Method::apply, {{"at", std::string(65, 'x')}}), "not such a text");
  expect_refused(job(Method::apply, {{"window", true}, {"window", true}}), "twice");
  expect_refused(job(Method::apply, std::vector<Option>(17, {"window", false})), "too many");
}

TEST(BusJob, NoNameOfAReleaseIsTakenForAnOption) {
  for (const std::string name : {"--root=/tmp", "-h", "../x", "a b", "CUBE", ""})
    EXPECT_FALSE(job(Method::deny, {}, name)) << name;
  expect_refused(job(Method::apply, {}, "--from=/media"), "\"--from=/media\" is no name");
  EXPECT_FALSE(job_of({Method::deny, release, "a\nb", 0, {}}));
}

TEST(BusJob, TheCommandLineNamesSourceAndRoot) {
  DeskConfig config{"/bin/cube-update", "/", "/run/cube-update/fetch", false};
  EXPECT_EQ(command_line(config, *job(Method::apply, {})),
            (Words{"/bin/cube-update", "apply", "--json", "--through=/run/cube-update/fetch"}));
  EXPECT_EQ(command_line(config, *job(Method::rollback, {{"now", true}})),
            (Words{"/bin/cube-update", "rollback", "--json", "--now"}));
  config.root = "/somewhere";
  EXPECT_EQ(command_line(config, *job(Method::check, {{"folder", HandedFolder{}}})),
            (Words{"/bin/cube-update", "check", "--json", "--root=/somewhere",
                   "--through=/run/cube-update/fetch", "--from=/proc/self/fd/3"}));
}

TEST(BusJob, HealthChecksRunOutsideOfTheServicesSandbox) {
  const DeskConfig config{"/bin/cube-update", "/", "/run/cube-update/fetch", true};
  const auto commit = command_line(config, *job(Method::commit, {}));
  EXPECT_EQ(commit.front(), "/usr/bin/systemd-run");
  EXPECT_EQ((Words{commit.end() - 3, commit.end()}),
            (Words{"/bin/cube-update", "commit", "--json"}));
  EXPECT_EQ(command_line(config, *job(Method::apply, {})).front(), "/bin/cube-update");
}

TEST(JobNote, IsReadAsItWasWritten) {
  const ScratchDir folder;
  const auto root = folder.root();
  EXPECT_EQ(read_note(root), JobNote{});
  const JobNote note{7, true, Method::apply, {"apply", "--json", "--at=2026-12-01 02:00"}, 2};
  ASSERT_TRUE(write_note(root, note));
  EXPECT_EQ(read_note(root), note);
  EXPECT_EQ(told_rollback(root), 0U);
  ASSERT_TRUE(note_told_rollback(root, 12));
  EXPECT_EQ(told_rollback(root), 12U);
}

TEST(JobNote, ADamagedOneIsNone) {
  const ScratchDir folder;
  const auto root = folder.root();
  ASSERT_TRUE(write_note(root, {7, true, Method::apply, {"apply"}, 2}));
  const std::string whole = root.read_file("run/cube-update/job", 4096).value();
  for (const std::string& text :
       {whole.substr(0, whole.size() / 2), std::string("{}"), std::string(), std::string(5000, 'x'),
        std::string(R"({"number":1,"starts":1,"running":true,"method":"Fly","words":[]})"),
        std::string(
            R"({"number":1,"starts":1,"running":true,"method":"Apply","words":["a\nb"]})")}) {
    std::ofstream(folder.path() + "/run/cube-update/job") << text;
    EXPECT_EQ(read_note(root), JobNote{}) << text;
  }
}

}  // namespace
}  // namespace cube
