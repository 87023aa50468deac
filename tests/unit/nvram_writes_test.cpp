// How often an update writes to the firmware's variables: their memory wears.
#include <gtest/gtest.h>
#include <sys/inotify.h>

#include <array>

#include "boot/systemd_boot/systemd_boot_control.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/systemd_boot_loader.h"

namespace cube {
namespace {

// Writes and removals below a folder, from its construction to written().
class Witness {
 public:
  explicit Witness(const std::string& folder) : events_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    // Two events of a kind in a row would be told as one: the closing comes between.
    EXPECT_GE(::inotify_add_watch(events_.get(), folder.c_str(),
                                  IN_MODIFY | IN_DELETE | IN_MOVED_TO | IN_CLOSE_WRITE),
              0);
  }
  int written() const {
    int count = 0;
    alignas(inotify_event) std::array<char, 16384> bytes{};
    for (ssize_t got = 0; (got = ::read(events_.get(), bytes.data(), bytes.size())) > 0;)
      for (ssize_t at = 0; at < got;) {
        const auto* event = reinterpret_cast<const inotify_event*>(bytes.data() + at);
        if ((event->mask & (IN_MODIFY | IN_DELETE | IN_MOVED_TO)) != 0) ++count;
        at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      }
    return count;
  }

 private:
  Fd events_;
};

TEST(NvramWrites, OneToArmAndOneToCommit) {
  const ScratchDir dir;
  const auto root = dir.root();
  const FolderKernels kernels(root);
  SystemdBootLoader loader(dir.path());
  SystemdBootControl control(root, kernels, {});
  loader.install(SlotId::a);
  loader.start();
  const std::string variables = dir.path() + "/sys/firmware/efi/efivars";
  const auto writes = [&](const auto& call) {
    const Witness witness(variables);
    EXPECT_TRUE(call());
    return witness.written();
  };
  const auto arm = [&] { return control.arm(SlotId::b, 3); };
  const auto bless = [&] { return control.bless(SlotId::b); };
  EXPECT_EQ(writes(arm), 1) << "the one-shot";
  EXPECT_EQ(writes(arm), 0) << "what is there is not written again";
  ASSERT_EQ(loader.start(), (Started{SlotId::b, true}));
  EXPECT_EQ(writes(bless), 1) << "the default";
  EXPECT_EQ(writes(bless), 0);
  EXPECT_EQ(writes([&] { return control.arm(SlotId::a, 3); }), 1);
  EXPECT_EQ(writes([&] { return control.reject(SlotId::a); }), 1) << "the one-shot is taken back";
  EXPECT_EQ(writes([&] { return control.reject(SlotId::a); }), 0);
}

}  // namespace
}  // namespace cube
