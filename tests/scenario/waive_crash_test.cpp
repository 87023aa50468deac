// `cube-update waive`, killed or failed at each call by which it changes what is stored: the
// waivers are those from before or those from after, and the next run works.
#include <gtest/gtest.h>

#include <chrono>

#include "base/clock.h"
#include "tests/support/crash_sweep.h"
#include "tests/support/folder_appliance.h"

namespace cube {
namespace {

constexpr int fewest_calls = 3;  // write, rename, and the syncs around them

class WaiveCrash : public testing::Test {
 protected:
  // The ids; one "damaged" when they cannot be read.
  [[nodiscard]] std::string ids() const {
    const auto ran = appliance_.run({"waive", "--list", "--json"});
    if (ran.exit_code != 0) return "damaged";
    const auto list = Json::parse(ran.output.substr(0, ran.output.find('\n'))).value();
    std::string all;
    const auto waivers = list.member("waivers").value().array().value();
    for (const auto& one : waivers)
      all += one.string_at("id").value() + " ";
    return all;
  }
  [[nodiscard]] static std::vector<std::string> waive(const std::string& id) {
    // 80 days from now.
    const auto now = std::chrono::system_clock::now() + std::chrono::hours(24 * 80);
    const auto until = format_utc(std::chrono::system_clock::to_time_t(now));
    return {"waive", id, "--reason", "tested by hand", "--until", until};
  }

  FolderAppliance appliance_;
};

TEST_F(WaiveCrash, TheOldOnesOrTheNewOnes) {
  ASSERT_EQ(appliance_.run(waive("lock:kernel")).exit_code, 0);
  appliance_.keep();
  const auto argv = appliance_.command_line(waive("lock:bash"));
  const auto environment = FolderAppliance::environment();
  const auto whole = count_calls(argv, environment, "/var/lib/cube-update");
  ASSERT_EQ(whole.exit_code, 0) << whole.output;
  ASSERT_GE(whole.calls, fewest_calls);
  EXPECT_EQ(ids(), "lock:kernel lock:bash ");
  for (const auto crash : {Crash::kill, Crash::torn, Crash::no_space, Crash::io_error})
    for (int n = 1; n <= whole.calls; ++n) {
      SCOPED_TRACE("call " + std::to_string(n));
      appliance_.restore();
      const auto ran = run_with_crash(argv, n, crash, environment, "/var/lib/cube-update");
      EXPECT_NE(ran.exit_code, 0) << "no false success";
      const auto found = ids();
      EXPECT_TRUE(found == "lock:kernel " || found == "lock:kernel lock:bash ") << found;
      EXPECT_EQ(appliance_.run(waive("lock:bash")).exit_code, 0);
      EXPECT_EQ(ids(), "lock:kernel lock:bash ");
    }
}

}  // namespace
}  // namespace cube
