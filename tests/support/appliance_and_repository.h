// An appliance laid out in a folder, with a baked root, and a signed repository it reads.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "keys/release_channel.h"
#include "tests/support/fixed_clock.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/tuf_signer.h"
#include "tests/support/verified_release.h"

namespace cube {

class ApplianceAndRepository : public ::testing::Test {
 protected:
  static constexpr const char* older = "CUBE_2.2.3_20220401-1200_aaaa1111";
  static constexpr const char* newer = "CUBE_2.2.4_20220421-1616_55765df7";

  ApplianceAndRepository() : root_(appliance_.root()), signer_(repository_.path()) {
    signer_.add_release(older, manifest_of(older));
    signer_.add_release(newer, manifest_of(newer));
    signer_.bake_root(appliance_.path());
    signer_.publish();
  }

  [[nodiscard]] ChannelConfig config() const {
    ChannelConfig config;
    config.url = url_.empty() ? repository_.path() : url_;
    config.http.allow_http = true;
    config.http.deadline = std::chrono::seconds(1);
    config.http.tries = 1;
    return config;
  }
  [[nodiscard]] Result<ReleaseChannel> open() const {
    return ReleaseChannel::open(root_, clock_, config());
  }
  // A new process that wants the newer release.
  [[nodiscard]] Result<Verified<Release>> ask(const std::string& name = newer) const {
    CUBE_TRY(auto channel, open());
    return channel.release(name);
  }
  [[nodiscard]] Status refresh() const {
    CUBE_TRY(auto channel, open());
    return channel.refresh();
  }
  // All persisted metadata, to see that nothing changed.
  [[nodiscard]] std::string persisted() const {
    std::string all;
    for (const std::string name : {"root", "timestamp", "snapshot", "targets"})
      all += name + ":" + read(state(name)) + "\n";
    return all;
  }
  [[nodiscard]] std::string state(const std::string& name) const {
    return appliance_.path() + "/var/lib/cube-update/tuf/" + name + ".json";
  }
  [[nodiscard]] std::string baked() const {
    return appliance_.path() + "/usr/share/cube-update/root.json";
  }
  [[nodiscard]] std::string metadata(const std::string& name) const {
    return repository_.path() + "/metadata/" + name;
  }
  static std::string read(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }
  static void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  // The repository as it is must be refused with that code, without a trace on disk.
  void expect_refused(Errc code, const std::string& because) const {
    const auto before = persisted();
    const auto status = refresh();
    ASSERT_FALSE(status) << "accepted: " << because;
    EXPECT_EQ(static_cast<int>(status.error().code), static_cast<int>(code)) << status.error().what;
    EXPECT_NE(status.error().what.find(because), std::string::npos) << status.error().what;
    EXPECT_EQ(persisted(), before) << "something was persisted";
  }
  void expect_accepted() const {
    const auto release = ask();
    EXPECT_TRUE(release) << release.error().what;
  }

  ScratchDir appliance_;
  ScratchDir repository_;
  RootDir root_;
  FixedClock clock_{"2026-08-01T00:00:00Z"};
  TufSigner signer_;
  std::string url_;  // "": the folder itself
};

}  // namespace cube
