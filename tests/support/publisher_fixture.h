// A publisher with a repository in a scratch folder, and the machine's own client to judge it.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "base/digest.h"
#include "release/publisher.h"
#include "release/verifier.h"
#include "tests/support/fixed_clock.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"

namespace cube {

inline constexpr const char* old_name = "CUBE_2.2.3_20220401-1200_aaaa1111";
inline constexpr const char* new_name = "CUBE_2.2.4_20220421-1616_55765df7";
inline const FixedClock clock_2026("2026-08-01T00:00:00Z");

class ReleaseTest : public testing::Test {
 protected:
  [[nodiscard]] std::string repository() const { return scratch_.path() + "/r"; }

  Publisher init(std::uint64_t root_keys = 3,
                 std::optional<std::uint64_t> root_threshold = {}) const {
    InitOptions options;
    options.settings.product = "CUBE";
    options.root_keys = root_keys;
    options.root_threshold = root_threshold;
    auto made = Publisher::init(repository(), options, clock_2026.now());
    EXPECT_TRUE(made) << made.error().what;
    return std::move(made).value();
  }

  // A release whose commit object is in repo/; to the publisher a commit is bytes with a name.
  [[nodiscard]] Release release(const std::string& name, std::uint64_t epoch = 0) const {
    Release made;
    made.name = ReleaseName::parse(name).value();
    made.epoch = epoch;
    const std::string commit = "commit of " + name;
    made.commit = to_hex(sha256(commit));
    made.tree_bytes = 1000;
    made.tree_inodes = 10;
    put(commit_file(made), commit);
    return made;
  }
  [[nodiscard]] std::string commit_file(const Release& made) const {
    return repository() + "/repo/objects/" + made.commit.substr(0, 2) + "/" +
           made.commit.substr(2) + ".commit";
  }

  [[nodiscard]] Result<std::vector<Release>> verify(const FixedClock& clock = clock_2026) const {
    CUBE_TRY(auto verified, verify_repository(repository(), {"", true}, clock));
    return std::move(verified.releases);
  }

  ScratchDir scratch_;
};

}  // namespace cube
