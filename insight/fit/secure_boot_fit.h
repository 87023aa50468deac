// With Secure Boot on: does what is revoked leave both chains startable, that of the staged release
// and that of the slot that runs? Pure.
//
// Two things revoke: SBAT levels, which shim keeps and which a newer shim raises by itself when it
// first runs; and the firmware's and shim's lists of forbidden digests and certificates.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "insight/finding.h"

namespace cube::insight {

// A program that the firmware, shim or the loader starts.
struct BootProgram {
  // What needs it to start.
  enum class Chain {
    both,     // on the EFI system partition, before any slot is chosen
    running,  // the kernel of the slot that runs
    staged,   // the kernel of the staged slot
    offered,  // lies in the staged slot, for whoever puts it onto the partition
  };
  std::string name;  // "esp/EFI/debian/grubx64.efi", "slot-b/boot/vmlinuz"
  Chain chain = Chain::both;

  struct Content {
    std::string sha256;      // Authenticode digest, lower-case hex
    std::string signatures;  // PKCS#7, as the file has them; "" unsigned
    std::string sbat;        // section .sbat; "" none
    std::string sbat_level;  // section .sbatlevel, which only shim has; "" none
  };
  Result<Content> content = Error{Errc::failed, "was not read"};
};

struct SecureBootFacts {
  bool uefi = false;  // false: started by a BIOS
  Result<bool> on = Error{Errc::failed, "was not asked"};
  bool shim_checks_nothing = false;  // an operator turned its validation off (MokSBStateRT)
  Result<std::string> level = std::string();              // SbatLevelRT; "" where no shim keeps one
  Result<std::string> forbidden = std::string();          // dbx
  Result<std::string> forbidden_by_shim = std::string();  // MokListXRT
  Result<std::string> allowed = std::string();            // db
  Result<std::string> allowed_by_shim = std::string();    // MokListRT
  std::vector<BootProgram> programs;
};

// "secure-boot:state", "secure-boot:level", "secure-boot:dbx" and "secure-boot:PROGRAM". Nothing
// when a BIOS started the machine.
[[nodiscard]] Findings secure_boot_findings(const SecureBootFacts& facts);

}  // namespace cube::insight
