// The golden corpus (tests/unit/panics), and what no single log shows: several boots, foreign
// bytes.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "boot/postmortem/diagnosis.h"

namespace cube {
namespace {

const std::string corpus = std::string(CUBE_SOURCE_DIR) + "/tests/unit/panics/";

struct Row {
  std::string name, stage, kernel, origin, use;
};

std::string trimmed(const std::string& text) {
  const auto start = text.find_first_not_of(' ');
  if (start == std::string::npos) return "";
  return text.substr(start, text.find_last_not_of(' ') - start + 1);
}

std::vector<Row> rows() {
  std::vector<Row> found;
  std::ifstream table(corpus + "table");
  for (std::string line; std::getline(table, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream fields(line);
    Row row;
    for (auto* field : {&row.name, &row.stage, &row.kernel, &row.origin, &row.use}) {
      std::getline(fields, *field, '|');
      *field = trimmed(*field);
    }
    found.push_back(row);
  }
  return found;
}

std::string log_of(const std::string& name) {
  std::ifstream file(corpus + name + ".log", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

const std::string healthy = "Linux version 6.1.0 (a)\nWelcome to Debian!\ncube login: \n";

TEST(Diagnosis, TheCorpusIsToldApart) {
  const auto corpus_rows = rows();
  ASSERT_GT(corpus_rows.size(), 60U);
  for (const auto& row : corpus_rows) {
    SCOPED_TRACE(row.name);
    const auto log = log_of(row.name);
    ASSERT_TRUE(!log.empty() || row.name == "silent");
    ASSERT_LE(log.size(), 60U * 1024);
    const auto diagnosis = diagnose(log);
    EXPECT_EQ(to_string(diagnosis.stage), row.stage) << diagnosis.cause;
    EXPECT_EQ(diagnosis.kernel, row.kernel);
    EXPECT_TRUE(diagnosis.stage == Stage::none || !diagnosis.evidence.empty());
  }
}

// Logs of another author, made without a look at the rules: tests/last_words/held_out/README.md.
TEST(Diagnosis, LogsOfAnotherAuthor) {
  const std::string folder = std::string(CUBE_SOURCE_DIR) + "/tests/last_words/held_out/";
  std::ifstream table(folder + "expected");
  int logs = 0;
  for (std::string line; std::getline(table, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string name, stage;
    words >> name;
    std::ifstream file(folder + name, std::ios::binary);
    const std::string log{std::istreambuf_iterator<char>(file), {}};
    ASSERT_FALSE(log.empty()) << name;
    const auto found = diagnose(log);
    bool right = false;
    while (words >> stage) right = right || stage == to_string(found.stage);
    EXPECT_TRUE(right) << name << ": " << to_string(found.stage) << ": " << found.cause;
    ++logs;
  }
  EXPECT_EQ(logs, 30);
}

TEST(Diagnosis, EveryTruncationIsSurvived) {
  for (const auto& name : {"el8-died-after-unpacking", "grub-no-kernel", "health-on-trial"}) {
    const auto log = log_of(name);
    for (std::size_t size = 0; size < log.size(); size += 7)
      EXPECT_LE(diagnose(std::string_view(log).substr(0, size)).cause.size(), max_line);
  }
}

TEST(Diagnosis, DetailsOfAnOops) {
  const auto diagnosis = diagnose(log_of("el8-died-after-unpacking"));
  EXPECT_EQ(diagnosis.module, "megaraid_sas");
  ASSERT_GE(diagnosis.trace.size(), 3U);
  EXPECT_EQ(diagnosis.trace[0], "megasas_init_fw");
  EXPECT_EQ(diagnosis.trace[1], "megasas_probe_one");
  EXPECT_EQ(diagnosis.panic, "Kernel panic - not syncing: Fatal exception");
}

TEST(Diagnosis, TheMissingDriverIsNamedFromTheBus) {
  EXPECT_EQ(diagnose(log_of("el8-megaraid-left-out")).module, "megaraid_sas");
  EXPECT_EQ(diagnose(log_of("el8-megaraid-unknown-symbol")).module, "megaraid_sas");
  EXPECT_EQ(diagnose(log_of("el8-root-misnamed")).device, "/dev/mapper/cl-root");
}

TEST(Diagnosis, TheLastFailureOnTrialCounts) {
  const std::string trial =
      "Linux version 6.1.1 (a)\nCommand line: root=/dev/sda2 cube.trial=1\n"
      "Kernel panic - not syncing: IO-APIC\n";
  const std::string other = "Linux version 6.1.2 (a)\nKernel panic - not syncing: other\n";
  EXPECT_EQ(diagnose(healthy + trial + other + healthy).kernel, "6.1.1");
  EXPECT_TRUE(diagnose(healthy + trial + healthy).trial);
  EXPECT_EQ(diagnose(other + healthy).kernel, "6.1.2");
  EXPECT_EQ(diagnose(healthy).stage, Stage::none);
}

TEST(Diagnosis, PrefixesOfEverySortAreSeenThrough) {
  const std::string panic = "Kernel panic - not syncing: IO-APIC";
  for (const std::string prefix :
       {"", "<0>", "<0>[    1.5] ", "[    1.500000] ", "[    1.500000][    T1] ",
        "Nov 27 11:13:22 cube kernel: [    1.5] ", "2026-11-27T11:13:22.5+00:00 cube kernel: ",
        "[Fri Nov 27 11:13:22 2026] ", "kern  :emerg : [    1.5] ", "0,339,5140900,-;",
        "\x1b[31m\x1b[0m[    1.5] ", "[2026-11-27 11:13:22] [    1.5] "}) {
    SCOPED_TRACE(prefix);
    const auto diagnosis = diagnose(prefix + panic + "\r\n");
    EXPECT_EQ(diagnosis.stage, Stage::kernel_early);
    ASSERT_FALSE(diagnosis.evidence.empty());
    EXPECT_EQ(diagnosis.evidence[0], panic);
  }
}

TEST(Diagnosis, ForeignBytesAreBounded) {
  EXPECT_EQ(diagnose("").stage, Stage::none);
  EXPECT_EQ(diagnose(std::string(16U << 20U, 'x')).stage, Stage::none);
  EXPECT_EQ(diagnose(std::string(1U << 20U, '\x1b')).stage, Stage::none);
  const auto diagnosis = diagnose("Kernel panic - not syncing: \x01\xff" + std::string(9000, 'y'));
  EXPECT_EQ(diagnosis.panic.size(), max_line);
  EXPECT_EQ(diagnosis.panic.find('\xff'), std::string::npos);
}

TEST(Diagnosis, StagesHaveWordsAndAdvice) {
  for (int i = 0; i <= static_cast<int>(Stage::none); ++i) {
    const auto stage = static_cast<Stage>(i);
    EXPECT_EQ(parse_stage(to_string(stage)), stage);
    EXPECT_FALSE(advice(stage).empty());
  }
  EXPECT_FALSE(parse_stage("nonsense"));
}

}  // namespace
}  // namespace cube
