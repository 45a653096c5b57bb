#include "options.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>

#include <unistd.h>

#include <catch2/catch.hpp>

using namespace agw;
using namespace agw::controller;
using Catch::Matchers::Contains;

namespace {

struct outcome {
  controller_options options;
  std::optional<early_exit> exit;
};

outcome with_file(const std::string& text) {
  const auto path = std::filesystem::temp_directory_path() / ("agw-controller-" + std::to_string(getpid()) + ".toml");
  std::ofstream(path) << text;
  const auto file = path.string();
  const char* argv[] = {"agw-controller", "--config", file.c_str()};
  outcome out;
  out.exit = parse(out.options, 3, argv);
  std::filesystem::remove(path);
  return out;
}

std::string error_of(const std::string& text) {
  const auto out = with_file(text);
  return out.exit ? out.exit->text : "";
}

}  // namespace

TEST_CASE("names of gateways are configured for all, and for one by its mId in whatever spelling") {
  const auto out = with_file(R"(
[gateway]
core_interface = "ims"
core_realm = "backbone"
group = 2
[gateways.big]
mid = "[192.0.2.1]:2944"
weight = 3
core_realm = "other"
[gateways.spare]
mid = "<MG.Example.org>"
weight = 0
)");
  REQUIRE_FALSE(out.exit);
  CHECK(out.options.gateways.all.core_interface == "ims");
  CHECK(out.options.gateways.all.core_realm == "backbone");
  CHECK(out.options.gateways.all.group == 2);
  REQUIRE(out.options.gateways.by_mid.size() == 2);
  const auto big = out.options.gateways.by_mid.find(h248::to_text(h248::mid(h248::mid_name::parse("[192.0.2.1]:2944").value())));
  REQUIRE(big != out.options.gateways.by_mid.end());
  CHECK(big->second.weight == 3);
  CHECK(big->second.core_realm == "other");
  CHECK(big->second.core_interface == "ims");  // of [gateway], where nothing else is said
  CHECK(out.options.gateways.by_mid.contains(h248::to_text(h248::mid(h248::mid_name::parse("<mg.example.org>").value()))));
}

TEST_CASE("gateways without an mId, with one that another has, or with names that are none, are refused") {
  CHECK_THAT(error_of("[gateways.a]\nweight = 1\n"), Contains("gateways.a.mid"));
  CHECK_THAT(error_of("[gateways.a]\nmid = \"mg1\"\n[gateways.b]\nmid = \"mg1\"\n"), Contains(".mid"));
  CHECK_THAT(error_of("[gateways.a]\nmid = \"not an mId\"\n"), Contains("gateways.a.mid"));
  CHECK_THAT(error_of("[gateway]\ncore_interface = \"a/b\"\n"), Contains("gateway.core_interface"));
  CHECK_THAT(error_of("[gateway]\ncore_realm = 5\n"), Contains("gateway.core_realm"));
  CHECK_THAT(error_of("[gateways.a]\nmid = \"mg1\"\nweight = -1\n"), Contains("gateways.a.weight"));
}
