// What is said to etcd, byte for byte, and that nothing is believed that makes no sense.
#include "agent/fleet/etcd_messages.h"

#include <gtest/gtest.h>

#include "agent/fleet/etcd_members.h"
#include "base/base64.h"

namespace cube::fleet {
namespace {

TEST(Base64, ThereAndBackAndNothingElse) {
  // RFC 4648, 10.
  const std::vector<std::pair<std::string, std::string>> known = {{"", ""},
                                                                  {"f", "Zg=="},
                                                                  {"fo", "Zm8="},
                                                                  {"foo", "Zm9v"},
                                                                  {"foob", "Zm9vYg=="},
                                                                  {"fooba", "Zm9vYmE="},
                                                                  {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : known) {
    EXPECT_EQ(base64(bytes), text);
    EXPECT_EQ(from_base64(text).value(), bytes);
  }
  std::string every;
  for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
  EXPECT_EQ(from_base64(base64(every)).value(), every);
  for (const auto* wrong : {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==",
                            "Zm9v\n", " Zm9", "Zm-_", "=Zm9"})
    EXPECT_EQ(from_base64(wrong).error().code, Errc::corrupt) << wrong;
}

TEST(EtcdMessages, TheEndOfAPrefix) {
  EXPECT_EQ(end_of_prefix("gate/"), "gate0");
  EXPECT_EQ(end_of_prefix("a\xff\xff"), "b");
  EXPECT_EQ(end_of_prefix("\xff"), std::string(1, '\0'));
  EXPECT_EQ(end_of_prefix("a\x7f"), "a\x80");
}

TEST(EtcdMessages, ReadingsAreLinearizableAndLimited) {
  EXPECT_EQ(range_request("g/"), R"({"key":"Zy8=","limit":"4097","range_end":"ZzA="})");
}

TEST(EtcdMessages, ATransactionAsItIsSaid) {
  const Transaction transaction{
      {{Condition::Kind::untouched_since, "g/", 6}, {Condition::Kind::created_at, "g/a", 0}},
      {{Change::Kind::put, "g/a", "x"}, {Change::Kind::erase, "g/b", ""}},
      "g/"};
  EXPECT_EQ(
      transaction_request(transaction),
      R"({"compare":[{"key":"Zy8=","mod_revision":"7","range_end":"ZzA=","result":"LESS","target":"MOD"},)"
      R"({"create_revision":"0","key":"Zy9h","result":"EQUAL","target":"CREATE"}],)"
      R"("failure":[{"request_range":{"key":"Zy8=","limit":"4097","range_end":"ZzA="}}],)"
      R"("success":[{"request_put":{"key":"Zy9h","value":"eA=="}},)"
      R"({"request_delete_range":{"key":"Zy9i"}},)"
      R"({"request_range":{"key":"Zy8=","limit":"4097","range_end":"ZzA="}}]})");
}

const std::string header = R"("header":{"cluster_id":"18446744073709551615","revision":"9"})";
std::string kv(const std::string& key, const std::string& more = R"("mod_revision":"4")",
               const std::string& created = "3") {
  return R"({"key":")" + base64(key) + R"(","create_revision":")" + created + "\"," + more + "}";
}
std::string answer(const std::string& kvs, int count, const std::string& more = "") {
  return "{" + header + R"(,"kvs":[)" + kvs + R"(],"count":")" + std::to_string(count) + "\"" +
         more + "}";
}

TEST(EtcdMessages, AReading) {
  const auto reading =
      reading_in(answer(kv("g/a") + "," +
                            kv("g/b", R"("mod_revision":"9","value":"eA==","lease":"0","new":[1])"),
                        2),
                 "g/");
  ASSERT_TRUE(reading) << reading.error().what;
  EXPECT_EQ(reading->cluster, UINT64_MAX);
  EXPECT_EQ(reading->revision, 9);
  EXPECT_EQ(reading->entries, (std::vector<Entry>{{"g/a", "", 3, 4}, {"g/b", "x", 3, 9}}));
  EXPECT_TRUE(reading_in("{" + header + "}", "g/")->entries.empty());
}

TEST(EtcdMessages, WhatMakesNoSenseIsNotAReading) {
  std::string many, deep = R"({"a":)";
  for (std::size_t i = 0; i <= max_entries; ++i)
    many += (i == 0 ? "" : ",") + kv("g/" + std::to_string(100'000 + i));
  for (int i = 0; i < 100; ++i) deep += R"({"a":)";
  const std::vector<std::string> wrong = {
      "",
      "null",
      "[]",
      "\"text\"",
      "{}",
      "<html>",
      deep,
      "{" + header + ",",
      "{" + header + R"(,"kvs":{}})",
      "{" + header + R"(,"kvs":[7]})",
      R"({"header":{"cluster_id":"0","revision":"9"}})",
      R"({"header":{"cluster_id":"1","revision":"-9"}})",
      R"({"header":{"cluster_id":"1","revision":"0"}})",
      R"({"header":{"cluster_id":"1"}})",
      R"({"header":{"cluster_id":"1","revision":9}})",
      R"({"header":{"cluster_id":"1","revision":"9223372036854775807"}})",
      R"({"header":{"cluster_id":"1","revision":" 9"}})",
      R"({"header":{"cluster_id":"1","revision":"9x"}})",
      R"({"header":{"cluster_id":"18446744073709551616","revision":"9"}})",
      answer(kv("h/a"), 1),                                       // not asked for
      answer(kv("g"), 1),                                         // the same
      answer(kv("g/b") + "," + kv("g/a"), 2),                     // out of order
      answer(kv("g/a") + "," + kv("g/a"), 2),                     // twice
      answer(kv("g/a"), 2),                                       // another count
      answer(kv("g/a"), 1, R"(,"more":true)"),                    // there are more
      answer(kv("g/a"), 1, R"(,"more":"yes")"),                   //
      answer(many, static_cast<int>(max_entries + 1)),            // too many
      answer(kv("g/a", R"("mod_revision":"-4")"), 1),             // negative
      answer(kv("g/a", R"("mod_revision":"10")"), 1),             // later than all
      answer(kv("g/a", R"("mod_revision":"2")"), 1),              // before it was made
      answer(kv("g/a", R"("mod_revision":"4")", "0"), 1),         // never made
      answer(kv("g/a", R"("mod_revision":"4","value":"e")"), 1),  // no base64
      answer(kv("g/a", R"("mod_revision":"4","value":"eB==")"), 1),
      answer(kv("g/a", R"("mod_revision":"4","value":7)"), 1),
      answer(kv("g/a", R"("mod_revision":"4","value":")" +
                           base64(std::string(max_value_bytes + 1, 'x')) + "\""),
             1),
      answer(kv("g/" + std::string(max_key_bytes, 'x')), 1),
  };
  for (const auto& text : wrong) {
    const auto reading = reading_in(text, "g/");
    ASSERT_FALSE(reading) << text.substr(0, 200);
    EXPECT_EQ(reading.error().code, Errc::corrupt) << text.substr(0, 200);
  }
}

TEST(EtcdMessages, TooMuchInAllIsNotAReading) {
  std::string kvs;
  const std::string value =
      R"("mod_revision":"4","value":")" + base64(std::string(max_value_bytes, 'x')) + "\"";
  for (int i = 0; i < 16; ++i)
    kvs += (i == 0 ? "" : ",") + kv("g/" + std::to_string(10 + i), value);
  EXPECT_EQ(reading_in(answer(kvs, 16), "g/").error().code, Errc::corrupt);
}

TEST(EtcdMessages, AnOutcome) {
  const Transaction both{{}, {{Change::Kind::put, "g/a", "x"}}, "g/"};
  const std::string put = R"({"response_put":{"header":{"revision":"9"}}})";
  const std::string range = R"({"response_range":{"kvs":[)" + kv("g/a") + R"(],"count":"1"}})";
  const auto with = [](const std::string& rest) { return "{" + header + rest + "}"; };
  const auto done =
      outcome_in(with(R"(,"succeeded":true,"responses":[)" + put + "," + range + "]"), both);
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_TRUE(done->done);
  EXPECT_EQ(done->reading.entries.size(), 1U);
  EXPECT_EQ(done->reading.revision, 9);
  const auto refused = outcome_in(with(R"(,"responses":[)" + range + "]"), both);
  ASSERT_TRUE(refused);
  EXPECT_FALSE(refused->done);
  for (const auto& rest : {std::string(), R"(,"succeeded":true,"responses":[)" + range + "]",
                           R"(,"responses":[)" + put + "," + range + "]",
                           R"(,"succeeded":true,"responses":[)" + range + "," + put + "]",
                           R"(,"succeeded":1,"responses":[)" + put + "," + range + "]",
                           std::string(R"(,"responses":[{"response_range":7}])")})
    EXPECT_EQ(outcome_in(with(rest), both).error().code, Errc::corrupt) << rest;
}

TEST(EtcdMessages, Tokens) {
  EXPECT_EQ(token_in(R"({"header":{},"token":"a.b-C_9"})").value(), "a.b-C_9");
  for (const auto* wrong : {"{}", R"({"token":""})", R"({"token":7})", R"({"token":"a b"})",
                            R"({"token":"a\r\nX: y"})", R"({"token":"é"})"})
    EXPECT_EQ(token_in(wrong).error().code, Errc::corrupt) << wrong;
  EXPECT_FALSE(token_in(R"({"token":")" + std::string(4001, 'x') + "\"}"));
}

TEST(EtcdMessages, Refusals) {
  using Kind = EtcdRefusal::Kind;
  const auto kind = [](int status, int code, const std::string& why) {
    return refusal_in(status, R"({"message":")" + why + R"(","code":)" + std::to_string(code) + "}")
        .kind;
  };
  EXPECT_EQ(kind(429, 8, "etcdserver: mvcc: database space exceeded"), Kind::no_space);
  EXPECT_EQ(kind(429, 8, "etcdserver: too many requests"), Kind::overloaded);
  EXPECT_EQ(kind(401, 16, "etcdserver: invalid auth token"), Kind::not_logged_in);
  EXPECT_EQ(kind(400, 3, "etcdserver: revision of auth store is old"), Kind::not_logged_in);
  EXPECT_EQ(kind(403, 7, "etcdserver: permission denied"), Kind::not_allowed);
  EXPECT_EQ(kind(400, 3, "etcdserver: user name is empty"), Kind::not_allowed);
  EXPECT_EQ(kind(400, 3, "etcdserver: authentication failed, invalid user ID or password"),
            Kind::not_allowed);
  EXPECT_EQ(kind(400, 3, "etcdserver: request is too large"), Kind::not_possible);
  EXPECT_EQ(kind(503, 14, "etcdserver: request timed out"), Kind::no_answer);
  EXPECT_EQ(kind(503, 14, "etcdserver: no leader"), Kind::no_answer);
  EXPECT_EQ(kind(500, 2, "anything"), Kind::no_answer);
  EXPECT_EQ(refusal_in(502, "<html>Bad Gateway").kind, Kind::no_answer);
  EXPECT_EQ(refusal_in(404, "<html>Not Found").kind, Kind::no_etcd);
  EXPECT_EQ(refusal_in(301, "").kind, Kind::no_etcd);
  EXPECT_EQ(refusal_in(400, R"({"message":"\u001b[2J","code":3})").why, "unprintable");
  EXPECT_LE(refusal_in(400, R"({"message":")" + std::string(5000, 'x') + R"(","code":3})").why.size(),
            200U);
}

TEST(EtcdMessages, Reports) {
  const auto status = status_in(
      R"({"header":{"member_id":"7"},"version":"3.5.5","dbSize":"20480","leader":"7","errors":["NOSPACE"]})");
  ASSERT_TRUE(status) << status.error().what;
  EXPECT_EQ(status->errors, std::vector<std::string>{"NOSPACE"});
  EXPECT_TRUE(alarms_in("{}")->empty());
  EXPECT_EQ(alarms_in(R"({"alarms":[{"memberID":"7","alarm":"CORRUPT"}]})")->at(0).kind, "CORRUPT");
  EXPECT_TRUE(members_in(R"({"members":[{"ID":"7","isLearner":true}]})")->at(0).learner);
  for (const auto* wrong : {"[]", R"({"members":7})", R"({"members":[7]})",
                            R"({"members":[{"ID":7}]})", R"({"members":[{"name":"\u001b"}]})"})
    EXPECT_EQ(members_in(wrong).error().code, Errc::corrupt) << wrong;
  EXPECT_EQ(status_in("{}").error().code, Errc::corrupt);
}

}  // namespace
}  // namespace cube::fleet
