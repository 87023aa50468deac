// What is said to etcd's JSON gateway, and what it answers (etcd 3.4 and 3.5). Keys and values are
// in base64, numbers are strings, and what is 0, "" or false is left out. Answers are read strictly
// and within the bounds of key_value_store.h; members that are not known are passed over. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/fleet/key_value_store.h"
#include "base/json.h"
#include "base/result.h"

namespace cube::fleet {

// Bytes of an answer: the largest reading in base64, and what JSON adds.
inline constexpr std::size_t max_etcd_answer = 8 * 1024 * 1024;

// The first key behind those that begin with `prefix`, which is not empty; "\0" (etcd: to the end)
// when there is none.
[[nodiscard]] std::string end_of_prefix(std::string prefix);

// A linearizable reading, and of no more keys than may be there.
[[nodiscard]] std::string range_request(const std::string& prefix);
// `transaction` was found good by check_transaction.
[[nodiscard]] std::string transaction_request(const Transaction& transaction);
[[nodiscard]] std::string login_request(const std::string& user, const std::string& password);

// Errors of all: corrupt.
[[nodiscard]] Result<Reading> reading_in(std::string_view answer, const std::string& prefix);
[[nodiscard]] Result<Committed> outcome_in(std::string_view answer, const Transaction& transaction);
[[nodiscard]] Result<std::string> token_in(std::string_view answer);

// An answer that is no JSON, or no object. Errors: corrupt.
[[nodiscard]] Result<Json> parse_answer(std::string_view answer);
// A number of `object`; 0 when it is left out. Errors: corrupt (none, or above `highest`).
[[nodiscard]] Result<std::uint64_t> number_at(const Json& object, const std::string& key,
                                              std::uint64_t highest);
// The items of an array of `object`; none when it is left out. Errors: corrupt (more than `most`).
[[nodiscard]] Result<Json::Array> items_at(const Json& object, const std::string& key,
                                           std::size_t most);

// Why etcd does not do what it was asked.
struct EtcdRefusal {
  enum class Kind {
    no_space,       // nothing was done
    overloaded,     // nothing was done; another member may
    not_logged_in,  // nothing was done: the token does not count (any more)
    not_allowed,    // nothing was done
    not_possible,   // nothing was done, and never will be
    no_answer,      // it may have been done, or be done later
    no_etcd,        // whatever answers, it is not etcd's gateway
  };
  Kind kind{};
  std::string why;  // one line of printable ASCII
};

// `status` is not 200.
[[nodiscard]] EtcdRefusal refusal_in(int status, std::string_view body);

}  // namespace cube::fleet
