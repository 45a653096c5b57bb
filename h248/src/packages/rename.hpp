// Walks every package name of a message.
#pragma once

#include <agw/h248/message.hpp>

namespace agw::h248::packages {

// Called for each name, with the values that belong to it where there are some; may change both.
class name_visitor {
 public:
  virtual ~name_visitor() = default;
  virtual void item(item_name& name, value_set* values) = 0;
  // `item` as it was before item() was called for it.
  virtual void parameter_of(item_name item, parameter& p) = 0;
  virtual void package(std::string_view& name) = 0;
};

void visit(message& m, name_visitor& v);
void visit(transaction& t, name_visitor& v);

}  // namespace agw::h248::packages
