// Members of the JSON of plans, read strictly: what all readers of this folder share.
// Errors of all: corrupt, naming the member.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"

namespace cube::fleet {

// An object with all of `required`, perhaps some of `optional`, and no other.
[[nodiscard]] Status check_members(const Json& json,
                                   std::initializer_list<std::string_view> required,
                                   std::initializer_list<std::string_view> optional);
[[nodiscard]] Result<std::uint64_t> count_at(const Json& json, const std::string& key,
                                             std::uint64_t min, std::uint64_t max);
[[nodiscard]] Result<bool> flag_at(const Json& json, const std::string& key);
[[nodiscard]] Result<Seconds> duration_at(const Json& json, const std::string& key);
[[nodiscard]] Result<UnixSeconds> time_at(const Json& json, const std::string& key);
// A safe name (model/name.h).
[[nodiscard]] Result<std::string> name_at(const Json& json, const std::string& key);
// 1 to max_text bytes for people, without control characters.
[[nodiscard]] Result<std::string> text_at(const Json& json, const std::string& key);
// Each element of an array that may be missing; at most `max`. Errors name its place.
[[nodiscard]] Status each_of(const Json& json, const std::string& key, std::size_t max,
                             const std::function<Status(const Json&)>& read);

}  // namespace cube::fleet
