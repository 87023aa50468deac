#include "insight/fit/filesystem_features.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <iterator>
#include <system_error>

namespace cube::insight {
namespace {

// Which kernels refuse a filesystem that has an unknown bit here.
enum class Kind : std::uint8_t { incompat, read_only, log };

struct Row {
  const char* filesystem;
  Kind kind;
  std::uint32_t bit;
  const char* name;
  LinuxVersion since;  // 0.0: no Linux mounts it as a root that is written to
  const char* option = "";
};

// clang-format off
// ext4 as such is in Linux since 2.6.28; before it there are no kernels here.
constexpr std::array<Row, 47> rows{{
    {"ext4", Kind::incompat, 0x1, "compression", {0, 0}},
    {"ext4", Kind::incompat, 0x2, "filetype", {2, 6}},
    {"ext4", Kind::incompat, 0x4, "needs_recovery", {2, 6}},
    {"ext4", Kind::incompat, 0x8, "journal_dev", {0, 0}},
    {"ext4", Kind::incompat, 0x10, "meta_bg", {2, 6}},
    {"ext4", Kind::incompat, 0x40, "extent", {2, 6}},
    {"ext4", Kind::incompat, 0x80, "64bit", {2, 6}},
    {"ext4", Kind::incompat, 0x100, "mmp", {3, 0}},
    {"ext4", Kind::incompat, 0x200, "flex_bg", {2, 6}},
    {"ext4", Kind::incompat, 0x400, "ea_inode", {4, 13}},
    {"ext4", Kind::incompat, 0x1000, "dirdata", {0, 0}},
    {"ext4", Kind::incompat, 0x2000, "metadata_csum_seed", {4, 4}},
    {"ext4", Kind::incompat, 0x4000, "large_dir", {4, 13}},
    {"ext4", Kind::incompat, 0x8000, "inline_data", {3, 8}},
    {"ext4", Kind::incompat, 0x10000, "encrypt", {4, 1}},
    {"ext4", Kind::incompat, 0x20000, "casefold", {5, 2}, "CONFIG_UNICODE"},
    {"ext4", Kind::read_only, 0x1, "sparse_super", {2, 6}},
    {"ext4", Kind::read_only, 0x2, "large_file", {2, 6}},
    {"ext4", Kind::read_only, 0x4, "btree_dir", {2, 6}},
    {"ext4", Kind::read_only, 0x8, "huge_file", {2, 6}},
    {"ext4", Kind::read_only, 0x10, "uninit_bg", {2, 6}},
    {"ext4", Kind::read_only, 0x20, "dir_nlink", {2, 6}},
    {"ext4", Kind::read_only, 0x40, "extra_isize", {2, 6}},
    {"ext4", Kind::read_only, 0x100, "quota", {3, 6}, "CONFIG_QUOTA"},
    {"ext4", Kind::read_only, 0x200, "bigalloc", {3, 2}},
    {"ext4", Kind::read_only, 0x400, "metadata_csum", {3, 5}},
    {"ext4", Kind::read_only, 0x1000, "read-only", {0, 0}},
    {"ext4", Kind::read_only, 0x2000, "project", {4, 5}, "CONFIG_QUOTA"},
    {"ext4", Kind::read_only, 0x4000, "shared_blocks", {0, 0}},
    {"ext4", Kind::read_only, 0x8000, "verity", {5, 4}},
    {"ext4", Kind::read_only, 0x10000, "orphan_present", {5, 15}},
    {"xfs", Kind::incompat, 0x1, "ftype", {3, 10}},
    {"xfs", Kind::incompat, 0x2, "sparse", {4, 2}},
    {"xfs", Kind::incompat, 0x4, "meta_uuid", {4, 3}},
    {"xfs", Kind::incompat, 0x8, "bigtime", {5, 10}},
    {"xfs", Kind::incompat, 0x10, "needs-repair", {0, 0}},
    {"xfs", Kind::incompat, 0x20, "nrext64", {5, 19}},
    {"xfs", Kind::incompat, 0x40, "exchange", {6, 10}},
    {"xfs", Kind::incompat, 0x80, "parent", {6, 10}},
    {"xfs", Kind::incompat, 0x100, "metadir", {6, 13}},
    {"xfs", Kind::incompat, 0x200, "zoned", {6, 15}},
    {"xfs", Kind::incompat, 0x400, "zone_gaps", {6, 16}},
    {"xfs", Kind::read_only, 0x1, "finobt", {3, 16}},
    {"xfs", Kind::read_only, 0x2, "rmapbt", {4, 8}},
    {"xfs", Kind::read_only, 0x4, "reflink", {4, 9}},
    {"xfs", Kind::read_only, 0x8, "inobtcount", {5, 10}},
    {"xfs", Kind::log, 0x1, "log-xattrs", {5, 19}},
}};
// clang-format on

void add_set(const std::string& type, Kind kind, const char* kind_name, std::uint32_t bits,
             std::vector<Feature>& found) {
  for (unsigned place = 0; place < 32; ++place) {
    const std::uint32_t bit = bits & (std::uint32_t{1} << place);
    if (bit == 0) continue;
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& one) {
      return type == one.filesystem && kind == one.kind && bit == one.bit;
    });
    if (row == rows.end()) {
      char hex[32];
      std::snprintf(hex, sizeof hex, "%s-0x%x", kind_name, bit);
      found.push_back({hex, std::nullopt, ""});
    } else if (row->since == LinuxVersion{}) {
      found.push_back({row->name, std::nullopt, ""});
    } else {
      found.push_back({row->name, row->since, row->option});
    }
  }
}

}  // namespace

std::optional<LinuxVersion> linux_version(std::string_view release) {
  LinuxVersion version;
  const auto* end = release.data() + release.size();
  const auto major = std::from_chars(release.data(), end, version.major);
  if (major.ec != std::errc{} || major.ptr == end || *major.ptr != '.') return std::nullopt;
  const auto minor = std::from_chars(std::next(major.ptr), end, version.minor);
  if (minor.ec != std::errc{}) return std::nullopt;
  return version;
}

std::string text_of(const LinuxVersion& version) {
  return std::to_string(version.major) + "." + std::to_string(version.minor);
}

std::vector<Feature> features_of(const Filesystem& filesystem) {
  std::vector<Feature> found;
  add_set(filesystem.type, Kind::incompat, "incompat", filesystem.incompat, found);
  add_set(filesystem.type, Kind::read_only, "read-only", filesystem.read_only, found);
  add_set(filesystem.type, Kind::log, "log", filesystem.log, found);
  return found;
}

}  // namespace cube::insight
