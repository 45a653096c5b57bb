#include "owned.hpp"

#include <algorithm>

#include "agw/h248/packages.hpp"

namespace agw::iq {

namespace {

constexpr h248::package_info unknown{};

struct keeper {
  string_pool& strings;

  void operator()(std::string_view& text) { text = strings.keep(text); }
  // Those of the packages that we know lie in the program: a call's Events descriptor has thirty of them.
  void operator()(h248::item_name& name) {
    const auto* package = h248::find_package(name.package);
    if (!package) package = &unknown;
    if (package->name == name.package) name.package = package->name;
    else (*this)(name.package);
    const auto item = std::ranges::find(package->items, name.item, &h248::item_info::name);
    if (item != package->items.end()) name.item = item->name;
    else (*this)(name.item);
  }
  void operator()(h248::list<h248::parameter>& parameters) {
    for (auto& p : parameters) {
      (*this)(p.name);
      for (auto& v : p.values.values) (*this)(v.text);
    }
  }
  void operator()(h248::signal_request& signal) {
    (*this)(signal.name);
    (*this)(signal.parameters);
  }
  void operator()(h248::signals_descriptor& signals) {
    for (auto& entry : signals.entries) {
      if (auto* one = std::get_if<h248::signal_request>(&entry)) (*this)(*one);
      if (auto* several = std::get_if<h248::signal_list>(&entry)) {
        for (auto& one : several->signals) (*this)(one);
      }
    }
  }
  void operator()(h248::embedded_descriptors& embedded) {
    if (embedded.signals) (*this)(*embedded.signals);
    if (embedded.events) (*this)(*embedded.events);
  }
  void operator()(h248::events_descriptor& events) {
    for (auto& event : events.events) {
      (*this)(event.name);
      (*this)(event.parameters);
      event.digit_map = nullptr;  // the profile has no digits
      if (event.embedded) (*this)(*event.embedded);
      if (event.behaviour) (*this)(event.behaviour->embedded);
    }
  }
};

}  // namespace

owned_events::owned_events(const h248::events_descriptor& from) : descriptor(from) { keeper{strings}(descriptor); }
owned_signals::owned_signals(const h248::signals_descriptor& from) : descriptor(from) { keeper{strings}(descriptor); }

}  // namespace agw::iq
