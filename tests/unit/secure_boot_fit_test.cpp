// Secure Boot: SBAT, lists of signatures, and programs as they lie in their files.
#include "insight/fit/secure_boot_fit.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "base/digest.h"
#include "base/little_endian.h"
#include "base/spawn.h"
#include "boot/efi/pe_layout.h"
#include "insight/fit/sbat.h"
#include "insight/fit/signature_lists.h"
#include "tests/support/efi_programs.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"

namespace cube::insight {
namespace {

using Chain = BootProgram::Chain;
constexpr const char* grub_sbat =
    "sbat,1,SBAT Version\ngrub,4,FSF,grub,2.06,url\ngrub.debian,4,D\n";
constexpr const char* shim_sbat = "sbat,1,SBAT Version\nshim,4,UEFI shim,shim,1,url\n";

std::string told(const Findings& findings) {
  std::string text;
  for (const auto& one : findings) text += std::string(word_for(one.grade)) + " " + one.id() + "\n";
  return text;
}

BootProgram program(const std::string& name, Chain chain, const std::string& sbat,
                    const std::string& signatures = "signed by somebody") {
  return {name, chain, BootProgram::Content{to_hex(sha256(name)), signatures, sbat, ""}};
}

// shim and GRUB on the partition, both kernels signed and without SBAT, as Debian 12's are.
SecureBootFacts debian() {
  SecureBootFacts facts;
  facts.uefi = true;
  facts.on = true;
  facts.level = std::string("sbat,1,2021030218\n");
  facts.programs = {
      program("esp/shim", Chain::both, shim_sbat), program("esp/grub", Chain::both, grub_sbat),
      program("slot-a/kernel", Chain::running, ""), program("slot-b/kernel", Chain::staged, "")};
  facts.programs[0].content->sbat_level =
      shim_levels("sbat,1,2022052400\ngrub,2\n", "sbat,1,2025021800\nshim,4\ngrub,5\n");
  return facts;
}

TEST(SecureBootFit, OnABiosThereIsNothingToTell) {
  EXPECT_EQ(told(secure_boot_findings({})), "");
  SecureBootFacts facts = debian();
  facts.on = false;
  EXPECT_EQ(told(secure_boot_findings(facts)), "good secure-boot:state\n");
  facts.on = Error{Errc::cannot_arm, "efivarfs is not mounted"};
  EXPECT_EQ(told(secure_boot_findings(facts)), "unknown secure-boot:state\n");
}

TEST(SecureBootFit, ChainsThatNothingRevokesFit) {
  EXPECT_EQ(told(secure_boot_findings(debian())), "good secure-boot:state\n")
      << "the latest level that shim knows is only set by an operator";
}

TEST(SecureBootFit, TheLevelThatIsSetRevokes) {
  auto facts = debian();
  facts.level = std::string("sbat,1,2025021800\nshim,4\ngrub,5\n");
  EXPECT_EQ(told(secure_boot_findings(facts)), "refusal secure-boot:esp/grub\n");
  facts.programs[1].content->sbat = "sbat,1,x\ngrub,5,FSF\n";
  EXPECT_EQ(told(secure_boot_findings(facts)), "good secure-boot:state\n");
  facts.programs[3].content->sbat = "sbat,1,x\ngrub,4,a unified kernel, say\n";
  EXPECT_EQ(told(secure_boot_findings(facts)), "refusal secure-boot:slot-b/kernel\n");
}

TEST(SecureBootFit, TheLevelThatShimWillSetRevokes) {
  auto facts = debian();
  facts.programs[0].content->sbat_level =
      shim_levels("sbat,1,2025021800\nshim,4\ngrub,5\n", "sbat,1,2025051000\n");
  EXPECT_EQ(told(secure_boot_findings(facts)), "refusal secure-boot:esp/grub\n");
  facts.level = std::string("sbat,1,2099010100\n");
  EXPECT_EQ(told(secure_boot_findings(facts)), "good secure-boot:state\n")
      << "a later one is set, and shim leaves it";
}

TEST(SecureBootFit, AShimThatIsOnlyOfferedIsAWarning) {
  auto facts = debian();
  facts.programs.push_back(program("slot-b/shim", Chain::offered, shim_sbat));
  facts.programs.back().content->sbat_level =
      shim_levels("sbat,1,2025021800\nshim,4\ngrub,5\n", "sbat,1,2025051000\n");
  EXPECT_EQ(told(secure_boot_findings(facts)), "warning secure-boot:esp/grub\n");
}

TEST(SecureBootFit, ForbiddenDigestsAndCertificatesRevoke) {
  auto facts = debian();
  facts.forbidden = signature_list(sha256_list, {sha256_bytes("slot-a/kernel")});
  EXPECT_EQ(told(secure_boot_findings(facts)), "refusal secure-boot:slot-a/kernel\n");
  facts.forbidden = std::string();
  facts.forbidden_by_shim = signature_list(sha256_list, {sha256_bytes("slot-b/kernel")});
  EXPECT_EQ(told(secure_boot_findings(facts)), "refusal secure-boot:slot-b/kernel\n");
  facts = debian();
  const auto certificate = make_certificate("/CN=revoked"), other = make_certificate("/CN=other"),
             namesake = make_certificate("/CN=revoked");
  facts.forbidden = signature_list(x509_list, {certificate});
  facts.programs[2].content->signatures = "PKCS#7 with " + other;
  EXPECT_EQ(told(secure_boot_findings(facts)), "good secure-boot:state\n");
  facts.programs[2].content->signatures = "PKCS#7 with " + certificate + " in it";
  EXPECT_EQ(told(secure_boot_findings(facts)), "refusal secure-boot:slot-a/kernel\n");
  facts.programs[2].content->signatures = "PKCS#7 with " + namesake;
  EXPECT_EQ(told(secure_boot_findings(facts)), "unknown secure-boot:slot-a/kernel\n");
  facts = debian();
  facts.forbidden = signature_list(x509_digest_list, {std::string(48, 'x')});
  EXPECT_EQ(told(secure_boot_findings(facts)), "unknown secure-boot:dbx\n");
  facts.forbidden = std::string("half a list");
  EXPECT_EQ(told(secure_boot_findings(facts)), "unknown secure-boot:dbx\n");
}

TEST(SecureBootFit, AnUnsignedKernelStartsOnlyIfItsDigestIsAllowed) {
  auto facts = debian();
  facts.programs[3].content->signatures = "";
  EXPECT_EQ(told(secure_boot_findings(facts)), "refusal secure-boot:slot-b/kernel\n");
  facts.allowed_by_shim = signature_list(sha256_list, {sha256_bytes("slot-b/kernel")});
  EXPECT_EQ(told(secure_boot_findings(facts)), "good secure-boot:state\n");
  facts.allowed_by_shim = std::string();
  facts.programs[2].content->signatures = "";
  EXPECT_EQ(told(secure_boot_findings(facts)), "good secure-boot:state\n")
      << "the kernel that runs is not signed either, so nobody asks for it here";
  facts.programs[3].content = Error{Errc::corrupt, "boot/vmlinuz is empty, or no file"};
  EXPECT_EQ(told(secure_boot_findings(facts)), "unknown secure-boot:slot-b/kernel\n");
  facts.shim_checks_nothing = true;
  EXPECT_EQ(told(secure_boot_findings(facts)), "good secure-boot:state\n");
}

TEST(Sbat, OtherTextIsRefused) {
  EXPECT_EQ(parse_sbat("grub,5,x\n\0\0\0").value(), (std::vector<SbatComponent>{{"grub", 5}}));
  for (const char* text : {"", "grub", ",1", "grub,", "grub,x", "grub,-1", "grub,99999999999"})
    EXPECT_FALSE(parse_sbat(text)) << text;
  EXPECT_TRUE(parse_sbat_level("")) << "where no shim keeps one";
  EXPECT_EQ(parse_sbat_level("sbat,1,2021\nshim,2\n")->date, "2021");
  const auto levels = shim_levels("sbat,1,1\n", "sbat,1,2\n");
  EXPECT_EQ(parse_shim_levels(levels)->latest.date, "2");
  for (std::size_t size = 0; size < levels.size(); ++size)
    (void)parse_shim_levels(levels.substr(0, size));
  EXPECT_FALSE(parse_shim_levels(levels.substr(0, 12)));
  EXPECT_FALSE(parse_shim_levels("\x01" + levels.substr(1)));
}

TEST(SignatureLists, WhatIsCutOffIsRefused) {
  const auto bytes = signature_list(sha256_list, {sha256_bytes("a"), sha256_bytes("b")}) +
                     signature_list(x509_list, {make_certificate("/CN=c")});
  const auto read = parse_signature_lists(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->sha256.size(), 2U);
  ASSERT_EQ(read->certificates.size(), 1U);
  EXPECT_NE(subject_of(read->certificates[0])->find("c"), std::string::npos);
  const auto first = signature_list(sha256_list, {sha256_bytes("a"), sha256_bytes("b")}).size();
  for (std::size_t size = 1; size < bytes.size(); ++size)
    EXPECT_EQ(parse_signature_lists(bytes.substr(0, size)).has_value(), size == first) << size;
  for (std::size_t size = 0; size < read->certificates[0].size(); size += 3)
    EXPECT_FALSE(subject_of(read->certificates[0].substr(0, size)));
}

class PeFiles : public testing::Test {
 protected:
  Fd file(const std::string& bytes) {
    put(scratch_.path() + "/program.efi", bytes);
    return scratch_.root().open_file("program.efi", O_RDONLY).value();
  }
  std::string digest(const std::string& bytes) {
    const auto opened = file(bytes);
    const auto layout = read_pe_layout(opened);
    if (!layout) return layout.error().what;
    return to_hex(authenticode_digest(opened, *layout).value());
  }
  ScratchDir scratch_;
};

TEST_F(PeFiles, RealLoadersAreRead) {
  for (const std::string path : {"/usr/lib/systemd/boot/efi/systemd-bootx64.efi",
                                 "/usr/lib/grub/x86_64-efi/monolithic/grubx64.efi"}) {
    const auto opened = RootDir::running_system()->open_file(path, O_RDONLY);
    ASSERT_TRUE(opened) << "packaging/dependencies installs it";
    const auto layout = read_pe_layout(*opened);
    ASSERT_TRUE(layout) << path << ": " << layout.error().what;
    EXPECT_EQ(read_pe_certificates(*opened, *layout).value(), "") << "Debian signs others";
    const auto sbat =
        parse_sbat(read_pe_section(*opened, *layout, ".sbat", max_sbat_bytes).value());
    ASSERT_TRUE(sbat) << path;
    EXPECT_EQ(sbat->front().name, "sbat");
    EXPECT_TRUE(
        too_old(*sbat, parse_sbat_level("sbat,1,2022\ngrub,1\nsystemd,1\n").value()).empty());
    EXPECT_EQ(too_old(*sbat, parse_sbat_level("grub,99\nsystemd,99\n").value()).size(), 1U);
    std::uint64_t covered = 0;
    for (const auto& range : layout->covered) covered += range.size;
    EXPECT_EQ(covered + 12, get(path).size()) << "all but the checksum and 8 bytes of a directory";
  }
}

TEST_F(PeFiles, TheDigestCoversAllButChecksumAndCertificates) {
  const auto plain = small_program("", "");
  const auto pe = number_at(plain, 0x3c, 4);
  const auto before = digest(plain);
  ASSERT_TRUE(is_sha256_hex(before)) << before;
  for (std::size_t at : {std::size_t{2}, pe + 24 + 60 + 12, plain.size() - 1}) {
    auto changed = plain;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_NE(digest(changed), before) << at;
  }
  auto changed = plain;
  changed[pe + 24 + 64] = 'x';
  EXPECT_EQ(digest(changed), before) << "the checksum";
  const auto with = signed_program(plain, "certificates");
  EXPECT_EQ(digest(with), before);
  const auto opened = file(with);
  EXPECT_EQ(read_pe_certificates(opened, read_pe_layout(opened).value()).value(), "certificates");
}

TEST_F(PeFiles, WhatLiesOutsideOfTheFileIsRefused) {
  const auto whole = small_program(grub_sbat, shim_levels("sbat,1,1\n", "sbat,1,2\n"));
  const auto opened = file(whole);
  const auto layout = read_pe_layout(opened);
  ASSERT_TRUE(layout) << layout.error().what;
  EXPECT_EQ(parse_sbat(read_pe_section(opened, *layout, ".sbat", 1000).value())->size(), 3U);
  EXPECT_FALSE(read_pe_section(opened, *layout, ".sbat", 10));
  const auto levels =
      parse_shim_levels(read_pe_section(opened, *layout, ".sbatlevel", 1000).value());
  ASSERT_TRUE(levels) << "a long name";
  EXPECT_EQ(levels->latest.date, "2");
  EXPECT_EQ(read_pe_section(opened, *layout, ".sbatlev", 1000).value(), "");
  const auto end_of_sections = layout->strings;
  for (std::size_t size = 0; size < end_of_sections; ++size)
    EXPECT_FALSE(pe_layout(std::string_view(whole).substr(0, size), size)) << size;
}

}  // namespace
}  // namespace cube::insight
