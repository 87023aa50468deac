// The gate as keys and values (docs/formats/gate.md): small JSON objects, read strictly. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "model/fleet/gate.h"

namespace cube::fleet {

inline constexpr std::size_t max_gate_value = 2048;  // bytes; a holder takes some 200

// Takes what one key says into `facts`: `name` is the key without the gate's prefix. What has no
// sense, or a name that is not known, is noted as unreadable: it may forbid what this program does
// not know of.
void take_gate_entry(GateFacts& facts, const std::string& name, std::string_view value,
                     std::int64_t created);

// Values. Texts are cut to what the reader takes, and made printable.
[[nodiscard]] std::string render(const Holder& holder);
[[nodiscard]] std::string render(const Notice& notice);
[[nodiscard]] std::string render(const Failure& failure);
[[nodiscard]] std::string render(const PlanMark& mark);

// Names below the gate's prefix. Machines, rollouts and releases are names of model/name.h.
[[nodiscard]] std::string holder_name(const std::string& node);
[[nodiscard]] std::string failure_name(const std::string& rollout, const std::string& node);
[[nodiscard]] std::string blocked_name(const std::string& release);
inline constexpr const char* policy_name = "policy";
inline constexpr const char* plan_name = "plan";
inline constexpr const char* halt_name = "halt";
inline constexpr const char* pause_name = "pause";

}  // namespace cube::fleet
