#include "agent/file_journal_store.h"

#include <fcntl.h>
#include <stdio.h>

#include <array>
#include <optional>

#include "agent/journal_codec.h"
#include "base/durable_file.h"
#include "base/mutation.h"

namespace cube {

struct FileJournalStore::Copies {
  std::array<std::optional<StoredJournal>, 2> whole;
  std::optional<Error> damage;  // of any copy that is there and cannot be read

  // The index of the newest whole copy.
  [[nodiscard]] std::optional<std::size_t> newest() const {
    if (!whole[0] && !whole[1]) return std::nullopt;
    if (!whole[0]) return 1;
    if (!whole[1]) return 0;
    return whole[0]->generation > whole[1]->generation ? 0 : 1;
  }
};

std::string FileJournalStore::file(int index) const {
  return folder_ + "/journal." + std::to_string(index);
}

FileJournalStore::Copies FileJournalStore::read_copies() const {
  Copies copies;
  for (int index = 0; index < 2; ++index) {
    auto bytes = root_.read_file(file(index), max_journal_bytes);
    if (!bytes) {
      if (bytes.error().code != Errc::not_found) copies.damage = bytes.error();
      continue;
    }
    auto stored = decode_journal(*bytes);
    if (stored)
      copies.whole.at(static_cast<std::size_t>(index)) = *stored;
    else
      copies.damage = std::move(stored).error().in(root_.join(file(index)));
  }
  return copies;
}

Result<Journal> FileJournalStore::load() const {
  Copies copies = read_copies();
  if (const auto newest = copies.newest()) return copies.whole.at(*newest)->journal;
  if (copies.damage) return Error{Errc::corrupt, copies.damage->what};
  return Journal{};
}

Status FileJournalStore::save(const Journal& journal) {
  CUBE_CHECK(root_.make_dirs(folder_, 0700));
  const Copies copies = read_copies();
  const auto newest = copies.newest();
  if (!newest && copies.damage) return Error{Errc::corrupt, copies.damage->what};
  const std::uint64_t generation = newest ? copies.whole.at(*newest)->generation + 1 : 1;
  const int target = newest && *newest == 0 ? 1 : 0;
  CUBE_TRY(const auto bytes, encode_journal({generation, journal}));
  if (mutated("journal-not-replaced-whole")) {
    CUBE_TRY(auto fd, root_.open_file(file(target), O_WRONLY | O_CREAT | O_TRUNC, 0600));
    if (::write(fd.get(), bytes.data(), bytes.size()) < 0) return system_error("write");
    return root_.remove_file(file(1 - target));
  }
  return replace_file(root_, file(target), bytes, 0600);
}

Status FileJournalStore::set_damaged_aside() {
  for (int index = 0; index < 2; ++index) {
    auto bytes = root_.read_file(file(index), max_journal_bytes);
    if (bytes && decode_journal(*bytes)) continue;
    if (!bytes && bytes.error().code == Errc::not_found) continue;
    CUBE_TRY(auto dir, root_.open_file(folder_, O_PATH | O_DIRECTORY));
    const std::string name = "journal." + std::to_string(index);
    if (::renameat(dir.get(), name.c_str(), dir.get(), (name + ".damaged").c_str()) != 0)
      return system_error("set aside " + root_.join(file(index)));
  }
  return sync_folder(root_, folder_);
}

}  // namespace cube
