#include "base/json.h"

#include <gtest/gtest.h>

#include <limits>

namespace cube {
namespace {

std::string refusal(std::string_view text) {
  const auto parsed = Json::parse(text);
  if (parsed) return "accepted";
  EXPECT_EQ(parsed.error().code, Errc::corrupt);
  return parsed.error().what;
}

TEST(Json, ReadsEveryKindOfValue) {
  const auto json =
      Json::parse(R"( {"t":true,"n":null,"u":18446744073709551615,"s":"\u00e4\n","a":[1,{}]} )");
  ASSERT_TRUE(json) << json.error().what;
  EXPECT_TRUE(json->member("t")->boolean().value());
  EXPECT_EQ(json->unsigned_at("u").value(), std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(json->string_at("s").value(), "\xc3\xa4\n");
  EXPECT_EQ(json->member("a")->array()->size(), 2u);
  EXPECT_TRUE(json->has("n"));
  EXPECT_FALSE(json->has("other"));
}

TEST(Json, TypedAccessNamesTheMemberAndBothKinds) {
  const auto json = Json::parse(R"({"length":"5","size":-1})").value();
  EXPECT_EQ(json.unsigned_at("length").error().what,
            "\"length\": expected a number of 0 or more, found a string");
  EXPECT_EQ(json.unsigned_at("size").error().what,
            "\"size\": expected a number of 0 or more, found a negative number");
  EXPECT_EQ(json.string_at("none").error().what, "no member \"none\"");
  EXPECT_FALSE(json.array());
  EXPECT_FALSE(Json().object());
  EXPECT_FALSE(Json(5).boolean());
}

TEST(Json, DuplicateKeysAreRefusedHoweverTheyAreWritten) {
  EXPECT_EQ(refusal(R"({"name":1,"name":1})"), "byte 16: duplicate key \"name\"");
  EXPECT_NE(refusal(R"({"name":1,"\u006eame":2})"), "accepted");
  EXPECT_NE(refusal(R"([{"a":{"b":1,"b":2}}])"), "accepted");
  EXPECT_EQ(refusal(R"([{"a":1},{"a":1}])"), "accepted") << "two objects may share a key";
}

TEST(Json, NulIsRefusedEverywhere) {
  using namespace std::string_view_literals;
  for (const auto text :
       {"{}\0{}"sv, "{}\0"sv, "\0"sv, "\"a\0b\""sv, R"("a\u0000b")"sv, R"({"a\u0000b":1})"sv})
    EXPECT_NE(refusal(text), "accepted") << text;
}

TEST(Json, OnlyIntegersOfSixtyFourBits) {
  for (const auto* text : {"1.0", "1e2", "18446744073709551616", "-9223372036854775809", "NaN",
                           "Infinity", "01", "+1", "0x1", "1.", "-"})
    EXPECT_NE(refusal(text), "accepted") << text;
  EXPECT_EQ(refusal("-9223372036854775808"), "accepted");
  EXPECT_EQ(Json::parse("-0").value().line(), "0");
}

TEST(Json, BadTextIsRefused) {
  for (const auto* text : {"",
                           " ",
                           "{",
                           "}",
                           "[1,]",
                           "{\"a\":1,}",
                           "{a:1}",
                           "'a'",
                           "// c\n1",
                           "1 1",
                           "{}x",
                           "\"a",
                           "\"\x80\"",
                           "\"\xc0\x80\"",
                           "\"\xed\xa0\x80\"",
                           "\"\xf4\x90\x80\x80\"",
                           "\"\\ud800\"",
                           "\"\n\"",
                           "\xef\xbb\xbf{}",
                           "\"\\x\"",
                           "tru"})
    EXPECT_NE(refusal(text), "accepted") << text;
}

TEST(Json, DepthIsBoundedAndDoesNotUseTheStack) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(Json::parse(nested(8)));
  EXPECT_FALSE(Json::parse(nested(9)));
  const auto deep = Json::parse(std::string(4 << 20, '['), {8 << 20, 8});
  EXPECT_EQ(deep.error().what, "byte 9: nested deeper than 8 levels");
}

TEST(Json, SizeAndCountAreBounded) {
  EXPECT_TRUE(Json::parse("[1]", {3, 8}));
  EXPECT_FALSE(Json::parse("[1]", {2, 8}));
  std::string many = "[0";
  for (int i = 1; i < 100001; ++i) many += ",0";
  EXPECT_FALSE(Json::parse(many + "]", {1 << 20, 8}));
}

TEST(Json, EveryTruncationIsRefused) {
  const std::string whole = R"({"a":[1,-2,true,null,"\u00e4\"ü"],"b":{"c":"d"}})";
  ASSERT_TRUE(Json::parse(whole));
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_NE(refusal(whole.substr(0, length)), "accepted") << length;
}

TEST(Json, CanonicalFormSortsAndEscapesOnlyTwoCharacters) {
  const auto json = Json::parse(R"( { "b" : [ 1 , -1 ] , "a" : "q\"b\\n\n\u00e4" , "B":{} } )");
  EXPECT_EQ(json->canonical(), "{\"B\":{},\"a\":\"q\\\"b\\\\n\n\xc3\xa4\",\"b\":[1,-1]}");
  EXPECT_EQ(Json(std::int64_t{7}).canonical(), Json(std::uint64_t{7}).canonical());
}

TEST(Json, LineAndPrettyAreReadBackTheSame) {
  const Json json(Json::Object{{"text", "a\x01\n\x7f\"\\"},
                               {"list", Json::Array{1, false, Json()}},
                               {"none", Json::Array{}}});
  EXPECT_EQ(json.line(),
            R"({"list": [1, false, null], "none": [], "text": "a\u0001\n\u007f\"\\"})");
  EXPECT_EQ(Json::parse(json.line())->canonical(), json.canonical());
  EXPECT_EQ(Json::parse(json.pretty())->canonical(), json.canonical());
  EXPECT_EQ(Json(Json::Object{{"a", Json::Array{1}}}).pretty(), "{\n  \"a\": [\n    1\n  ]\n}\n");
}

}  // namespace
}  // namespace cube
