#include "owned.hpp"

namespace agw::iq {

namespace {

struct keeper {
  string_pool& strings;

  void operator()(std::string_view& text) { text = strings.keep(text); }
  void operator()(h248::item_name& name) {
    (*this)(name.package);
    (*this)(name.item);
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
