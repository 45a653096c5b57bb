#include <agw/h248/error_code.hpp>

#include <string>

#include <catch2/catch.hpp>

using namespace agw::h248;

TEST_CASE("every error code of the table ascends and can be looked up") {
  std::uint16_t last = 0;
  for (const auto& row : error_code_table()) {
    CHECK(row.code > last);
    last = row.code;
    CHECK_FALSE(row.text.empty());
    CHECK(row.text.find('"') == std::string_view::npos);
    CHECK(to_text(static_cast<error_code>(row.code)) == row.text);
  }
  CHECK(to_text(error_code::no_such_event) == "No such event in this package");
  CHECK(to_text(static_cast<error_code>(9999)).empty());
  CHECK(to_text(error_code::incorrect_interlinkage) == "Incorrect stream endpoint interlinkage");
  CHECK(to_text(static_cast<error_code>(489)) == "Invalid aggregation or deaggregation");
  // H.248.26's, whatever others answer with it.
  CHECK(to_text(static_cast<error_code>(459)) == "Invalid combination of metering detection events");
}

TEST_CASE("every reason starts with its code") {
  for (const auto& row : change_reason_table()) {
    CHECK(std::stoi(std::string(row.text)) == row.code);
    CHECK(to_text(static_cast<change_reason>(row.code)) == row.text);
  }
  CHECK(to_text(change_reason::cold_boot) == "901 Cold Boot");
}
