// FleetMemory: what one machine remembers of its part in its cluster, over restarts of the agent
// and of the machine: written before the cluster is asked for anything, so that no answer that was
// lost is forgotten.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/fleet/key_value_store.h"
#include "base/clock.h"
#include "base/result.h"
#include "base/root_dir.h"

namespace cube::fleet {

// A moment of one boot: such moments are compared only within it.
struct Moment {
  std::string boot_id;
  Seconds uptime = 0;

  friend bool operator==(const Moment&, const Moment&) = default;
};

// The place at the gate that this machine has, or asked for and may have without knowing.
struct Place {
  std::uint64_t attempt = 0;  // the update it is for
  std::string rollout;
  std::string release;
  std::string nonce;
  bool canary = false;
  Revision created = 0;   // of the holder, as it was seen; 0: never seen
  bool unsure = false;    // the store was asked for it, and has not said no
  bool lost = false;      // it was held, and the store has forgotten it
  bool reported = false;  // the failure of this update is at the gate already

  friend bool operator==(const Place&, const Place&) = default;
};

// Another machine's place, and since when this machine has seen it.
struct Watched {
  std::string node;
  Revision created = 0;
  Moment since;

  friend bool operator==(const Watched&, const Watched&) = default;
};

struct FleetMemory {
  std::string self;            // random, made once: begins the nonces of this machine
  std::uint64_t holdings = 0;  // nonces made so far
  std::uint64_t store = 0;     // id of the store that was seen last; 0: none ever was
  Revision revision = 0;       // the newest seen there
  std::optional<Place> place;
  std::string queued;  // the rollout in whose queue this machine has a ticket; "": none
  std::optional<Moment> ask_again;  // not before: others stand before this machine in the queue
  std::optional<Moment> looked;     // at the gate, last
  std::vector<Watched> watched;
  std::optional<Moment> wary;  // since when the store's data are not those that were here before
  std::string shown;           // what the others see of this machine
  std::map<std::string, std::string> blocked;  // releases that the gate blocks, and why
  std::string told;  // what the cluster said last, one line; "": nothing in the way

  // The place was seen at the gate.
  [[nodiscard]] bool holds_place() const { return place && place->created != 0; }

  friend bool operator==(const FleetMemory&, const FleetMemory&) = default;
};

class FleetMemoryStore {
 public:
  virtual ~FleetMemoryStore() = default;
  // Empty when there is none yet. Errors: corrupt, failed.
  [[nodiscard]] virtual Result<FleetMemory> load() const = 0;
  // Durable when it returns. Errors: no_space, failed.
  virtual Status save(const FleetMemory& memory) = 0;
};

// In var/lib/cube-update/fleet.json below the root, which outlives it.
class FileFleetMemory final : public FleetMemoryStore {
 public:
  explicit FileFleetMemory(const RootDir& root) : root_(root) {}
  [[nodiscard]] Result<FleetMemory> load() const override;
  Status save(const FleetMemory& memory) override;

 private:
  const RootDir& root_;
};

// Errors: corrupt.
[[nodiscard]] Result<FleetMemory> parse_memory(std::string_view text);
[[nodiscard]] std::string render(const FleetMemory& memory);

}  // namespace cube::fleet
