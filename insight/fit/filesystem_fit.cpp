#include "insight/fit/filesystem_fit.h"

#include "base/mutation.h"
#include "insight/fit/filesystem_features.h"

namespace cube::insight {
namespace {

constexpr const char* check = "root-filesystem";

std::string kernel_of(const Inventory& staged) {
  return staged.kernel.empty() ? "the release's kernel" : "kernel " + staged.kernel;
}

Finding driver_finding(const std::string& type, const Inventory& staged) {
  Finding found{check, type, Grade::good, "", "", ""};
  const std::string option = type == "xfs" ? "CONFIG_XFS_FS" : "CONFIG_EXT4_FS";
  const auto value = staged.options.find(option);
  if (staged.built_in.count(type) != 0 || (value != staged.options.end() && value->second == "y")) {
    found.what = type + " is built into " + kernel_of(staged);
    return found;
  }
  if (staged.initramfs_modules.count(type) != 0) {
    found.what = "the driver of " + type + " is in " + staged.initramfs;
    return found;
  }
  for (const char* part : {"built_in", "initramfs_modules"})
    if (!staged.knows(part)) {
      found.grade = Grade::unknown;
      found.what = "whether " + kernel_of(staged) + " has the driver of " + type +
                   " when it mounts its root: the inventory does not know " + part;
      return found;
    }
  // A tree without any list of what is built in proves nothing, unless the options do.
  if (staged.built_in.empty() && value == staged.options.end()) {
    found.grade = Grade::unknown;
    found.what = "whether " + type + " is built into " + kernel_of(staged) +
                 ": the release lists neither built-in modules nor options";
    return found;
  }
  found.grade = Grade::refusal;
  found.what = "the root is " + type + ", and " + kernel_of(staged) +
               " has its driver neither built in nor in its initramfs" +
               (staged.initramfs.empty() ? " (the release has none)" : " " + staged.initramfs);
  found.remedy = "make the release's initramfs anew with the module " + type;
  return found;
}

Finding format_finding(const Inventory& staged) {
  Finding found{check, "xfs-version-4", Grade::good, "", "", ""};
  // The option came with Linux 5.10; older ones read both.
  const auto version = linux_version(staged.kernel);
  if (!staged.options.empty() && staged.knows("options") && version &&
      *version >= LinuxVersion{5, 10} && staged.options.count("CONFIG_XFS_SUPPORT_V4") == 0) {
    found.grade = Grade::refusal;
    found.what = "the root is xfs of version 4, which " + kernel_of(staged) +
                 " does not mount (CONFIG_XFS_SUPPORT_V4 is off)";
    found.remedy = "make the slot's filesystem anew with mkfs.xfs of today";
  }
  return found;
}

// Good when the kernel has it, as far as can be known.
Finding feature_finding(const std::string& type, const Feature& feature, const Inventory& staged,
                        const std::string& running) {
  Finding found{check, type + "-" + feature.name, Grade::good, "", "", ""};
  if (!staged.kernel.empty() && staged.kernel == running) return found;
  const std::string has = "the root is " + type + " with " + feature.name + ", which ";
  found.remedy = "make the slot's filesystem anew without " + feature.name;
  if (!feature.since) {
    found.grade = Grade::refusal;
    found.what = has + "no Linux that is known mounts as a root";
    return found;
  }
  const auto version = linux_version(staged.kernel);
  if (!version) {
    found.grade = Grade::unknown;
    found.what = has + "came with Linux " + text_of(*feature.since) +
                 ": the version of the release's kernel is not known";
  } else if (*version < *feature.since) {
    found.grade = Grade::unknown;
    found.what = has + "came with Linux " + text_of(*feature.since) +
                 ": whether it was brought back into " + kernel_of(staged) +
                 " is not known, and without it the root is not mounted";
  } else if (!feature.option.empty() && !staged.options.empty() && staged.knows("options") &&
             staged.options.count(feature.option) == 0) {
    found.grade = Grade::refusal;
    found.what = has + kernel_of(staged) + " refuses without " + feature.option;
  }
  return found;
}

}  // namespace

Findings root_filesystem_findings(const Result<Filesystem>& root, const Inventory& staged,
                                  const std::string& running) {
  if (!root)
    return {{check, "superblock", Grade::unknown, "the slot's filesystem: " + root.error().what, "",
             ""}};
  Findings all;
  auto driver = driver_finding(root->type, staged);
  Findings features;
  if (root->old_format) features.push_back(format_finding(staged));
  for (const auto& feature : features_of(*root))
    if (!mutated("preflight-ignores-features"))
      features.push_back(feature_finding(root->type, feature, staged, running));
  std::erase_if(features, [](const Finding& one) { return one.grade == Grade::good; });
  if (driver.grade == Grade::good && features.empty())
    driver.what += ", and the kernel knows all features of the slot's filesystem";
  all.push_back(std::move(driver));
  all.insert(all.end(), features.begin(), features.end());
  return all;
}

Findings loader_filesystem_findings(const std::string& loader,
                                    const std::optional<Status>& readable) {
  if (!readable) return {};
  Finding found{"loader-filesystem", loader, Grade::good, "", "", ""};
  if (*readable) {
    found.what = loader + " reads the slot's filesystem";
    return {found};
  }
  const auto& error = readable->error();
  const bool certain = error.code == Errc::cannot_arm || error.code == Errc::corrupt;
  found.grade = certain ? Grade::refusal : Grade::unknown;
  found.what = "whether " + loader + " reads the slot: " + error.what;
  if (certain) {
    found.what = loader + " does not read the slot: " + error.what;
    found.remedy = "run `cube-update apply` again: a slot that the loader cannot read is made anew";
  }
  return {found};
}

}  // namespace cube::insight
