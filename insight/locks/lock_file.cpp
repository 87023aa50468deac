#include "insight/locks/lock_file.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>

#include "base/glob.h"
#include "base/toml_names.h"
#include "model/name.h"

namespace cube::insight {
namespace {

constexpr std::size_t max_name = 128;
constexpr std::size_t max_rule = 1024;    // bytes of one demand
constexpr std::size_t max_demands = 8;    // of one package
constexpr std::size_t max_versions = 16;  // of one demand
constexpr std::size_t max_members = 64;

using Kind = LockDemand::Kind;

// What names and versions of dpkg and rpm consist of, and the signs of patterns.
bool is_plain(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_ascii_alnum(c) || std::string_view("._+-:~^*?").find(c) != std::string_view::npos;
  });
}

std::string_view trimmed(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text.substr(0, text.find_last_not_of(' ') + 1);
}

std::vector<std::string_view> parts(std::string_view text, char separator) {
  std::vector<std::string_view> found;
  for (;;) {
    const auto end = text.find(separator);
    found.push_back(trimmed(text.substr(0, end)));
    if (end == std::string_view::npos) return found;
    text.remove_prefix(end + 1);
  }
}

// A version has a digit; so a misspelt word is not taken for one.
bool is_version(std::string_view text) {
  return is_plain(text) && text.find_first_of("0123456789*") != std::string_view::npos;
}

Result<VersionBound> bound_of(std::string_view text) {
  using Relation = VersionBound::Relation;
  for (const auto& [sign, relation] : {std::pair{"<=", Relation::at_most},
                                       {">=", Relation::at_least},
                                       {"<", Relation::less},
                                       {">", Relation::greater},
                                       {"=", Relation::equal}})
    if (text.starts_with(sign)) {
      const auto version = trimmed(text.substr(std::string_view(sign).size()));
      if (!is_version(version) || is_glob(version)) break;
      return VersionBound{relation, std::string(version)};
    }
  return Error{Errc::invalid,
               "\"" + std::string(text) +
                   "\" is no bound like \">= 5.14.0-70\"; bounds have commas between"};
}

Result<LockDemand> demand_of(const std::string& text) {
  LockDemand demand;
  demand.text = text;
  for (const auto& [word, kind] : {std::pair{"never downgrade", Kind::never_downgrade},
                                   {"same as running", Kind::same_as_running},
                                   {"forbid", Kind::forbid}})
    if (text == word) {
      demand.kind = kind;
      return demand;
    }
  if (const auto first = trimmed(text).substr(0, 1); first == "<" || first == ">" || first == "=") {
    demand.kind = Kind::range;
    for (const auto part : parts(text, ',')) {
      CUBE_TRY(auto bound, bound_of(part));
      demand.bounds.push_back(std::move(bound));
    }
  } else {
    demand.kind = Kind::versions;
    for (const auto part : parts(text, ' ')) {
      if (part.empty()) continue;
      if (!is_version(part))
        return Error{Errc::invalid,
                     "\"" + text +
                         "\" is no rule: a version like \"4.18.0-348.*\", bounds like "
                         "\">= 5.14.0-70, < 5.14.0-162\", \"never downgrade\", \"same "
                         "as running\" or \"forbid\""};
      demand.versions.emplace_back(part);
    }
  }
  if (demand.bounds.empty() && demand.versions.empty())
    return Error{Errc::invalid, "the rule is empty"};
  if (demand.bounds.size() + demand.versions.size() > max_versions)
    return Error{Errc::invalid, "more than 16 versions or bounds"};
  return demand;
}

Result<std::string> text_of(const toml::node& node) {
  const auto* value = node.as_string();
  if (value == nullptr) return Error{Errc::invalid, "must be a text, or a list of texts"};
  const std::string& text = value->get();
  // It stands in messages.
  const bool prints =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (!prints || text.size() > max_rule)
    return Error{Errc::invalid, "is no rule: longer than 1024 bytes, or other than plain letters"};
  return text;
}

// One text, or a list of them.
Result<std::vector<std::string>> texts_of(const toml::node& node, std::size_t most) {
  std::vector<std::string> texts;
  const auto* list = node.as_array();
  if (list == nullptr) {
    CUBE_TRY(texts.emplace_back(), text_of(node));
    return texts;
  }
  if (list->empty() || list->size() > most)
    return Error{Errc::invalid, "must have 1 to " + std::to_string(most) + " entries"};
  for (const auto& element : *list) {
    CUBE_TRY(auto text, text_of(element));
    texts.push_back(std::move(text));
  }
  return texts;
}

Status check_name(std::string_view name) {
  if (is_plain(name) && name.size() <= max_name) return ok();
  return Error{Errc::invalid, "is no name of a package"};
}

class Reader {
 public:
  Reader(const std::string& file, LockOwner owner, LockPolicy& policy)
      : file_(file), owner_(owner), policy_(policy) {
    for (const auto& rule : policy.rules) patterns_ += is_glob(rule.package) ? 1 : 0;
    for (const auto& group : policy.groups) count_patterns(group);
  }

  Status read(const toml::table& table) {
    for (const auto& [key, node] : table) {
      const auto* inner = node.as_table();
      const bool locks = key.str() == "locks", groups = key.str() == "groups";
      if (inner == nullptr || (!locks && !groups))
        return wrong(node, std::string(key.str()), "unknown key; there are [locks] and [groups]");
      for (const auto& [name, value] : *inner) {
        auto added = check_name(name.str());
        if (added) added = locks ? add_rules(name.str(), value) : add_group(name.str(), value);
        if (added) added = check_size();
        if (!added) return wrong(value, std::string(name.str()), added.error().what);
      }
    }
    return ok();
  }

 private:
  void count_patterns(const LockGroup& group) {
    for (const auto& member : group.members) patterns_ += is_glob(member) ? 1 : 0;
  }

  [[nodiscard]] std::string place(const toml::node& node) const {
    return file_ + ":" + std::to_string(node.source().begin.line);
  }
  [[nodiscard]] Error wrong(const toml::node& node, const std::string& key,
                            const std::string& what) const {
    return {Errc::invalid, place(node) + ": " + readable(key) + ": " + what};
  }

  Status add_rules(std::string_view name, const toml::node& node) {
    CUBE_TRY(const auto texts, texts_of(node, max_demands));
    for (const auto& text : texts) {
      CUBE_TRY(auto demand, demand_of(text));
      policy_.rules.push_back({std::string(name), std::move(demand), {owner_, place(node)}});
      patterns_ += is_glob(name) ? 1 : 0;
    }
    return ok();
  }

  Status add_group(std::string_view name, const toml::node& node) {
    CUBE_TRY(auto members, texts_of(node, max_members));
    if (is_glob(name)) return Error{Errc::invalid, "the name of a group is no pattern"};
    for (const auto& member : members)
      if (!check_name(member))
        return Error{Errc::invalid, "\"" + member + "\" is no name of a package"};
    policy_.groups.push_back({std::string(name), std::move(members), {owner_, place(node)}});
    count_patterns(policy_.groups.back());
    return ok();
  }

  [[nodiscard]] Status check_size() const {
    if (policy_.rules.size() + policy_.groups.size() > max_lock_rules)
      return Error{Errc::invalid, "more than 16000 rules in all"};
    if (patterns_ > max_lock_patterns)
      return Error{Errc::invalid, "more than 256 patterns for names in all"};
    return ok();
  }

  const std::string& file_;
  LockOwner owner_;
  LockPolicy& policy_;
  std::size_t patterns_ = 0;
};

}  // namespace

Status add_locks(std::string_view text, const std::string& file, LockOwner owner,
                 LockPolicy& policy) {
  if (text.size() > max_lock_file_bytes)
    return Error{Errc::invalid, file + ": is larger than 1 MiB"};
  CUBE_CHECK(check_table_names(file, text));
  const auto parsed = toml::parse(text, file);
  if (!parsed)
    return Error{Errc::invalid, file + ":" + std::to_string(parsed.error().source().begin.line) +
                                    ": " + readable(parsed.error().description())};
  LockPolicy longer = policy;
  CUBE_CHECK(Reader(file, owner, longer).read(parsed.table()));
  policy = std::move(longer);
  return ok();
}

}  // namespace cube::insight
