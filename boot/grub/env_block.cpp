#include "boot/grub/env_block.h"

#include <algorithm>
#include <array>

#include "boot/cmdline.h"

namespace cube {
namespace {

constexpr std::string_view header = "# GRUB Environment Block\n";
constexpr std::array<std::string_view, 7> own_names = {
    "cube_fallback", "cube_offer", "cube_trial", "cube_left", "cube_done", "cube_canary", "cube_was"};

Error damaged(const std::string& why) { return {Errc::corrupt, why}; }

bool is_safe_name(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && name.size() <= 64 && letter(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

struct Line {
  std::string_view text;  // without its newline
  std::size_t end = 0;    // offset behind its newline
};

// The end of the line that begins at `start`; GRUB escapes a newline inside a value with '\'.
Result<Line> line_at(std::string_view block, std::size_t start) {
  for (std::size_t at = start; at < block.size(); ++at) {
    if (block[at] == '\n') return Line{block.substr(start, at - start), at + 1};
    if (block[at] == '\\') ++at;
  }
  return damaged("the last line has no end");
}

struct Variable {
  std::string_view value;
  std::string_view line;
  std::size_t end = 0;
};
using Variables = std::vector<std::pair<std::string_view, Variable>>;

const Variable* find(const Variables& variables, std::string_view name) {
  const auto found = std::find_if(variables.begin(), variables.end(),
                                  [&](const auto& variable) { return variable.first == name; });
  return found == variables.end() ? nullptr : &found->second;
}

Result<Variables> variables_of(std::string_view block) {
  if (block.size() != env_block_bytes)
    return damaged(std::to_string(block.size()) + " bytes long instead of 1024");
  if (block.find('\0') != std::string_view::npos) return damaged("it contains NUL bytes");
  if (block.substr(0, header.size()) != header) return damaged("no GRUB environment block");
  Variables variables;
  std::size_t at = header.size();
  while (at < block.size() && block[at] != '#') {
    CUBE_TRY(const auto line, line_at(block, at));
    const auto equals = line.text.find('=');
    if (equals == std::string_view::npos || !is_safe_name(line.text.substr(0, equals)))
      return damaged("byte " + std::to_string(at) + " begins no variable");
    const auto name = line.text.substr(0, equals);
    if (find(variables, name)) return damaged(std::string(name) + " is there twice");
    variables.emplace_back(name, Variable{line.text.substr(equals + 1), line.text, line.end});
    at = line.end;
  }
  if (block.find_first_not_of('#', at) != std::string_view::npos)
    return damaged("there is more than padding after the last variable");
  return variables;
}

Result<std::string_view> own(const Variables& variables, std::string_view name) {
  const auto* variable = find(variables, name);
  if (!variable) return damaged(std::string(name) + " is missing");
  if (variable->end > env_sector_bytes)
    return damaged(std::string(name) + " is not within the first 512 bytes");
  return variable->value;
}

Error bad_value(std::string_view name) {
  return damaged(std::string(name) + " has a value that it cannot have");
}

Result<SlotId> slot_in(const Variables& variables, std::string_view name) {
  CUBE_TRY(const auto value, own(variables, name));
  const auto slot = parse_slot(value);
  if (!slot) return bad_value(name);
  return *slot;
}

Result<std::optional<SlotId>> slot_or_none_in(const Variables& variables, std::string_view name) {
  CUBE_TRY(const auto value, own(variables, name));
  if (value == "none") return std::optional<SlotId>();
  const auto slot = parse_slot(value);
  if (!slot) return bad_value(name);
  return slot;
}

Result<int> digit_in(const Variables& variables, std::string_view name) {
  CUBE_TRY(const auto value, own(variables, name));
  if (value.size() != 1 || value[0] < '0' || value[0] > '9') return bad_value(name);
  return value[0] - '0';
}

Result<std::string> canary_in(const Variables& variables, std::string_view name) {
  CUBE_TRY(const auto value, own(variables, name));
  if (!is_canary(value)) return bad_value(name);
  return std::string(value);
}

std::string padded(std::string text) {
  text.resize(env_block_bytes, '#');
  return text;
}

std::string name_or_none(std::optional<SlotId> slot) {
  return slot ? std::string(to_string(*slot)) : "none";
}

Status consistent(const GrubEnv& env) {
  if (env.trial == env.fallback) return damaged("the trial is the fallback");
  if (env.offer && env.offer != env.trial) return damaged("what is offered is not the trial");
  return ok();
}

}  // namespace

Result<GrubEnv> parse_env(std::string_view block) {
  CUBE_TRY(const auto variables, variables_of(block));
  GrubEnv env;
  CUBE_TRY(env.fallback, slot_in(variables, "cube_fallback"));
  CUBE_TRY(env.offer, slot_or_none_in(variables, "cube_offer"));
  CUBE_TRY(env.trial, slot_or_none_in(variables, "cube_trial"));
  CUBE_TRY(env.left, digit_in(variables, "cube_left"));
  CUBE_TRY(env.done, digit_in(variables, "cube_done"));
  CUBE_TRY(env.canary, canary_in(variables, "cube_canary"));
  CUBE_TRY(env.was, canary_in(variables, "cube_was"));
  CUBE_CHECK(consistent(env));
  for (const auto& [name, variable] : variables)
    if (std::find(own_names.begin(), own_names.end(), name) == own_names.end())
      env.foreign.emplace_back(variable.line);
  return env;
}

Result<std::string> render_env(const GrubEnv& env) {
  std::string text(header);
  const auto add = [&](std::string_view name, const std::string& value) {
    text.append(name).append("=").append(value).append("\n");
  };
  add("cube_fallback", std::string(to_string(env.fallback)));
  add("cube_offer", name_or_none(env.offer));
  add("cube_trial", name_or_none(env.trial));
  add("cube_left", std::to_string(env.left));
  add("cube_done", std::to_string(env.done));
  add("cube_canary", env.canary);
  add("cube_was", env.was);
  for (const auto& line : env.foreign) text.append(line).append("\n");
  if (text.size() > env_block_bytes)
    return Error{Errc::no_space, "variables of others leave no room in the block"};
  text = padded(std::move(text));
  const auto back = parse_env(text);
  if (!back || *back != env)
    return Error{Errc::bug, "values that no environment block can hold"};
  return text;
}

Result<SlotId> parse_good(std::string_view block) {
  CUBE_TRY(const auto variables, variables_of(block));
  if (variables.size() != 1) return damaged("it does not hold cube_fallback alone");
  return slot_in(variables, "cube_fallback");
}

std::string render_good(SlotId fallback) {
  return padded(std::string(header) + "cube_fallback=" + std::string(to_string(fallback)) + "\n");
}

BootState to_boot_state(const GrubEnv& env) {
  BootState state{env.fallback, std::nullopt, env.offer && env.left > 0};
  if (env.trial) state.trial = Trial{*env.trial, env.left, env.done};
  return state;
}

}  // namespace cube
