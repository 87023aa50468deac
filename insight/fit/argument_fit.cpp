#include "insight/fit/argument_fit.h"

#include <algorithm>
#include <array>

#include "base/mutation.h"

namespace cube::insight {
namespace {

constexpr const char* check = "kernel-argument";
constexpr std::size_t max_arguments = 1000;

std::string module_spelling(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::vector<std::string> comma_list(const std::string& text) {
  std::vector<std::string> words;
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(','), rest.size());
    if (end != 0) words.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return words;
}

bool is_one_of(const std::string& name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// What a layer below the root needs in the initramfs: one of these programs.
struct Layer {
  const char* name;
  const char* arguments;  // its arguments begin so
  std::array<const char*, 2> programs;
};
constexpr std::array<Layer, 4> layers = {{
    {"lvm", "rd.lvm.", {"lvm", "lvm.static"}},
    {"luks", "rd.luks.", {"cryptsetup", "systemd-cryptsetup"}},
    {"raid", "rd.md.", {"mdadm", "mdadm.static"}},
    {"multipath", "rd.multipath", {"multipath", "multipathd"}},
}};

// The kernel itself finds these; all other names are found by an initramfs.
bool kernel_finds(const std::string& root) {
  return root.starts_with("PARTUUID=") || root.starts_with("PARTLABEL=") ||
         root.starts_with("/dev/") || root.find(':') != std::string::npos;
}

class Judgement {
 public:
  Judgement(const ArgumentFacts& facts, const Inventory& staged) : facts_(facts), staged_(staged) {}

  Findings run() {
    const auto arguments = parse_arguments(facts_.line);
    for (const auto& argument : arguments) {
      judge_root(argument);
      judge_module(argument);
    }
    for (const auto& layer : layers) judge_layer(layer, arguments);
    if (all_.empty())
      add("all", Grade::good,
          std::to_string(arguments.size()) + " arguments, and nothing that they name is lacking",
          "");
    return std::move(all_);
  }

 private:
  void add(const std::string& object, Grade grade, std::string what, std::string remedy) {
    const auto same = std::find_if(all_.begin(), all_.end(),
                                   [&](const auto& one) { return one.object == object; });
    if (same == all_.end())
      all_.push_back({check, object, grade, std::move(what), std::move(remedy), ""});
  }

  // In the kernel or in its initramfs; nullopt: not known.
  [[nodiscard]] std::optional<bool> early(const std::string& module) const {
    const auto name = module_spelling(module);
    if (staged_.built_in.count(name) != 0 || staged_.initramfs_modules.count(name) != 0)
      return true;
    if (!staged_.knows("built_in") || !staged_.knows("initramfs_modules") ||
        staged_.built_in.empty())
      return std::nullopt;
    return false;
  }

  void judge_root(const Argument& argument) {
    if (argument.name == "init" && facts_.has_init && !*facts_.has_init)
      add("init", Grade::refusal,
          "init=" + argument.value + ": the release has no such program, so nothing starts",
          "take the argument away, or put the program into the release");
    if (argument.name == "root" && staged_.initramfs.empty() && !argument.value.empty() &&
        !kernel_finds(argument.value))
      add("root", Grade::refusal,
          "root=" + argument.value + " can only be found by an initramfs, and the release has none",
          "put an initramfs into the release");
    if (argument.name == "rootfstype") judge_type(argument.value);
  }

  void judge_type(const std::string& value) {
    const auto types = comma_list(value);
    if (types.empty() || value == "auto") return;
    if (!facts_.filesystem.empty() &&
        std::find(types.begin(), types.end(), facts_.filesystem) == types.end() &&
        !(facts_.filesystem == "ext4" && (value == "ext3" || value == "ext2")))
      return add("rootfstype", Grade::refusal,
                 "rootfstype=" + value + ", and the slot is " + facts_.filesystem,
                 "correct the argument, or take it away");
    bool all_known = true;
    for (const auto& type : types) {
      const auto there = early(type);
      if (there && *there) return;
      all_known = all_known && there.has_value();
    }
    if (all_known)
      add("rootfstype", Grade::refusal,
          "rootfstype=" + value + ": its driver is neither built into kernel " + staged_.kernel +
              " nor in its initramfs",
          "make the release's initramfs anew with it");
  }

  [[nodiscard]] bool is_gone(const std::string& module) const {
    const auto name = module_spelling(module);
    return facts_.running_modules.count(name) != 0 && staged_.modules.count(name) == 0 &&
           staged_.built_in.count(name) == 0 && staged_.initramfs_modules.count(name) == 0 &&
           staged_.knows("modules") && staged_.knows("built_in") && !staged_.built_in.empty();
  }

  void judge_module(const Argument& argument) {
    const auto gone = [&](const std::string& module, const std::string& effect) {
      if (is_gone(module))
        add(module_spelling(module), Grade::warning,
            argument.name + "=" + argument.value + ": the release has no module " + module + ", " +
                effect,
            "see whether another driver took its place, and give the argument to that");
    };
    if (is_one_of(argument.name, {"rd.driver.pre", "rd.driver.post", "rdloaddriver", "modules-load",
                                  "modules_load", "rd.modules-load"}))
      for (const auto& module : comma_list(argument.value)) gone(module, "so none is loaded");
    // "module.option=value". Dracut's and systemd's have the same form, and no module's name.
    const auto dot = argument.name.find('.');
    if (dot != std::string::npos && dot != 0)
      gone(argument.name.substr(0, dot), "so it has no effect");
  }

  void judge_layer(const Layer& layer, const std::vector<Argument>& arguments) {
    if (mutated("preflight-ignores-arguments")) return;
    const auto named = std::find_if(arguments.begin(), arguments.end(), [&](const auto& one) {
      return one.name.starts_with(layer.arguments) && one.value != "0";
    });
    const bool below_root = facts_.layers && facts_.layers->count(layer.name) != 0;
    if (named == arguments.end() && !below_root) return;
    std::string object = layer.arguments;
    if (object.back() == '.') object.pop_back();
    const std::string program = layer.programs.front();
    if (!facts_.programs) {
      if (below_root)
        add(object, Grade::unknown,
            "the root lies on " + std::string(layer.name) + "; whether the initramfs has " +
                program + " for it is not known",
            "");
      return;
    }
    if (std::any_of(layer.programs.begin(), layer.programs.end(),
                    [&](const char* one) { return facts_.programs->count(one) != 0; }))
      return;
    const std::string lacks = ", and the release's initramfs has no " + program;
    if (below_root)
      add(object, Grade::refusal, "the root lies on " + std::string(layer.name) + lacks,
          "make the release's initramfs anew with " + program);
    else
      add(object, facts_.layers ? Grade::warning : Grade::unknown,
          named->name + "=" + named->value + lacks +
              (facts_.layers ? "; the root does not need it"
                             : "; whether the root needs it is not known"),
          "make the release's initramfs anew with " + program + ", or take the argument away");
  }

  const ArgumentFacts& facts_;
  const Inventory& staged_;
  Findings all_;
};

}  // namespace

std::vector<Argument> parse_arguments(std::string_view line) {
  std::vector<Argument> found;
  std::string word;
  bool quoted = false, begun = false;
  const auto end_word = [&] {
    if (!begun) return true;
    const bool goes_on = word != "--" && found.size() < max_arguments;
    if (goes_on) {
      const auto equals = word.find('=');
      if (equals == std::string::npos)
        found.push_back({readable(word), ""});
      else
        found.push_back({readable(word.substr(0, equals)), readable(word.substr(equals + 1))});
    }
    word.clear();
    begun = false;
    return goes_on;
  };
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    if (!quoted && (c == ' ' || c == '\n' || c == '\t')) {
      if (!end_word()) return found;
      continue;
    }
    begun = true;
    if (c != '"') word.push_back(c);
  }
  end_word();
  return found;
}

bool asks_for_programs(const Argument& argument) {
  return std::any_of(layers.begin(), layers.end(), [&](const Layer& layer) {
    return argument.name.starts_with(layer.arguments);
  });
}

Findings argument_findings(const ArgumentFacts& facts, const Inventory& staged) {
  return Judgement(facts, staged).run();
}

}  // namespace cube::insight
