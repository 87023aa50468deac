// Findings: their order, what an error says of them, and their JSON there and back.
#include "insight/finding.h"

#include <gtest/gtest.h>

namespace cube::insight {
namespace {

Finding found(Grade grade, const std::string& object) {
  return {"root-driver", object, grade, object + " is missing", "compose it anew", ""};
}

TEST(Finding, TheWorstComeFirstAndElseAsTheyWere) {
  const auto sorted =
      in_order({found(Grade::good, "a"), found(Grade::refusal, "b"), found(Grade::unknown, "c"),
                found(Grade::refusal, "d"), found(Grade::warning, "e")});
  std::string order;
  for (const auto& finding : sorted) order += finding.object;
  EXPECT_EQ(order, "bdeca");
}

TEST(Finding, OnlyRefusalsThatNoWaiverLetsThroughRefuse) {
  Findings findings{found(Grade::good, "a"), found(Grade::unknown, "b"),
                    found(Grade::warning, "c")};
  EXPECT_FALSE(any_refuses(findings));
  EXPECT_EQ(refusal_text(findings), "");
  findings.push_back(found(Grade::refusal, "megaraid_sas"));
  EXPECT_EQ(findings.back().id(), "root-driver:megaraid_sas");
  EXPECT_TRUE(any_refuses(findings));
  EXPECT_EQ(refusal_text(findings), "megaraid_sas is missing; compose it anew");
  findings.push_back(found(Grade::refusal, "nvme"));
  EXPECT_EQ(refusal_text(findings), "megaraid_sas is missing (and 1 more); compose it anew");
  findings[3].waiver = findings[4].waiver = "w1";
  EXPECT_FALSE(any_refuses(findings));
}

TEST(Finding, HostileTextBecomesReadableAndManyAreBounded) {
  Findings findings(max_findings + 5, found(Grade::good, "x"));
  findings.push_back(found(Grade::refusal, "\x1b[2J\xff" + std::string(5000, 'y')));
  const auto sorted = in_order(findings);
  ASSERT_EQ(sorted.size(), max_findings);
  EXPECT_EQ(sorted[0].grade, Grade::refusal);
  EXPECT_EQ(sorted[0].object.find('\x1b'), std::string::npos);
  EXPECT_LE(sorted[0].what.size(), max_finding_bytes);
}

TEST(Finding, JsonThereAndBack) {
  Findings findings{found(Grade::refusal, "a:b"), found(Grade::good, "")};
  findings[0].waiver = "w1";
  findings[1].remedy.clear();
  const auto json = findings_json(findings);
  EXPECT_EQ(read_findings(json).value(), findings);
  for (const char* bad :
       {R"({})", R"([{"id":"x"}])", R"([{"id":"nocolon","grade":"good","what":"","remedy":null}])",
        R"([{"id":"a:b","grade":"fine","what":"","remedy":null,"waiver":null}])",
        R"([{"id":"a:b","grade":"good","what":1,"remedy":null,"waiver":null}])"})
    EXPECT_EQ(read_findings(Json::parse(bad).value()).error().code, Errc::corrupt) << bad;
}

}  // namespace
}  // namespace cube::insight
