// Foreign bytes where an appliance keeps its metadata. In the state folder: whatever is there, a
// good repository is believed afterwards, and what is kept is that repository's. In place of the
// trusted root: it is refused, or is the document that the root's key signed.
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "keys/tuf_client.h"
#include "tests/fuzz/choices.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/forged_repository.h"
#include "tests/support/text_files.h"

namespace {

using cube::Choices;
using cube::demand;
using cube::Documents;
using cube::ForgedRepository;

ForgedRepository& repository() {
  static ForgedRepository one;
  return one;
}

std::string some_text(Choices& choices) {
  const auto& documents = repository().generation(choices.below(3));
  auto text =
      std::next(documents.begin(), static_cast<std::ptrdiff_t>(choices.below(documents.size())))
          ->second;
  const auto at = choices.below(text.size() + 256) % text.size();
  switch (choices.below(5)) {
    case 0:
      return choices.text(choices.below(2048));
    case 1:
      text.resize(at);
      return text;
    case 2:
      text[at] = static_cast<char>(text[at] ^ choices.byte());
      return text;
    case 3:
      return text.insert(at, choices.text(choices.byte()));
    default:
      return text;
  }
}

void put_into_state(const std::string& role, Choices& choices) {
  const auto path = repository().state_folder() + "/" + role + ".json";
  switch (choices.below(8)) {
    case 0:
      return;
    case 1:
      demand(::mkfifo(path.c_str(), 0600) == 0);
      return;
    case 2:
      std::filesystem::create_symlink("/usr/share/cube-update/root.json", path);
      return;
    case 3:
      std::filesystem::create_symlink(role + ".json", path);
      return;
    default:
      cube::put(path, some_text(choices));
  }
}

void with_foreign_state(Choices& choices) {
  repository().begin();
  std::filesystem::create_directories(repository().state_folder());
  for (const std::string role : {"root", "timestamp", "snapshot", "targets", "vendor"})
    put_into_state(role, choices);
  const auto& newest = repository().generation(2);
  std::size_t requests = 0;
  auto client = cube::TufClient::open(
      repository().appliance(), cube::Freshness(cube::parse_utc("2026-08-01T00:00:00Z").value()),
      {}, std::make_unique<cube::DocumentFetcher>(newest, requests));
  demand(client->refresh().has_value());
  for (const std::string path : {ForgedRepository::ours, ForgedRepository::theirs})
    demand(client->target(path, 4096).has_value());
  const auto state = repository().state();
  // White space is all that may differ where no hash is signed.
  const auto same = [&](const std::string& kept, const std::string& published) {
    return cube::body_of(state.at(kept)).canonical() ==
           cube::body_of(newest.at("metadata/" + published)).canonical();
  };
  demand(same("root.json", "2.root.json") && same("timestamp.json", "timestamp.json"));
  for (const std::string role : {"snapshot", "targets", "vendor"})
    demand(state.at(role + ".json") == newest.at("metadata/3." + role + ".json"));
}

// Kinds of what is in the root's place: the text as a file, or one that others may write, or behind
// a link, or nothing.
void with_foreign_root(Choices& choices) {
  const auto path = repository().baked_root();
  static const std::string good = cube::get(path);
  const auto kind = choices.below(4);
  cube::put(path, some_text(choices));
  if (kind == 1) demand(::chmod(path.c_str(), 0646) == 0);
  if (kind == 2) std::filesystem::rename(path, path + ".away");
  if (kind == 2 && choices.yes()) std::filesystem::create_symlink("root.json.away", path);
  std::size_t requests = 0;
  const auto client = cube::TufClient::open(
      repository().appliance(), cube::Freshness(0), {},
      std::make_unique<cube::DocumentFetcher>(repository().generation(0), requests));
  demand(requests == 0);
  if (client) demand(kind != 1 && kind != 2 && repository().was_signed(cube::get(path), "root"));
  std::filesystem::remove(path);
  cube::put(path, good);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  if (choices.yes())
    with_foreign_root(choices);
  else
    with_foreign_state(choices);
  return 0;
}
