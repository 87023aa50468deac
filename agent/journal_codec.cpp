#include "agent/journal_codec.h"

#include <algorithm>
#include <cereal/archives/portable_binary.hpp>
#include <exception>
#include <sstream>
#include <stdexcept>
#include <type_traits>

#include "base/digest.h"
#include "base/mutation.h"

// In place of cereal's own for strings and vectors, with the same bytes: those allocate whatever
// the bytes claim.
namespace cereal {

template <class Archive>
void CEREAL_SAVE_FUNCTION_NAME(Archive& archive, const std::string& text) {
  archive(make_size_tag(static_cast<size_type>(text.size())));
  archive(binary_data(text.data(), text.size()));
}

template <class Archive>
void CEREAL_LOAD_FUNCTION_NAME(Archive& archive, std::string& text) {
  size_type size = 0;
  archive(make_size_tag(size));
  if (size > cube::max_journal_bytes) throw std::length_error("text");
  text.resize(static_cast<std::size_t>(size));
  archive(binary_data(text.data(), text.size()));
}

template <class Archive, class Item>
void CEREAL_SAVE_FUNCTION_NAME(Archive& archive, const std::vector<Item>& items) {
  archive(make_size_tag(static_cast<size_type>(items.size())));
  for (const auto& item : items) archive(item);
}

template <class Archive, class Item>
void CEREAL_LOAD_FUNCTION_NAME(Archive& archive, std::vector<Item>& items) {
  size_type size = 0;
  archive(make_size_tag(size));
  for (items.clear(); items.size() < size;) archive(items.emplace_back());  // ends with the bytes
}

}  // namespace cereal

namespace cube {
namespace {

constexpr std::string_view magic = "CUBEJRNL";
constexpr std::uint32_t format_version = 1;
// magic, version, generation, length, SHA-256 of everything else
constexpr std::size_t header_bytes = 8 + 4 + 8 + 4 + 32;

template <typename Number>
void put(std::string& bytes, Number number) {  // little endian
  for (std::size_t i = 0; i < sizeof number; ++i)
    bytes.push_back(static_cast<char>((number >> (8 * i)) & 0xff));
}

template <typename Number>
Number get(std::string_view bytes) {
  Number number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i)
    number |=
        static_cast<Number>(static_cast<Number>(static_cast<unsigned char>(bytes[i])) << (8 * i));
  return number;
}

// An enumeration as one byte; a value past `last` is refused when loading.
template <class Archive, typename Enum>
void enumeration(Archive& archive, Enum& value, Enum last) {
  auto number = static_cast<std::uint8_t>(value);
  archive(number);
  if (number > static_cast<std::uint8_t>(last)) throw std::runtime_error("enumeration");
  value = static_cast<Enum>(number);
}

// Causes that came after format 1 was in use have a stand-in for those who only know that; the real
// one comes later (later_content).
Cause stand_in(Cause cause) {
  if (cause == Cause::migration) return Cause::health;
  if (cause == Cause::foreseen) return Cause::fill_failed;
  return cause == Cause::held ? Cause::superseded : cause;
}

// A cause is only told, never steered by, so one of a newer program is kept as it is and does not
// cost the journal.
template <class Archive>
void cause(Archive& archive, Cause& value) {
  if (mutated("newer-cause-refused")) return enumeration(archive, value, last_cause);
  auto number = static_cast<std::uint8_t>(value);
  archive(number);
  value = static_cast<Cause>(number);
}

template <class Archive>
void boolean(Archive& archive, bool& value) {
  auto number = static_cast<std::uint8_t>(value ? 1 : 0);
  archive(number);
  if (number > 1) throw std::runtime_error("boolean");
  value = number == 1;
}

template <class Archive>
void release_name(Archive& archive, ReleaseName& name) {
  std::string text = name.text;
  archive(text);
  if constexpr (Archive::is_loading::value) {
    if (text.empty()) {
      name = {};
    } else {
      auto parsed = ReleaseName::parse(text);
      if (!parsed) throw std::runtime_error("release name");
      name = *parsed;
    }
  }
}

}  // namespace

// cereal finds these by argument-dependent lookup in the types' namespace.
template <class Archive>
void serialize(Archive& archive, Release& release) {
  release_name(archive, release.name);
  archive(release.epoch, release.commit, release.manifest_sha256, release.tree_bytes,
          release.tree_inodes, release.kernel_release, release.trial_deadline);
}

template <class Archive>
void serialize(Archive& archive, Why& why) {
  Cause told = stand_in(why.cause);
  cause(archive, told);
  if constexpr (Archive::is_loading::value) why.cause = told;
  archive(why.detail);
}

template <class Archive>
void serialize(Archive& archive, Update& update) {
  archive(update.attempt, update.release);
  enumeration(archive, update.target, SlotId::b);
  archive(update.from_release, update.source, update.tries);
  boolean(archive, update.unattended);
  boolean(archive, update.returning);
  archive(update.started, update.deadline, update.armings, update.tries_seen, update.left);
}

template <class Archive>
void serialize(Archive& archive, Floor& floor) {
  archive(floor.epoch, floor.release);
}

template <class Archive>
void serialize(Archive& archive, Denied& denied) {
  archive(denied.release, denied.manifest_sha256, denied.reason);
}

template <class Archive>
void serialize(Archive& archive, Attempt& attempt) {
  archive(attempt.number, attempt.release, attempt.from_release);
  enumeration(archive, attempt.target, SlotId::b);
  archive(attempt.started, attempt.ended, attempt.tries_done);
  // For those who only know format 1; which it was comes later (rehearsal_content).
  Outcome told = attempt.outcome == Outcome::rehearsed ? Outcome::rolled_back : attempt.outcome;
  enumeration(archive, told, Outcome::abandoned);
  if constexpr (Archive::is_loading::value) attempt.outcome = told;
  archive(attempt.why);
}

namespace {

template <std::size_t index>
Phase empty_phase(std::size_t wanted) {
  if constexpr (index < std::variant_size_v<Phase>) {
    if (wanted == index) return Phase{std::in_place_index<index>};
    return empty_phase<index + 1>(wanted);
  } else {
    throw std::runtime_error("phase");
  }
}

template <class Archive>
void phase_content(Archive& archive, Phase& phase) {
  std::visit(
      [&](auto& alternative) {
        using Alternative = std::remove_reference_t<decltype(alternative)>;
        if constexpr (!std::is_same_v<Alternative, Idle>) archive(alternative.update);
        if constexpr (std::is_same_v<Alternative, Armed>) archive(alternative.boot_id);
        if constexpr (std::is_same_v<Alternative, RollingBack>) archive(alternative.why);
      },
      phase);
}

template <class Archive>
void journal_content(Archive& archive, Journal& journal) {
  archive(journal.attempts, journal.floor, journal.denied, journal.history);
  auto index = static_cast<std::uint8_t>(journal.phase.index());
  archive(index);
  if constexpr (Archive::is_loading::value) journal.phase = empty_phase<0>(index);
  phase_content(archive, journal.phase);
}

// Came later: at the end, where a reader that does not know of it does not look, and where it may
// be missing.
template <class Archive>
void schedule_content(Archive& archive, Phase& phase) {
  std::visit(
      [&](auto& alternative) {
        if constexpr (!std::is_same_v<std::remove_reference_t<decltype(alternative)>, Idle>) {
          enumeration(archive, alternative.update.start, Start::in_window);
          archive(alternative.update.not_before);
        }
      },
      phase);
}

// Came later still, and is read the same way.
template <class Archive>
void later_update(Archive& archive, Update& update) {
  archive(update.release.schema, update.failed_before, update.held, update.migrated,
          update.tried_in);
  boolean(archive, update.carry_etc);
  boolean(archive, update.drained);
}

template <class Archive>
void later_content(Archive& archive, Journal& journal) {
  archive(journal.schema, journal.hooks_due);
  for (auto& attempt : journal.history) {
    archive(attempt.schema);
    cause(archive, attempt.why.cause);
  }
  std::visit(
      [&](auto& alternative) {
        using Alternative = std::remove_reference_t<decltype(alternative)>;
        if constexpr (!std::is_same_v<Alternative, Idle>) later_update(archive, alternative.update);
        if constexpr (std::is_same_v<Alternative, RollingBack>)
          cause(archive, alternative.why.cause);
      },
      journal.phase);
}

// And this after it. A release whose program does not know of it is not asked to rehearse
// (agent/rehearsal/): what that one saves has lost it.
template <class Archive>
void rehearsal_content(Archive& archive, Journal& journal) {
  for (auto& attempt : journal.history) {
    enumeration(archive, attempt.rehearsal, last_rehearsal);
    archive(attempt.away);
    if (attempt.rehearsal != Rehearsal::none && attempt.outcome == Outcome::rolled_back)
      attempt.outcome = Outcome::rehearsed;
  }
  std::visit(
      [&](auto& alternative) {
        using Alternative = std::remove_reference_t<decltype(alternative)>;
        if constexpr (!std::is_same_v<Alternative, Idle>)
          enumeration(archive, alternative.update.rehearsal, last_rehearsal);
      },
      journal.phase);
}

bool has_waivers(const Journal& journal) {
  const Update* update = update_of(journal.phase);
  return (update != nullptr && !update->waived.empty()) ||
         std::any_of(journal.history.begin(), journal.history.end(),
                     [](const Attempt& attempt) { return !attempt.waived.empty(); });
}

// And this after that: which waivers let an update through; one byte where there are none. Only
// told, never steered by.
template <class Archive>
void waiver_content(Archive& archive, Journal& journal) {
  bool any = has_waivers(journal);
  boolean(archive, any);
  if (!any) return;
  for (auto& attempt : journal.history) archive(attempt.waived);
  std::visit(
      [&](auto& alternative) {
        using Alternative = std::remove_reference_t<decltype(alternative)>;
        if constexpr (!std::is_same_v<Alternative, Idle>) archive(alternative.update.waived);
      },
      journal.phase);
}

// The checksum covers all that the reader relies on.
Sha256 checksum(std::string_view head, std::string_view payload) {
  Sha256Hasher hasher;
  hasher.update(head);
  hasher.update(payload);
  return hasher.finish();
}

}  // namespace

Result<std::string> encode_journal(StoredJournal stored) {
  for (;;) {
    std::ostringstream payload;
    {
      cereal::PortableBinaryOutputArchive archive(payload);
      journal_content(archive, stored.journal);
      schedule_content(archive, stored.journal.phase);
      later_content(archive, stored.journal);
      rehearsal_content(archive, stored.journal);
      waiver_content(archive, stored.journal);
    }
    const std::string content = payload.str();
    if (header_bytes + content.size() <= max_journal_bytes) {
      std::string bytes(magic);
      put(bytes, format_version);
      put(bytes, stored.generation);
      put(bytes, static_cast<std::uint32_t>(content.size()));
      const auto digest = checksum(bytes, content);
      bytes.append(digest.begin(), digest.end());
      return bytes + content;
    }
    if (stored.journal.history.empty())
      return Error{Errc::bug, "the journal does not fit into 16 KiB"};
    stored.journal.history.erase(stored.journal.history.begin());
  }
}

Result<StoredJournal> decode_journal(std::string_view bytes) {
  const Error wrong{Errc::corrupt, "not a whole journal"};
  if (bytes.size() < header_bytes || bytes.size() > max_journal_bytes ||
      bytes.substr(0, magic.size()) != magic)
    return wrong;
  const auto version = get<std::uint32_t>(bytes.substr(8));
  StoredJournal stored;
  stored.generation = get<std::uint64_t>(bytes.substr(12));
  const auto length = get<std::uint32_t>(bytes.substr(20));
  const auto payload = bytes.substr(header_bytes);
  if (length != payload.size()) return wrong;
  const auto digest = checksum(bytes.substr(0, 24), payload);
  if (std::string_view(bytes.substr(24, 32)) != std::string(digest.begin(), digest.end()))
    return wrong;
  if (version != format_version)
    return Error{Errc::corrupt, "a journal of format " + std::to_string(version) +
                                    ", which this version does not read"};
  try {
    std::istringstream stream{std::string(payload)};
    cereal::PortableBinaryInputArchive archive(stream);
    journal_content(archive, stored.journal);
    const auto more = [&] { return stream.peek() != std::istringstream::traits_type::eof(); };
    if (more()) schedule_content(archive, stored.journal.phase);
    if (more()) later_content(archive, stored.journal);
    if (more()) rehearsal_content(archive, stored.journal);
    if (more()) waiver_content(archive, stored.journal);
    // What follows is a newer program's.
    if (mutated("newer-journal-refused") && more()) return wrong;
  } catch (const std::exception&) {  // cereal and the standard library throw many kinds
    return wrong;
  }
  return stored;
}

}  // namespace cube
