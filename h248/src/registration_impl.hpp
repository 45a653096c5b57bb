// What registration.cpp and registration_watch.cpp share.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include <agw/core/event.hpp>
#include <agw/h248/registration.hpp>
#include <agw/h248/registration_machine.hpp>

namespace agw::h248 {

list<action> only(action a);

struct registration::impl {
  impl(endpoint& e, registration_config c, std::uint64_t seed);

  // The answer to one attempt.
  struct answer {
    std::optional<error_code> error{};
    std::optional<peer_name> try_instead{};
    std::optional<peer_name> elsewhere{};  // a ServiceChangeAddress that has yet to be looked up
    bool accepted = false;
  };

  awaitable<void> attempt(registration_machine::attempt a);
  awaitable<std::optional<answer>> ask(registration_machine::attempt a, peer_address to);
  answer judge(const registration_machine::attempt& a, const incoming_reply& reply);
  void accept(const registration_machine::attempt& a, const peer_address& to, const incoming_reply& reply, std::uint8_t agreed);
  awaitable<void> move_to(peer_name name);
  awaitable<void> learn_names();
  awaitable<bool> tell(services_descriptor services, deadline by);
  services_descriptor draining_services() const;
  std::optional<error_code> admit(const incoming_request& request) const;
  void leave_current();
  bool from_controller(const incoming_request& request) const;
  bool may_hand_over_to(const peer_name& to) const;
  void keep_delay(const services_descriptor& services);
  awaitable<void> keep_orders();
  awaitable<void> watch_mgc();
  bool disowned(const incoming_reply& reply);
  awaitable<void> keep_registered();
  void on_peer(const peer_address& peer, peer_event what);
  void set(registration_state to, const peer_address& peer = {});
  void update_peers(const std::vector<peer_address>& also = {});

  endpoint& control;
  registration_config config;
  const transaction_config configured;  // what an MGC set on ROOT ends with its association
  resolver names;
  registration_machine machine;
  registration_state state = registration_state::idle;
  std::optional<peer_address> current;   // while registered
  peer_name asked_as;                     // the name behind `current`
  std::optional<peer_address> registrar;  // that took us: with a ServiceChangeAddress, another address of the same MGC
  mid_name controller;                   // what it calls itself
  std::optional<trusted_peer> previous;  // its replies and ours may still be under way
  std::vector<peer_address> named;  // those of the configuration that have a name, when they were last looked up
  clock::time_point names_until = no_deadline;  // when one of the names is to be looked up anew
  bool names_wanted = false;
  std::uint8_t version = 1;
  std::optional<deadline> draining;  // graceful() was called: until then, and no_deadline for no limit
  std::uint16_t draining_reason = 0;
  std::optional<std::pair<deadline, change_method>> ordered;  // a Graceful or Forced with a delay
  event order_came;
  std::vector<order_observer> order_observers;
  event watch_changed;
  bool retell = false;  // an MGC that took us while we drain does not know it yet
  event changed;
  std::vector<event*> waiters;
  std::vector<registration_observer> observers;
};

}  // namespace agw::h248
