// EFI programs and the firmware's lists of signatures, made for tests.
#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/little_endian.h"
#include "base/spawn.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"

namespace cube {

// shim's section .sbatlevel.
inline std::string shim_levels(const std::string& automatic, const std::string& latest) {
  std::string section;
  append_number(section, 0, 4);
  append_number(section, 8, 4);
  append_number(section, 8 + automatic.size() + 1, 4);
  return section + automatic + '\0' + latest + '\0';
}

// GUIDs of kinds of lists, as the firmware stores them.
inline const std::string sha256_list = from_hex("2616c4c14c509240aca941f936934328").value();
inline const std::string x509_list = from_hex("a159c0a5e494a74a87b5ab155c2bf072").value();
inline const std::string x509_digest_list = from_hex("92a4d23bc0967940b420fcf98ef103ed").value();

// All entries of one length.
inline std::string signature_list(const std::string& kind, const std::vector<std::string>& all) {
  std::string list = kind;
  const auto each = 16 + all.front().size();
  append_number(list, 28 + each * all.size(), 4);
  append_number(list, 0, 4);
  append_number(list, each, 4);
  for (const auto& one : all) list += std::string(16, 'o') + one;
  return list;
}
inline std::string sha256_bytes(const std::string& text) {
  const auto digest = sha256(text);
  return {digest.begin(), digest.end()};
}

// A certificate that signs itself, DER.
inline std::string make_certificate(const std::string& subject) {
  const ScratchDir scratch;
  const auto out = scratch.path() + "/c.der";
  const auto made =
      spawn({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-subj", subject, "-keyout", "/dev/null", "-outform", "DER", "-out", out});
  if (!made || made->exit_code != 0) throw std::runtime_error("openssl req");
  return get(out);
}

// PE32+ for x86-64 with a section of code, and those of SBAT where there is text for them.
inline std::string small_program(const std::string& sbat, const std::string& sbat_level) {
  constexpr std::size_t pe = 0x80, optional_bytes = 112 + 8 * 16, head = 1024, block = 512;
  struct Section {
    std::string name, bytes;
  };
  std::vector<Section> sections = {{".text", "code"}};
  if (!sbat.empty()) sections.push_back({".sbat", sbat});
  if (!sbat_level.empty()) sections.push_back({".sbatlevel", sbat_level});
  std::string made(head, '\0');
  const auto set = [&](std::size_t at, std::uint64_t number, std::size_t size) {
    std::string bytes;
    append_number(bytes, number, size);
    made.replace(at, size, bytes);
  };
  made.replace(0, 2, "MZ");
  set(0x3c, pe, 4);
  made.replace(pe, 2, "PE");
  set(pe + 4, 0x8664, 2);
  set(pe + 6, sections.size(), 2);
  set(pe + 20, optional_bytes, 2);
  set(pe + 24, 0x20b, 2);
  set(pe + 24 + 60, head, 4);
  set(pe + 24 + 108, 16, 4);
  std::string long_names;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const auto at = pe + 24 + optional_bytes + i * 40;
    const auto& bytes = sections[i].bytes;
    const auto stored = (bytes.size() + block - 1) / block * block;
    // Names of more than eight characters are in a table behind the sections, as shim's are.
    auto name = sections[i].name;
    if (name.size() > 8) {
      long_names += name + '\0';
      name = "/" + std::to_string(4 + long_names.size() - name.size() - 1);
    }
    made.replace(at, name.size(), name);
    set(at + 8, bytes.size(), 4);
    set(at + 16, stored, 4);
    set(at + 20, made.size(), 4);
    made += bytes + std::string(stored - bytes.size(), '\0');
  }
  if (long_names.empty()) return made;
  set(pe + 12, made.size(), 4);
  append_number(made, 4 + long_names.size(), 4);
  return made + long_names;
}

// With certificates behind it, as a signer puts them.
inline std::string signed_program(std::string program, const std::string& certificates) {
  const auto entry = number_at(program, 0x3c, 4) + 24 + 144;
  std::string place;
  append_number(place, program.size(), 4);
  append_number(place, certificates.size(), 4);
  program.replace(entry, 8, place);
  return program + certificates;
}

}  // namespace cube
