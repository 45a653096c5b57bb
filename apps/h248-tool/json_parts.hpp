// The parts of json.cpp: descriptors and what they are made of.
#pragma once

#include <cstddef>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <agw/h248/message.hpp>

namespace agw::h248_tool::parts {

namespace json = boost::json;

// 8-bit bytes that are not UTF-8 become U+00xx: JSON has no other way.
json::string text(std::string_view bytes);

json::value of(const h248::error_descriptor& e);
json::value of(const h248::property& p);
json::value of(h248::context_id id);
json::value of(const h248::mid& m);
json::value of(const h248::item_name& n);

// {"name": ..., ...}, the word of the descriptor and its contents.
json::object of(const h248::descriptor& d);

template <class T, class F>
json::array each(const h248::list<T>& all, F&& f) {
  json::array out;
  for (const auto& one : all) out.emplace_back(f(one));
  return out;
}
template <class T>
json::array each(const h248::list<T>& all) {
  return each(all, [](const T& one) { return json::value(of(one)); });
}

// The name of an enumerator from a table in its order.
template <class E, std::size_t N>
json::string word(E e, const char* const (&names)[N]) {
  const auto n = static_cast<std::size_t>(e);
  return json::string(n < N ? names[n] : "?");
}

}  // namespace agw::h248_tool::parts
