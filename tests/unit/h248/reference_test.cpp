#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>
#include <string>

#include <agw/h248/packages.hpp>
#include <agw/h248/reference.hpp>

using namespace agw::h248;

TEST_CASE("h248/REFERENCE.md is what agw-h248 reference prints") {
  std::ifstream in(AGW_TEST_DATA "/../h248/REFERENCE.md", std::ios::binary);
  const std::string page((std::istreambuf_iterator<char>(in)), {});
  // To mend it: agw-h248 reference > h248/REFERENCE.md
  CHECK(page == reference_as_markdown());
}

TEST_CASE("the reference page holds every implemented package and item, and no other") {
  const std::string page = packages_as_markdown();
  for (const auto& p : package_table()) {
    CHECK((page.find("`" + std::string(p.name) + "` | 0x") != std::string::npos) == p.implemented);
    for (const auto& i : p.items) {
      const std::string full = "`" + std::string(p.name) + "/" + std::string(i.name) + "`";
      CHECK((page.find(full) != std::string::npos) == p.implemented);
    }
  }
}
