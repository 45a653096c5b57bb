// How many octets the parts of a reply take as text, without writing them: for bounds that are checked while a reply grows.
#pragma once

#include <cstddef>
#include <cstdint>

#include <agw/h248/message.hpp>

namespace agw::h248 {

/// Never more than the compact text of version 3 takes, and for what stands in replies little less. Costs one look at each element.
std::size_t octets_of(const descriptor& d) noexcept;
std::size_t octets_of(const command& answer) noexcept;
std::size_t octets_of(const context_properties& p) noexcept;
std::size_t octets_of(const transaction_reply& reply) noexcept;

/// Equal descriptors have equal digests.
std::uint64_t digest_of(const descriptor& d) noexcept;

}  // namespace agw::h248
