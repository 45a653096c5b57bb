#include <agw/h248/arena.hpp>

#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace agw::h248;

TEST_CASE("an arena gives aligned memory beyond its first block") {
  arena memory;
  std::vector<std::string_view> kept;
  for (int i = 0; i < 2000; ++i) {
    memory.allocate(1, 1);
    auto* number = memory.make<std::uint64_t>(static_cast<std::uint64_t>(i));
    CHECK(reinterpret_cast<std::uintptr_t>(number) % alignof(std::uint64_t) == 0);
    kept.push_back(memory.keep("text " + std::to_string(i)));
  }
  for (int i = 0; i < 2000; ++i) CHECK(kept[static_cast<std::size_t>(i)] == "text " + std::to_string(i));
  CHECK(memory.used_bytes() > arena::first_block_bytes);
  const std::string large(200000, 'x');
  CHECK(memory.keep(large) == large);
  memory.release();
  CHECK(memory.used_bytes() == 0);
  CHECK(memory.keep("").empty());
}

TEST_CASE("a list mixes elements of an arena and of the heap") {
  arena memory;
  auto counted = std::make_shared<int>(0);
  {
    list<std::shared_ptr<int>> values;
    values.emplace_in(memory, counted);
    values.emplace_in(memory, counted);
    values.push_back(counted);
    values.emplace_in(memory, counted);  // behind a heap element: on the heap too
    CHECK(values.size() == 4);
    CHECK(counted.use_count() == 5);
    const list<std::shared_ptr<int>> copy = values;
    CHECK(copy == values);
    CHECK(counted.use_count() == 9);
    list<std::shared_ptr<int>> moved = std::move(values);
    CHECK(moved.size() == 4);
    CHECK(counted.use_count() == 9);
  }
  CHECK(counted.use_count() == 1);
}

TEST_CASE("references into a list stay valid while it grows") {
  list<std::string> values;
  std::string& first = values.push_back("first");
  for (int i = 0; i < 100; ++i) values.push_back(std::to_string(i));
  CHECK(&first == &values.front());
  CHECK(values[1] == "0");
  CHECK(values.back() == "99");
  values = {};
  CHECK(values.empty());
}

TEST_CASE("a box is an optional that can be recursive") {
  struct tree {
    int value = 0;
    box<tree> below{};
    bool operator==(const tree&) const = default;
  };
  arena memory;
  tree top{1, tree{2, {}}};
  tree copy = top;
  CHECK(copy == top);
  copy.below->value = 3;
  CHECK_FALSE(copy == top);
  top.below.emplace_in(memory, tree{4, tree{5, {}}});
  CHECK(top.below->below->value == 5);
  copy = std::move(top);
  CHECK(copy.below->value == 4);
  copy.below.reset();
  CHECK_FALSE(copy.below);
}
